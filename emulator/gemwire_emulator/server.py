"""The emulator: one grpc.aio server with every service of the API, and an HTTP server beside it."""

from __future__ import annotations

import asyncio
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import grpc
import grpc.aio
from google.protobuf.message import Message

from gemwire_emulator import snapshots
from gemwire_emulator.admission import AdmissionController
from gemwire_emulator.base_models import ModelCatalog
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
from gemwire_emulator.prompt_text import iter_texts
from gemwire_emulator.seed_resources import create_resources
from gemwire_emulator.services.auth_tokens import AuthTokenService
from gemwire_emulator.services.caches import CacheService
from gemwire_emulator.services.corpora import RetrieverService
from gemwire_emulator.services.file_search_stores import FileSearchStoreService
from gemwire_emulator.services.files import FileService
from gemwire_emulator.services.generation import GenerativeService
from gemwire_emulator.services.json_services import JsonServices
from gemwire_emulator.services.models import ModelService
from gemwire_emulator.services.operations import OperationsService
from gemwire_emulator.services.palm import DiscussService, TextService
from gemwire_emulator.services.permissions import PermissionService, create_finder
from gemwire_emulator.services.prediction import PredictionService
from gemwire_emulator.services.uploads import Uploads
from gemwire_emulator.settings import Settings as Settings
from gemwire_emulator.state import State
from gemwire_emulator.storage import Storage
from gemwire_emulator.store import Store
from gemwire_emulator.vertex import live
from gemwire_emulator.vertex import prediction as vertex_prediction
from gemwire_emulator.vertex.batches import JobService
from gemwire_emulator.vertex.caches import GenAiCacheService
from gemwire_emulator.vertex.live import LiveService
from gemwire_emulator.vertex.model_garden import ModelGardenService
from gemwire_emulator.vertex.models import ModelService as VertexModelService
from gemwire_emulator.vertex.names import find_location, find_project
from gemwire_emulator.vertex.tuned_models import TunedModels
from gemwire_emulator.vertex.tuning import GenAiTuningService
from gemwire_proto.families import FAMILIES
from gemwire_runtime.family import Package
from gemwire_runtime.method import Service

if TYPE_CHECKING:
    from gemwire_emulator.http.server import HttpServer


class Resumable(Protocol):
    """A service with work in the background."""

    def resume(self) -> None:
        """Resume the work that is unfinished in the store."""


