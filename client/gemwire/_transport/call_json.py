"""Calls as JSON that people can read: requests, responses, errors; and back.

Metadata is not written, so that keys and tokens are not. What looks like one in an address is replaced.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire._transport import status
from gemwire._transport.json_method import Json, JsonRequest
from gemwire._transport.rest.transcode import from_json
from gemwire._transport.serialized_message import SerializedMessage
from gemwire.errors import APIError
from gemwire_runtime import json_only_fields
from gemwire_runtime.pool import POOL

_SECRET = re.compile(
    r"([?&](?:key|access_token|token|signature|x-goog-signature|x-goog-credential)=)[^&\s\"']+", re.IGNORECASE
)


def tree(value: Any) -> Any:
    """A request or a response as JSON has it, without secrets.

    Args:
        value: A message, a `JsonRequest`, `Json`, bytes, or what JSON holds.
    """
    if isinstance(value, SerializedMessage):
        value = value.parse()
    if isinstance(value, Message):
        made: dict[str, Any] = json_format.MessageToDict(value, descriptor_pool=POOL)
        json_only_fields.merged(value, made)
        return _redacted(made)
    if isinstance(value, JsonRequest):
        body = None if value.body is None else json.loads(value.body)
        return _redacted({"verb": value.verb, "target": value.target, "body": body})
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _redacted(value)


def message(kind: Any, written: Any) -> Any:
    """A response that was written.

    Args:
        kind: Class of the message, `Json`, or bytes.
        written: What `tree` made of it.

    Raises:
        ValueError: It is no such message.
    """
    if kind is bytes:
        return base64.b64decode(written)
    return Json.of(written) if kind is Json else from_json(kind, written)


def error_tree(error: APIError) -> dict[str, Any]:
    """An error as JSON: a ``google.rpc.Status``, and the status by name."""
    from gemwire_proto.google.rpc import status_pb2

    packed = status_pb2.Status(code=error.grpc_code.value[0], message=error.message)
    for detail in error.details:
        if detail.DESCRIPTOR.full_name != "google.protobuf.Any":  # Nobody could read those.
            packed.details.add().Pack(detail)
    written: dict[str, Any] = json_format.MessageToDict(packed, descriptor_pool=POOL)
    return {"status": error.status, **_redacted(written)}


def error(written: dict[str, Any], method: str) -> APIError:
    """An error that was written.

    Args:
        written: What `error_tree` made of it.
        method: The RPC.

    Raises:
        ValueError: It is no error.
    """
    from gemwire_proto.google.rpc import error_details_pb2, status_pb2  # noqa: F401 - brings the types

    return status.error_from_status(from_json(status_pb2.Status, written), method)


def difference(recorded: Any, asked: Any, path: str = "") -> str:
    """Where two trees differ first, in words; empty where they do not."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for name in [*recorded, *(name for name in asked if name not in recorded)]:
            if found := difference(recorded.get(name), asked.get(name), f"{path}.{name}".lstrip(".")):
                return found
        return ""
    if isinstance(recorded, list) and isinstance(asked, list):
        for at in range(max(len(recorded), len(asked))):
            one, other = (items[at] if at < len(items) else None for items in (recorded, asked))
            if found := difference(one, other, f"{path}[{at}]"):
                return found
        return ""
    return "" if recorded == asked else f"{path}: recorded {_short(recorded)}, asked {_short(asked)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET.sub(r"\1REDACTED", value)
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, list) else value
