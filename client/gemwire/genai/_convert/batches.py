"""Batch jobs as JSON: the API has no protos for them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

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
from gemwire_proto.google.protobuf import timestamp_pb2
from gemwire_proto.v1beta import views
from gemwire_runtime.pool import POOL

#: A JSON object.
Json: TypeAlias = Mapping[str, Any]

#: Builds a request to generate content from a model, contents and a config.
ToRequest: TypeAlias = Callable[
    [str, ContentListUnion | None, GenerateContentConfig], v1beta.GenerateContentRequest
]
#: Builds a request for embeddings from a model, contents and a config.
ToEmbedRequest: TypeAlias = Callable[
    [str, ContentListUnion | None, EmbedContentConfig], v1beta.BatchEmbedContentsRequest
]

_M = TypeVar("_M", bound=Message)

COLLECTION = "batches"


def to_batch_name(name: object) -> str:
    """Return the full name of a batch job: ``batches/b`` for "b"."""
    found = to_resource_name(name, COLLECTION)
    if "/" in found.removeprefix(f"{COLLECTION}/"):
        raise ValueError(f"name: {name!r} is not the name of a batch job, such as '{COLLECTION}/abc-123'")
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
        return BatchJobSource(file_name=src)
    if isinstance(src, Sequence):
        return BatchJobSource(inlined_requests=src)
    return BatchJobSource.of(src, "src")


def to_batch(model: str, source: BatchJobSource, config: CreateBatchJobConfig, to_request: ToRequest) -> Json:
    """Build the batch job to create.

    Args:
        model: Name of the model.
        source: Its requests.
        config: Config of the job.
        to_request: Builds one request from a model, contents and a config.
    """
    given = source.inlined_requests
    if (given is None) == (source.file_name is None):
        raise ValueError("src: exactly one of inlined_requests and file_name is required")
    if given is None:
        return _batch(config, {"fileName": to_file_name(source.file_name)})
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise TypeError(f"src: expected a list of requests, got {type(given).__name__}")
    if not given:
        raise ValueError("src: the list of requests is empty")
    requests = [_to_inlined_request(model, item, f"src[{at}]", to_request) for at, item in enumerate(given)]
    return _batch(config, {"requests": {"requests": requests}})


def to_embeddings_batch(
    model: str, src: object, config: CreateEmbeddingsBatchJobConfig, to_request: ToEmbedRequest
) -> Json:
    """Build the batch job of embeddings to create; see `to_batch`."""
    source = EmbeddingsBatchJobSource.of(src, "src")
    given = source.inlined_requests
    if (given is None) == (source.file_name is None):
        raise ValueError("src: exactly one of inlined_requests and file_name is required")
    if given is None:
        return _batch(config, {"fileName": to_file_name(source.file_name)})
    batch = EmbedContentBatch.of(given, "src.inlined_requests")
    message = to_request(model, batch.contents, EmbedContentConfig.of(batch.config, "src.config"))
    requests = [{"request": _to_json(request)} for request in message.requests]
    return _batch(config, {"requests": {"requests": requests}})


def _batch(config: CreateBatchJobConfig | CreateEmbeddingsBatchJobConfig, source: Json) -> Json:
    name = {} if config.display_name is None else {"displayName": config.display_name}
    return {"batch": {"inputConfig": source, **name}}


def _to_inlined_request(model: str, given: object, place: str, to_request: ToRequest) -> Json:
    request = InlinedRequest.of(given, place)
    try:
        config = GenerateContentConfig.of(request.config)
        message = to_request(request.model or model, request.contents, config)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}: {error}") from None
    tree = _to_json(message)
    if request.model is None:
        tree.pop("model")
    metadata = {} if request.metadata is None else {"metadata": to_jsonable(request.metadata)}
    return {"request": tree, **metadata}


def _to_json(message: Message) -> dict[str, Any]:
    tree: dict[str, Any] = json_format.MessageToDict(message, descriptor_pool=POOL)
    return tree


def from_operation(tree: Json) -> BatchJob:
    """Convert an operation in JSON to a batch job."""
    metadata = tree.get("metadata") or {}
    response = tree.get("response") or {}
    config = metadata.get("inputConfig") or {}
    return BatchJob(
        name=tree.get("name") or metadata.get("name"),
        display_name=metadata.get("displayName"),
        state=_to_state(metadata.get("state")),
        error=_from_error(tree.get("error")),
        create_time=_from_time(metadata.get("createTime")),
        end_time=_from_time(metadata.get("endTime")),
        update_time=_from_time(metadata.get("updateTime")),
        model=metadata.get("model"),
        src=BatchJobSource(file_name=config["fileName"]) if config.get("fileName") else None,
        dest=_from_output(metadata.get("output") or response),
        completion_stats=_from_stats(metadata.get("batchStats")),
    )


class BatchJobPage:
    """A page of batch jobs, in the form that pagers read."""

    def __init__(self, tree: Json) -> None:
        """Read a list of operations in JSON."""
        self.batch_jobs: list[Json] = list(tree.get("operations") or ())
        self.next_page_token: str = tree.get("nextPageToken") or ""


def _to_state(name: str | None) -> JobState | None:
    if not name:
        return None
    return JobState.__members__.get(
        str(name).replace("BATCH_STATE_", "JOB_STATE_"), JobState.JOB_STATE_UNSPECIFIED
    )


def _from_time(text: str | None) -> datetime.datetime | None:
    if not text:
        return None
    time = timestamp_pb2.Timestamp()
    time.FromJsonString(text)
    return time.ToDatetime(tzinfo=datetime.timezone.utc)


def _from_error(tree: Json | None) -> JobError | None:
    if not tree:
        return None
    return JobError(code=tree.get("code"), message=tree.get("message"), details=tree.get("details"))


def _from_stats(tree: Json | None) -> CompletionStats | None:
    if not tree:
        return None
    names = {"successful_count": "successful", "failed_count": "failed", "incomplete_count": "pending"}
    return CompletionStats(
        **{name: int(tree.get(f"{found}RequestCount") or 0) for name, found in names.items()}
    )


def _from_output(tree: Json) -> BatchJobDestination | None:
    if tree.get("responsesFile"):
        return BatchJobDestination(file_name=tree["responsesFile"])
    items = (tree.get("inlinedResponses") or {}).get("inlinedResponses")
    vectors = (tree.get("inlinedEmbedContentResponses") or {}).get("inlinedResponses")
    if vectors or any("embedding" in (item.get("response") or {}) for item in items or ()):
        embeddings = [_from_inlined_embedding(item) for item in vectors or items or ()]
        return BatchJobDestination(inlined_embed_content_responses=embeddings)
    return (
        BatchJobDestination(inlined_responses=[_from_inlined_response(item) for item in items])
        if items
        else None
    )


def _from_inlined_response(item: Json) -> InlinedResponse:
    response = item.get("response")
    return InlinedResponse(
        response=GenerateContentResponse.of(_to_message(v1beta.GenerateContentResponse, response))
        if response is not None
        else None,
        metadata=item.get("metadata"),
        error=_from_error(item.get("error")),
    )


def _from_inlined_embedding(item: Json) -> InlinedEmbedContentResponse:
    response = item.get("response")
    result = None
    if response is not None:
        message = _to_message(v1beta.ContentEmbedding, response.get("embedding") or {})
        count = response.get("tokenCount")
        result = SingleEmbedContentResponse(
            embedding=views.ContentEmbedding.of(message), token_count=None if count is None else int(count)
        )
    return InlinedEmbedContentResponse(
        response=result, metadata=item.get("metadata"), error=_from_error(item.get("error"))
    )


def _to_message(kind: type[_M], tree: dict[str, Any]) -> _M:
    return json_format.ParseDict(tree, kind(), ignore_unknown_fields=True, descriptor_pool=POOL)
