"""RPCs over HTTP: one ASGI application for everything that has a binding."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc

from gemwire_emulator.call import Call
from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import Disconnect, StatusError, invalid_argument
from gemwire_emulator.http import responses
from gemwire_emulator.http.asgi_scope import Query, Scope, create_call, get_connection, get_path, get_query
from gemwire_emulator.http.json_errors import HttpFailure
from gemwire_emulator.http.request_body import ClientDisconnected, Receive, read_body
from gemwire_emulator.http.router import Match, Router
from gemwire_emulator.http.task_interrupt import TaskInterrupt
from gemwire_emulator.http.transcode import build_request, to_json
from gemwire_runtime.method import Kind

if TYPE_CHECKING:
    from gemwire_emulator.http.protocol import Connection

#: Bytes of an answer from which compressing it is worth the time: more than a packet.
WORTH_COMPRESSING = 1400
#: Bytes from which JSON is read, written and compressed beside the event loop.
_LONG_WORK = 128 * 2**10
_COMPRESSED = {"content-encoding": "gzip", "vary": "Accept-Encoding"}


class RpcApp:
    """The RPCs of a router, as an ASGI application."""

    def __init__(self, router: Router) -> None:
        """See the class."""
        self._router = router

    def find(self, scope: Scope) -> Match | None:
        """Which RPC a request is; None for none."""
        return self._router.match(scope["method"], get_path(scope))

    async def __call__(self, scope: Scope, receive: Receive, send: responses.Send) -> None:
        """Serve one request."""
        match = self.find(scope)
        if match is None:
            await responses.send_error(send, self._unknown(scope))
        else:
            await self.serve(match, scope, receive, send)

    async def serve(self, match: Match, scope: Scope, receive: Receive, send: responses.Send) -> None:
        """Serve one request, of which `find` said what it is."""
        connection = get_connection(scope)
        try:
            query = get_query(scope)
            form = _Form(query)
            call = create_call(match.route.endpoint.method, scope, query)
            body = await read_body(receive, call.metadata)
            reading = partial(build_request, match, query, body)
            request = reading() if len(body) < _LONG_WORK else await asyncio.to_thread(reading)
            await _answer(match.route.endpoint, request, call, form, connection, send)
        except ClientDisconnected:
            pass
        except Disconnect as failure:
            if connection is None:
                await responses.send_error(send, failure)
            else:
                connection.sever()
        except StatusError as failure:
            await responses.send_error(send, failure)

    def _unknown(self, scope: Scope) -> StatusError:
        path = get_path(scope)
        if verbs := self._router.verbs(path):
            return HttpFailure(
                405,
                grpc.StatusCode.UNIMPLEMENTED,
                f"{path} has no {scope['method']}; it has {', '.join(verbs)}.",
                {"allow": ", ".join(verbs)},
            )
        return StatusError(grpc.StatusCode.NOT_FOUND, f"There is nothing at {path}.")


class _Form:
    """How the answer is wanted, by ``alt`` and ``$alt``.

    Attributes:
        events: As server-sent events.
        integers: Enums as numbers.
        binary: As protobuf.
    """

    def __init__(self, query: Query) -> None:
        words = [word for key, value in query if key in {"alt", "$alt"} for word in value.split(";")]
        for word in words:
            if word not in {"", "json", "sse", "media", "proto", "enum-encoding=int"}:
                raise invalid_argument("alt", f"{word!r} is none of json, sse, media and proto")
        self.events = "sse" in words
        self.integers = "enum-encoding=int" in words
        self.binary = "proto" in words


async def _answer(
    endpoint: Endpoint,
    request: Any,
    call: Call,
    form: _Form,
    connection: Connection | None,
    send: responses.Send,
) -> None:
    if endpoint.method.kind is Kind.SERVER_STREAM:
        await _answer_all(endpoint, request, call, form, connection, send)
        return
    with _while_wanted(call, connection):
        response = await endpoint.unary(request, call)
    if form.binary:
        await responses.send_response(
            send, response.SerializeToString(), content_type="application/x-protobuf"
        )
        return
    writing = partial(to_json, response, integer_enums=form.integers)
    text = writing() if response.ByteSize() < _LONG_WORK else await asyncio.to_thread(writing)
    body = text.encode()
    if len(body) < WORTH_COMPRESSING or "gzip" not in call.metadata.get("accept-encoding", ""):
        await responses.send_response(send, body)
        return
    squeeze = partial(gzip.compress, body, 1, mtime=0)
    small = squeeze() if len(body) < _LONG_WORK else await asyncio.to_thread(squeeze)
    await responses.send_response(send, small, headers=_COMPRESSED)


async def _answer_all(
    endpoint: Endpoint,
    request: Any,
    call: Call,
    form: _Form,
    connection: Connection | None,
    send: responses.Send,
) -> None:
    answer = responses.MessageStream(send, events=form.events)
    try:
        with _while_wanted(call, connection):
            async with aclosing(endpoint.stream(request, call)) as messages:
                async for message in messages:
                    await answer.write(to_json(message, integer_enums=form.integers).encode())
    except Disconnect:
        raise
    except StatusError as failure:
        if not answer.started:
            raise
        await answer.write(responses.encode_error(failure)[1])
    await answer.end()


@contextmanager
def _while_wanted(call: Call, connection: Connection | None) -> Iterator[None]:
    """Work that ends when the client leaves or its deadline passes.

    Raises:
        ClientDisconnected: The client left.
        StatusError: The deadline passed.
    """
    with TaskInterrupt(call.remaining(), _late) as interrupt:
        if connection is None:
            yield
            return
        connection.lost = lambda: interrupt(ClientDisconnected())
        try:
            yield
        finally:
            connection.lost = None


def _late() -> StatusError:
    return StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline passed before there was an answer.")
