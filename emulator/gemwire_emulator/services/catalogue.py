"""The base models that the emulator has."""

from __future__ import annotations

from typing import Any

from gemwire_emulator.dispatch import Call
from gemwire_emulator.failure import not_found
from gemwire_emulator.names import check
from gemwire_emulator.world import World
from gemwire_proto import v1beta

_TEXT = ("generateContent", "countTokens", "createCachedContent", "bidiGenerateContent")
_NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "gemini-2.5-pro": ("Gemini 2.5 Pro", _TEXT),
    "gemini-2.5-flash": ("Gemini 2.5 Flash", _TEXT),
    "gemini-2.0-flash": ("Gemini 2.0 Flash", _TEXT),
    "gemini-1.5-flash-001-tuning": ("Gemini 1.5 Flash 001 Tuning", ("generateContent", "countTokens", "createTunedModel")),
    "gemini-embedding-001": ("Gemini Embedding 001", ("embedContent", "countTextTokens")),
    "text-embedding-004": ("Text Embedding 004", ("embedContent",)),
    "embedding-001": ("Embedding 001", ("embedContent",)),
    "aqa": ("Attributed Question Answering", ("generateAnswer",)),
    "text-bison-001": ("PaLM 2 (legacy)", ("generateText", "countTextTokens", "createTunedTextModel")),
    "chat-bison-001": ("PaLM 2 Chat (legacy)", ("generateMessage", "countMessageTokens")),
    "embedding-gecko-001": ("Embedding Gecko (legacy)", ("embedText", "countTextTokens")),
    "imagen-3.0-generate-002": ("Imagen 3.0", ("predict",)),
    "veo-2.0-generate-001": ("Veo 2", ("predictLongRunning",)),
}


def base_models(world: World) -> list[Any]:
    """All of them, in the order in which they are listed."""
    return [
        v1beta.Model(
            name=f"models/{name}",
            base_model_id=name,
            version="001",
            display_name=display,
            description=f"Emulated by the {world.engine.name} engine ({world.engine.version}).",
            input_token_limit=world.engine.input_token_limit,
            output_token_limit=65_536,
            supported_generation_methods=methods,
            temperature=1.0,
            max_temperature=2.0,
            top_p=0.95,
            top_k=64,
        )
        for name, (display, methods) in _NAMES.items()
    ]


def known_model(world: World, name: str, field: str, call: Call) -> None:
    """Refuse a model that there is not.

    Raises:
        Failure: INVALID_ARGUMENT for a malformed name, NOT_FOUND for an unknown model.
    """
    check(name, "models/*|tunedModels/*", field)
    if name.startswith("tunedModels/"):
        if world.store.get(call.tenant, name) is None:
            raise not_found(name)
    elif name.removeprefix("models/") not in _NAMES:
        raise not_found(name)
