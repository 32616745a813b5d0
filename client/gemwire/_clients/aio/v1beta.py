"""The asyncio clients of v1beta."""

from __future__ import annotations

from gemwire._clients.aio.prepare import AsyncPreparing
from gemwire._clients.aio.service_client import AsyncServiceClient
from gemwire_proto.v1beta.cache_service import AsyncCacheService
from gemwire_proto.v1beta.discuss_service import AsyncDiscussService
from gemwire_proto.v1beta.file_service import AsyncFileService
from gemwire_proto.v1beta.generative_service import AsyncGenerativeService
from gemwire_proto.v1beta.model_service import AsyncModelService
from gemwire_proto.v1beta.permission_service import AsyncPermissionService
from gemwire_proto.v1beta.prediction_service import AsyncPredictionService
from gemwire_proto.v1beta.retriever_service import AsyncRetrieverService
from gemwire_proto.v1beta.text_service import AsyncTextService


class GenerativeServiceAsyncClient(AsyncGenerativeService, AsyncPreparing):
    """Generates content, answers, embeddings and token counts."""


class ModelServiceAsyncClient(AsyncModelService, AsyncServiceClient):
    """Lists models, and tunes them."""


class CacheServiceAsyncClient(AsyncCacheService, AsyncServiceClient):
    """Keeps content that many requests share."""


class FileServiceAsyncClient(AsyncFileService, AsyncServiceClient):
    """Manages uploaded files."""


class PermissionServiceAsyncClient(AsyncPermissionService, AsyncServiceClient):
    """Shares tuned models and corpora."""


class PredictionServiceAsyncClient(AsyncPredictionService, AsyncServiceClient):
    """Calls models that predict: images and video."""


class RetrieverServiceAsyncClient(AsyncRetrieverService, AsyncServiceClient):
    """Keeps corpora, documents and chunks, and searches them."""


class TextServiceAsyncClient(AsyncTextService, AsyncServiceClient):
    """The text methods of PaLM, the API before Gemini."""


class DiscussServiceAsyncClient(AsyncDiscussService, AsyncServiceClient):
    """The chat methods of PaLM, the API before Gemini."""
