"""Calls that no proto describes: JSON as it is in both directions, made and repeated as all others are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gemwire_runtime.method import HttpBinding, Kind, Method, RetryDefaults


@dataclass(frozen=True)
class JsonRequest:
    """What is sent in the place of a message.

    Attributes:
        verb: ``GET``, ``POST``…
        target: Path and query, percent-encoded.
        body: JSON; None where there is no body.
    """

    verb: str
    target: str
    body: bytes | None = None

    @classmethod
    def post(cls, target: str, tree: Any) -> JsonRequest:
        """A request that brings something.

        Args:
            target: Path.
            tree: What is written as JSON.
        """
        return cls("POST", target, json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode())

    def ByteSize(self) -> int:  # noqa: N802 - as messages have it
        """Bytes of the body."""
        return len(self.body or b"")


class Json(dict[str, Any]):
    """What arrives in the place of a message."""

    @classmethod
    def of(cls, tree: Any) -> Any:
        """An answer.

        Raises:
            ValueError: It is no object.
        """
        if not isinstance(tree, dict):
            raise ValueError(f"the JSON is no object but a {type(tree).__name__}")  # noqa: TRY004
        return cls(tree)

    def ByteSize(self) -> int:  # noqa: N802 - as messages have it
        """Bytes, when it is written down again."""
        return len(json.dumps(self, ensure_ascii=False).encode())


def method(service: str, name: str, snake: str, timeout: float, retry: RetryDefaults | None) -> Any:
    """A method for the callers: unary, from a `JsonRequest` to `Json`. Arguments as `Method` has them."""
    request: Any = JsonRequest
    response: Any = Json
    # The request has its own path; that there is one is all that the binding says.
    http = (HttpBinding("post", "/"),)
    return Method(
        service,
        name,
        snake,
        Kind.UNARY,
        request,
        response,
        http=http,
        timeout=timeout,
        retry=retry,
        http_only=True,
    )
