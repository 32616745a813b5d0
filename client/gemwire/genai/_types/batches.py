"""Batch jobs."""

from __future__ import annotations

import datetime
from typing import TypeAlias, Union

from gemwire.genai._types.config import Config
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.embed_content import EmbedContentConfig
from gemwire.genai._types.generate_content import GenerateContentConfig, GenerateContentResponse
from gemwire.genai._types.http_options import CallConfig, HttpResponse, ListConfig
from gemwire.genai._types.tunings import JobState
from gemwire_proto.v1beta import views

GetBatchJobConfig: TypeAlias = CallConfig
CancelBatchJobConfig: TypeAlias = CallConfig
DeleteBatchJobConfig: TypeAlias = CallConfig
ListBatchJobsConfig: TypeAlias = ListConfig

#: Values accepted as the source of a batch: requests, the name of a file, or a `BatchJobSource`.
BatchJobSourceUnion: TypeAlias = Union["BatchJobSource", "list[InlinedRequest]", str]
BatchJobSourceUnionDict: TypeAlias = BatchJobSourceUnion
#: Values accepted as the destination of a batch; Vertex AI only.
BatchJobDestinationUnion: TypeAlias = Union["BatchJobDestination", str]
BatchJobDestinationUnionDict: TypeAlias = BatchJobDestinationUnion

_ENDED = frozenset(
    {
        JobState.JOB_STATE_SUCCEEDED,
        JobState.JOB_STATE_FAILED,
        JobState.JOB_STATE_CANCELLED,
        JobState.JOB_STATE_EXPIRED,
    }
)


class CreateBatchJobConfig(CallConfig):
    """Config of a batch job.

    Attributes:
        display_name: Display name of the job.
        dest: Where the results go: ``gs://…``, ``bq://…``, or a `BatchJobDestination`. Vertex AI only.
            Default: beside the source.
    """

    display_name: str | None = None
    dest: BatchJobDestination | str | None = None


class CreateEmbeddingsBatchJobConfig(CallConfig):
    """Config of a batch job that embeds contents.

    Attributes:
        display_name: Display name of the job.
    """

    display_name: str | None = None


class JobError(Config):
    """Error of a job or of one of its requests.

    Attributes:
        code: gRPC status code.
        message: Error message.
        details: Error details.
    """

    code: int | None = None
    message: str | None = None
    details: list[dict[str, object]] | None = None


class InlinedRequest(Config):
    """One request of a batch.

    Attributes:
        contents: Contents of the request; see ``client.models.generate_content``.
        config: Config of the request.
        model: Name of the model. Default: that of the batch.
        metadata: Metadata that is returned with the response.
    """

    contents: ContentListUnion | None = None
    config: GenerateContentConfig | None = None
    model: str | None = None
    metadata: dict[str, str] | None = None


class BatchJobSource(Config):
    """Source of the requests of a batch; exactly one of the first two fields.

    Attributes:
        inlined_requests: The requests themselves.
        file_name: Name of an uploaded file with one JSON object per line, ``{"key": …, "request": {…}}``.
        format: Vertex AI only.
        gcs_uri: Vertex AI only.
        bigquery_uri: Vertex AI only.
        vertex_dataset_name: Vertex AI only.
    """

    inlined_requests: list[InlinedRequest] | None = None
    file_name: str | None = None
    format: str | None = None
    gcs_uri: list[str] | None = None
    bigquery_uri: str | None = None
    vertex_dataset_name: str | None = None


class EmbedContentBatch(Config):
    """Contents to embed.

    Attributes:
        contents: Contents; each gets one vector.
        config: Config of the embeddings.
    """

    contents: ContentListUnion | None = None
    config: EmbedContentConfig | None = None


class EmbeddingsBatchJobSource(Config):
    """Source of the contents to embed; exactly one field.

    Attributes:
        inlined_requests: The contents themselves.
        file_name: Name of an uploaded file with one JSON object per line, ``{"key": …, "request": {…}}``.
    """

    inlined_requests: EmbedContentBatch | None = None
    file_name: str | None = None


