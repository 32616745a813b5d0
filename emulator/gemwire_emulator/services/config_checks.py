"""Checks of generation settings against their documented ranges, and of prompts against token limits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import grpc
from google.protobuf.message import Message

from gemwire_emulator.engines.base import Engine
from gemwire_emulator.engines.json_schema import schema_from_config
from gemwire_emulator.errors import StatusError, invalid_argument, quote
from gemwire_emulator.services.schema_checks import check_schema
from gemwire_proto import v1beta

_SchemaField: TypeAlias = Literal["response_schema", "response_json_schema", "response_json_schema_ordered"]
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
_PALM = (
    ("candidate_count", 1, CANDIDATES),
    ("max_output_tokens", 1, OUTPUT_LIMIT),
    ("temperature", 0.0, 1.0),
    ("top_p", 0.0, 1.0),
    ("top_k", 1, 1000),
)
_SCHEMAS: tuple[_SchemaField, ...] = (
    "response_schema",
    "response_json_schema",
    "response_json_schema_ordered",
)
_WITHOUT_LOGPROBS = re.compile("models/gemini-2[.]5-")
#: Models that can search and call functions in one turn, if asked to.
_COMBINES_TOOLS = re.compile("models/gemini-([3-9]|[1-9][0-9])")
_MIME_TYPES = ("text/plain", "application/json", "text/x.enum")


def check_config(config: v1beta.GenerationConfig, path: str = "generation_config") -> None:
    """Check that a GenerationConfig is in its ranges.

    Args:
        config: The settings.
        path: Path of the settings, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    _check_ranges(config, _GENERATION, f"{path}.")
    _check_stop_sequences(config.stop_sequences, f"{path}.")
    mime = config.response_mime_type
    if mime and mime not in _MIME_TYPES:
        raise invalid_argument(
            f"{path}.response_mime_type", f"{quote(mime)} is not one of {', '.join(_MIME_TYPES)}"
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
        schema = schema_from_config(config)
        check_schema(schema, f"{path}.{schemas[0]}")
        if mime == "text/x.enum" and "enum" not in (schema or {}):
            raise invalid_argument(f"{path}.{schemas[0]}", "must be an enum of strings for text/x.enum")
    if config.thinking_config.thinking_budget < -1:
        raise invalid_argument(
            f"{path}.thinking_config.thinking_budget", "must be -1, for any, or at least 0"
        )
    if config.HasField("logprobs") and not config.response_logprobs:
        raise invalid_argument(f"{path}.logprobs", "is allowed only if response_logprobs is true")
    speech = config.speech_config
    if speech.HasField("voice_config") and speech.HasField("multi_speaker_voice_config"):
        raise invalid_argument(
            f"{path}.speech_config", "voice_config and multi_speaker_voice_config are mutually exclusive"
        )


def check_model_config(request: v1beta.GenerateContentRequest) -> None:
    """Check that a model of the Gemini API can do what a request asks for.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    if request.generation_config.response_logprobs and _WITHOUT_LOGPROBS.match(request.model):
        raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, f"Logprobs is not enabled for {request.model}")
    functions = any(tool.function_declarations for tool in request.tools)
    search = any(tool.HasField("google_search") for tool in request.tools)
    if functions and search and not request.tool_config.include_server_side_tool_invocations:
        raise invalid_argument(
            "tools",
            "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with "
            "Function calling."
            if _COMBINES_TOOLS.match(request.model)
            else "Built-in tools (google_search) and Function Calling cannot be combined in one request.",
        )


def check_palm_config(request: v1beta.GenerateTextRequest | v1beta.GenerateMessageRequest) -> None:
    """Check that the settings of a PaLM request are in their ranges.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    known = request.DESCRIPTOR.fields_by_name
    _check_ranges(request, [one for one in _PALM if one[0] in known], "")
    if isinstance(request, v1beta.GenerateTextRequest):
        _check_stop_sequences(request.stop_sequences, "")


def check_tokens(engine: Engine, texts: Sequence[str], field: str) -> int:
    """Check that texts fit the model, and return their tokens.

    Args:
        engine: The engine.
        texts: Texts of the prompt.
        field: Path of the texts, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    tokens = engine.count_tokens(texts)
    if tokens > engine.input_token_limit:
        raise invalid_argument(field, f"has {tokens} tokens, the model accepts {engine.input_token_limit}")
    return tokens


def _check_ranges(message: Message, ranges: Iterable[tuple[str, float, float]], prefix: str) -> None:
    for name, low, high in ranges:
        value = getattr(message, name)
        if message.HasField(name) and not low <= value <= high:
            raise invalid_argument(f"{prefix}{name}", f"must be from {low} to {high}, got {value:g}")


def _check_stop_sequences(stops: Sequence[str], prefix: str) -> None:
    if len(stops) > STOP_SEQUENCES:
        raise invalid_argument(
            f"{prefix}stop_sequences", f"has {len(stops)} entries; at most {STOP_SEQUENCES} are allowed"
        )
    for i, stop in enumerate(stops):
        if not stop:
            raise invalid_argument(f"{prefix}stop_sequences[{i}]", "must not be empty")
