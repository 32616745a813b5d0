"""Calls as HTTP requests and responses. Runs on an event loop for both flavours."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from google.protobuf.message import Message

from gemwire._secret import hide_header
from gemwire._transport.metadata import API_CLIENT, ROUTING
from gemwire._transport.rest.http_errors import (
    BROKEN,
    Headers,
    HttpError,
    from_api_error,
    from_response,
    response_too_large,
    summarize,
)
from gemwire._transport.rest.sse import EventParser
from gemwire._transport.rest.transcode import HttpRequest, from_json, to_http
from gemwire._transport.serialized_message import SerializedMessage
from gemwire_runtime import large_integers
from gemwire_runtime.method import Method
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Exchange, Session

_Request = TypeVar("_Request", bound=Message)
_Message = TypeVar("_Message", bound=Message)

#: Bytes of an error that are read: pages of proxies can be long.
_MAX_ERROR_SIZE = 1 << 18
_EVENTS = "text/event-stream"
#: Data of the event that ends some streams.
_DONE = b"[DONE]"
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


@dataclass(slots=True)
class HttpCall(Generic[_Message]):
    """One attempt of a call as an HTTP request.

    Attributes:
        response: The type of its response, or of those in its stream.
        request: Verb, path and body.
        headers: The header fields.
        timeout: Seconds for all of it.
    """

    response: type[_Message]
    request: HttpRequest
    headers: Mapping[str, str]
    timeout: float | None

    @classmethod
    def build(
        cls,
        method: Method[_Request, _Message],
        message: _Request,
        metadata: Iterable[tuple[str, str | bytes]],
        timeout: float | None,
    ) -> HttpCall[_Message]:
        """Return a call of a method. Raises ValueError if the message or the metadata has no HTTP form."""
        return cls(method.response, to_http(method, message), to_headers(metadata, timeout), timeout)

    async def open(self, session: Session) -> Exchange:
        """Send the request, and return when the header of its response has arrived.

        Raises:
            HttpError: The response is an error, does not come from the API, or did not arrive.
        """
        request = self.request
        exchange = await session.send(request.verb, request.target, self.headers, request.body, self.timeout)
        if exchange.status == 200 and _is_of_api(exchange.header("content-type")):
            return exchange
        raise await read_error(exchange)

    async def fetch(self, session: Session) -> tuple[bytes, Headers]:
        """Return the JSON of the one response, and its header fields. Raises as `open`."""
        exchange = await self.open(session)
        return await exchange.read_all(), exchange.headers

    async def fetch_message(self, session: Session) -> _Message:
        """Return the one response. Raises as `open` and `parse_message`."""
        return parse_message(self.response, (await self.fetch(session))[0])

    async def open_events(self, session: Session) -> EventSource:
        """Start a call whose response is a stream. Raises as `open`."""
        return EventSource(await self.open(session))


def _is_of_api(content_type: str) -> bool:
    return not content_type or "json" in content_type or content_type.startswith(_EVENTS)


async def read_error(exchange: Exchange) -> HttpError:
    """Read a response that is not the one asked for, and return it as an error."""
    body = await exchange.read_start(_MAX_ERROR_SIZE)
    return from_response(exchange.status, exchange.headers, body)


def parse_message(kind: type[_Message], data: bytes | str) -> _Message:
    """Return the message of a response body or of an event.

    Raises:
        HttpError: It is an error of the API, or not such a message.
    """
    if issubclass(kind, SerializedMessage):
        return cast("_Message", parse_message(kind.message_type, data).SerializeToString())
    if not data.strip():
        if not kind.DESCRIPTOR.fields:
            return kind()
        raise HttpError(StatusCode.INTERNAL, "the response is empty, without a message")
    try:
        tree, has_large = large_integers.loads(data)
        error = tree.get("error") if isinstance(tree, dict) else None
        if isinstance(error, dict) and "error" not in kind.DESCRIPTOR.fields_by_name:
            raise from_api_error(error, ())
        message = from_json(kind, tree)
        if has_large:
            large_integers.attach(message, tree)
        return message
    except (ValueError, RecursionError) as error:
        start = data[:80].encode("utf-8", "replace") if isinstance(data, str) else data[:80]
        text = f"the response cannot be read: {error} (it begins with {summarize(start)!r})"
        raise HttpError(StatusCode.INTERNAL, text) from None


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
            HttpError: The connection broke, an event is too large, or the response is no stream of events.
        """
        if self._ended:
            return []
        if not self._exchange.header("content-type").startswith(_EVENTS):
            return await self._read_array()
        while not self._ended:
            if self._parser.held > self._exchange.max_size:
                raise response_too_large(self._exchange.max_size)
            received = await self._exchange.read_some()
            if received:
                if events := [event for event in self._parser.feed(received) if event != _DONE]:
                    return events
                continue
            self._ended = True
            self._exchange.close()
            last = self._parser.end()
            if last is not None and last != _DONE:
                return [_check_complete(last)]
        return []

    async def _read_array(self) -> list[bytes]:
        """Read the JSON array that a server without events sends instead."""
        self._ended = True
        body = await self._exchange.read_all()
        try:
            tree = json.loads(body)
            return [json.dumps(item).encode() for item in tree] if isinstance(tree, list) else [body]
        except (ValueError, RecursionError):
            return [body]

    def close(self) -> None:
        """End the response at once."""
        self._ended = True
        self._exchange.close()


def _check_complete(last: bytes) -> bytes:
    """Return the last event, which lacks its final empty line, if it is complete JSON."""
    try:
        json.loads(last)
    except RecursionError:
        return last  # Complete or not, it cannot be read.
    except ValueError:
        text = f"{BROKEN}the stream ended in the middle of an event"
        raise HttpError(StatusCode.UNAVAILABLE, text) from None
    return last
