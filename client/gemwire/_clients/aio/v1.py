"""The asyncio clients of v1."""

from __future__ import annotations

from gemwire._clients.aio.prepare import AsyncPreparing
from gemwire._clients.aio.service_client import AsyncServiceClient
from gemwire_proto.v1.generative_service import AsyncGenerativeService
from gemwire_proto.v1.model_service import AsyncModelService


class GenerativeServiceAsyncClient(AsyncGenerativeService, AsyncPreparing):
    """Generates content, answers, embeddings and token counts."""


class ModelServiceAsyncClient(AsyncModelService, AsyncServiceClient):
    """Lists models."""
