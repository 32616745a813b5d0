"""What a client has: models, chats and the like, each under its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.batches import AsyncBatches
from gemwire.genai._aio.caches import AsyncCaches
from gemwire.genai._aio.chats import AsyncChats
from gemwire.genai._aio.files import AsyncFiles
from gemwire.genai._aio.live import AsyncLive
from gemwire.genai._aio.models import AsyncModels
from gemwire.genai._aio.operations import AsyncOperations
from gemwire.genai._aio.tunings import AsyncTunings
from gemwire.genai._convert.function_calls import functions_of
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._types.call_configs import GenerateContentConfig

if TYPE_CHECKING:
    from gemwire.genai._aio.prepared_prompt import AsyncPreparedPrompt


class AsyncResources:
    """The resources of one client.

    Attributes:
        models: Models, and what they generate.
        chats: Conversations that remember what was said.
        files: Files for requests, and files that models made.
        caches: Content that many requests share.
        tunings: Models trained on examples.
        batches: Many requests, answered in the background.
        live: Conversations in both directions at once.
        operations: Work that goes on at the server.
    """

    def __init__(self, api: AsyncApi) -> None:
        """``api``: what they share."""
        self._api = api
        self.models = AsyncModels(api)
        self.chats = AsyncChats(api)
        self.files = AsyncFiles(api)
        self.caches = AsyncCaches(api)
        self.tunings = AsyncTunings(api)
        self.batches = AsyncBatches(api)
        self.live = AsyncLive(api)
        self.operations = AsyncOperations(api)

    def prepare(
        self,
        *,
        model: str,
        contents: Any = None,
        system_instruction: Any = None,
        tools: Sequence[Any] | None = None,
        config: GenerateContentConfig | Any | None = None,
    ) -> AsyncPreparedPrompt:
        """Prepare what many requests begin with: it is converted and serialised once. Nothing is sent.

        Args:
            model: Name of the model, with or without ``models/``.
            contents: What all requests begin with: a text, parts, contents, files, pictures or a list of
                them; None for nothing.
            system_instruction: What the model is told beside the contents.
            tools: Functions and tools that the model may use.
            config: `GenerateContentConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument says nothing that can be sent, or is in ``config`` as well.
            TypeError: An argument is of a wrong type.
            UnsupportedFunctionError: A function is async, and the client is not.
        """
        from gemwire.genai._aio.prepared_prompt import AsyncPreparedPrompt

        made = GenerateContentConfig.of(config)
        for name, value in (("system_instruction", system_instruction), ("tools", tools)):
            if value is not None:
                if getattr(made, name) is not None:
                    raise ValueError(f"{name}: is in config as well; give it once")
                made = made.model_copy(update={name: value})
        functions = functions_of(made)
        return AsyncPreparedPrompt(self._api, Prompt.of(model, contents, made, functions))

    async def close(self) -> None:
        """End all calls and connections."""
        await self._api.close()