class InlinedResponse(Config):
    """Result of one request of a batch.

    Attributes:
        response: The response; None if the request failed.
        metadata: Metadata of the request.
        error: Error of a failed request.
    """

    response: GenerateContentResponse | None = None
    metadata: dict[str, object] | None = None
    error: JobError | None = None


class SingleEmbedContentResponse(Config):
    """Vector of one content.

    Attributes:
        embedding: The vector.
        token_count: Number of tokens of the content.
    """

    embedding: views.ContentEmbedding | None = None
    token_count: int | None = None


class InlinedEmbedContentResponse(Config):
    """Result of one content to embed.

    Attributes:
        response: The vector; None if the request failed.
        metadata: Metadata of the request.
        error: Error of a failed request.
    """

    response: SingleEmbedContentResponse | None = None
    metadata: dict[str, object] | None = None
    error: JobError | None = None


class VertexMultimodalDatasetDestination(Config):
    """A dataset of several kinds of media that results are written to. Vertex AI only.

    Attributes:
        bigquery_destination: Table of BigQuery behind the dataset, ``bq://…``.
        display_name: Display name of the dataset.
    """

    bigquery_destination: str | None = None
    display_name: str | None = None


class BatchJobDestination(Config):
    """Results of a batch, in the order of the requests.

    Attributes:
        inlined_responses: Results of inlined requests.
        inlined_embed_content_responses: Results of inlined contents to embed.
        file_name: Name of the file with the results, for ``client.files.download``.
        format: Vertex AI only.
        gcs_uri: Vertex AI only.
        bigquery_uri: Vertex AI only.
        vertex_dataset: Vertex AI only.
    """

    inlined_responses: list[InlinedResponse] | None = None
    inlined_embed_content_responses: list[InlinedEmbedContentResponse] | None = None
    file_name: str | None = None
    format: str | None = None
    gcs_uri: str | None = None
    bigquery_uri: str | None = None
    vertex_dataset: VertexMultimodalDatasetDestination | None = None


class BatchJobOutputInfo(Config):
    """Where the results of a batch are. Vertex AI only.

    Attributes:
        gcs_output_directory: Folder of Cloud Storage.
        bigquery_output_table: Table of BigQuery.
        vertex_multimodal_dataset_name: Name of a dataset.
    """

    gcs_output_directory: str | None = None
    bigquery_output_table: str | None = None
    vertex_multimodal_dataset_name: str | None = None


class CompletionStats(Config):
    """Progress of a batch.

    Attributes:
        successful_count: Number of requests that succeeded.
        failed_count: Number of requests that failed.
        incomplete_count: Number of requests that are pending.
    """

    successful_count: int | None = None
    failed_count: int | None = None
    incomplete_count: int | None = None


class BatchJob(Config):
    """A batch job.

    Attributes:
        name: Name of the job, ``batches/…``.
        display_name: Display name of the job.
        state: State of the job.
        error: Error of a failed job.
        create_time: Time of creation.
        start_time: Vertex AI only.
        end_time: Time when the job ended.
        update_time: Time of the last change.
        model: Name of the model.
        src: File that the requests were read from, if they were.
        dest: Results.
        completion_stats: Progress.
        output_info: Where the results are. Vertex AI only.
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
    output_info: BatchJobOutputInfo | None = None

    @property
    def done(self) -> bool:
        """Whether the job has ended."""
        return self.state in _ENDED


class ListBatchJobsResponse(Config):
    """A page of batch jobs.

    Attributes:
        sdk_http_response: Headers of the response.
        next_page_token: Token of the next page; None on the last.
        batch_jobs: The jobs.
    """

    sdk_http_response: HttpResponse | None = None
    next_page_token: str | None = None
    batch_jobs: list[BatchJob] | None = None


class DeleteResourceJob(Config):
    """Result of a deletion.

    Attributes:
        sdk_http_response: Headers of the response.
        name: Name of the deleted resource.
        done: Whether the deletion is complete.
        error: Error of a failed deletion.
    """

    sdk_http_response: HttpResponse | None = None
    name: str | None = None
    done: bool | None = None
    error: JobError | None = None
