"""HTTP requests with JSON as calls of RPCs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from gemwire._transport.rest.routes import from_http
from gemwire.genai._convert.response_schema import order_properties
from gemwire_runtime.method import AnyMethod

#: All are served by v1beta, a superset of the others.
_VERSION = re.compile(r"^/v1(?:alpha|beta)?/")
#: Header fields that belong to the connection, or that the caller sets itself.
_RESERVED = frozenset(
    {
        *("accept", "accept-encoding", "authorization", "connection", "content-length", "content-type"),
        *("host", "user-agent", "x-goog-api-key", "x-server-timeout"),
    }
)
_ORDERED = frozenset({"responseJsonSchema", "_responseJsonSchema", "response_json_schema"})


@dataclass(frozen=True)
class JsonRequest:
    """An HTTP request.

    Attributes:
        verb: ``GET``, ``POST``…
        path: Path, percent-decoded.
        query: Parameters.
        headers: Header fields.
        body: JSON, or nothing.
        timeout: Seconds for the call; None for the client's.
    """

    verb: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Sequence[tuple[str, str]]
    body: bytes
    timeout: float | None

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The header fields that go with the call."""
        lower = ((name.lower(), value) for name, value in self.headers)
        return tuple((name, value) for name, value in lower if name not in _RESERVED)

    def find_call(self) -> tuple[AnyMethod, Message] | None:
        """Return the RPC and its request; None if no RPC carries all of it."""
        path = _VERSION.sub("/v1beta/", self.path)
        return from_http(self.verb, path, self.query, _keep_order(self.body))


def _keep_order(body: bytes) -> bytes:
    """Note the order of properties in a JSON schema of the response, which a Struct does not keep."""
    if b"esponseJsonSchema" not in body and b"response_json_schema" not in body:
        return body
    tree = json.loads(body)
    generation = tree.get("generationConfig") if isinstance(tree, dict) else None
    if not isinstance(generation, dict):
        return body
    ordered = {
        name: order_properties(value)
        for name, value in generation.items()
        if name in _ORDERED and isinstance(value, dict)
    }
    made = {**tree, "generationConfig": {**generation, **ordered}}
    return json.dumps(made).encode()
