"""`AsyncClient`, the asyncio half of `Client`."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from gemwire.genai._aio.resources import AsyncResources
from gemwire.genai._backends.gemini.models import GeminiModels
from gemwire.genai.http_options import CallSettings

if TYPE_CHECKING:
    from gemwire._clients.aio.service_client import AsyncServiceClient
    from gemwire._clients.aio.v1beta import GenerativeServiceAsyncClient
    from gemwire.genai._backends.vertex.models import VertexModels


class AsyncClient(AsyncResources):
    """The resources of a client for asyncio; closed by `aclose` or at the end of an ``async with`` block."""

    def generative_service(self) -> tuple[GenerativeServiceAsyncClient, CallSettings]:
        """Return the service client, and the ``retry``, ``timeout`` and ``metadata`` of its calls."""
        return self._api.generative, self._api.settings(None)

    def embedding_service(self) -> tuple[AsyncServiceClient, CallSettings, VertexModels | None]:
        """Return the service client that embeds, its call settings, and Vertex AI's names and RPCs."""
        models = self._api.backend.models
        if isinstance(models, GeminiModels):
            return *self.generative_service(), None
        from gemwire._clients.aio.aiplatform_v1 import PredictionServiceAsyncClient

        client = PredictionServiceAsyncClient(transport=self._api.caller)
        return client, self._api.settings(None), models

    async def aclose(self) -> None:
        """End all calls and connections; the same as `close`."""
        await self.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
