"""Batch jobs as messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from gemwire.genai._convert.resource_names import to_file_name, to_resource_name
from gemwire.genai._json.jsonable import to_jsonable
from gemwire.genai._types.batches import (
    BatchJob,
    BatchJobDestination,
    BatchJobSource,
    CompletionStats,
    CreateBatchJobConfig,
    CreateEmbeddingsBatchJobConfig,
    EmbedContentBatch,
    EmbeddingsBatchJobSource,
    InlinedEmbedContentResponse,
    InlinedRequest,
    InlinedResponse,
    JobError,
    SingleEmbedContentResponse,
)
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.embed_content import EmbedContentConfig
from gemwire.genai._types.generate_content import GenerateContentConfig, GenerateContentResponse
from gemwire.genai._types.tunings import JobState
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning.operations_pb2 import Operation
from gemwire_proto.google.rpc.status_pb2 import Status
from gemwire_proto.v1beta import views
from gemwire_runtime.field_errors import locate
from gemwire_runtime.pool import POOL
from gemwire_runtime.views import fields_of

#: Builds a request to generate content from a model, contents and a config.
ToRequest: TypeAlias = Callable[
    [str, ContentListUnion | None, GenerateContentConfig], v1beta.GenerateContentRequest
]
#: Builds a request for embeddings from a model, contents and a config.
ToEmbedRequest: TypeAlias = Callable[
    [str, ContentListUnion | None, EmbedContentConfig], v1beta.BatchEmbedContentsRequest
]

COLLECTION = "batches"
_METADATA = fields_of(views.InlinedRequest)["metadata"]


def to_batch_name(name: object) -> str:
    """Check the name of a batch job: ``batches/b``."""
    found = to_resource_name(name, COLLECTION)
    if found != (getattr(name, "name", None) or name) or "/" in found.removeprefix(f"{COLLECTION}/"):
        raise ValueError(f"name: Invalid batch job name: {name!r} is not like '{COLLECTION}/abc-123'")
    return found


def to_batch_source(src: object) -> BatchJobSource:
    """Return the source that is meant by requests, a file, its name or a URI."""
    if isinstance(src, views.File):
        return BatchJobSource(file_name=src.name)
    if isinstance(src, str):
        if src.startswith("gs://"):
            return BatchJobSource(gcs_uri=[src])
        if src.startswith("bq://"):
            return BatchJobSource(bigquery_uri=src)
        if src.startswith("projects/"):
            return BatchJobSource(vertex_dataset_name=src)
        if not src.startswith("files/"):
            raise ValueError(f"src: Unsupported source: {src!r}; pass requests or a file, 'files/abc-123'")
        return BatchJobSource(file_name=src)
    if isinstance(src, Sequence):
        src = {"inlined_requests": src}
    return BatchJobSource.of(src, "src")


def to_batch(
    model: str, source: BatchJobSource, config: CreateBatchJobConfig, to_request: ToRequest
) -> v1beta.GenerateContentBatch:
    """Build the batch job to create.

    Args:
        model: Name of the model.
        source: Its requests.
        config: Config of the job.
        to_request: Builds one request from a model, contents and a config.
    """
    given = source.inlined_requests
    batch = v1beta.GenerateContentBatch(display_name=config.display_name)
    if _is_file(source, batch.input_config):
        return batch
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise TypeError(f"src: expected a list of requests, got {type(given).__name__}")
    if not given:
        raise ValueError("src: the list of requests is empty")
    requests = [_to_inlined_request(model, item, f"src[{at}]", to_request) for at, item in enumerate(given)]
    batch.input_config.requests.requests.extend(requests)
    return batch


def to_embeddings_batch(
    model: str, src: object, config: CreateEmbeddingsBatchJobConfig, to_request: ToEmbedRequest
) -> v1beta.EmbedContentBatch:
    """Build the batch job of embeddings to create; see `to_batch`."""
    source = EmbeddingsBatchJobSource.of(src, "src")
    batch = v1beta.EmbedContentBatch(display_name=config.display_name)
    if _is_file(source, batch.input_config):
        return batch
    contents = EmbedContentBatch.of(source.inlined_requests, "src.inlined_requests")
    message = to_request(model, contents.contents, EmbedContentConfig.of(contents.config, "src.config"))
    for request in message.requests:
        batch.input_config.requests.requests.add(request=request)
    return batch


def _is_file(
    source: BatchJobSource | EmbeddingsBatchJobSource,
    target: v1beta.InputConfig | v1beta.InputEmbedContentConfig,
) -> bool:
    """Return whether the requests are in a file; if so, set its name."""
    if (source.inlined_requests is None) == (source.file_name is None):
        raise ValueError("src: exactly one of inlined_requests and file_name is required")
    if source.file_name is None:
        return False
    target.file_name = to_file_name(source.file_name)
    return True


def _to_inlined_request(
    model: str, given: object, place: str, to_request: ToRequest
) -> v1beta.InlinedRequest:
    request = InlinedRequest.of(given, place)
    try:
        config = GenerateContentConfig.of(request.config)
        message = to_request(request.model or model, request.contents, config)
    except (TypeError, ValueError) as error:
        raise locate(place, error) from None
    if request.model is None:
        message.ClearField("model")  # that of the batch
    inlined = v1beta.InlinedRequest(request=message)
    if request.metadata is not None:
        _METADATA.write(inlined, to_jsonable(request.metadata))
    return inlined


def from_operation(operation: Operation) -> BatchJob:
    """Convert the operation of a batch job."""
    is_embedding = operation.metadata.type_url.endswith(".EmbedContentBatch")
    batch = v1beta.EmbedContentBatch() if is_embedding else v1beta.GenerateContentBatch()
    batch.ParseFromString(operation.metadata.value)
    output = batch.output
    if operation.HasField("response") and not batch.HasField("output"):
        output.ParseFromString(operation.response.value)
    view = views.GenerateContentBatch.of(batch)
    return BatchJob(
        name=operation.name or batch.name,
        display_name=view.display_name,
        state=_from_state(batch.state),
        error=from_status(operation.error) if operation.HasField("error") else None,
        create_time=view.create_time,
        end_time=view.end_time,
        update_time=view.update_time,
        model=view.model,
        src=BatchJobSource(file_name=batch.input_config.file_name) if batch.input_config.file_name else None,
        dest=_from_output(output),
        completion_stats=_from_stats(batch.batch_stats) if batch.HasField("batch_stats") else None,
    )


def _from_state(state: v1beta.BatchState) -> JobState | None:
    if not state:
        return None
    name = v1beta.BatchState.Name(state) if state in v1beta.BatchState.values() else ""
    return JobState.__members__.get(name.replace("BATCH_", "JOB_"), JobState.JOB_STATE_UNSPECIFIED)


def from_status(status: Status) -> JobError:
    """Convert the error of a job, or of one of its requests."""
    from google.protobuf import json_format

    details = [json_format.MessageToDict(detail, descriptor_pool=POOL) for detail in status.details]
    return JobError(code=status.code, message=status.message or None, details=details or None)


def _from_stats(stats: v1beta.BatchStats) -> CompletionStats:
    return CompletionStats(
        successful_count=stats.successful_request_count,
        failed_count=stats.failed_request_count,
        incomplete_count=stats.pending_request_count,
    )


def _from_output(
    output: v1beta.GenerateContentBatchOutput | v1beta.EmbedContentBatchOutput,
) -> BatchJobDestination | None:
    if output.responses_file:
        return BatchJobDestination(file_name=output.responses_file)
    if isinstance(output, v1beta.GenerateContentBatchOutput):
        responses = [_from_inlined_response(item) for item in output.inlined_responses.inlined_responses]
        return BatchJobDestination(inlined_responses=responses) if responses else None
    items = (
        output.inlined_embed_content_responses.inlined_responses or output.inlined_responses.inlined_responses
    )
    embeddings = [_from_inlined_embedding(item) for item in items]
    return BatchJobDestination(inlined_embed_content_responses=embeddings) if embeddings else None


def _from_inlined_response(item: v1beta.InlinedResponse) -> InlinedResponse:
    return InlinedResponse(
        response=GenerateContentResponse.of(item.response) if item.HasField("response") else None,
        metadata=views.InlinedResponse.of(item).metadata,
        error=from_status(item.error) if item.HasField("error") else None,
    )


def _from_inlined_embedding(item: v1beta.InlinedEmbedContentResponse) -> InlinedEmbedContentResponse:
    response = None
    if item.HasField("response"):
        response = SingleEmbedContentResponse(
            embedding=views.ContentEmbedding.of(item.response.embedding),
            token_count=item.response.token_count or None,
        )
    return InlinedEmbedContentResponse(
        response=response,
        metadata=views.InlinedEmbedContentResponse.of(item).metadata,
        error=from_status(item.error) if item.HasField("error") else None,
    )
