"""Errors of the API as JSON: ``{"error": {"code": 429, "message": …, "status": …, "details": […]}}``."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

from google.protobuf.message import Message

#: ``{"error": {"code": …}}``
ErrorJson: TypeAlias = dict[str, dict[str, object]]

_TYPES = "type.googleapis.com/"


class HttpResponse(Protocol):
    """A response of httpx or requests."""

    @property
    def status_code(self) -> int: ...
    @property
    def text(self) -> str: ...


def read_json(code: object, tree: object) -> dict[str, object]:
    """Return the attributes of an error from a response of the API.

    Args:
        code: HTTP code; None for that in the JSON.
        tree: The JSON; a list of one error counts as the error.
    """
    if isinstance(tree, list) and len(tree) == 1:
        tree = tree[0]
    if not isinstance(tree, Mapping):
        return {"code": code, "status": None, "message": None, "details": tree}
    inner = tree.get("error")
    inner = inner if isinstance(inner, Mapping) else {}
    found = {name: tree.get(name, inner.get(name)) for name in ("code", "status", "message")}
    messages = _read_details(inner.get("details", tree.get("details")))
    return {**found, "code": code or found["code"], "details": tree, "messages": messages}


def _read_details(details: object) -> list[Message]:
    """Return the messages of details; those of unknown types are left out."""
    from google.protobuf import json_format

    from gemwire_proto.google.rpc import error_details_pb2

    messages: list[Message] = []
    for detail in details if isinstance(details, list) else ():
        name = str(detail.get("@type", "")) if isinstance(detail, Mapping) else ""
        kind = getattr(error_details_pb2, name.removeprefix(f"{_TYPES}google.rpc."), None)
        if kind is None or not name:
            continue
        fields = {key: value for key, value in detail.items() if key != "@type"}
        try:
            messages.append(json_format.ParseDict(fields, kind(), ignore_unknown_fields=True))
        except json_format.ParseError:
            continue
    return messages


def write_json(code: int, status: str, message: object, messages: Iterable[Message]) -> ErrorJson:
    """Return the JSON of an error."""
    error: dict[str, object] = {"code": code, "message": message, "status": status}
    if details := [_write_detail(detail) for detail in messages]:
        error["details"] = details
    return {"error": error}


def _write_detail(detail: Message) -> dict[str, object]:
    from google.protobuf import json_format

    from gemwire_proto.google.protobuf import any_pb2

    name = detail.DESCRIPTOR.full_name
    if isinstance(detail, any_pb2.Any):  # of a type that is not known
        return {"@type": detail.type_url, "value": base64.b64encode(detail.value).decode()}
    return {"@type": f"{_TYPES}{name}", **json_format.MessageToDict(detail)}


def parse_body(response: HttpResponse) -> object:
    """Return the JSON of a response; of another body, its text as the message."""
    reason = getattr(response, "reason_phrase", None) or getattr(response, "reason", "")
    return parse_text(response.text, reason)


def parse_text(text: str, reason: str | None) -> object:
    """Return the JSON in a text; of another text, an error with it as the message."""
    try:
        return json.loads(text)
    except ValueError:
        return {"message": text, "status": reason}
