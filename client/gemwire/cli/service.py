"""The service that commands call: the Gemini API, or with ``--vertex`` Vertex AI."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gemwire import v1beta

if TYPE_CHECKING:
    from gemwire import aiplatform_v1

    CacheClient: TypeAlias = v1beta.CacheServiceClient | aiplatform_v1.GenAiCacheServiceClient
    CachedContent: TypeAlias = v1beta.CachedContent | aiplatform_v1.CachedContent
    TokenCount: TypeAlias = v1beta.CountTokensResponse | aiplatform_v1.CountTokensResponse

#: Options before the name of a command.
UseVertex = Annotated[bool, typer.Option("--vertex", help="Use Vertex AI instead of the Gemini API.")]
Project = Annotated[
    str | None, typer.Option(help="Project of Vertex AI. Default: GOOGLE_CLOUD_PROJECT.", metavar="ID")
]
Location = Annotated[
    str | None,
    typer.Option(help="Location of Vertex AI. Default: GOOGLE_CLOUD_LOCATION, or global.", metavar="NAME"),
]
DEFAULT_LOCATION = "global"
_PUBLISHER = re.compile(r"(?:publishers/)?([^/]+)/(?:models/)?([^/]+)")


@dataclass(frozen=True)
class VertexPlace:
    """A project of Vertex AI in a location.

    Attributes:
        project: Id or number of the project.
        location: Such as ``us-central1``.
    """

    project: str
    location: str

    @property
    def name(self) -> str:
        """The name that those of its resources begin with."""
        return f"projects/{self.project}/locations/{self.location}"

    @property
    def options(self) -> Mapping[str, object]:
        """The options of its clients."""
        return {"location": self.location}


_place: ContextVar[VertexPlace | None] = ContextVar("place", default=None)


def select(vertex: bool, project: str | None, location: str | None) -> None:
    """Select the service of this process.

    Raises:
        ValueError: There is no project, or there is one for the Gemini API.
    """
    if not vertex:
        for name, value in (("--project", project), ("--location", location)):
            if value is not None:
                raise ValueError(f"{name} belongs to Vertex AI; add --vertex")
        _place.set(None)
        return
    project = project or os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        raise ValueError("--project: missing; give the project of Vertex AI, or set GOOGLE_CLOUD_PROJECT")
    _place.set(VertexPlace(project, location or os.environ.get("GOOGLE_CLOUD_LOCATION") or DEFAULT_LOCATION))


def find_vertex() -> VertexPlace | None:
    """Return where in Vertex AI commands work; None for the Gemini API."""
    return _place.get()


def client_arguments() -> Mapping[str, object]:
    """Return the arguments of a `gemwire.genai.Client` of the service."""
    place = find_vertex()
    if place is None:
        return {"vertexai": False}
    return {"vertexai": True, "project": place.project, "location": place.location}


def refuse_vertex(command: str) -> None:
    """Raise ValueError for a command that Vertex AI does not have."""
    if find_vertex() is not None:
        raise ValueError(f"{command} belongs to the Gemini API; leave --vertex out")


def messages() -> ModuleType:
    """Return the module of the service's messages."""
    if find_vertex() is None:
        return v1beta
    from gemwire import aiplatform_v1

    return aiplatform_v1


def create_generative_client(transport: str) -> v1beta.GenerativeServiceClient:
    """Create the client that generates content.

    Its type is the Gemini API's, as are those of its responses: Vertex AI has the same methods and fields.
    """
    place = find_vertex()
    if place is None:
        return v1beta.GenerativeServiceClient(transport=transport)
    client: v1beta.GenerativeServiceClient = messages().PredictionServiceClient(
        transport=transport, client_options=place.options
    )
    return client


def count_tokens(model: str, contents: list[dict[str, object]], transport: str) -> TokenCount:
    """Count the tokens of contents, by the service that the model belongs to."""
    place = find_vertex()
    if place is None:
        with v1beta.GenerativeServiceClient(transport=transport) as client:
            return client.count_tokens(model=model, contents=contents)
    from gemwire import aiplatform_v1

    utility = aiplatform_v1.LlmUtilityServiceClient(transport=transport, client_options=place.options)
    with utility:
        return utility.count_tokens({"endpoint": model, "contents": contents})


def embed(model: str, text: str, dimensions: int | None, transport: str) -> list[float]:
    """Return the embedding of a text, by the RPC that the model has."""
    place = find_vertex()
    if place is None:
        request: dict[str, object] = {"model": model, "content": {"parts": [{"text": text}]}}
        if dimensions is not None:
            request["output_dimensionality"] = dimensions
        with v1beta.GenerativeServiceClient(transport=transport) as client:
            return list(client.embed_content(request).embedding.values)
    from gemwire import aiplatform_v1
    from gemwire.embeddings import Embedder

    name = transport if transport == "auto" else f"{transport}_asyncio"

    async def run() -> list[float]:
        async with aiplatform_v1.PredictionServiceAsyncClient(
            transport=name, client_options=place.options
        ) as prediction:
            embedder = Embedder(prediction, model=model, output_dimensionality=dimensions)
            return list(await embedder.embed(text))

    return asyncio.run(run())


def create_cache_client() -> CacheClient:
    """Create the client of cached contents."""
    place = find_vertex()
    if place is None:
        return v1beta.CacheServiceClient()
    from gemwire import aiplatform_v1

    return aiplatform_v1.GenAiCacheServiceClient(client_options=place.options)


def name_model(model: str) -> str:
    """Return the full name of a model.

    Raises:
        ValueError: The service has no such names.
    """
    place = find_vertex()
    if place is None:
        if model.startswith(("projects/", "publishers/", "endpoints/")):
            raise ValueError(f"--model: {model!r} belongs to Vertex AI; add --vertex")
        return model if "/" in model else f"models/{model}"
    if model.startswith("projects/"):
        return model
    if model.startswith("tunedModels/"):
        raise ValueError(f"--model: {model!r} belongs to the Gemini API; leave --vertex out")
    if model.isdecimal():
        raise ValueError(f"--model: {model!r} may be an endpoint; say endpoints/{model}")
    if model.startswith("endpoints/"):
        return f"{place.name}/{model}"
    found = _PUBLISHER.fullmatch(model.removeprefix("models/"))
    publisher, short = found.groups() if found else ("google", model.removeprefix("models/"))
    return f"{place.name}/publishers/{publisher}/models/{short}"


def name_cache(name: str) -> str:
    """Return the full name of a cached content."""
    place, short = find_vertex(), name if "/" in name else f"cachedContents/{name}"
    return short if place is None or short.startswith("projects/") else f"{place.name}/{short}"
