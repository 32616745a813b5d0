"""The HTTP server of an emulator: its routes and its listeners."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from gemwire_emulator.http.app import EXCEPTION_HANDLERS, RootApp
from gemwire_emulator.http.downloads import DownloadApp
from gemwire_emulator.http.listener import Listener
from gemwire_emulator.http.live import LiveApp
from gemwire_emulator.http.openapi.document import VERTEX, Document
from gemwire_emulator.http.page.routes import Page
from gemwire_emulator.http.protocol import HttpProtocol, WebSocketProtocol
from gemwire_emulator.http.request_body import MAX_BODY_BYTES
from gemwire_emulator.http.router import Router
from gemwire_emulator.http.rpc import MIN_COMPRESSED_BYTES, RpcApp
from gemwire_emulator.http.uploads import UploadApp
from gemwire_proto.families import PACKAGES

if TYPE_CHECKING:
    from pathlib import Path

    from gemwire_emulator.admission import AdmissionController
    from gemwire_emulator.dispatch import Dispatcher
    from gemwire_emulator.journal import Journal
    from gemwire_emulator.state import State

#: Seconds after which idle connections are closed: longer than clients keep theirs, because a request on a
#: connection that is closing fails.
_KEEP_ALIVE = 75
_V1 = PACKAGES["google.ai.generativelanguage.v1"]
_INTERACTIONS = PACKAGES["gemwire.interactions.v1beta"]
_LIVE = "/google.ai.generativelanguage.v1beta.GenerativeService/BidiGenerateContent"
_VERTEX_LIVE = "/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"


class HttpServer:
    """The endpoints of an emulator, served over HTTP."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        state: State,
        admission: AdmissionController,
        journal: Journal,
        *,
        reset: Callable[[], None],
        address: str,
    ) -> None:
        """Build the applications; `listen` opens the sockets.

        Args:
            dispatcher: The RPCs.
            state: The state that their handlers share.
            admission: Faults and quotas.
            journal: Records the calls.
            reset: Resets the emulator.
            address: host:port of the gRPC server, for the page.
        """
        self._page = Page(state, admission, journal, reset=reset, address=address)
        self._listeners: list[tuple[Listener, asyncio.Task[None]]] = []
        self.app = _build_app(dispatcher, state, admission, journal, self._page)

    async def listen(self, host: str, port: int, certificate: Path | None = None) -> str:
        """Listen on another address.

        Args:
            host: Name or address.
            port: Port; 0 for a free one.
            certificate: PEM file with certificate and key, for HTTPS.

        Returns:
            host:port.

        Raises:
            OSError: The address is in use.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host.strip("[]"), port), family=family, backlog=2048)
        # asyncio sets it only for sockets with an explicit protocol, and create_server sets none. Without
        # the option, the second packet of a response waits 40 ms for an acknowledgement. Connections inherit
        # it.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener = Listener(
            uvicorn.Config(
                self.app,
                http=HttpProtocol,
                ws=WebSocketProtocol,
                ws_max_size=MAX_BODY_BYTES,
                # A small compressed frame could be large in memory, and loopback gains nothing.
                ws_per_message_deflate=False,
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE,
                ssl_certfile=certificate,
            )
        )
        self._page.guard.add_host(host)
        self._listeners.append((listener, await listener.start(sock)))
        display_host = f"[{host.strip('[]')}]" if family == socket.AF_INET6 else host
        return f"{display_host}:{sock.getsockname()[1]}"

    async def stop(self, grace: float | None = None) -> None:
        """Stop all listeners.

        Args:
            grace: Seconds in which requests may finish; None cancels them.
        """
        self._page.close()
        for listener, _ in self._listeners:
            listener.stop(grace)
        await asyncio.gather(*(task for _, task in self._listeners))
        self._listeners.clear()


def _build_app(
    dispatcher: Dispatcher,
    state: State,
    admission: AdmissionController,
    journal: Journal,
    page: Page,
) -> RootApp:
    endpoints = dispatcher.endpoints
    # The routes of v1beta serve all versions, because v1beta has everything that the others have.
    v1_methods = {m.path for service in _V1.tables() for m in service.methods.values()}
    in_json = {m.path for service in _INTERACTIONS.tables() for m in service.methods.values()}
    router = Router(e for path, e in endpoints.items() if path not in v1_methods | in_json)
    # Apart from the others: the OpenAPI document cannot hold messages of equal names.
    interactions = Router(e for path, e in endpoints.items() if path in in_json)
    v1 = Router(e for path, e in endpoints.items() if path in v1_methods)
    vertex = Router(endpoints.values(), vertex=True)
    rpcs = RpcApp(router, interactions, vertex)
    uploads = UploadApp(state, admission, journal)
    downloads = DownloadApp(endpoints, state, rpcs)
    app = Starlette(
        routes=[
            Route("/openapi.json", Document("v1beta", router.routes).serve),
            Route("/v1/openapi.json", Document("v1", v1.routes).serve),
            Route("/aiplatform/openapi.json", Document("v1", vertex.routes, VERTEX).serve),
            *page.build_routes([*router.routes, *interactions.routes]),
            Route("/upload/{version}/files", uploads),
            Route("/upload/{version}/fileSearchStores/{store}:uploadToFileSearchStore", uploads),
            Route("/{version}/files/{file}:download", downloads),
            Route("/download/{version}/files/{file}:download", downloads),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=["*"],
                max_age=3600,
            ),
            Middleware(GZipMiddleware, minimum_size=MIN_COMPRESSED_BYTES, compresslevel=1),
        ],
    )
    # Not a Mount: its pattern matches no path with a newline, which Starlette would answer in its own format.
    app.router.default = rpcs
    app.router.redirect_slashes = False
    return RootApp(LiveApp(endpoints[_LIVE], endpoints[_VERTEX_LIVE]), rpcs, app, page.guard)
