# Derived from genai/_aio/prepared_prompt.py by scripts/unasync. DO NOT EDIT.
"""``client.prepare``: prompts that are converted and serialized once, and sent many times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._convert.function_calls import Functions, find_functions
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._convert.tools import find_sessions
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.function_calling import generate_content, generate_content_stream
from gemwire.genai._sync.function_executor import check_functions, expand_sessions
from gemwire.genai._sync.response_stream import ResponseStream
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.generate_content import (
    GenerateContentConfig,
    GenerateContentResponse,
    ToolListUnion,
)
from gemwire_proto.v1beta import views

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import GenerateContentConfigOrDict


class PreparedPrompt:
    """A prompt that is converted and serialized; each call appends its own contents.

    A prompt is immutable, and any number of tasks, threads and event loops may share it. It can be pickled
    if its client got no key and no credentials in the program; the unpickled prompt has a client of its own.

    MCP sessions in the tools are asked for their tools by the first call.

    Attributes:
        model: Full name of the model.
        size: Bytes that the calls share.
    """

    def __init__(self, api: Api, prompt: Prompt, tools: ToolListUnion | None = None) -> None:
        """Check what can be checked before a call; see ``client.prepare``.

        ``tools``: those of the prompt and MCP sessions, of which the prompt knows nothing yet.
        """
        sessions = find_sessions(tools)
        check_functions([*prompt.functions.values(), *(session.call_tool for session in sessions)])
        api.settings(prompt.config.http_options)
        self._api = api
        self._prompt = prompt
        self._unlisted = list(tools) if sessions and tools else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.model}, {self.size} bytes>"

    @property
    def model(self) -> str:
        return self._prompt.model

    @property
    def size(self) -> int:
        return self._prompt.size

    def generate(
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
        return generate_content(self._api, *self._build(contents, config))

    def generate_stream(
        self,
        contents: ContentListUnion | None = None,
        config: GenerateContentConfigOrDict | None = None,
    ) -> ResponseStream:
        """Generate content as a stream of responses.

        Args:
            contents: See `generate`.
            config: See `generate`.

        Raises:
            ValueError: An argument is invalid, or there are no contents.
            TypeError: An argument is of a wrong type.
            APIError: The call failed; reading the stream raises it as well.
        """
        return generate_content_stream(self._api, *self._build(contents, config))

    def count_tokens(self, contents: ContentListUnion | None = None) -> views.CountTokensResponse:
        """Count the tokens of the whole request: system instruction, tools and contents.

        Args:
            contents: See `generate`.

        Raises:
            ValueError: The contents are invalid, or there are none.
            TypeError: The contents are of a wrong type.
            APIError: The call failed.
        """
        prompt = self._complete()
        call = self._api.backend.models.count_prepared(prompt.draft(contents))
        return self._api.call(call, prompt.config.http_options)

    def _complete(self) -> Prompt:
        """Return the prompt with the tools of MCP sessions."""
        if self._unlisted is not None:
            config = self._prompt.config.model_copy(update={"tools": self._unlisted})
            config = expand_sessions(config)
            self._prompt = self._prompt.with_config(config, find_functions(config))
            self._unlisted = None
        return self._prompt

    def _build(
        self,
        contents: ContentListUnion | None,
        config: GenerateContentConfigOrDict | None,
    ) -> tuple[RequestDraft, GenerateContentConfig, Functions]:
        prompt = self._complete()
        if config is None:
            return prompt.draft(contents), prompt.config, prompt.functions
        merged = expand_sessions(prompt.merge_config(GenerateContentConfig.of(config)))
        functions = find_functions(merged)
        return prompt.draft(contents, merged), merged, functions
