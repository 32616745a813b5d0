# Derived from genai/_aio/resources.py by scripts/unasync. DO NOT EDIT.
"""The resources of a client: models, chats, files and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._convert.function_calls import find_functions
from gemwire.genai._convert.tools import without_sessions
from gemwire.genai._lazy_resource import LazyResource
from gemwire.genai._sync.api import Api
from gemwire.genai._types.content import ContentListUnion, ContentUnion
from gemwire.genai._types.generate_content import GenerateContentConfig, ToolListUnion

if TYPE_CHECKING:
    from gemwire.genai._sync.agents import Agents
    from gemwire.genai._sync.batches import Batches
    from gemwire.genai._sync.caches import Caches
    from gemwire.genai._sync.chats import Chats
    from gemwire.genai._sync.credentials import Credentials
    from gemwire.genai._sync.decisions import Decisions
    from gemwire.genai._sync.environments import Environments
    from gemwire.genai._sync.file_search_stores import FileSearchStores
    from gemwire.genai._sync.files import Files
    from gemwire.genai._sync.interactions import Interactions
    from gemwire.genai._sync.live import Live
    from gemwire.genai._sync.models import Models
    from gemwire.genai._sync.operations import Operations
    from gemwire.genai._sync.prepared_prompt import PreparedPrompt
    from gemwire.genai._sync.tokens import Tokens
    from gemwire.genai._sync.triggers import Triggers
    from gemwire.genai._sync.tunings import Tunings
    from gemwire.genai._sync.voices import Voices
    from gemwire.genai._sync.webhooks import Webhooks
    from gemwire.genai._types.dicts import GenerateContentConfigOrDict


class Resources:
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

    models: LazyResource[Models] = LazyResource("gemwire.genai._sync.models", "Models")
    chats: LazyResource[Chats] = LazyResource("gemwire.genai._sync.chats", "Chats")
    files: LazyResource[Files] = LazyResource("gemwire.genai._sync.files", "Files")
    file_search_stores: LazyResource[FileSearchStores] = LazyResource(
        "gemwire.genai._sync.file_search_stores", "FileSearchStores"
    )
    caches: LazyResource[Caches] = LazyResource("gemwire.genai._sync.caches", "Caches")
    tunings: LazyResource[Tunings] = LazyResource("gemwire.genai._sync.tunings", "Tunings")
    batches: LazyResource[Batches] = LazyResource("gemwire.genai._sync.batches", "Batches")
    live: LazyResource[Live] = LazyResource("gemwire.genai._sync.live", "Live")
    auth_tokens: LazyResource[Tokens] = LazyResource("gemwire.genai._sync.tokens", "Tokens")
    operations: LazyResource[Operations] = LazyResource("gemwire.genai._sync.operations", "Operations")
    interactions: LazyResource[Interactions] = LazyResource(
        "gemwire.genai._sync.interactions", "Interactions"
    )
    webhooks: LazyResource[Webhooks] = LazyResource("gemwire.genai._sync.webhooks", "Webhooks")
    voices: LazyResource[Voices] = LazyResource("gemwire.genai._sync.voices", "Voices")
    triggers: LazyResource[Triggers] = LazyResource("gemwire.genai._sync.triggers", "Triggers")
    environments: LazyResource[Environments] = LazyResource(
        "gemwire.genai._sync.environments", "Environments"
    )
    decisions: LazyResource[Decisions] = LazyResource("gemwire.genai._sync.decisions", "Decisions")
    credentials: LazyResource[Credentials] = LazyResource("gemwire.genai._sync.credentials", "Credentials")
    agents: LazyResource[Agents] = LazyResource("gemwire.genai._sync.agents", "Agents")

    def __init__(self, api: Api) -> None:
        self._api = api

    def prepare(
        self,
        *,
        model: str,
        contents: ContentListUnion | None = None,
        system_instruction: ContentUnion | None = None,
        tools: ToolListUnion | None = None,
        config: GenerateContentConfigOrDict | None = None,
    ) -> PreparedPrompt:
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
        from gemwire.genai._sync.prepared_prompt import PreparedPrompt

        config = GenerateContentConfig.of(config)
        for name, value in (("system_instruction", system_instruction), ("tools", tools)):
            if value is not None:
                if getattr(config, name) is not None:
                    raise ValueError(f"{name}: is set in config as well; set it once")
                config = config.model_copy(update={name: value})
        known = config.model_copy(update={"tools": without_sessions(config.tools)})
        prompt = self._api.backend.models.to_prompt(model, contents, known, find_functions(known))
        return PreparedPrompt(self._api, prompt, config.tools)

    def close(self) -> None:
        """End all calls and close all connections."""
        self._api.close()
