"""The base models of the emulator."""

from __future__ import annotations

import json

from gemwire_emulator.call import Call
from gemwire_emulator.errors import failed_precondition, method_not_supported, not_found
from gemwire_emulator.names import check_name
from gemwire_emulator.services.permissions import READER, require_role
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_TEXT = (
    "generateContent",
    "countTokens",
    "createCachedContent",
    "batchGenerateContent",
    "bidiGenerateContent",
)
_LIVE = ("bidiGenerateContent", "countTokens")
_MEDIA = ("generateContent", "countTokens", "batchGenerateContent")
_EMBEDDING = ("embedContent", "asyncBatchEmbedContent")
_NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "gemini-2.5-pro": ("Gemini 2.5 Pro", _TEXT),
    "gemini-2.5-flash": ("Gemini 2.5 Flash", _TEXT),
    "gemini-2.5-flash-lite": ("Gemini 2.5 Flash-Lite", _TEXT),
    "gemini-3.8-flash": ("Gemini 3.8 Flash", _TEXT),
    "gemini-3.5-flash": ("Gemini 3.5 Flash", _TEXT),
    "gemini-3.1-pro-preview": ("Gemini 3.1 Pro Preview", _TEXT),
    "gemini-3.1-flash-lite": ("Gemini 3.1 Flash-Lite", _TEXT),
    "gemini-3-pro-preview": ("Gemini 3 Pro Preview", _TEXT),
    "gemini-3-flash-preview": ("Gemini 3 Flash Preview", _TEXT),
    "gemini-2.5-flash-image": ("Gemini 2.5 Flash Image", _MEDIA),
    "gemini-2.5-flash-preview-tts": ("Gemini 2.5 Flash Preview TTS", _MEDIA),
    "gemini-2.5-computer-use-preview-10-2025": ("Gemini 2.5 Computer Use Preview 10-2025", _MEDIA),
    "gemini-2.0-flash": ("Gemini 2.0 Flash", _TEXT),
    "gemini-2.0-flash-exp": ("Gemini 2.0 Flash Experimental", _TEXT),
    "gemini-2.0-flash-001": ("Gemini 2.0 Flash 001", _TEXT),
    "gemini-2.0-flash-lite": ("Gemini 2.0 Flash-Lite", _TEXT),
    "gemini-1.5-pro": ("Gemini 1.5 Pro", _TEXT),
    "gemini-1.5-pro-002": ("Gemini 1.5 Pro 002", _TEXT),
    "gemini-1.5-flash": ("Gemini 1.5 Flash", _TEXT),
    "gemini-1.5-flash-002": ("Gemini 1.5 Flash 002", _TEXT),
    "gemini-1.5-flash-001": ("Gemini 1.5 Flash 001", (*_TEXT, "createTunedModel")),
    "gemini-1.5-flash-001-tuning": (
        "Gemini 1.5 Flash 001 Tuning",
        ("generateContent", "countTokens", "createTunedModel"),
    ),
    "gemini-1.0-pro-001": (
        "Gemini 1.0 Pro 001 (legacy)",
        ("generateContent", "countTokens", "createTunedModel"),
    ),
    "gemini-3.1-flash-live-preview": ("Gemini 3.1 Flash Live Preview", _LIVE),
    "gemini-2.0-flash-live-001": ("Gemini 2.0 Flash 001 Live", _LIVE),
    "gemini-live-2.5-flash-preview": ("Gemini 2.5 Flash Live Preview", _LIVE),
    "gemini-embedding-001": (
        "Gemini Embedding 001",
        ("embedContent", "asyncBatchEmbedContent", "countTextTokens"),
    ),
    "gemini-embedding-2": ("Gemini Embedding 2", _EMBEDDING),
    "gemini-embedding-2-preview": ("Gemini Embedding 2 Preview", _EMBEDDING),
    "text-embedding-004": ("Text Embedding 004", _EMBEDDING),
    "embedding-001": ("Embedding 001", _EMBEDDING),
    "aqa": ("Attributed Question Answering", ("generateAnswer",)),
    "text-bison-001": ("PaLM 2 (legacy)", ("generateText", "countTextTokens", "createTunedTextModel")),
    "chat-bison-001": ("PaLM 2 Chat (legacy)", ("generateMessage", "countMessageTokens")),
    "embedding-gecko-001": ("Embedding Gecko (legacy)", ("embedText", "countTextTokens")),
    "imagen-4.0-generate-001": ("Imagen 4", ("predict",)),
    "imagen-3.0-generate-002": ("Imagen 3.0", ("predict",)),
    "veo-3.1-generate-preview": ("Veo 3.1 Preview", ("predictLongRunning",)),
    "veo-3.0-generate-001": ("Veo 3", ("predictLongRunning",)),
    "veo-2.0-generate-001": ("Veo 2", ("predictLongRunning",)),
}
#: Models of Vertex AI alone.
_VERTEX_NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "text-embedding-005": ("Text Embedding 005", ("embedContent",)),
    "text-multilingual-embedding-002": ("Text Multilingual Embedding 002", ("embedContent",)),
    "imagen-3.0-capability-001": ("Imagen 3 for editing", ("predict",)),
    "imagen-4.0-upscale-preview": ("Imagen 4 for scaling up", ("predict",)),
}


