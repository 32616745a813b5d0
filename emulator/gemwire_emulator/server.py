"""The whole emulator: one grpc.aio server with every service of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import grpc.aio

from gemwire_emulator.clock import Clock
from gemwire_emulator.dispatch import Dispatcher
from gemwire_emulator.engines.base import Engine
from gemwire_emulator.engines.canned import Canned, Reply
from gemwire_emulator.engines.instant import InstantEngine
from gemwire_emulator.engines.local import LocalEngine
from gemwire_emulator.gate import Gate, Pace, Quota, Rule
from gemwire_emulator.grpc_front import GrpcFront
from gemwire_emulator.introspection import Introspection
from gemwire_emulator.journal import Journal
from gemwire_emulator.services.caches import CacheService
from gemwire_emulator.services.corpora import RetrieverService
from gemwire_emulator.services.files import FileService
from gemwire_emulator.services.generation import GenerativeService
from gemwire_emulator.services.legacy import DiscussService, TextService
from gemwire_emulator.services.models import ModelService
from gemwire_emulator.services.operations import Operations
from gemwire_emulator.services.permissions import PermissionService
from gemwire_emulator.services.prediction import PredictionService
from gemwire_emulator.store import Store
from gemwire_emulator.wording import texts_in
from gemwire_emulator.world import World
from gemwire_proto.longrunning import operations
from gemwire_proto.v1 import generative_service as v1_generative
from gemwire_proto.v1 import model_service as v1_model
from gemwire_proto.v1beta import (
    cache_service,
    discuss_service,
    file_service,
    generative_service,
    model_service,
    permission_service,
    prediction_service,
    retriever_service,
    text_service,
)


@dataclass
class Settings:
    """How an emulator is made.

    Attributes:
        host: Address to listen on.
        port: Port for gRPC; 0 for any that is free.
        http_port: Port for HTTP; 0 for any that is free, None for no HTTP.
        https_port: The same for HTTPS, with a certificate that is made for it.
        state: File to remember in; None for memory.
        engine: What writes answers: ``"instant"``, ``"local"``, or an engine.
        seed: Seed of the instant engine.
        replies: Canned replies.
        faults: Faults from the start.
        pace: How fast answers come.
        quota: Limits for each API key.
        frozen_at: Time that stands still (seconds since the epoch); None for the real one.
        tuning_seconds: How long a tuning takes, in the emulator's time.
    """

    host: str = "127.0.0.1"
    port: int = 0
    http_port: int | None = None
    https_port: int | None = None
    state: str | Path | None = None
    engine: Engine | Literal["instant", "local"] | None = None
    seed: int = 0
    replies: Sequence[Reply] = ()
    faults: Sequence[Rule] = ()
    pace: Pace = field(default_factory=Pace)
    quota: Quota = field(default_factory=Quota)
    frozen_at: float | None = None
    tuning_seconds: float = 2.0


class Emulator:
    """A server that behaves like the service. Use it with ``async with``, or `start` and `stop`.

    Attributes:
        settings: How it is made.
        journal: What was asked of it.
        address: host:port of the gRPC side, once it has started.
        http: ``http://host:port`` of the HTTP side, if it has one.
        https: The same for HTTPS.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """Nothing is opened before `start`."""
        self.settings = settings or Settings()
        self.journal = Journal()
        self.address = ""
        self.http = ""
        self.https = ""
        self._http_front: Any = None

    async def start(self) -> str:
        """Open the store, listen, and go on with what a former run left unfinished.

        Returns:
            host:port of the gRPC side.

        Raises:
            RuntimeError: The address is taken.
            OSError: The address of the HTTP side is taken.
            sqlite3.DatabaseError: The state file is none.
        """
        settings = self.settings
        engine = Canned(_engine(settings), settings.replies)
        self.world = World(
            Store(settings.state), Clock(settings.frozen_at), engine, tuning_seconds=settings.tuning_seconds
        )
        self.gate = Gate(self.world.clock, self._tokens, pace=settings.pace, quota=settings.quota)
        self.gate.rules.extend(settings.faults)
        dispatcher = Dispatcher(self.gate, self.journal)
        self._serve(dispatcher)
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                # Clients may ping an idle connection every ten seconds.
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.so_reuseport", 0),
            )
        )
        self._server.add_generic_rpc_handlers((GrpcFront(dispatcher),))
        self._introspection = Introspection(self._server, [service.name for service in SERVICES])
        host = f"[{settings.host}]" if ":" in settings.host.strip("[]") else settings.host
        try:
            port = self._server.add_insecure_port(f"{host}:{settings.port}")
            await self._server.start()
        except RuntimeError:
            await self.stop()
            raise
        await self._introspection.serving()
        self.address = f"{host}:{port}"
        try:
            await self._listen_for_http(dispatcher)
        except OSError:
            await self.stop()
            raise
        self._models.resume()
        self._predictions.resume()
        return self.address

    async def _listen_for_http(self, dispatcher: Dispatcher) -> None:
        settings = self.settings
        if settings.http_port is None and settings.https_port is None:
            return
        try:
            from gemwire_emulator.http.front import HttpFront
        except ImportError as error:
            raise RuntimeError(
                f"the HTTP side needs {error.name}: pip install 'gemwire[emulator]'"
            ) from error
        front = self._http_front = HttpFront(dispatcher, self.world, self.gate, self.journal)
        if settings.http_port is not None:
            self.http = f"http://{await front.listen(settings.host, settings.http_port)}"

    def _tokens(self, request: Any) -> int:
        return 0 if request is None else self.world.engine.count_tokens(list(texts_in(request)))

    def _serve(self, dispatcher: Dispatcher) -> None:
        world = self.world
        generative = GenerativeService(world)
        self._models = ModelService(world)
        self._predictions = PredictionService(world)
        dispatcher.serve(generative_service.SERVICE, generative)
        dispatcher.serve(model_service.SERVICE, self._models)
        dispatcher.serve(cache_service.SERVICE, CacheService(world))
        dispatcher.serve(file_service.SERVICE, FileService(world))
        dispatcher.serve(permission_service.SERVICE, PermissionService(world))
        dispatcher.serve(prediction_service.SERVICE, self._predictions)
        dispatcher.serve(retriever_service.SERVICE, RetrieverService(world))
        dispatcher.serve(text_service.SERVICE, TextService(world))
        dispatcher.serve(discuss_service.SERVICE, DiscussService(world))
        dispatcher.serve(operations.SERVICE, Operations(world))
        # What v1 has is a part of v1beta on the wire, and the same models answer.
        dispatcher.serve(v1_generative.SERVICE, generative, speaks=generative_service.SERVICE)
        dispatcher.serve(v1_model.SERVICE, self._models, speaks=model_service.SERVICE)

    async def wait(self) -> None:
        """Until it is stopped."""
        await self._server.wait_for_termination()

    async def stop(self, grace: float | None = None) -> None:
        """End it.

        Args:
            grace: Seconds in which calls may finish, live sessions being told; None to cancel them.
        """
        if grace:
            self.world.drain(grace)
            await self._introspection.draining()
        if self._http_front:
            await self._http_front.stop(grace)
        await self._server.stop(grace)
        await self.world.stop()

    def reset(self) -> None:
        """Forget all state, faults and calls; replies and the time are those of the settings again.

        The address stays.
        """
        for task in list(self.world.tasks):
            task.cancel()
        self.world.store.reset()
        self.world.clock.reset()
        # Whoever waits for an operation looks again, and finds none.
        for changed in self.world.stirred.values():
            changed.set()
        self.world.stirred.clear()
        self.world.engine.replies[:] = self.settings.replies
        self.gate.reset()
        self.journal.clear()

    async def __aenter__(self) -> Emulator:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()


def _engine(settings: Settings) -> Engine:
    if settings.engine == "local":
        return LocalEngine()
    if settings.engine is None or settings.engine == "instant":
        return InstantEngine(settings.seed)
    return settings.engine


SERVICES = (
    generative_service.SERVICE,
    model_service.SERVICE,
    cache_service.SERVICE,
    file_service.SERVICE,
    permission_service.SERVICE,
    prediction_service.SERVICE,
    retriever_service.SERVICE,
    text_service.SERVICE,
    discuss_service.SERVICE,
    v1_generative.SERVICE,
    v1_model.SERVICE,
    operations.SERVICE,
)
