"""Between the wire and the handlers: one way in for every RPC of the method tables.

A call is journalled, held against quotas and faults, validated and handled, in
that order; whatever a handler raises becomes a canonical status. Handlers are
plain functions of a request and a `Call`, named as in the method tables. What
the wire is, gRPC or HTTP, is the fronts' business: `gemwire_emulator.grpc_front`,
`gemwire_emulator.http`.
"""

from __future__ import annotations

import inspect
import logging
from asyncio import CancelledError
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any

import grpc

from gemwire_emulator.admission import Gate, Rule
from gemwire_emulator.errors import Failure
from gemwire_emulator.journal import Entry, Journal
from gemwire_emulator.latency import Pacing
from gemwire_runtime.method import Kind, Method, Service

_logger = logging.getLogger("gemwire_emulator")

Handler = Callable[..., Any]


async def _stay() -> None:
    """The front has no way to send a caller to another connection."""


class Call:
    """One call, as a handler sees it.

    Attributes:
        method: The RPC.
        metadata: What came with it; keys in lower case.
        tenant: Whose state it sees: callers with different API keys do not see each other's resources.
        caller: Who it is, for owners and permissions.
        front: Which way it came: ``"grpc"``, ``"http"`` or ``"websocket"``.
        peer: From where, as gRPC writes it: ``ipv4:127.0.0.1:51234``.
        remaining: Gives the seconds to the caller's deadline, None without one.
        go_away: Asks the caller to make its next calls over another connection.
        faults: The rules that hit it; the gate's.
        pacing: When the parts of its answer are due; the gate's. None for as fast as they come.
    """

    __slots__ = (
        "caller",
        "faults",
        "front",
        "go_away",
        "metadata",
        "method",
        "pacing",
        "peer",
        "remaining",
        "tenant",
    )

    def __init__(
        self,
        method: Method[Any, Any],
        metadata: Mapping[str, Any],
        *,
        front: str = "grpc",
        peer: str = "",
        remaining: Callable[[], float | None] = lambda: None,
        go_away: Callable[[], Awaitable[None]] = _stay,
    ) -> None:
        """See the class."""
        self.method = method
        self.metadata = metadata
        key = str(metadata.get("x-goog-api-key", ""))
        self.tenant = key
        self.caller = f"key:{key}" if key else "anonymous"
        self.front = front
        self.peer = peer
        self.remaining = remaining
        self.go_away = go_away
        self.faults: list[Rule] = []
        self.pacing: Pacing | None = None


class Endpoint:
    """One RPC and its handler.

    Attributes:
        method: The RPC as its callers know it.
        request: Class of the requests that the handler takes.
        response: Class of the responses that it gives.
    """

    def __init__(
        self,
        method: Method[Any, Any],
        spoken: Method[Any, Any],
        handler: Handler,
        gate: Gate,
        journal: Journal,
    ) -> None:
        """``spoken`` has the messages of the handler; see `Dispatcher.serve`."""
        self.method = method
        self.request = spoken.request
        self.response = spoken.response
        self._handler = handler
        self._asynchronous = inspect.iscoroutinefunction(handler)
        self._gate = gate
        self._journal = journal

    async def unary(self, request: Any, call: Call) -> Any:
        """The response.

        Raises:
            Failure: There is none.
        """
        entry = self._journal.begin(call, request)
        with _ending(entry):
            await self._gate.enter(call, request)
            response = self._handler(request, call)
            if self._asynchronous:
                response = await response
            await self._gate.answered(call, response)
            entry.answered(response)
        return response

    async def stream(self, request: Any, call: Call) -> AsyncGenerator[Any, None]:
        """The responses.

        Raises:
            Failure: There are no more, and there should be.
        """
        entry = self._journal.begin(call, request)
        with _ending(entry):
            await self._gate.enter(call, request)
            # Closed at once when the caller is gone: the engine stops then.
            async with aclosing(self._gate.paced(call, self._handler(request, call))) as messages:
                async for message in messages:
                    entry.answered(message)
                    yield message

    async def bidi(self, requests: AsyncIterator[Any], call: Call) -> AsyncGenerator[Any, None]:
        """The responses to requests that come meanwhile.

        Raises:
            Failure: There are no more, and there should be.
        """
        entry = self._journal.begin(call, None)

        async def incoming() -> AsyncIterator[Any]:
            async for request in requests:
                entry.asked(request)
                if len(entry.requests) == 1:
                    await self._gate.model_known(call, request)
                yield request

        with _ending(entry):
            await self._gate.enter(call, None)
            async with aclosing(self._gate.paced(call, self._handler(incoming(), call))) as messages:
                async for message in messages:
                    entry.answered(message)
                    yield message


@contextmanager
def _ending(entry: Entry) -> Iterator[None]:
    """Writes down how a call ended, and makes a `Failure` of whatever went wrong."""
    try:
        yield
    except Failure as failure:
        entry.fail(failure)
        raise
    except (CancelledError, GeneratorExit):
        entry.end("CANCELLED")
        raise
    except Exception as error:
        # A mistake of the emulator: the caller hears of it, the log has the rest.
        _logger.exception("%s failed", entry.method)
        internal = Failure(grpc.StatusCode.INTERNAL, f"the emulator failed: {type(error).__name__}: {error}")
        entry.fail(internal)
        raise internal from error
    else:
        entry.end("OK")


class Dispatcher:
    """All RPCs of some services.

    Attributes:
        endpoints: By gRPC's path, ``/package.Service/Method``.
    """

    def __init__(self, gate: Gate, journal: Journal) -> None:
        """No RPC yet."""
        self._gate = gate
        self._journal = journal
        self.endpoints: dict[str, Endpoint] = {}

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
            if method.kind is Kind.CLIENT_STREAM:
                raise TypeError(f"{method.path}: no front knows streams of requests with one response")
            spoken = (speaks or service).methods[name]
            self.endpoints[method.path] = Endpoint(method, spoken, handler, self._gate, self._journal)
