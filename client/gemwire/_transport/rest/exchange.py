"""Calls as HTTP requests and responses. Runs on an event loop for both flavours."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

import grpc
from google.protobuf.message import Message

from gemwire._secret import hide_header
from gemwire._transport.metadata import API_CLIENT, ROUTING
from gemwire._transport.rest.http_errors import BROKEN, HttpError, from_api_error, from_response
from gemwire._transport.rest.sse import EventParser
from gemwire._transport.rest.transcode import HttpRequest, from_json
from gemwire._transport.serialized_message import SerializedMessage

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Exchange, Session

_Message = TypeVar("_Message", bound=Message)

#: Bytes of an error that are read: pages of proxies can be long.
_MAX_ERROR_SIZE = 1 << 18
#: Header fields that HTTP reserves, and those that are set here.
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-server-timeout",
    }
)


def to_headers(metadata: Iterable[tuple[str, str | bytes]], timeout: float | None) -> Mapping[str, str]:
    """Return the header fields of a call.

    Args:
        metadata: All pairs of the call; values of equal keys are joined by commas.
        timeout: Seconds for the call, sent as ``x-server-timeout``.

    Raises:
        ValueError: HTTP cannot carry a pair.
    """
    headers = {"content-type": "application/json"}
    for key, value in metadata:
        if key.endswith("-bin") or isinstance(value, bytes):
            raise ValueError(
                f"metadata: {key!r} holds bytes, which HTTP does not carry; use the gRPC transport, "
                "or another key and text"
            )
        if key in _RESERVED:
            raise ValueError(f"metadata: {key!r} belongs to HTTP itself and cannot be set for a call")
        sent = _to_http_agent(value) if key == API_CLIENT else value
        # The routing header comes twice if the caller sets one too, the caller's first.
        joint = "&" if key == ROUTING else ", "
        headers[key] = hide_header(key, f"{headers[key]}{joint}{sent}") if key in headers else sent
    if timeout is not None:
        headers["x-server-timeout"] = str(math.ceil(timeout))
    return headers


@functools.cache
def _to_http_agent(agent: str) -> str:
    """Return ``x-goog-api-client`` with the HTTP client's version in place of gRPC's."""
    from gemwire._transport.rest.session import VERSION

    tokens = agent.split()
    return " ".join(f"rest/aiohttp@{VERSION}" if token.startswith("grpc/") else token for token in tokens)


async def open_exchange(
    session: Session, request: HttpRequest, headers: Mapping[str, str], timeout: float | None
) -> Exchange:
    """Send the request of a call, and return when the header of its response has arrived.

    Raises:
        HttpError: The response is an error, does not come from the API, or did not arrive.
    """
    exchange = await session.send(request.verb, request.target, headers, request.body, timeout)
    if exchange.status != 200:
        raise from_response(exchange.status, exchange.headers, await exchange.read_all(_MAX_ERROR_SIZE))
    return exchange


async def fetch(
    session: Session, request: HttpRequest, headers: Mapping[str, str], timeout: float | None
) -> bytes:
    """Make a call with one response, and return its JSON. Raises as `open_exchange`."""
    return await (await open_exchange(session, request, headers, timeout)).read_all()


def parse_message(kind: type[_Message], data: bytes | str) -> _Message:
    """Return the message of a response body or of an event.

    Raises:
        HttpError: It is an error of the API, or not such a message.
    """
    if issubclass(kind, SerializedMessage):
        return cast("_Message", parse_message(kind.message_type, data).SerializeToString())
    try:
        tree: object = json.loads(data) if data.strip() else {}
        error = tree.get("error") if isinstance(tree, dict) else None
        if isinstance(error, dict) and "error" not in kind.DESCRIPTOR.fields_by_name:
            raise from_api_error(error, ())
        return from_json(kind, tree)
    except (ValueError, RecursionError) as error:
        start = data[:80].decode("utf-8", "replace") if isinstance(data, bytes) else data[:80]
        text = f"the response cannot be read: {error} (it begins with {start!r})"
        raise HttpError(grpc.StatusCode.INTERNAL, text) from None


async def fetch_message(
    session: Session,
    request: HttpRequest,
    headers: Mapping[str, str],
    timeout: float | None,
    kind: type[_Message],
) -> _Message:
    """Make a call with one response, and return its message. Raises as `fetch` and `parse_message`."""
    return parse_message(kind, await fetch(session, request, headers, timeout))


class EventSource:
    """The events of a streamed response."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._parser = EventParser()
        self._ended = False
        self.headers = exchange.headers

    async def read(self) -> list[bytes]:
        """Return the next events, as JSON; none at the end.

        Raises:
            HttpError: The connection broke, or the response is not a stream of events.
        """
        if self._ended:
            return []
        if not self._exchange.header("content-type").startswith("text/event-stream"):
            return await self._read_array()
        while not self._ended:
            received = await self._exchange.read_some()
            if received:
                if events := self._parser.feed(received):
                    return events
                continue
            self._ended = True
            self._exchange.close()
            if (last := self._parser.end()) is not None:
                return [_check_complete(last)]
        return []

    async def _read_array(self) -> list[bytes]:
        """Read the JSON array that a server without events sends instead."""
        self._ended = True
        body = await self._exchange.read_all()
        try:
            tree = json.loads(body)
        except ValueError:
            return [body]
        return [json.dumps(item).encode() for item in (tree if isinstance(tree, list) else [tree])]

    def close(self) -> None:
        """End the response at once."""
        self._ended = True
        self._exchange.close()


def _check_complete(last: bytes) -> bytes:
    """Return the last event, which lacks its final empty line, if it is complete JSON."""
    try:
        json.loads(last)
    except ValueError:
        text = f"{BROKEN}the stream ended in the middle of an event"
        raise HttpError(grpc.StatusCode.UNAVAILABLE, text) from None
    return last


async def open_events(
    session: Session, request: HttpRequest, headers: Mapping[str, str], timeout: float | None
) -> EventSource:
    """Start a call whose response is a stream. Raises as `open_exchange`."""
    return EventSource(await open_exchange(session, request, headers, timeout))
