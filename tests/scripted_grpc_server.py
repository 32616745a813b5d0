"""A scriptable server on loopback, and one way to use both flavours of client against it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from eventually import comes
from google.protobuf import json_format

from gemwire import aiplatform_v1, genai, v1, v1beta
from gemwire_proto.google.rpc import status_pb2
from gemwire_runtime.method import Kind, Method

VERSIONS = {"v1beta": v1beta, "v1": v1, "aiplatform_v1": aiplatform_v1}
MODULES = {
    "v1beta": (
        "cache_service",
        "discuss_service",
        "file_service",
        "generative_service",
        "model_service",
        "permission_service",
        "prediction_service",
        "retriever_service",
        "text_service",
    ),
    "v1": ("generative_service", "model_service"),
    "aiplatform_v1": ("prediction_service",),
}


def service_of(version: str, module: str) -> Any:
    """A service's method table."""
    return importlib.import_module(f"gemwire_proto.{version}.{module}").SERVICE


TABLE: dict[str, Method[Any, Any]] = {
    method.path: method
    for service in (
        *(service_of(version, module) for version, modules in MODULES.items() for module in modules),
        importlib.import_module("gemwire_proto.longrunning.operations").SERVICE,
    )
    for method in service.methods.values()
}


@dataclass(frozen=True)
class Fail:
    """A step that ends the call with a status."""

    code: str
    message: str = "no"
    details: tuple[Any, ...] = ()
    trailers: tuple[tuple[str, Any], ...] = ()

    def __call__(self, context: grpc.ServicerContext) -> None:
        code = grpc.StatusCode[self.code]
        trailers = list(self.trailers)
        if self.details:
            packed = status_pb2.Status(code=code.value[0], message=self.message)
            for detail in self.details:
                packed.details.add().Pack(detail)
            trailers.append(("grpc-status-details-bin", packed.SerializeToString()))
        context.set_trailing_metadata(tuple(trailers))
        context.abort(code, self.message)


@dataclass(frozen=True)
class Headers:
    """A step that sends initial metadata at once."""

    pairs: tuple[tuple[str, Any], ...] = ()

    def __call__(self, context: grpc.ServicerContext) -> None:
        context.send_initial_metadata(self.pairs)


@dataclass(frozen=True)
class Trailers:
    """A step that sets trailing metadata."""

    pairs: tuple[tuple[str, Any], ...]

    def __call__(self, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata(self.pairs)


@dataclass(eq=False)
class Call:
    """One call that reached the server."""

    method: Method[Any, Any]
    metadata: list[tuple[str, str | bytes]]
    peer: str
    time: float = field(default_factory=time.monotonic)
    requests: list[Any] = field(default_factory=list)

    @property
    def request(self) -> Any:
        return self.requests[0]

    def values(self, key: str) -> list[str | bytes]:
        return [value for name, value in self.metadata if name == key]


class Loopback(grpc.GenericRpcHandler):
    """A server of all services. A call is answered with an empty message unless `on` says otherwise.

    Attributes:
        journal: Every call that arrived, in order.
        live: The calls that have not ended.
    """

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.journal: list[Call] = []
        self.live: set[Call] = set()
        self._scripts: dict[str, list[Any]] = {}
        self._server = grpc.server(futures.ThreadPoolExecutor(128), handlers=[self])
        host = "localhost:0" if credentials else "127.0.0.1:0"
        port = (
            self._server.add_secure_port(host, credentials)
            if credentials
            else self._server.add_insecure_port(host)
        )
        self.address = f"{host.rpartition(':')[0]}:{port}"
        self._server.start()

    def on(self, rpc: str, *script: Any) -> None:
        """Say how the calls of an RPC go: one entry for each call, the last for all that follow.

        An entry is a step or a list of steps: a message, seconds to wait, `Fail`, `Headers`,
        `Trailers`; or a generator function of (request or request iterator, context).
        """
        self._scripts[rpc] = list(script)

    def calls(self, rpc: str) -> list[Call]:
        return [call for call in self.journal if call.method.name == rpc]

    def idle(self) -> bool:
        """Whether all calls have ended, now or in a moment."""
        return comes(lambda: not self.live)

    def busy(self, count: int = 1) -> bool:
        """Whether so many calls are going on, now or in a moment."""
        return comes(lambda: len(self.live) >= count)

    def stop(self) -> None:
        self._server.stop(0).wait()

    def service(self, details: Any) -> Any:
        method = TABLE[details.method]

        def behave(request: Any, context: Any) -> Iterator[Any]:
            call = Call(method, list(context.invocation_metadata()), context.peer())
            self.live.add(call)
            if not context.add_callback(lambda: self.live.discard(call)):
                self.live.discard(call)
            if method.kind is Kind.BIDI:
                request = _recorded(request, call.requests)
            else:
                call.requests.append(request)
            self.journal.append(call)
            script = self._scripts.get(method.name) or [method.response()]
            entry = script.pop(0) if len(script) > 1 else script[0]
            steps = entry(request, context) if _is_function(entry) else _played(entry, context)
            yield from (_converted(step, method) for step in steps)

        def one(request: Any, context: Any) -> Any:
            return next(behave(request, context), None)

        make, function = {
            Kind.UNARY: (grpc.unary_unary_rpc_method_handler, one),
            Kind.SERVER_STREAM: (grpc.unary_stream_rpc_method_handler, behave),
            Kind.BIDI: (grpc.stream_stream_rpc_method_handler, behave),
        }[method.kind]
        return make(
            function,
            request_deserializer=method.request.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )


def _converted(message: Any, method: Method[Any, Any]) -> Any:
    """A message of a script, as the API of a method has it: scripts consist of those of the Gemini API."""
    if message is None or method.service.startswith("google.ai."):
        return message
    if message.DESCRIPTOR.full_name == method.response.DESCRIPTOR.full_name:
        return message
    return json_format.ParseDict(json_format.MessageToDict(message), method.response())


def _is_function(entry: Any) -> bool:
    return callable(entry) and not isinstance(entry, (Fail, Headers, Trailers))


def _recorded(requests: Iterator[Any], into: list[Any]) -> Iterator[Any]:
    for request in requests:
        into.append(request)
        yield request


def _played(entry: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    for step in entry if isinstance(entry, Iterable) else (entry,):
        if isinstance(step, (int, float)):
            nap(step, context)
        elif isinstance(step, (Fail, Headers, Trailers)):
            step(context)
        else:
            yield step


def nap(seconds: float, context: grpc.ServicerContext) -> None:
    """Sleep as long as the call lives."""
    end = time.monotonic() + seconds
    while context.is_active() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.01))


