"""Jobs that generate: a request a line, and its response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from google.protobuf import json_format

from gemwire._transport.rest.transcode import from_json
from gemwire.bulk import client as clients
from gemwire.bulk.lines import Line
from gemwire.bulk.outcome import Outcome, answered, failed, refused
from gemwire.bulk.parse_line import BadLine, asked, borrows, over
from gemwire.bulk.rate import Rate
from gemwire.bulk.task import Answer
from gemwire.errors import APIError
from gemwire.genai._convert.requests import to_generate_content_request
from gemwire.genai._types.generate_content import GenerateContentConfig
from gemwire.options import Retry
from gemwire_proto import v1beta
from gemwire_runtime.pool import POOL


@dataclass(frozen=True)
class Generating:
    """Generates content for every line.

    Attributes:
        base: What all requests have in common, the model included: JSON.
        timeout: Seconds for a call with its retries.
        retry: When a call is repeated.
        client: Arguments of `gemwire.genai.Client`.
    """

    base: Mapping[str, Any]
    timeout: float
    retry: Retry
    client: Mapping[str, Any]
    lines_per_call: ClassVar[int] = 1

    @classmethod
    def of(
        cls, model: str, config: Any, timeout: float, retry: Retry, client: Mapping[str, Any]
    ) -> Generating:
        """A task from what a caller gave.

        Args:
            model: Name of the model.
            config: `GenerateContentConfig`, or a dict of its fields.
            timeout: Seconds for a call with its retries.
            retry: When a call is repeated.
            client: Arguments of `gemwire.genai.Client`.

        Raises:
            ValueError: A value is none that can be sent.
            TypeError: A value is of a wrong type.
        """
        # Without contents there is no request; these are taken out again.
        message = to_generate_content_request(model, "-", GenerateContentConfig.of(config))
        message.ClearField("contents")
        return cls(_json(message), timeout, retry, client)

    def identity(self) -> dict[str, Any]:
        """See `Task`."""
        rest = dict(self.base)
        return {"kind": "generate", "model": rest.pop("model"), "config": rest}

    def check(self) -> None:
        """See `Task`."""
        clients.check_model(self.client, self.base["model"])

    def failure(self, line: Line, error: APIError) -> Outcome:
        """See `Task`."""
        key, request = asked(line)
        return failed(line.number, key, error, borrows=borrows(request))

    @asynccontextmanager
    async def answering(self, rate: Rate) -> AsyncIterator[Answer]:
        """See `Task`."""
        base = from_json(v1beta.GenerateContentRequest, dict(self.base))
        gate = clients.Gate(rate)
        async with clients.api(self.client) as api:
            generate, settings = api.generative.generate_content, api.settings(None)
            settings = {**settings, "timeout": self.timeout, "retry": self.retry}

            async def answer(lines: list[Line]) -> list[Outcome]:
                [line] = lines
                try:
                    key, own = asked(line)
                except BadLine as error:
                    return [refused(line.number, error.key, str(error))]
                request = over(base, own)
                permit = await gate.enter(request)
                try:
                    response = await generate(request, **settings)
                except (ValueError, ImportError) as error:
                    # It has fields that only HTTP carries, and there is no HTTP.
                    return [refused(line.number, key, str(error))]
                permit(response)
                return [answered(line.number, key, _json(response), response.usage_metadata)]

            yield answer


def _json(message: Any) -> dict[str, Any]:
    tree: dict[str, Any] = json_format.MessageToDict(message, descriptor_pool=POOL)
    return tree
