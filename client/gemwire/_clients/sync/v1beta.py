# Derived from _clients/aio/v1beta.py by scripts/unasync. DO NOT EDIT.
"""The sync clients of v1beta."""

from __future__ import annotations

from gemwire._clients.sync.prepare import Preparing
from gemwire._clients.sync.service_client import ServiceClient
from gemwire_proto.v1beta.cache_service import CacheService
from gemwire_proto.v1beta.discuss_service import DiscussService
from gemwire_proto.v1beta.file_service import FileService
from gemwire_proto.v1beta.generative_service import GenerativeService
from gemwire_proto.v1beta.model_service import ModelService
from gemwire_proto.v1beta.permission_service import PermissionService
from gemwire_proto.v1beta.prediction_service import PredictionService
from gemwire_proto.v1beta.retriever_service import RetrieverService
from gemwire_proto.v1beta.text_service import TextService


class GenerativeServiceClient(GenerativeService, Preparing):
    """Generates content, answers, embeddings and token counts."""


class ModelServiceClient(ModelService, ServiceClient):
    """Lists models, and tunes them."""


class CacheServiceClient(CacheService, ServiceClient):
    """Keeps content that many requests share."""


class FileServiceClient(FileService, ServiceClient):
    """Manages uploaded files."""


class PermissionServiceClient(PermissionService, ServiceClient):
    """Shares tuned models and corpora."""


class PredictionServiceClient(PredictionService, ServiceClient):
    """Calls models that predict: images and video."""


class RetrieverServiceClient(RetrieverService, ServiceClient):
    """Keeps corpora, documents and chunks, and searches them."""


class TextServiceClient(TextService, ServiceClient):
    """The text methods of PaLM, the API before Gemini."""


class DiscussServiceClient(DiscussService, ServiceClient):
    """The chat methods of PaLM, the API before Gemini."""
