"""The endpoints as grpc.aio serves them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from gemwire_emulator.connections import Connections
from gemwire_emulator.dispatch import Call, Dispatcher, Endpoint
from gemwire_emulator.errors import Disconnect, Failure
from gemwire_runtime.method import Kind

#: Seconds in which grpc notices that a connection is broken, and ends the calls on it.
_NOTICE = 5.0


class GrpcFront(grpc.GenericRpcHandler):
    """What a grpc.aio server asks for the handler of a path.

    Attributes:
        connections: Those that calls came over; wants to know the server's port.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        """All endpoints that ``dispatcher`` has."""
        self.connections = Connections()
        self._handlers = {
            path: _handler(endpoint, self.connections) for path, endpoint in dispatcher.endpoints.items()
        }

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of a path."""
        return self._handlers.get(details.method)


def _handler(endpoint: Endpoint, connections: Connections) -> grpc.RpcMethodHandler[Any, Any]:
    coders = {
        "request_deserializer": partial(_decoded, endpoint.request),
        "response_serializer": endpoint.response.SerializeToString,
    }
    if endpoint.method.kind is Kind.UNARY:
        return grpc.unary_unary_rpc_method_handler(_unary(endpoint, connections), **coders)
    if endpoint.method.kind is Kind.SERVER_STREAM:
        return grpc.unary_stream_rpc_method_handler(
            _streaming(endpoint, endpoint.stream, connections), **coders
        )
    return grpc.stream_stream_rpc_method_handler(_streaming(endpoint, endpoint.bidi, connections), **coders)


def _decoded(kind: type[Any], data: bytes) -> Any:
    """A request; a `Failure` in its place where the bytes are none, of which grpc.aio would say UNKNOWN."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return Failure(
            grpc.StatusCode.INVALID_ARGUMENT, f"The request's bytes are no {kind.DESCRIPTOR.full_name}."
        )


def _checked(request: Any) -> Any:
    if isinstance(request, Failure):
        raise request
    return request


async def _each_checked(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _checked(request)


def _unary(endpoint: Endpoint, connections: Connections) -> Callable[..., Any]:
    async def serve(request: Any, context: Any) -> Any:
        call = _call(endpoint, context, connections)
        try:
            return await endpoint.unary(_checked(request), call)
        except Failure as failure:
            await _end(context, failure, connections, call, flush=False)

    return serve


def _streaming(
    endpoint: Endpoint, answer: Callable[[Any, Call], AsyncGenerator[Any, None]], connections: Connections
) -> Callable[..., Any]:
    async def serve(request: Any | AsyncIterator[Any], context: Any) -> AsyncGenerator[Any, None]:
        call = _call(endpoint, context, connections)
        answered = False
        try:
            asked = _each_checked(request) if hasattr(request, "__aiter__") else _checked(request)
            async with aclosing(answer(asked, call)) as messages:
                async for message in messages:
                    yield message
                    answered = True
        except Failure as failure:
            await _end(context, failure, connections, call, flush=answered)

    return serve


def _call(endpoint: Endpoint, context: Any, connections: Connections) -> Call:
    peer = context.peer()
    connections.used(peer)
    return Call(
        endpoint.method,
        dict(context.invocation_metadata() or ()),
        peer=peer,
        remaining=context.time_remaining,
        go_away=partial(connections.go_away, peer),
    )


async def _end(context: Any, failure: Failure, connections: Connections, call: Call, *, flush: bool) -> None:
    """Break the call's connection where it is to be broken; say the status everywhere else."""
    if isinstance(failure, Disconnect) and await connections.sever(call.peer, flush=flush):
        await asyncio.sleep(_NOTICE)
    await context.abort(failure.code, failure.message, failure.trailers())
