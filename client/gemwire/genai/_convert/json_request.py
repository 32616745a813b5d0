"""HTTP requests with JSON, for clients that know nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from gemwire.genai._convert.response_schema import order_properties

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


def keep_property_order(body: bytes) -> bytes:
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
