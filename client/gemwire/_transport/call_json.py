"""Calls as readable JSON: requests, responses and errors, in both directions.

Metadata is not written, so that keys and tokens are not. Values that look like one in a URL are redacted.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from google.protobuf.message import Message

from gemwire._transport import status
from gemwire._transport.rest.transcode import from_json, to_dict
from gemwire._transport.serialized_message import SerializedMessage
from gemwire.errors import APIError
from gemwire_runtime.redaction import redact
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    JsonValue: TypeAlias = str | int | float | bool | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
else:
    JsonValue = object

_SECRET = re.compile(
    r"([?&](?:key|access_token|token|signature|x-goog-signature|x-goog-credential)=)[^&\s\"']+", re.IGNORECASE
)


def to_tree(value: object) -> JsonValue:
    """Convert a request or a response, which is a message, bytes or JSON, to JSON without secrets."""
    if isinstance(value, SerializedMessage):
        value = value.parse()
    if isinstance(value, Message):
        return _redact(cast("JsonValue", to_dict(redact(value))))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _redact(cast("JsonValue", value))


def from_tree(kind: type[Any], tree: JsonValue) -> Any:
    """Convert JSON of `to_tree` to a response: a message or bytes. Raises ValueError if it is none."""
    if kind is bytes:
        return base64.b64decode(cast("str", tree))
    return from_json(kind, tree)


def to_error_tree(error: APIError) -> dict[str, JsonValue]:
    """Convert an error to JSON: a ``google.rpc.Status``, and the name of the status."""
    from gemwire_proto.google.rpc import status_pb2

    packed = status_pb2.Status(code=StatusCode[type(error).status], message=error.message)
    for detail in error.messages:
        if detail.DESCRIPTOR.full_name != "google.protobuf.Any":  # Those are unreadable.
            packed.details.add().Pack(detail)
    return {"status": error.status, **cast("dict[str, JsonValue]", to_tree(packed))}


def from_error_tree(tree: Mapping[str, JsonValue], method: str) -> APIError:
    """Convert JSON of `to_error_tree` to an error of ``service/method``. Raises ValueError if it is none."""
    from gemwire_proto.google.rpc import error_details_pb2, status_pb2  # noqa: F401 - brings the types

    return status.error_from_status(from_json(status_pb2.Status, tree), method)


def find_difference(recorded: JsonValue, given: JsonValue, path: str = "") -> str:
    """Describe where two trees differ first; empty if they are equal."""
    if isinstance(recorded, dict) and isinstance(given, dict):
        for name in [*recorded, *(name for name in given if name not in recorded)]:
            below = f"{path}.{name}".lstrip(".")
            if found := find_difference(recorded.get(name), given.get(name), below):
                return found
        return ""
    if isinstance(recorded, list) and isinstance(given, list):
        for at in range(max(len(recorded), len(given))):
            one, other = (items[at] if at < len(items) else None for items in (recorded, given))
            if found := find_difference(one, other, f"{path}[{at}]"):
                return found
        return ""
    return "" if recorded == given else f"{path}: recorded {_shorten(recorded)}, given {_shorten(given)}"


def _shorten(value: JsonValue) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _redact(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return _SECRET.sub(r"\1REDACTED", value)
    if isinstance(value, dict):
        return {key: _redact(item) for key, item in value.items()}
    return [_redact(item) for item in value] if isinstance(value, list) else value