def list_base_models(state: State, *, vertex: bool = False) -> list[v1beta.Model]:
    """Return all base models, in the order of the list; those of ``vertex`` AI alone as well."""
    names = _NAMES | _VERTEX_NAMES if vertex else _NAMES
    return [
        v1beta.Model(
            name=f"models/{name}",
            base_model_id=name,
            version="001",
            display_name=display,
            description=f"Emulated by the {state.engine.name} engine ({state.engine.version}).",
            input_token_limit=state.engine.input_token_limit,
            output_token_limit=65_536,
            supported_generation_methods=methods,
            temperature=1.0,
            max_temperature=2.0,
            top_p=0.95,
            top_k=64,
        )
        for name, (display, methods) in names.items()
    ]


def check_model(state: State, name: str, field: str, call: Call, method: str = "") -> None:
    """Check that a model exists, and supports a method.

    Args:
        state: State of the emulator.
        name: Name of the model.
        field: Path of the field, for errors.
        call: The call.
        method: Such as ``embedText``, of the model's supported_generation_methods; empty for any.

    Raises:
        StatusError: INVALID_ARGUMENT for a malformed name, NOT_FOUND for a model that is unknown or does
            not support the method, PERMISSION_DENIED for a tuned model that the caller may not read,
            FAILED_PRECONDITION for one that is not ready.
    """
    if name.startswith("models/publishers/"):
        raise not_found(name)
    check_name(name, "models/*|tunedModels/*", field)
    if name.startswith("tunedModels/"):
        row = state.store.get(call.tenant, name)
        if row is None:
            raise not_found(name)
        require_role(state, call, name, READER)
        current = row.message(v1beta.TunedModel).state
        if current != v1beta.TunedModel.State.ACTIVE:
            raise failed_precondition(name, f"is {v1beta.TunedModel.State.Name(current)}, not ACTIVE")
        return
    short = name.removeprefix("models/")
    known = _NAMES.get(short)
    if known is None and call.is_vertex:
        known = _VERTEX_NAMES.get(short)
    if known is None:
        raise not_found(name)
    if method and method not in known[1]:
        raise method_not_supported(name, method, known[1])


def get_methods(name: str) -> tuple[str, ...]:
    """Return the methods that a base model supports, such as ``createCachedContent``; none if unknown."""
    short = name.removeprefix("models/")
    _, methods = _NAMES.get(short) or _VERTEX_NAMES.get(short, ("", ()))
    return methods


def get_trained_answer(state: State, model: str, prompt: str, call: Call) -> str | None:
    """Return the output that a tuned model was trained on for exactly this input, None if there is none."""
    row = state.store.get(call.tenant, model) if model.startswith("tunedModels/") else None
    if row is None:
        return None
    answers: dict[str, str] = json.loads(row.extra).get("learned", {})
    return answers.get(prompt)
