"""Between grpc and the handlers: one way in for every RPC of the method tables.

A call is journalled, held against quotas and faults, validated and handled, in
that order; whatever a handler raises becomes a canonical status. Handlers are
plain functions of a request and a `Call`, named as in the method tables.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio

from gemwire_emulator.failure import Failure
from gemwire_emulator.gate import Gate, Rule
from gemwire_emulator.journal import Journal
from gemwire_proto._method import Kind, Method, Service

_logger = logging.getLogger("gemwire_emulator")

Handler = Callable[..., Any]


class Call:
    """One call, as a handler sees it.

    Attributes:
        method: The RPC.
        metadata: What came with it; keys in lower case.
        tenant: Whose state it sees: callers with different API keys do not see each other's resources.
        caller: Who it is, for owners and permissions.
        faults: The rules that hit it; the gate's.
    """

    __slots__ = ("_context", "caller", "faults", "metadata", "method", "tenant")

    def __init__(self, method: Method[Any, Any], context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """``context`` is grpc's."""
        self._context = context
        self.method = method
        self.metadata: dict[str, Any] = dict(context.invocation_metadata() or ())
        key = str(self.metadata.get("x-goog-api-key", ""))
        self.tenant = key
        self.caller = f"key:{key}" if key else "anonymous"
        self.faults: list[Rule] = []

    def remaining(self) -> float | None:
        """Seconds to the caller's deadline; None without one."""
        return self._context.time_remaining()


class Dispatcher(grpc.GenericRpcHandler):
    """All RPCs of some services."""

    def __init__(self, gate: Gate, journal: Journal) -> None:
        """No RPC yet."""
        self._gate = gate
        self._journal = journal
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def serve(self, service: Service, handlers: object, speaks: Service | None = None) -> None:
        """Serve a service.

        Args:
            service: Its method table.
            handlers: Has a method for each RPC, named as in the table.
            speaks: The table whose messages the handlers take, if another: v1 is served by the
                handlers of v1beta, of which it is a part on the wire.

        Raises:
            TypeError: An RPC has no handler.
        """
        for name, method in service.methods.items():
            handler = getattr(handlers, method.snake, None)
            if handler is None:
                raise TypeError(f"{type(handlers).__name__} has no {method.snake} for {method.path}")
            spoken = (speaks or service).methods[name]
            self._handlers[method.path] = self._wrapped(method, spoken, handler)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The handler of a path; what grpc asks."""
        return self._handlers.get(details.method)

    def _wrapped(
        self, method: Method[Any, Any], spoken: Method[Any, Any], handler: Handler
    ) -> grpc.RpcMethodHandler[Any, Any]:
        coders = {
            "request_deserializer": spoken.request.FromString,
            "response_serializer": spoken.response.SerializeToString,
        }
        if method.kind is Kind.UNARY:
            return grpc.unary_unary_rpc_method_handler(self._unary(method, handler), **coders)
        if method.kind is Kind.SERVER_STREAM:
            return grpc.unary_stream_rpc_method_handler(self._stream(method, handler), **coders)
        return grpc.stream_stream_rpc_method_handler(self._bidi(method, handler), **coders)

    def _unary(self, method: Method[Any, Any], handler: Handler) -> Handler:
        asynchronous = inspect.iscoroutinefunction(handler)

        async def serve(request: Any, context: Any) -> Any:
            call = Call(method, context)
            entry = self._journal.begin(call, request)
            try:
                await self._gate.enter(call, request)
                response = handler(request, call)
                if asynchronous:
                    response = await response
            except Exception as error:
                await self._fail(context, entry, error)
                raise AssertionError("abort raises") from error
            except asyncio.CancelledError:
                entry.end("CANCELLED")
                raise
            entry.message()
            entry.end("OK")
            return response

        return serve

    def _stream(self, method: Method[Any, Any], handler: Handler) -> Handler:
        async def serve(request: Any, context: Any) -> AsyncGenerator[Any, None]:
            call = Call(method, context)
            entry = self._journal.begin(call, request)
            try:
                await self._gate.enter(call, request)
                # Closed at once when the caller is gone: the engine stops then.
                async with aclosing(self._gate.paced(call, handler(request, call))) as messages:
                    async for message in messages:
                        entry.message()
                        yield message
            except Exception as error:
                await self._fail(context, entry, error)
            except (asyncio.CancelledError, GeneratorExit):
                entry.end("CANCELLED")
                raise
            entry.end("OK")

        return serve

    def _bidi(self, method: Method[Any, Any], handler: Handler) -> Handler:
        async def serve(requests: AsyncIterator[Any], context: Any) -> AsyncGenerator[Any, None]:
            call = Call(method, context)
            entry = self._journal.begin(call, None)

            async def incoming() -> AsyncIterator[Any]:
                async for request in requests:
                    entry.request(request)
                    yield request

            try:
                await self._gate.enter(call, None)
                async with aclosing(self._gate.paced(call, handler(incoming(), call))) as messages:
                    async for message in messages:
                        entry.message()
                        yield message
            except Exception as error:
                await self._fail(context, entry, error)
            except (asyncio.CancelledError, GeneratorExit):
                entry.end("CANCELLED")
                raise
            entry.end("OK")

        return serve

    async def _fail(self, context: Any, entry: Any, error: Exception) -> None:
        if not isinstance(error, Failure):
            # A mistake of the emulator: the caller hears of it, the log has the rest.
            _logger.error("%s failed", entry.method, exc_info=error)
            error = Failure(grpc.StatusCode.INTERNAL, f"the emulator failed: {type(error).__name__}: {error}")
        entry.end(error.code.name)
        await context.abort(error.code, error.message, error.trailers())
