# Derived from genai/_aio/resources.py by scripts/unasync. DO NOT EDIT.
"""What a client has: models, chats and the like, each under its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gemwire.genai._convert.function_calls import functions_of
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.batches import Batches
from gemwire.genai._sync.caches import Caches
from gemwire.genai._sync.chats import Chats
from gemwire.genai._sync.files import Files
from gemwire.genai._sync.live import Live
from gemwire.genai._sync.models import Models
from gemwire.genai._sync.operations import Operations
from gemwire.genai._sync.tunings import Tunings
from gemwire.genai._types.call_configs import GenerateContentConfig

if TYPE_CHECKING:
    from gemwire.genai._sync.prepared_prompt import PreparedPrompt


class Resources:
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

    def __init__(self, api: Api) -> None:
        """``api``: what they share."""
        self._api = api
        self.models = Models(api)
        self.chats = Chats(api)
        self.files = Files(api)
        self.caches = Caches(api)
        self.tunings = Tunings(api)
        self.batches = Batches(api)
        self.live = Live(api)
        self.operations = Operations(api)

    def prepare(
        self,
        *,
        model: str,
        contents: Any = None,
        system_instruction: Any = None,
        tools: Sequence[Any] | None = None,
        config: GenerateContentConfig | Any | None = None,
    ) -> PreparedPrompt:
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
        from gemwire.genai._sync.prepared_prompt import PreparedPrompt

        made = GenerateContentConfig.of(config)
        for name, value in (("system_instruction", system_instruction), ("tools", tools)):
            if value is not None:
                if getattr(made, name) is not None:
                    raise ValueError(f"{name}: is in config as well; give it once")
                made = made.model_copy(update={name: value})
        functions = functions_of(made)
        return PreparedPrompt(self._api, Prompt.of(model, contents, made, functions))

    def close(self) -> None:
        """End all calls and connections."""
        self._api.close()
