"""Backend of Vertex AI: google.cloud.aiplatform.v1, and over HTTP v1beta1 unless told otherwise."""

from __future__ import annotations

import os

from gemwire.genai._backends.base import Backend, VertexTarget
from gemwire.genai._backends.vertex.batches import VertexBatches
from gemwire.genai._backends.vertex.caches import VertexCaches
from gemwire.genai._backends.vertex.family import RESPONSE, VERTEX
from gemwire.genai._backends.vertex.live import VertexLive
from gemwire.genai._backends.vertex.media import VertexMedia
from gemwire.genai._backends.vertex.models import VertexModels
from gemwire.genai._backends.vertex.names import Names
from gemwire.genai._backends.vertex.refusals import Refused
from gemwire.genai._backends.vertex.rpcs import Rpcs
from gemwire.genai._backends.vertex.tunings import VertexTunings
from gemwire_proto.aiplatform_v1.llm_utility_service import SERVICE

_VERSIONS = ("v1beta1", "v1")


def build_backend(target: VertexTarget, version: str | None, *, over_http: bool) -> Backend:
    """Build the backend of a client.

    Args:
        target: Project and location.
        version: Version of the API over HTTP. Default: GOOGLE_GENAI_API_VERSION, then ``v1beta1``.
        over_http: Whether calls may go over HTTP.
    """
    if version is None:
        found = os.environ.get("GOOGLE_GENAI_API_VERSION", "")
        version = found if found in _VERSIONS else _VERSIONS[0]
    names, rpcs = Names(target), Rpcs(version, over_http=over_http)
    return Backend(
        vertexai=True,
        family=VERTEX,
        response=RESPONSE,
        # Its scope is the one that google-genai asks for.
        service=SERVICE,
        base_url_variable="GOOGLE_VERTEX_BASE_URL",
        versions=_VERSIONS,
        models=VertexModels(names, rpcs),
        media=VertexMedia(names, rpcs),
        caches=VertexCaches(names, rpcs),
        files=Refused("files"),
        file_search_stores=Refused("file_search_stores"),
        documents=Refused("documents"),
        tokens=Refused("auth_tokens"),
        tunings=VertexTunings(names, rpcs),
        batches=VertexBatches(names, rpcs),
        live=VertexLive(names, version),
    )
