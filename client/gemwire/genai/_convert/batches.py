"""Batches as JSON, which is all that is known of them: what is sent, and what comes back."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import json_format

from gemwire.genai._convert.jsonable import plain
from gemwire.genai._convert.requests import embed_content, generate_content
from gemwire.genai._convert.resource_names import file_name, resource_name
from gemwire.genai._types.batches import (
    BatchJob,
    BatchJobDestination,
    BatchJobSource,
    CompletionStats,
    EmbedContentBatch,
    EmbeddingsBatchJobSource,
    InlinedEmbedContentResponse,
    InlinedRequest,
    InlinedResponse,
    JobError,
    SingleEmbedContentResponse,
)
from gemwire.genai._types.call_configs import EmbedContentConfig, GenerateContentConfig
from gemwire.genai._types.responses import GenerateContentResponse
from gemwire.genai._types.tuning import JobState
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import timestamp_pb2
from gemwire_proto.v1beta import views
from gemwire_runtime.pool import POOL

COLLECTION = "batches"
_VERTEX = ("format", "gcs_uri", "bigquery_uri", "vertex_dataset_name")


def batch_name(name: Any) -> str:
    """``batches/b`` for "b".

    Raises:
        ValueError: It is no name of a batch.
        TypeError: It is no text.
    """
    found = resource_name(name, COLLECTION)
    if "/" in found.removeprefix(f"{COLLECTION}/"):
        raise ValueError(f"name: {name!r} is no name of a batch; one is '{COLLECTION}/abc-123'")
    return found


def created(model: str, src: Any, config: Any) -> dict[str, Any]:
    """The batch to create. Nothing that is given is changed.

    Args:
        model: Name of the model.
        src: Requests, the name of a file, or `BatchJobSource`.
        config: `CreateBatchJobConfig`.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    if config.dest is not None:
        raise ValueError("config.dest is of Vertex AI; the Gemini API keeps the answers")
    source = _source(src)
    for name in _VERTEX:
        if getattr(source, name) is not None:
            raise ValueError(f"src.{name} is of Vertex AI; the Gemini API takes requests or a file")
    given = source.inlined_requests
    if (given is None) == (source.file_name is None):
        raise ValueError("src: one of inlined_requests and file_name is required")
    if given is None:
        return _batch(config, {"fileName": file_name(source.file_name)})
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise TypeError(f"src: expected a list of requests, got {type(given).__name__}")
    if not given:
        raise ValueError("src: there are no requests")
    requests = [_request(model, item, f"src[{at}]") for at, item in enumerate(given)]
    return _batch(config, {"requests": {"requests": requests}})


def created_embeddings(model: str, src: Any, config: Any) -> dict[str, Any]:
    """The batch of embeddings to create; see `created`.

    Args:
        model: Name of the model.
        src: `EmbeddingsBatchJobSource`.
        config: `CreateEmbeddingsBatchJobConfig`.
    """
    source = EmbeddingsBatchJobSource.of(src, "src")
    given = source.inlined_requests
    if (given is None) == (source.file_name is None):
        raise ValueError("src: one of inlined_requests and file_name is required")
    if given is None:
        return _batch(config, {"fileName": file_name(source.file_name)})
    batch = EmbedContentBatch.of(given, "src.inlined_requests")
    message = embed_content(model, batch.contents, EmbedContentConfig.of(batch.config, "src.config"))
    requests = [{"request": _json(request)} for request in message.requests]
    return _batch(config, {"requests": {"requests": requests}})


def _source(src: Any) -> BatchJobSource:
    if isinstance(src, views.File):
        return BatchJobSource(file_name=src.name)
    if isinstance(src, str):
        if src.startswith(("gs://", "bq://", "projects/")):
            raise ValueError(f"src: {src!r} is of Vertex AI; the Gemini API takes requests or a file")
        return BatchJobSource(file_name=src)
    if isinstance(src, Sequence):
        return BatchJobSource(inlined_requests=src)
    return BatchJobSource.of(src, "src")


def _batch(config: Any, source: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"inputConfig": source}
    if config.display_name is not None:
        made["displayName"] = config.display_name
    return {"batch": made}


