"""HTTP clients that a program gives for the calls that go over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


class Headers(Protocol):
    """Header fields of a response of httpx."""

    def multi_items(self) -> list[tuple[str, str]]: ...


class HttpxResponse(Protocol):
    """A response of httpx, as far as it is used."""

    status_code: int

    @property
    def headers(self) -> Headers: ...
    def iter_bytes(self) -> Iterator[bytes]: ...
    def aiter_bytes(self) -> AsyncIterator[bytes]: ...
    def close(self) -> None: ...
    async def aclose(self) -> None: ...


class _Builder(Protocol):
    def build_request(
        self, method: str, url: str, *, headers: dict[str, str], content: bytes | None, timeout: float | None
    ) -> object: ...


class SyncClient(_Builder, Protocol):
    """A client of httpx for threads, ``httpx.Client``."""

    def send(self, request: object, *, stream: bool, follow_redirects: bool) -> HttpxResponse: ...
    def close(self) -> None: ...


class AsyncClient(_Builder, Protocol):
    """A client of httpx for asyncio, ``httpx.AsyncClient``."""

    async def send(self, request: object, *, stream: bool, follow_redirects: bool) -> HttpxResponse: ...
    async def aclose(self) -> None: ...


HttpxClient: TypeAlias = SyncClient | AsyncClient


@dataclass(frozen=True)
class GivenClient:
    """An HTTP client for one flavour of calls.

    Attributes:
        client: ``httpx.Client``, ``httpx.AsyncClient`` or ``aiohttp.ClientSession``.
        is_owned: Whether it was made for the calls, and is closed with them.
    """

    client: object = field(repr=False)
    is_owned: bool = False


@dataclass(frozen=True)
class GivenClients:
    """The HTTP clients of a program.

    Attributes:
        sync: For calls of threads; None for gemwire's own.
        aio: For calls of event loops; None for gemwire's own.
    """

    sync: GivenClient | None = None
    aio: GivenClient | None = None


NO_CLIENTS = GivenClients()
