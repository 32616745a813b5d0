"""The documented ranges of generation settings, and the room that a model has for a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gemwire_emulator.engines.base import Engine
from gemwire_emulator.engines.schemas import of_config
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services.schema_checks import check_schema

OUTPUT_LIMIT = 65_536
STOP_SEQUENCES = 5
CANDIDATES = 8

_GENERATION = (
    ("candidate_count", 1, CANDIDATES),
    ("max_output_tokens", 1, OUTPUT_LIMIT),
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("top_k", 1, 1000),
    ("presence_penalty", -2.0, 2.0),
    ("frequency_penalty", -2.0, 2.0),
    ("logprobs", 0, 20),
)
_LEGACY = (
    ("candidate_count", 1, CANDIDATES),
    ("max_output_tokens", 1, OUTPUT_LIMIT),
    ("temperature", 0.0, 1.0),
    ("top_p", 0.0, 1.0),
    ("top_k", 1, 1000),
)
_SCHEMAS = ("response_schema", "response_json_schema", "response_json_schema_ordered")
_MIME_TYPES = ("text/plain", "application/json", "text/x.enum")


def check_config(config: Any, path: str = "generation_config") -> None:
    """Refuse a GenerationConfig outside its ranges.

    Args:
        config: The settings.
        path: Where they are in the request.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field.
    """
    _check(config, _GENERATION, f"{path}.")
    _check_stops(config.stop_sequences, f"{path}.")
    mime = config.response_mime_type
    if mime and mime not in _MIME_TYPES:
        raise invalid_argument(
            f"{path}.response_mime_type", f"{quote(mime)} is none of {', '.join(_MIME_TYPES)}"
        )
    schemas = [name for name in _SCHEMAS if config.HasField(name)]
    if len(schemas) > 1:
        raise invalid_argument(f"{path}.{schemas[1]}", f"excludes {schemas[0]}; set one of them")
    if schemas and mime not in _MIME_TYPES[1:]:
        raise invalid_argument(
            f"{path}.{schemas[0]}", "needs response_mime_type application/json or text/x.enum"
        )
    if mime == "text/x.enum" and not schemas:
        raise invalid_argument(
            f"{path}.response_mime_type", "text/x.enum needs a response_schema with an enum"
        )
    if schemas:
        check_schema(of_config(config), f"{path}.{schemas[0]}")
    if config.thinking_config.thinking_budget < -1:
        raise invalid_argument(
            f"{path}.thinking_config.thinking_budget", "must be -1, for any, or at least 0"
        )
    if config.logprobs and not config.response_logprobs:
        raise invalid_argument(f"{path}.logprobs", "needs response_logprobs")


def check_legacy(request: Any) -> None:
    """Refuse settings of a PaLM request outside their ranges.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field.
    """
    known = request.DESCRIPTOR.fields_by_name
    _check(request, [one for one in _LEGACY if one[0] in known], "")
    if "stop_sequences" in known:
        _check_stops(request.stop_sequences, "")


def check_tokens(engine: Engine, texts: Sequence[str], field: str) -> int:
    """Refuse more text than the model takes.

    Args:
        engine: The model.
        texts: What it is to take.
        field: Where they are in the request.

    Returns:
        The tokens of the texts.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field and the limit.
    """
    tokens = engine.count_tokens(texts)
    if tokens > engine.input_token_limit:
        raise invalid_argument(field, f"has {tokens} tokens, the model takes {engine.input_token_limit}")
    return tokens


def _check(message: Any, ranges: Any, prefix: str) -> None:
    for name, low, high in ranges:
        value = getattr(message, name)
        if message.HasField(name) and not low <= value <= high:
            raise invalid_argument(f"{prefix}{name}", f"must be from {low} to {high}, got {value:g}")


def _check_stops(stops: Any, prefix: str) -> None:
    if len(stops) > STOP_SEQUENCES:
        raise invalid_argument(
            f"{prefix}stop_sequences", f"has {len(stops)} entries; at most {STOP_SEQUENCES} are allowed"
        )
    for i, stop in enumerate(stops):
        if not stop:
            raise invalid_argument(f"{prefix}stop_sequences[{i}]", "must not be empty")
