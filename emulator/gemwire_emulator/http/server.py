"""The HTTP side of an emulator: what is served, and the sockets it is served on."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from gemwire_emulator.http.app import EXCEPTION_HANDLERS, RootApp
from gemwire_emulator.http.batches import BatchApp
from gemwire_emulator.http.certificates import ensure_certificate
from gemwire_emulator.http.downloads import DownloadApp
from gemwire_emulator.http.listener import Listener
from gemwire_emulator.http.live import LiveApp
from gemwire_emulator.http.openapi.document import Document
from gemwire_emulator.http.page.routes import Page
from gemwire_emulator.http.protocol import HttpProtocol, WebSocketProtocol
from gemwire_emulator.http.request_body import MAX_BODY_BYTES
from gemwire_emulator.http.router import Router
from gemwire_emulator.http.rpc import WORTH_COMPRESSING, RpcApp
from gemwire_emulator.http.uploads import UploadApp

if TYPE_CHECKING:
    from gemwire_emulator.admission import AdmissionController
    from gemwire_emulator.dispatch import Dispatcher
    from gemwire_emulator.journal import Journal
    from gemwire_emulator.services.batches import Batches
    from gemwire_emulator.state import State

#: Seconds for which a connection is kept on which nothing is asked: longer than clients keep theirs, as one
#: that is closed just when it is used again costs them a request.
_KEEP_ALIVE = 75
_ANY_MODEL = "/{version}/{collection}/{model}"
_LIVE = "/google.ai.generativelanguage.v1beta.GenerativeService/BidiGenerateContent"


class HttpServer:
    """Serves an emulator's endpoints over HTTP."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        state: State,
        admission: AdmissionController,
        journal: Journal,
        batches: Batches,
        *,
        reset: Callable[[], None],
        address: str,
    ) -> None:
        """Nothing listens before `listen`.

        Args:
            dispatcher: The RPCs.
            state: What their handlers share.
            admission: Faults and quotas.
            journal: The calls.
            batches: What has no RPC.
            reset: Forgets everything.
            address: host:port of the gRPC side, to be shown.
        """
        self._page = Page(state, admission, journal, reset=reset, address=address)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._servers: list[tuple[Listener, asyncio.Task[None]]] = []
        self.app = _app(dispatcher, state, admission, journal, batches, self._page)

    async def listen(self, host: str, port: int, **tls: Any) -> str:
        """Listen on a further address.

        Args:
            host: Name or address.
            port: Port; 0 for any that is free.
            **tls: uvicorn's ``ssl_certfile``, for HTTPS.

        Returns:
            host:port.

        Raises:
            OSError: The address is taken.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host.strip("[]"), port), family=family, backlog=2048)
        # asyncio sets it only where the protocol is named, and create_server names none: without it, the
        # second half of an answer waits 40 ms for the first to be acknowledged. Connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = Listener(
            uvicorn.Config(
                self.app,
                http=HttpProtocol,
                ws=WebSocketProtocol,
                ws_max_size=MAX_BODY_BYTES,
                # What is small on the wire could be large in memory; and it is this machine's own wire.
                ws_per_message_deflate=False,
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE,
                **tls,
            )
        )
        self._page.guard.listens(host)
        self._servers.append((server, await server.start(listener)))
        shown = f"[{host.strip('[]')}]" if family == socket.AF_INET6 else host
        return f"{shown}:{listener.getsockname()[1]}"

    async def listen_securely(self, host: str, port: int, folder: str | Path | None) -> tuple[str, str]:
        """Listen with TLS.

        Args:
            host: Name or address.
            port: Port; 0 for any that is free.
            folder: Directory of the certificate; None for one that is deleted in the end.

        Returns:
            host:port, and the file of the authority that clients have to trust.

        Raises:
            OSError: The address is taken, or the certificate cannot be written.
        """
        if folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="gemwire-emulator-")
            folder = self._folder.name
        files = ensure_certificate(Path(folder), host)
        address = await self.listen(host, port, ssl_certfile=files.server)
        return address, str(files.authority.absolute())

    async def stop(self, grace: float | None = None) -> None:
        """End it.

        Args:
            grace: Seconds in which requests may finish; None to cancel them.
        """
        self._page.close()
        for server, _ in self._servers:
            server.stop(grace)
        await asyncio.gather(*(task for _, task in self._servers))
        self._servers.clear()
        if self._folder is not None:
            self._folder.cleanup()


def _app(
    dispatcher: Dispatcher,
    state: State,
    admission: AdmissionController,
    journal: Journal,
    batches: Batches,
    page: Page,
) -> RootApp:
    endpoints = dispatcher.endpoints
    # One version's endpoints serve all: v1beta has everything that the others have.
    router = Router(e for path, e in endpoints.items() if ".v1." not in path)
    v1 = Router(e for path, e in endpoints.items() if ".v1." in path)
    rpcs = RpcApp(router)
    downloads = DownloadApp(endpoints, state, rpcs)
    app = Starlette(
        routes=[
            Route("/openapi.json", Document("v1beta", router.routes).serve),
            Route("/v1/openapi.json", Document("v1", v1.routes).serve),
            *page.routes(router.routes),
            Route("/upload/{version}/files", UploadApp(state, admission, journal)),
            Route("/{version}/files/{file}:download", downloads),
            Route("/download/{version}/files/{file}:download", downloads),
            Route(f"{_ANY_MODEL}:batchGenerateContent", BatchApp("generate", batches, admission, journal)),
            Route(f"{_ANY_MODEL}:asyncBatchEmbedContent", BatchApp("embed", batches, admission, journal)),
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
            Middleware(GZipMiddleware, minimum_size=WORTH_COMPRESSING, compresslevel=1),
        ],
    )
    # No Mount: its pattern matches no path with a newline in it; Starlette would refuse that in its words.
    app.router.default = rpcs
    app.router.redirect_slashes = False
    return RootApp(LiveApp(endpoints[_LIVE]), rpcs, app)
