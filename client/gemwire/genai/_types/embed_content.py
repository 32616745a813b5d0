"""Embeddings of contents."""

from __future__ import annotations

from gemwire.genai._types.http_options import CallConfig
from gemwire_proto.v1beta import views


class EmbedContentConfig(CallConfig):
    """Config of embeddings.

    Attributes:
        task_type: Intended use of the vectors, such as ``RETRIEVAL_QUERY`` or ``RETRIEVAL_DOCUMENT``.
        title: Title of the document; with ``task_type="RETRIEVAL_DOCUMENT"`` only.
        output_dimensionality: Number of values to which vectors are truncated. Default: the full length of
            the model. A truncated vector may not have unit length.
        mime_type: Vertex AI only.
        auto_truncate: Vertex AI only.
    """

    task_type: views.TaskType | str | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    mime_type: str | None = None
    auto_truncate: bool | None = None


class EmbedContentResponse(views.BatchEmbedContentsResponse):
    """One vector for each content, in the order of the request."""

    __slots__ = ()
