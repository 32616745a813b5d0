"""The gRPC front: endpoints served by grpc.aio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from gemwire_emulator.call import Call
from gemwire_emulator.connections import Connections
from gemwire_emulator.dispatch import Dispatcher, Endpoint
from gemwire_emulator.errors import Disconnect, StatusError
from gemwire_runtime.method import Kind

#: Seconds in which grpc notices that a connection is broken, and ends the calls on it.
_DISCONNECT_DELAY = 5.0

_Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"
#: A request, or the error that its bytes led to.
_Decoded: TypeAlias = "Message | StatusError"
_RpcHandler: TypeAlias = "grpc.RpcMethodHandler[_Decoded, Message]"


class GrpcFront(grpc.GenericRpcHandler):
    """The handler of all paths of a grpc.aio server.

    Attributes:
        connections: Connections of the calls; its port is set once the server listens.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        """Create a handler for the endpoints of a dispatcher, except for those over HTTP only."""
        self.connections = Connections()
        self._handlers = {
            path: _create_handler(endpoint, self.connections)
            for path, endpoint in dispatcher.endpoints.items()
            if not endpoint.method.http_only
        }

    def service(self, details: grpc.HandlerCallDetails) -> _RpcHandler | None:
        """Return the handler of a path."""
        return self._handlers.get(details.method)


def _create_handler(endpoint: Endpoint, connections: Connections) -> _RpcHandler:
    decode = partial(_decode, endpoint.request)
    encode = endpoint.response.SerializeToString
    if endpoint.method.kind is Kind.UNARY:
        return grpc.unary_unary_rpc_method_handler(_serve_unary(endpoint, connections), decode, encode)
    if endpoint.method.kind is Kind.SERVER_STREAM:
        return grpc.unary_stream_rpc_method_handler(_serve_stream(endpoint, connections), decode, encode)
    return grpc.stream_stream_rpc_method_handler(_serve_stream(endpoint, connections), decode, encode)


def _decode(message_type: type[Message], data: bytes) -> _Decoded:
    """Decode a request; return an error for malformed bytes, which grpc.aio would report as UNKNOWN."""
    try:
        return message_type.FromString(data)
    except DecodeError:
        return StatusError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"The request could not be parsed as {message_type.DESCRIPTOR.full_name}.",
        )


def _check(request: _Decoded) -> Message:
    if isinstance(request, StatusError):
        raise request
    return request


async def _check_each(requests: AsyncIterator[_Decoded]) -> AsyncIterator[Message]:
    async for request in requests:
        yield _check(request)


def _serve_unary(
    endpoint: Endpoint, connections: Connections
) -> Callable[[_Decoded, _Context], Awaitable[Message]]:
    async def serve(request: _Decoded, context: _Context) -> Message:
        call = _create_call(endpoint, context, connections)
        try:
            return await endpoint.unary(_check(request), call)
        except StatusError as error:
            await _abort(context, error, connections, call, flush=False)
            raise

    return serve


def _serve_stream(
    endpoint: Endpoint, connections: Connections
) -> Callable[[_Decoded | AsyncIterator[_Decoded], _Context], AsyncGenerator[Message, None]]:
    async def serve(
        request: _Decoded | AsyncIterator[_Decoded], context: _Context
    ) -> AsyncGenerator[Message, None]:
        call = _create_call(endpoint, context, connections)
        responded = False
        try:
            if isinstance(request, (Message, StatusError)):
                stream = endpoint.stream(_check(request), call)
            else:
                stream = endpoint.bidi(_check_each(request), call)
            async with aclosing(stream) as messages:
                async for message in messages:
                    yield message
                    responded = True
        except StatusError as error:
            await _abort(context, error, connections, call, flush=responded)

    return serve


def _create_call(endpoint: Endpoint, context: _Context, connections: Connections) -> Call:
    peer = context.peer()
    connections.add(peer)
    return Call(
        endpoint.method,
        dict(context.invocation_metadata() or ()),
        peer=peer,
        remaining=context.time_remaining,
        go_away=partial(connections.go_away, peer),
    )


async def _abort(
    context: _Context, error: StatusError, connections: Connections, call: Call, *, flush: bool
) -> None:
    """End a call: break its connection for a `Disconnect`, send the status otherwise."""
    if isinstance(error, Disconnect) and await connections.sever(call.peer, flush=flush):
        await asyncio.sleep(_DISCONNECT_DELAY)
    await context.abort(error.code, error.message, error.trailers())
