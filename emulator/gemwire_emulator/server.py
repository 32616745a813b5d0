"""The whole emulator: one grpc.aio server with every service of the API."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import grpc.aio

from gemwire_emulator import snapshots
from gemwire_emulator.admission import AdmissionController
from gemwire_emulator.blob_store import BlobStore
from gemwire_emulator.clock import Clock
from gemwire_emulator.dispatch import Dispatcher
from gemwire_emulator.engines.base import Engine
from gemwire_emulator.engines.canned import CannedReplies
from gemwire_emulator.engines.instant import InstantEngine
from gemwire_emulator.engines.local import LocalEngine
from gemwire_emulator.grpc_front import GrpcFront
from gemwire_emulator.introspection import Introspection
from gemwire_emulator.journal import Journal
from gemwire_emulator.prompt_text import texts_in
from gemwire_emulator.seed_resources import prepare
from gemwire_emulator.services.batches import Batches
from gemwire_emulator.services.caches import CacheService
from gemwire_emulator.services.corpora import RetrieverService
from gemwire_emulator.services.files import FileService
from gemwire_emulator.services.generation import GenerativeService
from gemwire_emulator.services.legacy import DiscussService, TextService
from gemwire_emulator.services.models import ModelService
from gemwire_emulator.services.operations import Operations
from gemwire_emulator.services.permissions import PermissionService
from gemwire_emulator.services.prediction import PredictionService
from gemwire_emulator.services.uploads import Uploads
from gemwire_emulator.settings import Settings as Settings
from gemwire_emulator.state import State
from gemwire_emulator.store import Store
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


class Emulator:
    """A server that behaves like the service. Use it with ``async with``, or `start` and `stop`.

    Attributes:
        settings: How it is made.
        journal: What was asked of it.
        address: host:port of the gRPC side, once it has started.
        http: ``http://host:port`` of the HTTP side, if it has one.
        https: The same for HTTPS.
        ca_file: What clients of HTTPS have to trust: ``SSL_CERT_FILE``.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """Nothing is opened before `start`."""
        self.settings = settings or Settings()
        self.journal = Journal()
        self.address = ""
        self.http = ""
        self.https = ""
        self.ca_file = ""
        self._http_front: Any = None
        # What a reset leads back to; None for nothing.
        self._beginning: Path | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    async def start(self) -> str:
        """Open the store, listen, and go on with what a former run left unfinished.

        Returns:
            host:port of the gRPC side.

        Raises:
            RuntimeError: The address is taken.
            OSError: The address of the HTTP side is taken, or a file cannot be read or written.
            sqlite3.DatabaseError: The state file or the snapshot is none.
            ValueError: A resource cannot be made, or settings contradict each other.
        """
        settings = self.settings
        if settings.state and (settings.snapshot or settings.resources):
            raise ValueError("state: a file to remember in has its own resources: no snapshot, no resources")
        engine = CannedReplies(_engine(settings), settings.replies)
        self.state = State(
            Store(settings.state),
            Clock(settings.frozen_at),
            engine,
            BlobStore(Path(f"{settings.state}.files") if settings.state else None),
            tuning_seconds=settings.tuning_seconds,
        )
        self.admission = AdmissionController(
            self.state.clock, self._tokens, faults=settings.faults, pace=settings.pace, quota=settings.quota
        )
        dispatcher = Dispatcher(self.admission, self.journal)
        self._serve(dispatcher)
        try:
            await self._prepare()
            if settings.journal:
                self.journal.open(settings.journal)
        except BaseException:
            await self._close()
            raise
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
        self._front = GrpcFront(dispatcher)
        self._server.add_generic_rpc_handlers((self._front,))
        self._introspection = Introspection(self._server, [service.name for service in SERVICES])
        host = f"[{settings.host}]" if ":" in settings.host.strip("[]") else settings.host
        try:
            port = self._server.add_insecure_port(f"{host}:{settings.port}")
            self._front.connections.port = port
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
        self._resume()
        return self.address

    async def _listen_for_http(self, dispatcher: Dispatcher) -> None:
        settings = self.settings
        if settings.http_port is None and settings.https_port is None:
            return
        try:
            from gemwire_emulator.http.server import HttpServer
        except ImportError as error:
            raise RuntimeError(
                f"the HTTP side needs {error.name}: pip install 'gemwire[emulator]'"
            ) from error
        front = self._http_front = HttpServer(
            dispatcher,
            self.state,
            self.admission,
            self.journal,
            self._batches,
            reset=self.reset,
            address=self.address,
        )
        if settings.http_port is not None:
            self.http = f"http://{await front.listen(settings.host, settings.http_port)}"
        if settings.https_port is not None:
            address, self.ca_file = await front.listen_securely(
                settings.host, settings.https_port, settings.certificate_dir
            )
            self.https = f"https://{address}"

    async def _prepare(self) -> None:
        """What is there from the start, and again after a reset."""
        settings = self.settings
        if settings.snapshot:
            snapshots.load(self.state, Path(settings.snapshot))
            self._beginning = Path(settings.snapshot)
        if settings.resources:
            # By another gate and journal: no fault hits these calls, and nobody counts them.
            behind = Dispatcher(AdmissionController(self.state.clock, self._tokens), Journal())
            self._serve(behind)
            await prepare(behind, settings.resources)
            self._temporary = tempfile.TemporaryDirectory(prefix="gemwire-emulator-")
            self._beginning = Path(self._temporary.name, "beginning")
            snapshots.save(self.state, self._beginning)

    def _resume(self) -> None:
        """Go on with what is unfinished in the store."""
        self.state.delete_orphaned_blobs()
        for service in (self._files, Uploads(self.state), self._models, self._predictions, self._batches):
            service.resume()

    def _tokens(self, request: Any) -> int:
        return 0 if request is None else self.state.engine.count_tokens(list(texts_in(request)))

    def _serve(self, dispatcher: Dispatcher) -> None:
        state = self.state
        generative = GenerativeService(state)
        self._batches = Batches(state, generative)
        self._files = FileService(state)
        self._models = ModelService(state)
        self._predictions = PredictionService(state)
        dispatcher.serve(generative_service.SERVICE, generative)
        dispatcher.serve(model_service.SERVICE, self._models)
        dispatcher.serve(cache_service.SERVICE, CacheService(state))
        dispatcher.serve(file_service.SERVICE, self._files)
        dispatcher.serve(permission_service.SERVICE, PermissionService(state))
        dispatcher.serve(prediction_service.SERVICE, self._predictions)
        dispatcher.serve(retriever_service.SERVICE, RetrieverService(state))
        dispatcher.serve(text_service.SERVICE, TextService(state))
        dispatcher.serve(discuss_service.SERVICE, DiscussService(state))
        dispatcher.serve(operations.SERVICE, Operations(state))
        # What v1 has is a part of v1beta on the wire, and the same models answer.
        dispatcher.serve(v1_generative.SERVICE, generative, handled_as=generative_service.SERVICE)
        dispatcher.serve(v1_model.SERVICE, self._models, handled_as=model_service.SERVICE)

    async def wait(self) -> None:
        """Until it is stopped."""
        await self._server.wait_for_termination()

    async def stop(self, grace: float | None = None) -> None:
        """End it.

        Args:
            grace: Seconds in which calls may finish, live sessions being told; None to cancel them.
        """
        if grace:
            self.state.drain(grace)
            await self._introspection.draining()
        fronts = [self._server, self._http_front] if self._http_front else [self._server]
        # Side by side, as both have the whole grace.
        await asyncio.gather(*(front.stop(grace) for front in fronts))
        await self._close()

    async def _close(self) -> None:
        await self.state.stop()
        self.journal.close()
        if self._temporary:
            self._temporary.cleanup()

    def reset(self) -> None:
        """Be as after the start: resources, time, replies, faults, pace and quota are those of the settings.

        Calls are forgotten. The address and the connections stay.
        """
        self.state.cancel_tasks()
        if self._beginning is None:
            self.state.store.reset()
            self.state.clock.set(0.0)
        else:
            snapshots.load(self.state, self._beginning)
        self.state.engine.replies[:] = self.settings.replies
        if self.settings.engine in (None, "instant"):
            self.seed(self.settings.seed)
        self.admission.reset()
        self.journal.clear()
        # The snapshot that the settings name may hold what is not finished.
        self._resume()

    def seed(self, seed: int) -> None:
        """Have the instant engine answer by another seed from now on.

        Raises:
            ValueError: There is another engine.
        """
        if self.settings.engine not in (None, "instant"):
            raise ValueError(f"seed: the {self.state.engine.name} engine has none")
        self.state.engine = CannedReplies(InstantEngine(seed), self.state.engine.replies)

    def snapshot(self, path: str | Path) -> None:
        """Write all resources, and the time that was skipped, to a file; calls may go on meanwhile.

        Raises:
            OSError: The file cannot be written.
        """
        snapshots.save(self.state, Path(path))

    def restore(self, path: str | Path) -> None:
        """Have the resources and the time of a snapshot, and no others. Faults and the like stay.

        Raises:
            OSError: The file cannot be read.
            sqlite3.DatabaseError: It is no snapshot. Nothing has changed.
        """
        snapshots.load(self.state, Path(path))
        self.state.cancel_tasks()
        self._resume()

    async def go_away(self) -> None:
        """Send GOAWAY to every gRPC client: its next calls come over another connection."""
        await self._front.connections.go_away_all()

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
