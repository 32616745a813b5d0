"""Checks of an embedder's arguments, before anything is sent."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from gemwire._arguments import check_choice
from gemwire._clients.aio.service_client import AsyncServiceClient
from gemwire.genai._convert.embedding_vectors import FORMS, EmbedResponse
from gemwire.genai._convert.embeddings import EmbedRequestSerializer
from gemwire_proto.v1beta.generative_service import AsyncGenerativeService

if TYPE_CHECKING:
    from gemwire.genai._backends.vertex.models import VertexModels
    from gemwire.genai.http_options import CallSettings
#: The service of Vertex AI that embeds.
_VERTEX = "google.cloud.aiplatform.v1.PredictionService"


class Service(NamedTuple):
    """The service that an embedder calls, and how.

    Attributes:
        client: Makes the calls; None for a client of the Gemini API that is still to be created.
        settings: The call settings that it comes with.
        vertex: Names and RPCs of a `gemwire.genai.Client` of Vertex AI; None for others.
    """

    client: AsyncServiceClient | None
    settings: CallSettings
    vertex: VertexModels | None = None


def resolve_service(client: object) -> Service:
    """Return what an embedder calls with the client that it was given."""
    if client is None:
        return Service(None, {})
    if isinstance(client, AsyncServiceClient) and (
        isinstance(client, AsyncGenerativeService) or client.SERVICE.name == _VERTEX
    ):
        return Service(client, {})
    from gemwire.genai.async_client import AsyncClient
    from gemwire.genai.client import Client

    if isinstance(client, Client):
        client = client.aio
    if isinstance(client, AsyncClient):
        return Service(*client.embedding_service())
    raise TypeError(
        "client: expected a v1beta.GenerativeServiceAsyncClient, a genai.Client, "
        "an aiplatform_v1.PredictionServiceAsyncClient or None, "
        f"got {type(client).__name__}"
    )


def create_serializer(
    service: Service, model: object, task_type: object, title: object, output_dimensionality: object
) -> EmbedRequestSerializer:
    """Return what builds the requests of a service. Raises ValueError or TypeError for a bad argument."""
    client = service.client
    if client is None or client.SERVICE.name != _VERTEX:
        return EmbedRequestSerializer(model, task_type, title, output_dimensionality)
    from gemwire.embeddings.vertex import VertexRequestSerializer, check_full_name

    settings = (task_type, title, output_dimensionality)
    over_http = client.transport.kind.startswith("rest")
    if service.vertex is None:
        return VertexRequestSerializer(check_full_name(model), *settings, over_http=over_http)
    name, rpcs = service.vertex.names.to_model(model), service.vertex.rpcs
    return VertexRequestSerializer(name, *settings, over_http=over_http, rpcs=rpcs)


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
