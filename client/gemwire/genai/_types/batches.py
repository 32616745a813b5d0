"""Batches as programs see them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from gemwire.genai._types.call_configs import ContentListUnion, EmbedContentConfig, GenerateContentConfig
from gemwire.genai._types.config import Config
from gemwire.genai._types.responses import GenerateContentResponse
from gemwire.genai._types.tuning import JobState
from gemwire_proto.v1beta import views

ENDED = frozenset(
    {
        JobState.JOB_STATE_SUCCEEDED,
        JobState.JOB_STATE_FAILED,
        JobState.JOB_STATE_CANCELLED,
        JobState.JOB_STATE_EXPIRED,
    }
)


class JobError(Config):
    """Why something failed.

    Attributes:
        code: Of gRPC.
        message: In words.
        details: More, if there is.
    """

    code: int | None = None
    message: str | None = None
    details: Sequence[Any] | None = None


class InlinedRequest(Config):
    """One request of a batch.

    Attributes:
        contents: What to answer; as `generate_content` takes it.
        config: How.
        model: That of the batch, if anything.
        metadata: Comes back with the response.
    """

    contents: ContentListUnion | None = None
    config: GenerateContentConfig | Mapping[str, Any] | None = None
    model: str | None = None
    metadata: Mapping[str, str] | None = None


class BatchJobSource(Config):
    """Where the requests of a batch are; one of these.

    Attributes:
        inlined_requests: Here.
        file_name: In a file that was uploaded, a line of JSON each: ``{"key": …, "request": {…}}``.
        format: Of Vertex AI.
        gcs_uri: Of Vertex AI.
        bigquery_uri: Of Vertex AI.
        vertex_dataset_name: Of Vertex AI.
    """

    inlined_requests: Sequence[InlinedRequest | Mapping[str, Any]] | None = None
    file_name: str | None = None
    format: str | None = None
    gcs_uri: Sequence[str] | None = None
    bigquery_uri: str | None = None
    vertex_dataset_name: str | None = None


class EmbedContentBatch(Config):
    """What gets vectors.

    Attributes:
        contents: One vector for each.
        config: How.
    """

    contents: ContentListUnion | None = None
    config: EmbedContentConfig | Mapping[str, Any] | None = None


class EmbeddingsBatchJobSource(Config):
    """Where the contents are that get vectors; one of these.

    Attributes:
        inlined_requests: Here.
        file_name: In a file that was uploaded, a line of JSON each: ``{"key": …, "request": {…}}``.
    """

    inlined_requests: EmbedContentBatch | Mapping[str, Any] | None = None
    file_name: str | None = None


class InlinedResponse(Config):
    """The answer to one request.

    Attributes:
        response: It.
        metadata: Of the request.
        error: Why there is none.
    """

    response: GenerateContentResponse | None = None
    metadata: Mapping[str, Any] | None = None
    error: JobError | None = None


class SingleEmbedContentResponse(Config):
    """The vector of one content.

    Attributes:
        embedding: It.
        token_count: Tokens of the content.
    """

    embedding: views.ContentEmbedding | None = None
    token_count: int | None = None


class InlinedEmbedContentResponse(Config):
    """The answer to one request for a vector.

    Attributes:
        response: It.
        metadata: Of the request.
        error: Why there is none.
    """

    response: SingleEmbedContentResponse | None = None
    metadata: Mapping[str, Any] | None = None
    error: JobError | None = None


class BatchJobDestination(Config):
    """Where the answers are, in the order of the requests.

    Attributes:
        inlined_responses: Here, for inlined requests.
        inlined_embed_content_responses: Here, for inlined contents.
        file_name: In a file, for ``client.files.download``.
        format: Of Vertex AI.
        gcs_uri: Of Vertex AI.
        bigquery_uri: Of Vertex AI.
    """

    inlined_responses: Sequence[InlinedResponse] | None = None
    inlined_embed_content_responses: Sequence[InlinedEmbedContentResponse] | None = None
    file_name: str | None = None
    format: str | None = None
    gcs_uri: str | None = None
    bigquery_uri: str | None = None


class CompletionStats(Config):
    """How far a batch is.

    Attributes:
        successful_count: Requests that were answered.
        failed_count: That failed.
        incomplete_count: That wait.
    """

    successful_count: int | None = None
    failed_count: int | None = None
    incomplete_count: int | None = None


class BatchJob(Config):
    """A batch.

    Attributes:
        name: Its name, ``batches/…``.
        display_name: What people call it.
        state: How far it is.
        error: Why it failed.
        create_time: When it was made.
        start_time: Of Vertex AI.
        end_time: When it ended.
        update_time: When something changed last.
        model: What answers.
        src: The file that its requests come from, if they do.
        dest: Where the answers are.
        completion_stats: How many there are.
    """

    name: str | None = None
    display_name: str | None = None
    state: JobState | None = None
    error: JobError | None = None
    create_time: datetime.datetime | None = None
    start_time: datetime.datetime | None = None
    end_time: datetime.datetime | None = None
    update_time: datetime.datetime | None = None
    model: str | None = None
    src: BatchJobSource | None = None
    dest: BatchJobDestination | None = None
    completion_stats: CompletionStats | None = None

    @property
    def done(self) -> bool:
        """Whether it goes on no more."""
        return self.state in ENDED


class DeleteResourceJob(Config):
    """That something was deleted.

    Attributes:
        name: Its name.
        done: Whether it is gone.
        error: Why not.
    """

    name: str | None = None
    done: bool | None = None
    error: JobError | None = None
