# Derived from _clients/aio/v1.py by scripts/unasync. DO NOT EDIT.
"""The sync clients of v1."""

from __future__ import annotations

from gemwire._clients.sync.prepare import Preparing
from gemwire._clients.sync.service_client import ServiceClient
from gemwire_proto.v1.generative_service import GenerativeService
from gemwire_proto.v1.model_service import ModelService


class GenerativeServiceClient(GenerativeService, Preparing):
    """Generates content, answers, embeddings and token counts."""


class ModelServiceClient(ModelService, ServiceClient):
    """Lists models."""
