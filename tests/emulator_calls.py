"""An emulator on loopback, called by nothing but grpc and the method tables: no client of ours between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import grpc.aio

from gemwire_emulator.server import Emulator, Settings
from gemwire_proto.families import PACKAGES
from gemwire_proto.google.rpc import error_details_pb2, status_pb2

#: Methods that gRPC serves, by name; those of Vertex AI begin with ``aiplatform.``.
_METHODS = {
    prefix + method.name: method
    for package, prefix in (
        ("google.ai.generativelanguage.v1beta", ""),
        ("google.longrunning", ""),
        ("google.cloud.aiplatform.v1", "aiplatform."),
    )
    for service in PACKAGES[package].tables()
    for method in service.methods.values()
    if not method.http_only
}


class Caller:
    """Calls unary RPCs by name: ``await call("GetModel", name="models/m")``."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel

    async def __call__(
        self,
        rpc: str,
        request: Any = None,
        *,
        key: str = "",
        metadata: tuple[tuple[str, str], ...] = (),
        timeout: float | None = 20,
        **fields: Any,
    ) -> Any:
        """Make a call.

        Args:
            rpc: Its name.
            request: A whole request; otherwise it is made of ``fields``.
            key: API key, whose state is seen.
            metadata: More of it.
            timeout: Seconds.
            fields: Of the request.
        """
        method = _METHODS[rpc]
        stub = self.channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        metadata = (*((("x-goog-api-key", key),) if key else ()), *metadata)
        return await stub(
            method.request(**fields) if request is None else request, metadata=metadata, timeout=timeout
        )

    def stream(
        self, rpc: str, *, metadata: tuple[tuple[str, str], ...] = (), timeout: float = 20, **fields: Any
    ) -> Any:
        """Start a server-streaming call; return grpc's own object."""
        method = _METHODS[rpc]
        stub = self.channel.unary_stream(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        return stub(method.request(**fields), metadata=metadata, timeout=timeout)

    def bidi(self, rpc: str, *, key: str = "", timeout: float = 20) -> Any:
        """Start a bidi call; return grpc's own object."""
        method = _METHODS[rpc]
        stub = self.channel.stream_stream(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        return stub(metadata=(("x-goog-api-key", key),) if key else (), timeout=timeout)

    async def leave_broken(self) -> None:
        """Wait until the channel stops using a broken connection, which its calls notice first."""
        ready = grpc.ChannelConnectivity.READY
        if self.channel.get_state() is ready:
            # It may have another by now.
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.channel.wait_for_state_change(ready), 2)

    async def refused(self, rpc: str, request: Any = None, **fields: Any) -> Refusal:
        """Return the error of a call, which must fail."""
        try:
            answer = await self(rpc, request, **fields)
        except grpc.aio.AioRpcError as error:
            return Refusal(error)
        raise AssertionError(f"{rpc} was answered: {answer}")


class Refusal:
    """The status of a call that failed.

    Attributes:
        code: Name of the status.
        message: What it says.
        fields: Fields that its BadRequest details name.
        details: All details, by the names of their messages.
    """

    def __init__(self, error: grpc.RpcError) -> None:
        self.code = error.code().name
        self.message = error.details() or ""
        self.fields: list[str] = []
        self.details: dict[str, Any] = {}
        trailers: Iterable[Any] = error.trailing_metadata() or ()
        for key, value in trailers:
            if key != "grpc-status-details-bin" or not isinstance(value, bytes):
                continue
            for packed in status_pb2.Status.FromString(value).details:
                name = packed.type_url.rpartition(".")[2]
                self.details[name] = getattr(error_details_pb2, name).FromString(packed.value)
        if "BadRequest" in self.details:
            self.fields = [v.field for v in self.details["BadRequest"].field_violations]

    def __repr__(self) -> str:
        return f"<{self.code} {self.message!r}>"


@asynccontextmanager
async def emulator(**settings: Any) -> AsyncIterator[tuple[Emulator, Caller]]:
    """Run an emulator and a caller for it."""
    async with Emulator(Settings(**settings)) as running, calling(running.address) as call:
        yield running, call


@asynccontextmanager
async def calling(address: str) -> AsyncIterator[Caller]:
    """Connect a caller to a server."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield Caller(channel)
