"""gRPC health checks and server reflection, for load balancers, grpcurl and similar tools.

Their packages come with ``gemwire[emulator]``; without them neither service is available.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import grpc.aio
from google.protobuf import descriptor_pool

from gemwire_proto import POOL

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

_T = TypeVar("_T")


class Introspection:
    """The health and reflection services of one server."""

    def __init__(self, server: grpc.aio.Server, names: Sequence[str]) -> None:
        """Add the services, where they are installed, to a server that has not started.

        Args:
            server: The server.
            names: Names of its services.
        """
        self._names = ("", *names)
        self._health = None
        try:
            from grpc_health.v1 import health, health_pb2_grpc
            from grpc_reflection.v1alpha import reflection
        except ImportError:
            return
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        shown = [*names, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(shown, server, pool=_CombinedPool())

    async def set_serving(self) -> None:
        """Report all services as SERVING."""
        if self._health:
            from grpc_health.v1 import health_pb2

            for name in self._names:
                await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def set_draining(self) -> None:
        """Report that the services accept no more calls."""
        if self._health:
            await self._health.enter_graceful_shutdown()


class _CombinedPool:
    """Our descriptors, and those of health and reflection, which are in protobuf's default pool."""

    def __init__(self) -> None:
        self._pools = (POOL, descriptor_pool.Default())

    def _find(self, name: object, find: Callable[[descriptor_pool.DescriptorPool], _T]) -> _T:
        for pool in self._pools:
            try:
                return find(pool)
            except (KeyError, TypeError):  # TypeError: a descriptor of the other pool
                continue
        raise KeyError(name)

    def FindFileByName(self, name: str) -> FileDescriptor:  # noqa: N802 - as protobuf's pool has it
        """See `descriptor_pool.DescriptorPool`."""
        return self._find(name, lambda pool: pool.FindFileByName(name))

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802
        """See `descriptor_pool.DescriptorPool`."""
        return self._find(symbol, lambda pool: pool.FindFileContainingSymbol(symbol))

    def FindMessageTypeByName(self, name: str) -> Descriptor:  # noqa: N802
        """See `descriptor_pool.DescriptorPool`."""
        return self._find(name, lambda pool: pool.FindMessageTypeByName(name))

    def FindExtensionByNumber(self, message: Descriptor, number: int) -> FieldDescriptor:  # noqa: N802
        """See `descriptor_pool.DescriptorPool`."""
        return self._find(number, lambda pool: pool.FindExtensionByNumber(message, number))

    def FindAllExtensions(self, message: Descriptor) -> Sequence[FieldDescriptor]:  # noqa: N802
        """See `descriptor_pool.DescriptorPool`."""
        return self._find(message, lambda pool: pool.FindAllExtensions(message))
