"""RPCs over HTTP: an ASGI application for everything that has a binding."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from functools import partial

import grpc
from google.protobuf.message import Message
from starlette.types import Receive, Scope, Send

from gemwire_emulator.call import Call
from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import Disconnect, StatusError, invalid_argument
from gemwire_emulator.http.asgi_scope import (
    Query,
    create_call,
    create_path_error,
    get_headers,
    get_path,
    get_query,
)
from gemwire_emulator.http.connection import Connection, get_connection
from gemwire_emulator.http.request_body import ClientDisconnected, read_body
from gemwire_emulator.http.responses import MessageStream, encode_error, send_error, send_response
from gemwire_emulator.http.router import Match, Router
from gemwire_emulator.http.task_interrupt import TaskInterrupt
from gemwire_emulator.http.transcode import build_request
from gemwire_emulator.json_codec.messages import LARGE_BYTES, to_json
from gemwire_runtime.method import Kind

#: Bytes from which responses are compressed: smaller ones fit into a packet.
MIN_COMPRESSED_BYTES = 1400
_GZIP_HEADERS = {"content-encoding": "gzip", "vary": "Accept-Encoding"}


class RpcApp:
    """The RPCs of some routers, as an ASGI application."""

    def __init__(self, *routers: Router) -> None:
        """Serve the routes of some routers, no two of which match the same path."""
        self._routers = routers

    def match(self, scope: Scope) -> Match | None:
        """Find the RPC of a request; None if there is none."""
        verb, path = scope["method"], get_path(scope)
        return next((found for router in self._routers if (found := router.match(verb, path))), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        match = self.match(scope)
        if match is None:
            await send_error(send, create_path_error(scope))
        else:
            await self.serve(match, scope, receive, send)

    async def serve(self, match: Match, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose RPC is known from `match`."""
        connection = get_connection(scope)
        try:
            query = get_query(scope)
            headers = get_headers(scope)
            form = _ResponseFormat(query, headers)
            call = create_call(match.route.endpoint.method, scope, headers, query)
            body = await read_body(receive, headers)
            build = partial(build_request, match, query, body)
            request = build() if len(body) < LARGE_BYTES else await asyncio.to_thread(build)
            endpoint = match.route.endpoint
            if match.route.streaming is not None and getattr(request, "stream", False):
                endpoint = match.route.streaming
                call.method, form.events, form.done = endpoint.method, True, True
            respond = _respond_stream if call.method.kind is Kind.SERVER_STREAM else _respond_unary
            await respond(endpoint, request, call, form, connection, send)
        except ClientDisconnected:
            pass
        except Disconnect as error:
            if connection is None:
                await send_error(send, error)
            else:
                connection.abort()
        except StatusError as error:
            await send_error(send, error)


class _ResponseFormat:
    """The format of a response, by ``alt``, ``$alt`` and Accept-Encoding.

    Attributes:
        events: Server-sent events.
        done: Whether an event with ``[DONE]`` ends them.
        integer_enums: Enums as numbers.
        binary: Protobuf instead of JSON.
        gzip: Compressed, if it is large.
    """

    def __init__(self, query: Query, headers: Mapping[str, str]) -> None:
        words = [word for key, value in query if key in {"alt", "$alt"} for word in value.split(";")]
        for word in words:
            if word not in {"", "json", "sse", "media", "proto", "enum-encoding=int"}:
                raise invalid_argument("alt", f"{word!r} is not one of json, sse, media and proto")
        self.events = "sse" in words
        self.done = False
        self.integer_enums = "enum-encoding=int" in words
        self.binary = "proto" in words
        self.gzip = "gzip" in headers.get("accept-encoding", "")


async def _respond_unary(
    endpoint: Endpoint,
    request: Message,
    call: Call,
    form: _ResponseFormat,
    connection: Connection | None,
    send: Send,
) -> None:
    with _interrupt_on_disconnect_or_deadline(call, connection):
        response = await endpoint.unary(request, call)
    if form.binary:
        data = response.SerializeToString()
        await send_response(send, data, content_type="application/x-protobuf")
        return
    write = partial(to_json, response, integer_enums=form.integer_enums)
    text = write() if response.ByteSize() < LARGE_BYTES else await asyncio.to_thread(write)
    body = text.encode()
    if len(body) < MIN_COMPRESSED_BYTES or not form.gzip:
        await send_response(send, body)
        return
    compress = partial(gzip.compress, body, 1, mtime=0)
    compressed = compress() if len(body) < LARGE_BYTES else await asyncio.to_thread(compress)
    await send_response(send, compressed, headers=_GZIP_HEADERS)


async def _respond_stream(
    endpoint: Endpoint,
    request: Message,
    call: Call,
    form: _ResponseFormat,
    connection: Connection | None,
    send: Send,
) -> None:
    stream = MessageStream(send, events=form.events, done=form.done)
    try:
        with _interrupt_on_disconnect_or_deadline(call, connection):
            async with aclosing(endpoint.stream(request, call)) as messages:
                async for message in messages:
                    await stream.write(to_json(message, integer_enums=form.integer_enums).encode())
    except Disconnect:
        raise
    except StatusError as error:
        if not stream.started:
            raise
        await stream.write(encode_error(error)[1])
    await stream.end()


@contextmanager
def _interrupt_on_disconnect_or_deadline(call: Call, connection: Connection | None) -> Iterator[None]:
    """Interrupt a block when the client disconnects or its deadline expires.

    Raises:
        ClientDisconnected: The client disconnected.
        StatusError: The deadline expired.
    """
    with TaskInterrupt(call.remaining(), _create_deadline_error) as interrupt:
        if connection is None:
            yield
            return
        connection.on_lost = lambda: interrupt(ClientDisconnected())
        try:
            yield
        finally:
            connection.on_lost = None


def _create_deadline_error() -> StatusError:
    return StatusError(
        grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline expired before the response was ready."
    )