def _request(model: str, given: Any, place: str) -> dict[str, Any]:
    request = InlinedRequest.of(given, place)
    try:
        config = GenerateContentConfig.of(request.config)
        message = generate_content(request.model or model, request.contents, config)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}: {error}") from None
    tree = _json(message)
    if request.model is None:
        tree.pop("model")
    made: dict[str, Any] = {"request": tree}
    if request.metadata is not None:
        made["metadata"] = plain(request.metadata)
    return made


def _json(message: Any) -> dict[str, Any]:
    tree: dict[str, Any] = json_format.MessageToDict(message, descriptor_pool=POOL)
    return tree


def job(tree: Mapping[str, Any]) -> BatchJob:
    """The batch of an operation.

    Args:
        tree: It, as JSON.
    """
    told = tree.get("metadata") or {}
    response = tree.get("response") or {}
    config = told.get("inputConfig") or {}
    return BatchJob(
        name=tree.get("name") or told.get("name"),
        display_name=told.get("displayName"),
        state=_state(told.get("state")),
        error=_error(tree.get("error")),
        create_time=_time(told.get("createTime")),
        end_time=_time(told.get("endTime")),
        update_time=_time(told.get("updateTime")),
        model=told.get("model"),
        src=BatchJobSource(file_name=config["fileName"]) if config.get("fileName") else None,
        dest=_destination(told.get("output") or response),
        completion_stats=_stats(told.get("batchStats")),
    )


class JobPage:
    """A page of a list, as pagers read them."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        """``tree``: a list of operations, as JSON."""
        self.batch_jobs: list[Any] = list(tree.get("operations") or ())
        self.next_page_token: str = tree.get("nextPageToken") or ""


def _state(name: Any) -> JobState | None:
    if not name:
        return None
    return JobState.__members__.get(
        str(name).replace("BATCH_STATE_", "JOB_STATE_"), JobState.JOB_STATE_UNSPECIFIED
    )


def _time(text: Any) -> datetime.datetime | None:
    if not text:
        return None
    moment: Any = timestamp_pb2.Timestamp()
    moment.FromJsonString(text)
    made: datetime.datetime = moment.ToDatetime(tzinfo=datetime.timezone.utc)
    return made


def _error(tree: Any) -> JobError | None:
    if not tree:
        return None
    return JobError(code=tree.get("code"), message=tree.get("message"), details=tree.get("details"))


def _stats(tree: Any) -> CompletionStats | None:
    if not tree:
        return None
    names = {"successful_count": "successful", "failed_count": "failed", "incomplete_count": "pending"}
    return CompletionStats(
        **{name: int(tree.get(f"{found}RequestCount") or 0) for name, found in names.items()}
    )


def _destination(tree: Mapping[str, Any]) -> BatchJobDestination | None:
    if tree.get("responsesFile"):
        return BatchJobDestination(file_name=tree["responsesFile"])
    items = (tree.get("inlinedResponses") or {}).get("inlinedResponses")
    vectors = (tree.get("inlinedEmbedContentResponses") or {}).get("inlinedResponses")
    if vectors or any("embedding" in (item.get("response") or {}) for item in items or ()):
        made = [_embedded(item) for item in vectors or items or ()]
        return BatchJobDestination(inlined_embed_content_responses=made)
    return BatchJobDestination(inlined_responses=[_answered(item) for item in items]) if items else None


def _answered(item: Mapping[str, Any]) -> InlinedResponse:
    response = item.get("response")
    return InlinedResponse(
        response=GenerateContentResponse.of(_message(v1beta.GenerateContentResponse, response))
        if response is not None
        else None,
        metadata=item.get("metadata"),
        error=_error(item.get("error")),
    )


def _embedded(item: Mapping[str, Any]) -> InlinedEmbedContentResponse:
    response = item.get("response")
    made = None
    if response is not None:
        message = _message(v1beta.ContentEmbedding, response.get("embedding") or {})
        count = response.get("tokenCount")
        made = SingleEmbedContentResponse(
            embedding=views.ContentEmbedding.of(message), token_count=None if count is None else int(count)
        )
    return InlinedEmbedContentResponse(
        response=made, metadata=item.get("metadata"), error=_error(item.get("error"))
    )


def _message(kind: Any, tree: Any) -> Any:
    return json_format.ParseDict(tree, kind(), ignore_unknown_fields=True, descriptor_pool=POOL)
