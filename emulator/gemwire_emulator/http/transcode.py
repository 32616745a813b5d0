"""Requests from paths, queries and bodies, by the rules of ``google.api.http``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.http.query_parameters import add_query
from gemwire_emulator.http.router import Match
from gemwire_emulator.json_codec.descriptors import find_field, get_descriptor
from gemwire_emulator.json_codec.messages import create_json_error, parse_json, parse_message


def build_request(match: Match, query: Iterable[tuple[str, str]], body: bytes) -> Message:
    """Build a request from path, query and body.

    Args:
        match: The route of the path.
        query: The query parameters in order.
        body: JSON; may be empty.

    Raises:
        StatusError: One of them does not fit the request.
    """
    kind, binding = match.route.endpoint.request, match.route.binding
    descriptor = get_descriptor(kind)
    data = parse_json(body) if body.strip() else {}
    if not isinstance(data, dict):
        if binding.body:
            raise create_json_error('Unknown name "": Root element must be a message.')
        data = {}
    # Bodies of GET and DELETE mean nothing; Google's Node client sends `{}` with DELETE.
    fields: dict[str, object] = data if binding.body == "*" else {binding.body: data} if binding.body else {}
    add_query(descriptor, fields, query)
    request: Message = parse_message(kind, fields)
    for path, value in match.values.items():
        _assign(request, path, value)
    mask = descriptor.fields_by_name.get("update_mask")
    if binding.verb == "patch" and mask is not None and mask.message_type is not None:
        _default_update_mask(request, binding.body, data)
    return request


def _default_update_mask(request: Any, body: str, data: Iterable[str]) -> None:
    """Set a missing update mask to the fields of the body, as transcoding servers do."""
    if not request.HasField("update_mask"):
        part = get_descriptor(getattr(request, body))
        fields = (find_field(part, key) for key in data)
        request.update_mask.paths.extend(f.name for f in fields if f is not None and f.name != "name")


def _assign(request: Message, path: str, value: str) -> None:
    *parents, last = path.split(".")
    for name in parents:
        request = getattr(request, name)
    try:
        setattr(request, last, value)
    except (ValueError, UnicodeEncodeError):
        raise invalid_argument(path, f"{value!r} is not valid text") from None
