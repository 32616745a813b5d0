"""`AsyncClient`, the asyncio half of `Client`."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from gemwire.genai._aio.resources import AsyncResources
from gemwire.genai.http_options import CallSettings

if TYPE_CHECKING:
    from gemwire._clients.aio.v1beta import GenerativeServiceAsyncClient


class AsyncClient(AsyncResources):
    """The resources of a client for asyncio; closed by `aclose` or at the end of an ``async with`` block."""

    def generative_service(self) -> tuple[GenerativeServiceAsyncClient, CallSettings]:
        """Return the service client, and the ``retry``, ``timeout`` and ``metadata`` of its calls."""
        return self._api.generative, self._api.settings(None)

    async def aclose(self) -> None:
        """End all calls and connections; the same as `close`."""
        await self.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
