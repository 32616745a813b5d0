"""Embeddings of contents."""

from __future__ import annotations

from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig
from gemwire_proto.v1beta import views


class EmbedContentConfig(CallConfig):
    """Config of embeddings.

    Attributes:
        task_type: Intended use of the vectors, such as ``RETRIEVAL_QUERY`` or ``RETRIEVAL_DOCUMENT``.
        title: Title of the document; with ``task_type="RETRIEVAL_DOCUMENT"`` only.
        output_dimensionality: Number of values to which vectors are truncated. Default: the full length of
            the model. A truncated vector may not have unit length.
        mime_type: Media type of the texts. Vertex AI only; as all below.
        auto_truncate: Whether contents that are too long are cut off, instead of refused.
        document_ocr: Whether text in documents is read.
        audio_track_extraction: Whether the sound of videos is embedded.
    """

    task_type: views.TaskType | str | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    mime_type: str | None = None
    auto_truncate: bool | None = None
    document_ocr: bool | None = None
    audio_track_extraction: bool | None = None


class EmbedContentMetadata(Config):
    """Metadata of a response with embeddings. Vertex AI only.

    Attributes:
        billable_character_count: Number of characters that are billed.
    """

    billable_character_count: int | None = None


class EmbedContentResponse(views.BatchEmbedContentsResponse):
    """One vector for each content, in the order of the request."""

    __slots__ = ()

    metadata: EmbedContentMetadata | None
