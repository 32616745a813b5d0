"""The requests in the lines of an input."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire.bulk.lines import Line
from gemwire.genai._convert.resource_names import to_model_name
from gemwire_proto import v1beta
from gemwire_runtime.pool import POOL

_FORMS = 'a "request", a "prompt", or the "contents" of a request'


class InvalidLine(ValueError):
    """Error of a line that cannot be sent.

    Attributes:
        key: Key of the line, if it could be read.
    """

    def __init__(self, message: str, key: object = None) -> None:
        super().__init__(message)
        self.key = key


def decode_line(line: Line) -> str:
    """Return the text of a line."""
    try:
        return line.data.decode()
    except UnicodeDecodeError as error:
        raise InvalidLine(f"the line is not UTF-8: byte {error.start + 1}") from None


def load_json(line: Line) -> object:
    """Return the JSON value of a line."""
    try:
        value: object = _DECODER.decode(decode_line(line))
    except json.JSONDecodeError as error:
        raise InvalidLine(f"the line is not JSON: column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise InvalidLine("the line is not valid JSON: it is nested too deeply") from None
    except InvalidLine:
        raise
    except ValueError:  # Of int(), against numbers that take it too long.
        raise InvalidLine("the line has a whole number with too many digits") from None
    return value


def _refuse_constant(name: str) -> object:
    raise InvalidLine(f"the line is not JSON: {name} is not a number of JSON")


def _parse_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise InvalidLine(f"the line has a number that is too large: {digits[:20]}")
    return value


_DECODER = json.JSONDecoder(parse_float=_parse_float, parse_constant=_refuse_constant)


def line_key(line: Line) -> object:
    """Return the key of a line; None if it has none, or if it cannot be read."""
    try:
        value = load_json(line)
    except InvalidLine:
        return None
    return value.get("key") if isinstance(value, dict) else None


def parse_line(line: Line) -> tuple[object, v1beta.GenerateContentRequest]:
    """Return the key and the request of a line.

    Args:
        line: A JSON string; an object with a "prompt"; a GenerateContentRequest; or an object with one as its
            "request". Objects may have a "key".
    """
    value = load_json(line)
    if isinstance(value, str):
        return None, _prompt_request(value, None)
    if not isinstance(value, dict):
        raise InvalidLine(f"the line is neither a JSON string nor an object with {_FORMS}")
    key = value.pop("key", None)
    if "request" in value:
        request = value.pop("request")
        value.pop("metadata", None)  # Allowed in the API's batch format, and not sent.
        _check_empty(value, key)
        return key, _parse_request(request, key)
    if "prompt" in value:
        prompt = value.pop("prompt")
        _check_empty(value, key)
        return key, _prompt_request(prompt, key)
    if "contents" in value:
        return key, _parse_request(value, key)
    raise InvalidLine(f"the line has none of {_FORMS}", key)


def _check_empty(fields: Mapping[str, object], key: object) -> None:
    if fields:
        raise InvalidLine(f"the line has unknown fields: {', '.join(map(repr, fields))}", key)


def _prompt_request(prompt: object, key: object) -> v1beta.GenerateContentRequest:
    if not isinstance(prompt, str) or not prompt:
        raise InvalidLine("prompt: expected a non-empty string", key)
    try:
        return v1beta.GenerateContentRequest(contents=[{"role": "user", "parts": [{"text": prompt}]}])
    except (ValueError, TypeError) as error:
        raise InvalidLine(f"prompt: {error}", key) from None


def _parse_request(value: object, key: object) -> v1beta.GenerateContentRequest:
    if not isinstance(value, dict):
        raise InvalidLine(f"request: expected an object, got {json.dumps(value)[:40]}", key)
    try:
        request = _parse_message(value)
        if request.model:
            request.model = to_model_name(request.model)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidLine(f"request: {error}", key) from None
    if not request.contents:
        raise InvalidLine("request.contents: must not be empty", key)
    return request


def _parse_message(value: dict[str, object]) -> v1beta.GenerateContentRequest:
    """Parse a request whose fields are in camelCase or named as in the protos."""
    request = v1beta.GenerateContentRequest()
    try:
        json_format.ParseDict(value, request, descriptor_pool=POOL)
    except (json_format.Error, AttributeError, TypeError) as error:
        # An unknown field is the most likely mistake, and json_format does not name its path.
        _check_names(v1beta.GenerateContentRequest.DESCRIPTOR, value, "")
        raise ValueError(str(error)) from None
    return request


def _check_names(descriptor: Any, value: Mapping[str, object], path: str) -> None:
    """Raise ValueError for a field that does not exist, with its path."""
    fields = {name: field for field in descriptor.fields for name in (field.name, field.json_name)}
    for name, inner in value.items():
        field = fields.get(name)
        if field is None:
            raise ValueError(f"{path}{name}: {descriptor.name} has no such field")
        kind = field.message_type
        if kind is None or kind.full_name.startswith("google.protobuf.") or kind.name.endswith("Entry"):
            continue
        for index, part in enumerate(inner) if isinstance(inner, list) else [(None, inner)]:
            if isinstance(part, dict):
                _check_names(kind, part, f"{path}{name}{'' if index is None else f'[{index}]'}.")


def merge_requests(
    base: v1beta.GenerateContentRequest, request: v1beta.GenerateContentRequest
) -> v1beta.GenerateContentRequest:
    """Return a copy of a base with the fields of a request, which take precedence field by field."""
    merged = v1beta.GenerateContentRequest()
    merged.CopyFrom(base)
    _clear_fields(merged, request, keep="generation_config")
    _clear_fields(merged.generation_config, request.generation_config)
    merged.MergeFrom(request)
    return merged


def _clear_fields(message: Message, overrides: Message, keep: str = "") -> None:
    for field, _ in overrides.ListFields():
        if field.name != keep:
            message.ClearField(field.name)


def names_resources(request: v1beta.GenerateContentRequest) -> bool:
    """Return whether a request names files or caches, to which access may be denied separately."""
    return bool(request.cached_content) or any(
        part.HasField("file_data") for content in request.contents for part in content.parts
    )
