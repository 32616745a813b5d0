"""The HTTP side of an emulator: what is served, and the sockets it is served on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from gemwire_emulator.http.bindings import Router
from gemwire_emulator.http.rpc import RpcApp
from gemwire_proto._method import HttpBinding

if TYPE_CHECKING:
    from gemwire_emulator.dispatch import Dispatcher
    from gemwire_emulator.gate import Gate
    from gemwire_emulator.journal import Journal
    from gemwire_emulator.world import World

#: Bytes of a JSON answer from which compressing it is worth the time: more than a packet.
_WORTH_COMPRESSING = 1400
_OPERATIONS = "/google.longrunning.Operations/"
#: Operations live below the resources that they work on; the method table has Google's general rule only.
_OPERATION_BINDINGS = {
    "ListOperations": (
        "get",
        "/v1beta/{name=tunedModels/*/operations}",
        "/v1beta/{name=models/*/operations}",
    ),
    "GetOperation": (
        "get",
        "/v1beta/{name=tunedModels/*/operations/*}",
        "/v1beta/{name=models/*/operations/*}",
    ),
    "DeleteOperation": (
        "delete",
        "/v1beta/{name=tunedModels/*/operations/*}",
        "/v1beta/{name=models/*/operations/*}",
    ),
}


class HttpFront:
    """Serves an emulator's endpoints over HTTP."""

    def __init__(self, dispatcher: Dispatcher, world: World, gate: Gate, journal: Journal) -> None:
        """Nothing listens before `listen`.

        Args:
            dispatcher: The RPCs.
            world: What their handlers share.
            gate: Faults and quotas.
            journal: The calls.
        """
        self._servers: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []
        self.app = _app(dispatcher, world, gate, journal)

    async def listen(self, host: str, port: int, **tls: Any) -> str:
        """Listen on a further address.

        Args:
            host: Name or address.
            port: Port; 0 for any that is free.
            **tls: uvicorn's ``ssl_certfile`` and ``ssl_keyfile``, for HTTPS.

        Returns:
            host:port.

        Raises:
            OSError: The address is taken.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host.strip("[]"), port), family=family, backlog=2048)
        config = uvicorn.Config(
            self.app, log_config=None, access_log=False, lifespan="off", server_header=False, **tls
        )
        server = _Server(config)
        task = asyncio.get_running_loop().create_task(server.serve([listener]))
        self._servers.append((server, task))
        await server.up.wait()
        shown = f"[{host.strip('[]')}]" if family == socket.AF_INET6 else host
        return f"{shown}:{listener.getsockname()[1]}"

    async def stop(self, grace: float | None = None) -> None:
        """End it.

        Args:
            grace: Seconds in which requests may finish; None to cancel them.
        """
        for server, _ in self._servers:
            server.config.timeout_graceful_shutdown = int(grace or 0)
            server.should_exit = True
        await asyncio.gather(*(task for _, task in self._servers))
        self._servers.clear()


class _Server(uvicorn.Server):
    """One that leaves signals to whoever runs the emulator, and says when it is there."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _app(dispatcher: Dispatcher, world: World, gate: Gate, journal: Journal) -> Starlette:
    endpoints = dispatcher.endpoints
    # One version's endpoints serve all: v1beta has everything that the others have.
    router = Router(e for path, e in endpoints.items() if ".v1." not in path)
    for name, (verb, *templates) in _OPERATION_BINDINGS.items():
        for template in templates:
            router.add(endpoints[_OPERATIONS + name], HttpBinding(verb, template))
    return Starlette(
        routes=[Mount("/", RpcApp(router))],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
                expose_headers=["*"],
                max_age=3600,
            ),
            Middleware(GZipMiddleware, minimum_size=_WORTH_COMPRESSING, compresslevel=1),
        ],
    )