class Emulator:
    """A server that behaves like the service. Use it with ``async with``, or `start` and `stop`.

    Attributes:
        settings: The settings.
        journal: The calls so far.
        state: The state of the services, once started.
        admission: Faults, latency and quota, once started.
        address: host:port of the gRPC server, once started.
        http: ``http://host:port`` of the HTTP server, if there is one.
        https: ``https://host:port`` of the HTTPS server, if there is one.
        tls: host:port of the gRPC server over TLS, if there is one.
        ca_file: Certificate authority that clients over TLS must trust: ``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH``
            for gRPC, ``SSL_CERT_FILE`` for HTTPS.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """Create an emulator; nothing is opened before `start`."""
        self.settings = settings or Settings()
        self.journal = Journal()
        self.address = ""
        self.http = ""
        self.https = ""
        self.tls = ""
        self.ca_file = ""
        self._http_server: HttpServer | None = None
        # The snapshot that a reset restores; None to reset to nothing.
        self._initial: Path | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._certificate_folder: tempfile.TemporaryDirectory[str] | None = None

    async def start(self) -> str:
        """Open the store, listen, and resume the work that a former run left unfinished.

        Returns:
            host:port of the gRPC server.

        Raises:
            RuntimeError: The address is in use.
            OSError: The address of the HTTP server is in use, or a file cannot be read or written.
            sqlite3.DatabaseError: The state file or the snapshot is not one.
            ValueError: A resource cannot be created, a model is invalid, settings exclude each other, or
                another program uses the state file.
        """
        settings = self.settings
        if settings.state and (settings.snapshot or settings.resources):
            raise ValueError("state: a state file has its own resources; it excludes snapshot and resources")
        engine, clock = CannedReplies(_create_engine(settings), settings.replies), Clock(settings.frozen_at)
        self.state = State(
            Store(settings.state),
            clock,
            engine,
            BlobStore(Path(f"{settings.state}.files") if settings.state else None),
            Storage(settings.storage),
            models=ModelCatalog(settings.models),
            tuning_seconds=settings.tuning_seconds,
            callers=settings.callers,
        )
        self.admission = AdmissionController(
            self.state.clock,
            self._count_tokens,
            faults=settings.faults,
            pace=settings.pace,
            quota=settings.quota,
        )
        dispatcher = Dispatcher(self.admission, self.journal)
        self._add_services(dispatcher)
        try:
            await self._create_resources()
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
        names = [service.name for service in (*SERVICES, *VERTEX_SERVICES)]
        self._introspection = Introspection(self._server, names)
        host = f"[{settings.host}]" if ":" in settings.host.strip("[]") else settings.host
        try:
            certificate = self._create_certificate()
            port = self._server.add_insecure_port(f"{host}:{settings.port}")
            self._front.connections.port = port
            if certificate is not None and settings.tls_port is not None:
                pem = certificate.read_bytes()
                credentials = grpc.ssl_server_credentials([(pem, pem)])
                tls_port = self._server.add_secure_port(f"{host}:{settings.tls_port}", credentials)
                self._front.connections.tls_port = tls_port
                self.tls = f"{host}:{tls_port}"
            await self._server.start()
        except (RuntimeError, OSError):
            await self.stop()
            raise
        await self._introspection.set_serving()
        self.address = f"{host}:{port}"
        try:
            await self._start_http(dispatcher, certificate)
        except OSError:
            await self.stop()
            raise
        self._resume()
        return self.address

    def _create_certificate(self) -> Path | None:
        """Return the PEM file of certificate and key; None if nothing is served over TLS."""
        settings = self.settings
        if settings.tls_port is None and settings.https_port is None:
            return None
        try:
            from gemwire_emulator.certificates import ensure_certificate
        except ImportError as error:
            raise _create_import_error("TLS", error) from error
        folder = settings.certificate_dir
        if folder is None:
            self._certificate_folder = tempfile.TemporaryDirectory(prefix="gemwire-emulator-")
            folder = self._certificate_folder.name
        files = ensure_certificate(Path(folder), settings.host)
        self.ca_file = str(files.authority.absolute())
        return files.server

    async def _start_http(self, dispatcher: Dispatcher, certificate: Path | None) -> None:
        settings = self.settings
        if settings.http_port is None and settings.https_port is None:
            return
        try:
            from gemwire_emulator.http.server import HttpServer
        except ImportError as error:
            raise _create_import_error("HTTP", error) from error
        server = self._http_server = HttpServer(
            dispatcher,
            self.state,
            self.admission,
            self.journal,
            reset=self.reset,
            address=self.address,
        )
        if settings.http_port is not None:
            self.http = f"http://{await server.listen(settings.host, settings.http_port)}"
        if settings.https_port is not None:
            address = await server.listen(settings.host, settings.https_port, certificate)
            self.https = f"https://{address}"

    async def _create_resources(self) -> None:
        """Create the resources that exist from the start, and again after a reset."""
        settings = self.settings
        if settings.snapshot:
            snapshots.load(self.state, Path(settings.snapshot))
            self._initial = Path(settings.snapshot)
        if settings.resources:
            # A dispatcher of its own: no fault or quota applies to these calls, and no journal records them.
            dispatcher = Dispatcher(AdmissionController(self.state.clock, self._count_tokens), Journal())
            self._add_services(dispatcher)
            await create_resources(dispatcher, settings.resources)
            self._temporary = tempfile.TemporaryDirectory(prefix="gemwire-emulator-")
            self._initial = Path(self._temporary.name, "beginning")
            snapshots.save(self.state, self._initial)

    def _resume(self) -> None:
        """Resume unfinished work from the store."""
        self.state.delete_orphaned_blobs()
        for service in self._resumable:
            service.resume()

    def _count_tokens(self, message: Message | None) -> int:
        return 0 if message is None else self.state.engine.count_tokens(list(iter_texts(message)))

    def _add_services(self, dispatcher: Dispatcher) -> None:
        state = self.state
        generative = GenerativeService(state)
        self._batches = generative.batches
        in_json = JsonServices(state, generative)
        files, models, predictions = FileService(state), ModelService(state), PredictionService(state)
        stores = FileSearchStoreService(state)
        handlers: dict[str, object] = {
            "AuthTokenService": AuthTokenService(state),
            "CacheService": CacheService(state),
            "DiscussService": DiscussService(state),
            "FileSearchStoreService": stores,
            "FileService": files,
            "GenerativeService": generative,
            "ModelService": models,
            "Operations": OperationsService(state),
            "PermissionService": PermissionService(state),
            "PredictionService": predictions,
            "RetrieverService": RetrieverService(state),
            "TextService": TextService(state),
            **in_json.handlers,
        }
        v1beta = {_short_name(service): service for service in _PACKAGES[0].tables()}
        for service in SERVICES:
            name = _short_name(service)
            # On the wire, v1 is a subset of v1beta, so the same handlers serve it.
            dispatcher.serve(
                service,
                handlers[name],
                handled_as=v1beta.get(name),
                find_tenant=_TENANTS.get(name),
                share=partial(create_finder, state),
            )
        tuned = TunedModels(state)
        prediction = vertex_prediction.PredictionService(state, generative, tuned)
        jobs = JobService(state, prediction, tuned)
        vertex: dict[str, object] = {
            "GenAiCacheService": GenAiCacheService(state),
            "GenAiTuningService": GenAiTuningService(tuned, state),
            "JobService": jobs,
            "LlmUtilityService": vertex_prediction.LlmUtilityService(state, generative, tuned),
            "ModelGardenService": ModelGardenService(state),
            "ModelService": VertexModelService(state, tuned),
            "PredictionService": prediction,
        }
        dispatcher.serve(LIVE_SERVICE, LiveService(state, generative))
        self._resumable: tuple[Resumable, ...] = (
            files,
            stores.indexing,
            Uploads(state),
            models,
            predictions,
            self._batches,
            in_json.interactions,
            in_json.triggers,
            prediction.videos,
            jobs,
        )
        for service in VERTEX_SERVICES:
            dispatcher.serve(
                service, vertex.get(_short_name(service)), find_tenant=find_project, unserved=_UNSERVED
            )

    async def wait(self) -> None:
        """Wait until the emulator is stopped."""
        await self._server.wait_for_termination()

    async def stop(self, grace: float | None = None) -> None:
        """Stop the emulator.

        Args:
            grace: Seconds in which running calls may finish, of which live sessions are notified; None to
                cancel them.
        """
        if grace:
            self.state.drain(grace)
            await self._introspection.set_draining()
        stops = [self._server.stop(grace)]
        if self._http_server:
            stops.append(self._http_server.stop(grace))
        # Concurrently, since both have the whole grace period.
        await asyncio.gather(*stops)
        await self._close()

    async def _close(self) -> None:
        await self.state.stop()
        self.journal.close()
        for folder in (self._temporary, self._certificate_folder):
            if folder is not None:
                folder.cleanup()

    def reset(self) -> None:
        """Restore resources, time, replies, faults, pace and quota to the settings, and clear the journal.

        The address and the connections stay.
        """
        self.state.cancel_tasks()
        if self._initial is None:
            self.state.store.reset()
            self.state.clock.set(0.0)
        else:
            snapshots.load(self.state, self._initial)
        self.state.engine.replies[:] = self.settings.replies
        if self.settings.engine in (None, "instant"):
            self.seed(self.settings.seed)
        self.admission.reset()
        self.journal.clear()
        # The snapshot of the settings may hold unfinished work.
        self._resume()

    def seed(self, seed: int) -> None:
        """Change the seed of the instant engine.

        Raises:
            ValueError: The engine is another one.
        """
        if self.settings.engine not in (None, "instant"):
            raise ValueError(f"seed: the {self.state.engine.name} engine has no seed")
        self.state.engine = CannedReplies(InstantEngine(seed), self.state.engine.replies)

    def snapshot(self, path: str | Path) -> None:
        """Write all resources and the skipped time to a file, while calls may go on.

        Raises:
            OSError: The file cannot be written.
        """
        snapshots.save(self.state, Path(path))

    def restore(self, path: str | Path) -> None:
        """Replace the resources and the time by those of a snapshot. Faults and other settings stay.

        Raises:
            OSError: The file cannot be read.
            sqlite3.DatabaseError: It is not a snapshot; nothing has changed.
        """
        snapshots.load(self.state, Path(path))
        self.state.cancel_tasks()
        self._resume()

    async def go_away(self) -> None:
        """Send GOAWAY to every gRPC client, which makes its next calls over another connection."""
        await self._front.connections.go_away_all()

    async def __aenter__(self) -> Emulator:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()


def _create_engine(settings: Settings) -> Engine:
    if settings.engine == "local":
        return LocalEngine()
    if settings.engine is None or settings.engine == "instant":
        return InstantEngine(settings.seed)
    return settings.engine


def _create_import_error(what: str, error: ImportError) -> RuntimeError:
    return RuntimeError(f"{what} requires {error.name}; install it with: pip install 'gemwire[emulator]'")


def _short_name(service: Service) -> str:
    return service.name.rpartition(".")[2]


_FAMILIES = {family.name: family for family in FAMILIES}
#: Packages of the Gemini API; the first is v1beta.
_PACKAGES: tuple[Package, ...] = (
    *_FAMILIES["generativelanguage"].packages,
    *_FAMILIES["interactions"].packages,
)
#: Method tables of the services of the Gemini API, and of Vertex AI.
SERVICES = tuple(service for package in _PACKAGES for service in package.tables())
VERTEX_SERVICES = tuple(_FAMILIES["aiplatform"].packages[0].tables())
#: Operations of Vertex AI belong to a location, all else of the shared services to an API key.
_TENANTS = {"Operations": find_location}
#: Live sessions of Vertex AI, which no proto describes.
LIVE_SERVICE = Service(live.METHOD.service, VERTEX_SERVICES[0].host, (), {live.METHOD.name: live.METHOD})
_UNSERVED = "the emulator does not have it; it serves custom models, of which the emulator has none"