#: Runs a test with clients of both services, in both flavours.
BOTH_SERVICES = pytest.mark.parametrize(
    "api", ["async", "sync", "async-vertex", "sync-vertex"], indirect=True
)


class Api:
    """One flavour of client, used in the same words: ``api(x)`` awaits x where that is needed."""

    def __init__(self, flavour: str) -> None:
        flavour, _, family = flavour.partition("-")
        self.is_async = flavour == "async"
        self.is_vertex = family == "vertex"
        self.loop = asyncio.new_event_loop() if self.is_async else None
        self._clients: list[Any] = []

    @property
    def service(self) -> str:
        """Full name of the service that generates content."""
        if self.is_vertex:
            return "google.cloud.aiplatform.v1.PredictionService"
        return "google.ai.generativelanguage.v1beta.GenerativeService"

    def client(self, service: str = "GenerativeService", version: str = "v1beta", **arguments: Any) -> Any:
        """A client that is closed at the end of the test; of Vertex AI in the tests that have it too."""
        if self.is_vertex and (service, version) == ("GenerativeService", "v1beta"):
            service, version = "PredictionService", "aiplatform_v1"
        suffix = "AsyncClient" if self.is_async else "Client"
        made = getattr(VERSIONS[version], f"{service}{suffix}")(**arguments)
        self._clients.append(made)
        return made

    def genai(self, **arguments: Any) -> Any:
        """The resources of a `gemwire.genai.Client` that is closed at the end of the test."""
        client = genai.Client(**{"api_key": "a-key", **arguments})
        made = client.aio if self.is_async else client
        self._clients.append(made)
        return made

    def __call__(self, value: Any) -> Any:
        if not self.is_async:
            return value

        async def outcome() -> Any:
            return await value

        assert self.loop is not None
        return self.loop.run_until_complete(outcome())

    def list(self, items: Any) -> list[Any]:
        """All items of a stream or pager."""
        if not self.is_async:
            return list(items)

        async def collect() -> list[Any]:
            return [item async for item in items]

        found: list[Any] = self(collect())
        return found

    def close(self) -> None:
        for client in self._clients:
            self(client.close())
        if self.loop:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()


@contextlib.contextmanager
def in_thread(function: Callable[..., Any], *arguments: Any) -> Iterator[list[Any]]:
    """Runs something beside the block, and waits for it; its result or error is in the list then."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(function(*arguments))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield outcome
    thread.join(20)
    assert not thread.is_alive()
