"""A call as an exchange over HTTP. Runs on an event loop for either flavour."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf.message import Message

from gemwire._transport.json_method import Json
from gemwire._transport.metadata import ROUTING
from gemwire._transport.rest.http_errors import BROKEN, HttpError, of_answer, of_error
from gemwire._transport.rest.sse import EventParser
from gemwire._transport.rest.transcode import HttpRequest, from_json
from gemwire._transport.serialized_message import SerializedMessage

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Exchange, Session

_Message = TypeVar("_Message", bound=Message)

#: Bytes of an error that are read; pages of proxies can be long.
_LONGEST_ERROR = 1 << 18
#: What HTTP keeps for itself, and what is decided here.
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


def headers_of(metadata: Iterable[tuple[str, str | bytes]], timeout: float | None) -> Mapping[str, str]:
    """The header fields of a call.

    Args:
        metadata: All its pairs; of several with one key the values are joined by commas.
        timeout: Seconds for the call; the server is told.

    Raises:
        ValueError: A pair is none that HTTP can carry.
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
        # The routing header comes twice where the caller gives one too, the caller's first.
        joint = "&" if key == ROUTING else ", "
        headers[key] = f"{headers[key]}{joint}{value}" if key in headers else value
    if timeout is not None:
        headers["x-server-timeout"] = str(math.ceil(timeout))
    return headers


async def answered(
    session: Session, request: HttpRequest, headers: Mapping[str, str], timeout: float | None
) -> Exchange:
    """Begin a call; returns when the API has begun to answer.

    Raises:
        HttpError: It answered with an error, or something else did, or nothing.
    """
    exchange = await session.send(request.verb, request.target, headers, request.body, timeout)
    if exchange.status != 200:
        raise of_answer(exchange.status, exchange.headers, await exchange.rest(_LONGEST_ERROR))
    return exchange


async def whole(
    session: Session, request: HttpRequest, headers: Mapping[str, str], timeout: float | None
) -> bytes:
    """Make a call with one answer; returns its JSON. Raises as `answered`."""
    return await (await answered(session, request, headers, timeout)).rest()


def message(kind: type[_Message], data: bytes | str) -> _Message:
    """The message of an answer or of an event.

    Raises:
        HttpError: It is an error, or no such message.
    """
    if issubclass(kind, SerializedMessage):
        return message(kind.message_type, data).SerializeToString()
    try:
        tree: Any = json.loads(data) if data.strip() else {}
        if issubclass(kind, Json):
            # No error is looked for: an operation that failed has one of its own.
            return kind.of(tree)
        error = tree.get("error") if isinstance(tree, dict) else None
        if isinstance(error, dict) and "error" not in kind.DESCRIPTOR.fields_by_name:
            raise of_error(error, ())
        return from_json(kind, tree)
    except (ValueError, RecursionError) as error:
        gist = data[:80].decode("utf-8", "replace") if isinstance(data, bytes) else data[:80]
        text = f"the answer cannot be read: {error} (it begins with {gist!r})"
        raise HttpError(grpc.StatusCode.INTERNAL, text) from None


async def unary(
    session: Session,
    request: HttpRequest,
    headers: Mapping[str, str],
    timeout: float | None,
    kind: type[_Message],
) -> _Message:
    """Make a call with one answer; returns its message. Raises as `whole` and `message`."""
    return message(kind, await whole(session, request, headers, timeout))


class EventSource:
    """The events of a streamed answer."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._parser = EventParser()
        self._ended = False
        self.headers = exchange.headers

    async def more(self) -> list[bytes]:
        """The events that came in next, as JSON; none at the end.

        Raises:
            HttpError: The connection broke, or what came is no stream of events.
        """
        if self._ended:
            return []
        if not self._exchange.header("content-type").startswith("text/event-stream"):
            return await self._array()
        while not self._ended:
            received = await self._exchange.some()
            if received:
                if events := self._parser.feed(received):
                    return events
                continue
            self._ended = True
            self._exchange.close()
            if (last := self._parser.end()) is not None:
                return [_complete(last)]
        return []

    async def _array(self) -> list[bytes]:
        """A server that knows no events sends everything as one JSON array."""
        self._ended = True
        body = await self._exchange.rest()
        try:
            tree = json.loads(body)
        except ValueError:
            return [body]
        return [json.dumps(item).encode() for item in (tree if isinstance(tree, list) else [tree])]

    def close(self) -> None:
        """End it at once."""
        self._ended = True
        self._exchange.close()


def _complete(last: bytes) -> bytes:
    """The last event, which lacked its empty line; complete all the same if it is JSON."""
    try:
        json.loads(last)
    except ValueError:
        text = f"{BROKEN}the stream ended in the middle of an event"
        raise HttpError(grpc.StatusCode.UNAVAILABLE, text) from None
    return last


async def events(
    session: Session, request: HttpRequest, headers: Mapping[str, str], timeout: float | None
) -> EventSource:
    """Begin a call whose answer is a stream. Raises as `answered`."""
    return EventSource(await answered(session, request, headers, timeout))
