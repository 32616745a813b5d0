"""What all resources of a client have."""

from __future__ import annotations

from gemwire.genai._aio.api import AsyncApi


class AsyncResource:
    """Base of the resources of a client."""

    def __init__(self, api: AsyncApi) -> None:
        self._api = api

    @property
    def vertexai(self) -> bool:
        """Whether the client calls Vertex AI."""
        return self._api.backend.vertexai
