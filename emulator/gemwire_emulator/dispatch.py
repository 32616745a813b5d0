"""Dispatch of calls to handlers: the one path that every RPC takes, whatever its protocol.

A call is journaled, admitted (faults, quotas, latency) and handled, in that order; any exception of a
handler becomes a canonical status. Handlers are plain functions of a request and a `Call`, named as in the
method tables. The protocols are in `gemwire_emulator.grpc_front` and `gemwire_emulator.http`.
"""

from __future__ import annotations

import inspect
import logging
from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import grpc
from google.protobuf.message import Message

from gemwire_emulator.admission import AdmissionController
from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, unimplemented
from gemwire_emulator.journal import Journal
from gemwire_emulator.journal_entry import JournalEntry
from gemwire_runtime.method import Kind, Method, Service

_logger = logging.getLogger("gemwire_emulator")


class Endpoint:
    """One RPC and its handler.

    Attributes:
        method: The RPC that clients call.
        request: Request class that the handler takes.
        response: Response class that the handler returns.
        served: Whether it has a handler; otherwise it answers UNIMPLEMENTED.
    """

    served = True

    def __init__(
        self,
        method: Method[Message, Message],
        handled: Method[Message, Message],
        handler: Any,
        admission: AdmissionController,
        journal: Journal,
        find_tenant: Callable[[Message], str] | None = None,
        find_shared: Callable[[Message, Call], None] | None = None,
    ) -> None:
        """Create an endpoint; see `Dispatcher.serve`. ``handled`` has the message classes of the handler."""
        self.method = method
        self.request = handled.request
        self.response = handled.response
        self._handler = handler
        self._is_coroutine = inspect.iscoroutinefunction(handler)
        self._find_tenant = find_tenant
        self._find_shared = find_shared
        self._admission = admission
        self._journal = journal

    async def unary(self, request: Message, call: Call) -> Message:
        """Handle a unary call and return its response.

        Raises:
            StatusError: The call failed.
        """
        entry = self._begin(request, call)
        with _recorded(entry):
            await self._admission.admit(call, request)
            if self._find_shared is not None:
                # After quotas, which are the caller's.
                self._find_shared(request, call)
            result = self._handler(request, call)
            response: Message = await result if self._is_coroutine else result
            await self._admission.pace_response(call, response)
            entry.record_response(response)
        return response

    async def stream(self, request: Message, call: Call) -> AsyncGenerator[Message, None]:
        """Handle a call that streams its responses, and yield them.

        Raises:
            StatusError: The call failed.
        """
        entry = self._begin(request, call)
        with _recorded(entry):
            await self._admission.admit(call, request)
            # Closed as soon as the client leaves, so that the engine stops generating.
            async with aclosing(self._admission.pace_stream(call, self._handler(request, call))) as messages:
                async for message in messages:
                    entry.record_response(message)
                    yield message

    def _begin(self, request: Message, call: Call) -> JournalEntry:
        if self._find_tenant is not None and (tenant := self._find_tenant(request)):
            call.tenant = tenant
        return self._journal.begin(call, request)

    async def bidi(self, requests: AsyncIterator[Message], call: Call) -> AsyncGenerator[Message, None]:
        """Handle a call that streams both ways, and yield its responses.

        Raises:
            StatusError: The call failed.
        """
        entry = self._journal.begin(call, None)

        async def recorded_requests() -> AsyncIterator[Message]:
            async for request in requests:
                entry.record_request(request)
                if len(entry.requests) == 1:
                    await self._admission.apply_model_faults(call, request)
                yield request

        with _recorded(entry):
            await self._admission.admit(call, None)
            stream = self._admission.pace_stream(call, self._handler(recorded_requests(), call))
            async with aclosing(stream) as messages:
                async for message in messages:
                    entry.record_response(message)
                    yield message


@contextmanager
def _recorded(entry: JournalEntry) -> Iterator[None]:
    """Record the outcome of a call, and convert unexpected exceptions to a `StatusError`."""
    try:
        yield
    except StatusError as error:
        entry.fail(error)
        raise
    except (CancelledError, GeneratorExit):
        entry.end("CANCELLED")
        raise
    except Exception as error:
        # A bug of the emulator: the caller gets its type and message, the log has the traceback.
        _logger.exception("%s failed", entry.method)
        internal = StatusError(
            grpc.StatusCode.INTERNAL, f"the emulator failed: {type(error).__name__}: {error}"
        )
        entry.fail(internal)
        raise internal from error
    else:
        entry.end("OK")


class Dispatcher:
    """The endpoints of all services.

    Attributes:
        endpoints: Endpoints by gRPC path, ``/package.Service/Method``.
    """

    def __init__(self, admission: AdmissionController, journal: Journal) -> None:
        """Create a dispatcher without endpoints."""
        self._admission = admission
        self._journal = journal
        self.endpoints: dict[str, Endpoint] = {}

    def serve(
        self,
        service: Service,
        handlers: object,
        handled_as: Service | None = None,
        find_tenant: Callable[[Message], str] | None = None,
        unserved: str = "",
        share: Callable[[Method[Message, Message]], Callable[[Message, Call], None] | None] = lambda _: None,
    ) -> None:
        """Add the endpoints of a service.

        Args:
            service: Its method table.
            handlers: Object with a method for each RPC, named as in the table.
            handled_as: Method table whose messages the handlers take, if it is another one: v1 is
                served by the handlers of v1beta, whose messages are a superset on the wire.
            find_tenant: Returns whose resources a request sees; empty for those of its API key.
            share: Creates the function that lets calls of an RPC reach resources of others; see
                `permissions.create_finder`.
            unserved: Why RPCs without a handler answer UNIMPLEMENTED; empty if all must have one.

        Raises:
            TypeError: An RPC has no handler, or no front supports its kind.
        """
        for name, method in service.methods.items():
            handler = getattr(handlers, method.snake, None)
            if handler is None and not unserved:
                raise TypeError(f"{type(handlers).__name__} has no {method.snake} for {method.path}")
            if method.kind is Kind.CLIENT_STREAM:
                raise TypeError(f"{method.path}: client streaming is not supported")
            handled = (handled_as or service).methods[name]
            endpoint = Endpoint(
                method,
                handled,
                handler or _refuse(name, unserved),
                self._admission,
                self._journal,
                find_tenant,
                share(handled),
            )
            endpoint.served = handler is not None
            self.endpoints[method.path] = endpoint


def _refuse(name: str, why: str) -> Callable[[object, Call], Message]:
    def refuse(request: object, call: Call) -> Message:
        raise unimplemented(f"{name}: {why}")

    return refuse
