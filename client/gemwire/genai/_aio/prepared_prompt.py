"""``client.prepare``: prompts that are converted and serialised once, and answered many times."""

from __future__ import annotations

from typing import Any

from gemwire._transport.serialized_message import with_serialized_request
from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.function_executor import check
from gemwire.genai._aio.prepared_generate import answered, streamed
from gemwire.genai._aio.response_stream import AsyncResponses
from gemwire.genai._convert import function_calls
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._types.call_configs import GenerateContentConfig
from gemwire.genai._types.responses import GenerateContentResponse
from gemwire_proto.v1beta import views
from gemwire_proto.v1beta.generative_service import COUNT_TOKENS


class AsyncPreparedPrompt:
    """A prompt whose bytes are there already: each call adds what is its own.

    It cannot be changed. Any number of tasks, threads and event loops may use it at once. It pickles where
    its client could be made again: without a key or credentials that were given in the program.

    Attributes:
        model: Name of the model.
        size: Bytes that the calls share.
    """

    def __init__(self, api: AsyncApi, prompt: Prompt) -> None:
        """See ``client.prepare``.

        Raises:
            UnsupportedFunctionError: A function is async, and the client is not.
            ValueError: The options of its calls are out of range.
            TypeError: The options of its calls are of a wrong type.
        """
        check(prompt.functions.values())
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
        self, contents: Any = None, config: GenerateContentConfig | Any | None = None
    ) -> GenerateContentResponse:
        """Generate content.

        Args:
            contents: What follows the prepared contents: a text, parts, contents, files, pictures or a list
                of them. It begins a content of its own. None where the prompt says all.
            config: `GenerateContentConfig`, or a dict of its fields: each that is set counts instead of the
                prepared one, in its whole; the others stay.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        prompt = self._prompt
        if config is None:
            return await answered(self._api, prompt.draft(contents), prompt.config, prompt.functions)
        made = prompt.but(GenerateContentConfig.of(config))
        functions = function_calls.functions_of(made)
        return await answered(self._api, prompt.draft(contents, made), made, functions)

    async def generate_stream(
        self, contents: Any = None, config: GenerateContentConfig | Any | None = None
    ) -> AsyncResponses:
        """Generate content, piece by piece.

        Args:
            contents: See `generate`.
            config: See `generate`.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed; also while one reads.
        """
        prompt = self._prompt
        if config is None:
            return await streamed(self._api, prompt.draft(contents), prompt.config, prompt.functions)
        made = prompt.but(GenerateContentConfig.of(config))
        functions = function_calls.functions_of(made)
        return await streamed(self._api, prompt.draft(contents, made), made, functions)

    async def count_tokens(self, contents: Any = None) -> views.CountTokensResponse:
        """Count the tokens of a whole request: instructions, tools and all contents.

        Args:
            contents: See `generate`.

        Raises:
            ValueError: They say nothing that can be sent.
            TypeError: They are of a wrong type.
            APIError: The call failed.
        """
        draft = self._prompt.draft(contents)
        method = with_serialized_request(COUNT_TOKENS)
        wire = method.request(draft.counting(), method.request.routes(model=draft.model))
        settings = self._api.settings(self._prompt.config.http_options)
        response = await self._api.generative._caller.unary(method, wire, (), **settings)
        return views.CountTokensResponse.of(response)
