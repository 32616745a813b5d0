"""gRPC health and reflection: what load balancers, grpcurl and the like ask a server first.

What they are made of comes with ``gemwire[emulator]``; without it there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc.aio
from google.protobuf import descriptor_pool

from gemwire_proto import POOL


class Introspection:
    """Both services on one server."""

    def __init__(self, server: grpc.aio.Server, names: Sequence[str]) -> None:
        """Add them, where they are installed, before the server starts.

        Args:
            server: The server.
            names: Its services.
        """
        self._names = ("", *names)
        self._health: Any = None
        try:
            from grpc_health.v1 import health, health_pb2_grpc
            from grpc_reflection.v1alpha import reflection
        except ImportError:
            return
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        shown = [*names, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(shown, server, pool=_Pools())

    async def serving(self) -> None:
        """All services can be called."""
        if self._health:
            from grpc_health.v1 import health_pb2

            for name in self._names:
                await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def draining(self) -> None:
        """None takes new calls any more."""
        if self._health:
            await self._health.enter_graceful_shutdown()


class _Pools:
    """Our descriptors, and those of health and reflection, which are in protobuf's own pool."""

    def __init__(self) -> None:
        self._pools = (POOL, descriptor_pool.Default())

    def _find(self, how: str, *what: Any) -> Any:
        for pool in self._pools:
            try:
                return getattr(pool, how)(*what)
            except (KeyError, TypeError):  # TypeError: a descriptor of the other pool
                continue
        raise KeyError(what[-1])

    def FindFileByName(self, name: str) -> Any:  # noqa: N802 - as protobuf's pool has it
        """See `descriptor_pool.DescriptorPool`."""
        return self._find("FindFileByName", name)

    def FindFileContainingSymbol(self, symbol: str) -> Any:  # noqa: N802
        """See `descriptor_pool.DescriptorPool`."""
        return self._find("FindFileContainingSymbol", symbol)

    def FindMessageTypeByName(self, name: str) -> Any:  # noqa: N802
        """See `descriptor_pool.DescriptorPool`."""
        return self._find("FindMessageTypeByName", name)

    def FindExtensionByNumber(self, message: Any, number: int) -> Any:  # noqa: N802
        """See `descriptor_pool.DescriptorPool`."""
        return self._find("FindExtensionByNumber", message, number)

    def FindAllExtensions(self, message: Any) -> Any:  # noqa: N802
        """See `descriptor_pool.DescriptorPool`."""
        return self._find("FindAllExtensions", message)
