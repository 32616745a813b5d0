"""The endpoints as grpc.aio serves them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio

from gemwire_emulator.dispatch import Call, Dispatcher, Endpoint
from gemwire_emulator.failure import Failure
from gemwire_proto._method import Kind


class GrpcFront(grpc.GenericRpcHandler):
    """What a grpc.aio server asks for the handler of a path."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """All endpoints that ``dispatcher`` has."""
        self._handlers = {path: _handler(endpoint) for path, endpoint in dispatcher.endpoints.items()}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of a path."""
        return self._handlers.get(details.method)


def _handler(endpoint: Endpoint) -> grpc.RpcMethodHandler[Any, Any]:
    coders = {
        "request_deserializer": endpoint.request.FromString,
        "response_serializer": endpoint.response.SerializeToString,
    }
    if endpoint.method.kind is Kind.UNARY:
        return grpc.unary_unary_rpc_method_handler(_unary(endpoint), **coders)
    if endpoint.method.kind is Kind.SERVER_STREAM:
        return grpc.unary_stream_rpc_method_handler(_streaming(endpoint, endpoint.stream), **coders)
    return grpc.stream_stream_rpc_method_handler(_streaming(endpoint, endpoint.bidi), **coders)


def _unary(endpoint: Endpoint) -> Callable[..., Any]:
    async def serve(request: Any, context: Any) -> Any:
        try:
            return await endpoint.unary(request, _call(endpoint, context))
        except Failure as failure:
            await _abort(context, failure)

    return serve


def _streaming(
    endpoint: Endpoint, answer: Callable[[Any, Call], AsyncGenerator[Any, None]]
) -> Callable[..., Any]:
    async def serve(request: Any | AsyncIterator[Any], context: Any) -> AsyncGenerator[Any, None]:
        try:
            async with aclosing(answer(request, _call(endpoint, context))) as messages:
                async for message in messages:
                    yield message
        except Failure as failure:
            await _abort(context, failure)

    return serve


def _call(endpoint: Endpoint, context: Any) -> Call:
    return Call(
        endpoint.method,
        dict(context.invocation_metadata() or ()),
        peer=context.peer(),
        remaining=context.time_remaining,
    )


async def _abort(context: Any, failure: Failure) -> None:
    await context.abort(failure.code, failure.message, failure.trailers())
