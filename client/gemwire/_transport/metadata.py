"""Metadata of calls: user agent, routing, credentials and the caller's own pairs.

Pairs and order are those of Google's generated clients: x-goog-api-client, the caller's,
x-goog-request-params, then the credentials'.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar
from urllib.parse import quote_plus

from google.protobuf.message import Message

from gemwire_runtime.method import AnyMethod

Pair = tuple[str, "str | bytes"]
#: The metadata of a call, in the form that its transport takes.
CallMetadata = Iterable[Pair]
_Built = TypeVar("_Built")

API_CLIENT = "x-goog-api-client"
ROUTING = "x-goog-request-params"

#: Routing values with cached metadata; a back end uses a handful of models.
_MAX_CACHED = 256

_KEY = re.compile(r"[0-9a-z_.-]+\Z")
_VALUE = re.compile(r"[\x20-\x7e]*\Z")


def validate(metadata: object, argument: str = "metadata") -> tuple[Pair, ...]:
    """Return the caller's metadata, or raise for what grpc would reject late, obscurely or by hanging.

    Args:
        metadata: Pairs of key and value.
        argument: The argument's name, for errors.

    Raises:
        TypeError: It is not a sequence of pairs of strings, or of string and bytes for a ``-bin`` key.
        ValueError: A key or value contains characters that headers do not allow.
    """
    if isinstance(metadata, Mapping):
        raise ValueError(f"{argument}: expected pairs, got a dict; use list(d.items())")  # noqa: TRY004 - as Google's
    if isinstance(metadata, (str, bytes)) or not isinstance(metadata, Sequence):
        raise TypeError(f"{argument}: expected a sequence of pairs, got {type(metadata).__name__}")
    return tuple(_validate_pair(pair, argument) for pair in metadata)


def _validate_pair(pair: Sequence[object], argument: str) -> Pair:
    try:
        key, value = pair
    except (TypeError, ValueError):
        raise TypeError(f"{argument}: expected (key, value), got {type(pair).__name__}") from None
    if not isinstance(key, str):
        raise TypeError(f"{argument}: a key must be a string, got {type(key).__name__}")
    if not _KEY.match(key):
        raise ValueError(
            f"{argument}: {key!r} is not a valid header name; use lower-case letters, digits and _ . -"
        )
    if key.startswith("grpc-"):
        raise ValueError(f"{argument}: {key!r} is reserved for gRPC")
    if key.endswith("-bin"):
        if not isinstance(value, bytes):
            raise TypeError(f"{argument}: {key!r} requires bytes, got {type(value).__name__}")
    elif not isinstance(value, str):
        raise TypeError(
            f"{argument}: {key!r} requires a string, got {type(value).__name__}; only -bin keys take bytes"
        )
    elif not _VALUE.match(value):
        # The value is not shown: it may be a secret.
        raise ValueError(
            f"{argument}: the value of {key!r} contains a line break or a non-ASCII character; "
            "use a key that ends in -bin, and bytes"
        )
    return key, value


def build_user_agent(client_info: object) -> str:
    """Return the x-goog-api-client header of a `ClientInfo`, or of google.api_core's."""
    to_user_agent = getattr(client_info, "to_user_agent", None)
    if to_user_agent is None:
        raise TypeError(f"client_info: expected ClientInfo or None, got {type(client_info).__name__}")
    text: str = to_user_agent()
    validate(((API_CLIENT, text),), "client_info")
    return text


def routing_values(request: Message, fields: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of the request fields that a call is routed by."""
    return tuple(str(operator.attrgetter(path)(request)) for path in fields)


def routing_header(fields: tuple[str, ...], values: tuple[str, ...]) -> Pair:
    """Build ``x-goog-request-params``: form-encoded, except for slashes."""
    text = "&".join(
        f"{quote_plus(name, safe='/')}={quote_plus(value, safe='/')}"
        for name, value in zip(fields, values, strict=True)
    )
    return ROUTING, text


def assemble(
    api_client: str | None, caller: tuple[Pair, ...], routing: Pair | None, credentials: tuple[Pair, ...]
) -> tuple[Pair, ...]:
    """Build all pairs of a call. A caller's own x-goog-api-client is appended to ours, in one header."""
    own = [value for key, value in caller if key == API_CLIENT]
    tokens = [token for text in (api_client, *own) if text for token in str(text).split()]
    head: list[Pair] = [(API_CLIENT, " ".join(dict.fromkeys(tokens)))] if tokens else []
    rest = [pair for pair in caller if pair[0] != API_CLIENT]
    return (*head, *rest, *([routing] if routing else ()), *credentials)


class MetadataCache(Generic[_Built]):
    """Metadata of calls, built once per method and routing value while the credentials stay the same."""

    def __init__(self, api_client: str | None, build: Callable[[tuple[Pair, ...]], _Built]) -> None:
        """``build`` converts pairs to what the grpc flavour takes; ``api_client`` is the user agent."""
        self.api_client = api_client
        self._build = build
        self._credentials: tuple[Pair, ...] | None = None
        self._cached: dict[tuple[tuple[str, ...], tuple[str, ...]], _Built] = {}

    def get(
        self,
        method: AnyMethod,
        request: Message | None,
        caller: Sequence[Pair],
        credentials: tuple[Pair, ...],
    ) -> _Built:
        """Return all metadata of one call."""
        fields = method.routing
        if not fields or request is None:
            values: tuple[str, ...] = ()
        elif len(fields) == 1 and "." not in fields[0]:
            values = (getattr(request, fields[0]),)
        else:
            values = routing_values(request, fields)
        if caller:
            routing = routing_header(fields, values) if values else None
            return self._build(assemble(self.api_client, validate(caller), routing, credentials))
        if credentials is not self._credentials:
            self._cached, self._credentials = {}, credentials
        key = (fields, values)
        found = self._cached.get(key)
        if found is None:
            routing = routing_header(fields, values) if values else None
            found = self._build(assemble(self.api_client, (), routing, credentials))
            if len(self._cached) >= _MAX_CACHED:
                self._cached.clear()
            self._cached[key] = found
        return found
