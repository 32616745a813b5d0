"""``client.prepare``: prompts that are converted and serialized once, and sent many times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.function_calling import generate_content, generate_content_stream
from gemwire.genai._aio.function_executor import check_functions
from gemwire.genai._aio.response_stream import AsyncResponseStream
from gemwire.genai._convert.function_calls import Functions, find_functions
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.generate_content import GenerateContentConfig, GenerateContentResponse
from gemwire_proto.v1beta import views

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import GenerateContentConfigOrDict


class AsyncPreparedPrompt:
    """A prompt that is converted and serialized; each call appends its own contents.

    A prompt is immutable, and any number of tasks, threads and event loops may share it. It can be pickled
    if its client got no key and no credentials in the program; the unpickled prompt has a client of its own.

    Attributes:
        model: Full name of the model.
        size: Bytes that the calls share.
    """

    def __init__(self, api: AsyncApi, prompt: Prompt) -> None:
        """Check what can be checked before a call; see ``client.prepare``."""
        check_functions(prompt.functions.values())
        api.settings(prompt.config.http_options)
        self._api = api
        self._prompt = prompt

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.model}, {self.size} bytes>"

    @property
    def model(self) -> str:
        return self._prompt.model

    @property
    def size(self) -> int:
        return self._prompt.size

    async def generate(
        self,
        contents: ContentListUnion | None = None,
        config: GenerateContentConfigOrDict | None = None,
    ) -> GenerateContentResponse:
        """Generate content from the prepared contents and further ones.

        Args:
            contents: Contents to append, as a content of their own: text, parts, contents, files, images or
                a list of them. None to send the prepared contents alone.
            config: Fields that replace those of the prepared config, each as a whole; fields that are not
                set keep their prepared value.

        Raises:
            ValueError: An argument is invalid, or there are no contents.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        return await generate_content(self._api, *self._build(contents, config))

    async def generate_stream(
        self,
        contents: ContentListUnion | None = None,
        config: GenerateContentConfigOrDict | None = None,
    ) -> AsyncResponseStream:
        """Generate content as a stream of responses.

        Args:
            contents: See `generate`.
            config: See `generate`.

        Raises:
            ValueError: An argument is invalid, or there are no contents.
            TypeError: An argument is of a wrong type.
            APIError: The call failed; reading the stream raises it as well.
        """
        return await generate_content_stream(self._api, *self._build(contents, config))

    async def count_tokens(self, contents: ContentListUnion | None = None) -> views.CountTokensResponse:
        """Count the tokens of the whole request: system instruction, tools and contents.

        Args:
            contents: See `generate`.

        Raises:
            ValueError: The contents are invalid, or there are none.
            TypeError: The contents are of a wrong type.
            APIError: The call failed.
        """
        call = self._api.backend.models.count_prepared(self._prompt.draft(contents))
        return await self._api.call(call, self._prompt.config.http_options)

    def _build(
        self,
        contents: ContentListUnion | None,
        config: GenerateContentConfigOrDict | None,
    ) -> tuple[RequestDraft, GenerateContentConfig, Functions]:
        prompt = self._prompt
        if config is None:
            return prompt.draft(contents), prompt.config, prompt.functions
        merged = prompt.merge_config(GenerateContentConfig.of(config))
        functions = find_functions(merged)
        return prompt.draft(contents, merged), merged, functions
