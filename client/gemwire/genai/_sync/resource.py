# Derived from genai/_aio/resource.py by scripts/unasync. DO NOT EDIT.
"""What all resources of a client have."""

from __future__ import annotations

from gemwire.genai._sync.api import Api


class Resource:
    """Base of the resources of a client."""

    def __init__(self, api: Api) -> None:
        self._api = api

    @property
    def vertexai(self) -> bool:
        """Whether the client calls Vertex AI."""
        return self._api.backend.vertexai
