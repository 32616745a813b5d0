"""The task that generates content for each line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire.bulk.line_result import LineResult, failed_result, invalid_result, response_result
from gemwire.bulk.lines import Line
from gemwire.bulk.parse_line import InvalidLine, merge_requests, names_resources, parse_line
from gemwire.bulk.rate_limit import RateGate, RateLimit
from gemwire.bulk.task import LineHandler
from gemwire.errors import APIError
from gemwire.genai._convert.requests import to_generate_content_request
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._types.generate_content import GenerateContentConfig
from gemwire.options import Retry
from gemwire_proto import v1beta
from gemwire_runtime.pool import POOL


@dataclass(frozen=True)
class GenerateTask:
    """Generates content for each line.

    Attributes:
        base: Fields that all requests share, including the model, as JSON.
        timeout: Seconds for a call with its retries.
        retry: When a call is retried.
        client: Arguments of `gemwire.genai.Client`.
    """

    base: Mapping[str, Any]
    timeout: float
    retry: Retry
    client: Mapping[str, Any]

    @classmethod
    def from_config(
        cls,
        model: str,
        config: GenerateContentConfig | Mapping[str, Any] | None,
        timeout: float,
        retry: Retry,
        client: Mapping[str, Any],
    ) -> GenerateTask:
        """Create a task for a model and a config; the other arguments are the attributes."""
        # A request needs contents; they are removed again.
        message = to_generate_content_request(to_model_name(model), "-", GenerateContentConfig.of(config))
        message.ClearField("contents")
        return cls(_to_json(message), timeout, retry, client)

    def manifest(self) -> dict[str, object]:
        """See `Task`."""
        config = {name: value for name, value in self.base.items() if name != "model"}
        return {"kind": "generate", "model": self.model, "config": config}

    @property
    def lines_per_call(self) -> int:
        """See `Task`."""
        return 1

    @property
    def model(self) -> str:
        """See `Task`."""
        return str(self.base["model"])

    def failed_result(self, line: Line, error: APIError) -> LineResult:
        """See `Task`."""
        key, request = parse_line(line)
        return failed_result(line.number, key, error, names_resources=names_resources(request))

    @asynccontextmanager
    async def open(self, rate: RateLimit) -> AsyncIterator[LineHandler]:
        """See `Task`."""
        from gemwire.genai.client import Client

        base = v1beta.GenerateContentRequest()
        json_format.ParseDict(dict(self.base), base, descriptor_pool=POOL)
        gate = RateGate(rate)
        async with Client(**self.client).aio as client:
            service, settings = client.generative_service()
            settings = {**settings, "timeout": self.timeout, "retry": self.retry}

            async def generate(lines: list[Line]) -> list[LineResult]:
                [line] = lines
                try:
                    key, request = parse_line(line)
                except InvalidLine as error:
                    return [invalid_result(line.number, error.key, str(error))]
                request = merge_requests(base, request)
                settle = await gate.enter(request)
                try:
                    response = await service.generate_content(request, **settings)
                except (ValueError, ImportError) as error:
                    # The request has fields that only HTTP carries, and HTTP is not available.
                    return [invalid_result(line.number, key, str(error))]
                settle(response)
                return [response_result(line.number, key, _to_json(response), response.usage_metadata)]

            yield generate


def _to_json(message: Message) -> dict[str, Any]:
    tree: dict[str, Any] = json_format.MessageToDict(message, descriptor_pool=POOL)
    return tree
