"""HTTP clients that a program gives for the calls that go over HTTP."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from gemwire_runtime.field_errors import describe_unknown


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


def create_client(arguments: Mapping[str, object], *, is_async: bool) -> GivenClient:
    """Build a client of httpx, or of httpx2, the same library under another name.

    Raises:
        ImportError: Neither is installed.
        ValueError: An argument is unknown.
    """
    names = (
        ("httpx2", "httpx") if os.environ.get("GOOGLE_GENAI_HTTP_CLIENT") == "httpx2" else ("httpx", "httpx2")
    )
    found = next((name for name in names if importlib.util.find_spec(name)), names[0])
    kind: Callable[..., object] = getattr(
        importlib.import_module(found), "AsyncClient" if is_async else "Client"
    )
    known = list(inspect.signature(kind).parameters)
    for name in arguments.keys() - known:
        raise ValueError(describe_unknown("AsyncClient" if is_async else "Client", name, known))
    return GivenClient(kind(**arguments), is_owned=True)
