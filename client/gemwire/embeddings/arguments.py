"""Checks of an embedder's arguments, before anything is sent."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeGuard

from gemwire._arguments import check_choice
from gemwire._clients.aio.service_client import AsyncServiceClient
from gemwire.genai._convert.embedding_vectors import FORMS, EmbedResponse
from gemwire.genai._convert.embeddings import EmbedRequestSerializer
from gemwire_proto.v1beta.generative_service import AsyncGenerativeService

if TYPE_CHECKING:
    from gemwire.genai.http_options import CallSettings
#: The service of Vertex AI that embeds.
_VERTEX = "google.cloud.aiplatform.v1.PredictionService"


def resolve_client(client: object) -> tuple[AsyncServiceClient, CallSettings]:
    """Return the service client, and the call settings it comes with."""
    if client is None:
        from gemwire.v1beta import GenerativeServiceAsyncClient

        return GenerativeServiceAsyncClient(), {}
    if isinstance(client, AsyncGenerativeService) and isinstance(client, AsyncServiceClient):
        return client, {}
    if _is_of_vertex(client):
        return client, {}
    from gemwire.genai.async_client import AsyncClient
    from gemwire.genai.client import Client

    if isinstance(client, Client):
        client = client.aio
    if isinstance(client, AsyncClient):
        return client.generative_service()
    raise TypeError(
        "client: expected a v1beta.GenerativeServiceAsyncClient, a genai.Client, "
        "an aiplatform_v1.PredictionServiceAsyncClient or None, "
        f"got {type(client).__name__}"
    )


def create_serializer(
    client: object, model: object, task_type: object, title: object, output_dimensionality: object
) -> EmbedRequestSerializer:
    """Return what builds the requests of a client. Raises ValueError or TypeError for an invalid argument."""
    if not _is_of_vertex(client):
        return EmbedRequestSerializer(model, task_type, title, output_dimensionality)
    from gemwire.embeddings.vertex import VertexRequestSerializer

    over_http = client.transport.kind.startswith("rest")
    return VertexRequestSerializer(model, task_type, title, output_dimensionality, over_http=over_http)


def _is_of_vertex(client: object) -> TypeGuard[AsyncServiceClient]:
    return isinstance(client, AsyncServiceClient) and client.SERVICE.name == _VERTEX


def check_contents(contents: object, on_error: str) -> None:
    """Raise unless the arguments of a call with many texts are valid."""
    if isinstance(contents, (str, bytes, bytearray, dict)) or not (
        hasattr(contents, "__iter__") or hasattr(contents, "__aiter__")
    ):
        name = type(contents).__name__
        raise TypeError(f"contents: expected an iterable of texts, got {name}; use embed() for one text")
    check_choice("on_error", on_error, ("raise", "return"))


def vector_reader(vectors: str) -> Callable[[EmbedResponse], list[Any]]:
    """Return the function that reads vectors of a kind from a response."""
    check_choice("vectors", vectors, FORMS)
    if vectors == "numpy":
        try:
            importlib.import_module("numpy")
        except ImportError as error:
            raise ImportError(f"vectors: 'numpy' needs: pip install numpy ({error})") from None
    return FORMS[vectors]
