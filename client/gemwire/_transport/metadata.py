"""What goes beside a request: who calls, how it is routed, what the caller adds.

The pairs and their order are those of Google's generated clients:
x-goog-api-client, the caller's, x-goog-request-params, then the credentials'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from google.protobuf.message import Message

Pair = tuple[str, "str | bytes"]
API_CLIENT = "x-goog-api-client"
ROUTING = "x-goog-request-params"

_KEY = re.compile(r"[0-9a-z_.-]+\Z")
_VALUE = re.compile(r"[\x20-\x7e]*\Z")


def check(metadata: Any, argument: str = "metadata") -> tuple[Pair, ...]:
    """Refuse what grpc would refuse late, privately or by hanging.

    Args:
        metadata: Pairs of key and value.
        argument: What to call them in an error.

    Raises:
        TypeError: It is not a sequence of pairs of strings, or of string and bytes for a ``-bin`` key.
        ValueError: A key or value holds characters that no header can.
    """
    if isinstance(metadata, Mapping):
        raise ValueError(f"{argument}: expected pairs, got a dict; give list(d.items())")  # noqa: TRY004 - as Google's
    if isinstance(metadata, (str, bytes)) or not isinstance(metadata, Sequence):
        raise TypeError(f"{argument}: expected a sequence of pairs, got {type(metadata).__name__}")
    return tuple(_check_pair(pair, argument) for pair in metadata)


def _check_pair(pair: Any, argument: str) -> Pair:
    try:
        key, value = pair
    except (TypeError, ValueError):
        raise TypeError(f"{argument}: expected (key, value), got {type(pair).__name__}") from None
    if not isinstance(key, str):
        raise TypeError(f"{argument}: a key must be a string, got {type(key).__name__}")
    if not _KEY.match(key):
        raise ValueError(f"{argument}: {key!r} is no header name: lower-case letters, digits and _ . - only")
    if key.startswith("grpc-"):
        raise ValueError(f"{argument}: {key!r} is reserved for gRPC itself")
    if key.endswith("-bin"):
        if not isinstance(value, bytes):
            raise TypeError(f"{argument}: {key!r} takes bytes, got {type(value).__name__}")
    elif not isinstance(value, str):
        raise TypeError(
            f"{argument}: {key!r} takes a string, got {type(value).__name__}; only -bin keys take bytes"
        )
    elif not _VALUE.match(value):
        # The value is not shown: it may be a secret.
        raise ValueError(
            f"{argument}: the value of {key!r} holds a line break or a character outside ASCII; "
            "use a key that ends in -bin and bytes"
        )
    return key, value


def user_agent(client_info: Any) -> str:
    """What a `ClientInfo`, or google.api_core's, says of the client.

    Raises:
        TypeError: It is neither.
        ValueError: It holds characters that no header can.
    """
    if not hasattr(client_info, "to_user_agent"):
        raise TypeError(f"client_info: expected ClientInfo or None, got {type(client_info).__name__}")
    text: str = client_info.to_user_agent()
    check(((API_CLIENT, text),), "client_info")
    return text


def over_http(agent: str | None, engine: str) -> str | None:
    """What `user_agent` says, of a client that calls over HTTP.

    Args:
        agent: The tokens of a gRPC client; None for none.
        engine: Name and version of the HTTP client, ``name@version``.
    """
    if agent is None:
        return None
    tokens = [f"rest/{engine}" if token.startswith("grpc/") else token for token in agent.split()]
    return " ".join(tokens)


def routing_values(request: Message, fields: tuple[str, ...]) -> tuple[str, ...]:
    """The values of the request fields that a call is routed by."""
    return tuple(_value(request, path) for path in fields)


def _value(request: Any, path: str) -> str:
    for name in path.split("."):
        request = getattr(request, name)
    return str(request)


def routing_header(fields: tuple[str, ...], values: tuple[str, ...]) -> Pair:
    """``x-goog-request-params``: form-encoded, slashes left as they are."""
    text = "&".join(
        f"{quote_plus(name, safe='/')}={quote_plus(value, safe='/')}"
        for name, value in zip(fields, values, strict=True)
    )
    return ROUTING, text


def assemble(
    api_client: str | None, caller: tuple[Pair, ...], routing: Pair | None, credentials: tuple[Pair, ...]
) -> tuple[Pair, ...]:
    """All pairs of a call. A caller's own x-goog-api-client is merged into the one header, ours first."""
    mine = [value for key, value in caller if key == API_CLIENT]
    tokens = [token for text in (api_client, *mine) if text for token in str(text).split()]
    head: list[Pair] = [(API_CLIENT, " ".join(dict.fromkeys(tokens)))] if tokens else []
    rest = [pair for pair in caller if pair[0] != API_CLIENT]
    return (*head, *rest, *([routing] if routing else ()), *credentials)
