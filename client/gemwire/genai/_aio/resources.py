"""The resources of a client: models, chats, files and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._convert.function_calls import find_functions
from gemwire.genai._convert.tools import without_sessions
from gemwire.genai._lazy_resource import LazyResource
from gemwire.genai._types.content import ContentListUnion, ContentUnion
from gemwire.genai._types.generate_content import GenerateContentConfig, ToolListUnion

if TYPE_CHECKING:
    from gemwire.genai._aio.agents import AsyncAgents
    from gemwire.genai._aio.batches import AsyncBatches
    from gemwire.genai._aio.caches import AsyncCaches
    from gemwire.genai._aio.chats import AsyncChats
    from gemwire.genai._aio.credentials import AsyncCredentials
    from gemwire.genai._aio.decisions import AsyncDecisions
    from gemwire.genai._aio.environments import AsyncEnvironments
    from gemwire.genai._aio.file_search_stores import AsyncFileSearchStores
    from gemwire.genai._aio.files import AsyncFiles
    from gemwire.genai._aio.interactions import AsyncInteractions
    from gemwire.genai._aio.live import AsyncLive
    from gemwire.genai._aio.models import AsyncModels
    from gemwire.genai._aio.operations import AsyncOperations
    from gemwire.genai._aio.prepared_prompt import AsyncPreparedPrompt
    from gemwire.genai._aio.tokens import AsyncTokens
    from gemwire.genai._aio.triggers import AsyncTriggers
    from gemwire.genai._aio.tunings import AsyncTunings
    from gemwire.genai._aio.voices import AsyncVoices
    from gemwire.genai._aio.webhooks import AsyncWebhooks
    from gemwire.genai._types.dicts import GenerateContentConfigOrDict


class AsyncResources:
    """The resources of a client.

    Attributes:
        models: Models, and the content that they generate.
        chats: Conversations with a model.
        files: Files that requests refer to, and files that models generated.
        file_search_stores: Stores of files that models search, and their documents.
        caches: Cached content.
        tunings: Tuning jobs.
        batches: Batch jobs.
        live: Sessions that stream in both directions.
        auth_tokens: Tokens that open live sessions in place of an API key.
        operations: Long-running operations of the service.
        interactions: Turns with models and agents, whose state the service keeps.
        agents: Custom agents.
        credentials: Secrets that agents use and do not see.
        decisions: Answers to questions about an input, as numbers.
        environments: Environments where agents work.
        triggers: Interactions with agents that begin by a schedule.
        voices: Voices that speak.
        webhooks: Addresses that the service sends events to.
    """

    models: LazyResource[AsyncModels] = LazyResource("gemwire.genai._aio.models", "AsyncModels")
    chats: LazyResource[AsyncChats] = LazyResource("gemwire.genai._aio.chats", "AsyncChats")
    files: LazyResource[AsyncFiles] = LazyResource("gemwire.genai._aio.files", "AsyncFiles")
    file_search_stores: LazyResource[AsyncFileSearchStores] = LazyResource(
        "gemwire.genai._aio.file_search_stores", "AsyncFileSearchStores"
    )
    caches: LazyResource[AsyncCaches] = LazyResource("gemwire.genai._aio.caches", "AsyncCaches")
    tunings: LazyResource[AsyncTunings] = LazyResource("gemwire.genai._aio.tunings", "AsyncTunings")
    batches: LazyResource[AsyncBatches] = LazyResource("gemwire.genai._aio.batches", "AsyncBatches")
    live: LazyResource[AsyncLive] = LazyResource("gemwire.genai._aio.live", "AsyncLive")
    auth_tokens: LazyResource[AsyncTokens] = LazyResource("gemwire.genai._aio.tokens", "AsyncTokens")
    operations: LazyResource[AsyncOperations] = LazyResource(
        "gemwire.genai._aio.operations", "AsyncOperations"
    )
    interactions: LazyResource[AsyncInteractions] = LazyResource(
        "gemwire.genai._aio.interactions", "AsyncInteractions"
    )
    webhooks: LazyResource[AsyncWebhooks] = LazyResource("gemwire.genai._aio.webhooks", "AsyncWebhooks")
    voices: LazyResource[AsyncVoices] = LazyResource("gemwire.genai._aio.voices", "AsyncVoices")
    triggers: LazyResource[AsyncTriggers] = LazyResource("gemwire.genai._aio.triggers", "AsyncTriggers")
    environments: LazyResource[AsyncEnvironments] = LazyResource(
        "gemwire.genai._aio.environments", "AsyncEnvironments"
    )
    decisions: LazyResource[AsyncDecisions] = LazyResource("gemwire.genai._aio.decisions", "AsyncDecisions")
    credentials: LazyResource[AsyncCredentials] = LazyResource(
        "gemwire.genai._aio.credentials", "AsyncCredentials"
    )
    agents: LazyResource[AsyncAgents] = LazyResource("gemwire.genai._aio.agents", "AsyncAgents")

    def __init__(self, api: AsyncApi) -> None:
        self._api = api

    def prepare(
        self,
        *,
        model: str,
        contents: ContentListUnion | None = None,
        system_instruction: ContentUnion | None = None,
        tools: ToolListUnion | None = None,
        config: GenerateContentConfigOrDict | None = None,
    ) -> AsyncPreparedPrompt:
        """Convert and serialize a prompt that many requests begin with. Nothing is sent.

        Args:
            model: Name of the model, with or without ``models/``.
            contents: Contents that all requests begin with: text, parts, contents, files, images or a list of
                them. None for none.
            system_instruction: System instruction, instead of that in ``config``.
            tools: Functions and tools that the model may use, instead of those in ``config``.
            config: `GenerateContentConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument is invalid, or is set in ``config`` as well.
            TypeError: An argument is of a wrong type.
            UnsupportedFunctionError: A function is async and the client is not.
        """
        from gemwire.genai._aio.prepared_prompt import AsyncPreparedPrompt

        config = GenerateContentConfig.of(config)
        for name, value in (("system_instruction", system_instruction), ("tools", tools)):
            if value is not None:
                if getattr(config, name) is not None:
                    raise ValueError(f"{name}: is set in config as well; set it once")
                config = config.model_copy(update={name: value})
        known = config.model_copy(update={"tools": without_sessions(config.tools)})
        prompt = self._api.backend.models.to_prompt(model, contents, known, find_functions(known))
        return AsyncPreparedPrompt(self._api, prompt, config.tools)

    async def close(self) -> None:
        """End all calls and close all connections."""
        await self._api.close()
