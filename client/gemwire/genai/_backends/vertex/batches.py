"""Batch jobs of Vertex AI, which exist over HTTP only."""

from __future__ import annotations

import datetime
import re
import secrets

from gemwire.genai._backends.base import Call, Page
from gemwire.genai._backends.vertex.names import Names
from gemwire.genai._backends.vertex.refusals import field_error, method_error
from gemwire.genai._backends.vertex.rpcs import Rpcs
from gemwire.genai._convert.batches import from_status, to_batch_source
from gemwire.genai._types.batches import (
    BatchJob,
    BatchJobDestination,
    BatchJobOutputInfo,
    BatchJobSource,
    CompletionStats,
    CreateBatchJobConfig,
    CreateEmbeddingsBatchJobConfig,
    DeleteResourceJob,
    ListBatchJobsConfig,
)
from gemwire.genai._types.tunings import JobState
from gemwire_proto import aiplatform_v1
from gemwire_proto.aiplatform_v1.job_service import (
    CANCEL_BATCH_PREDICTION_JOB,
    CREATE_BATCH_PREDICTION_JOB,
    DELETE_BATCH_PREDICTION_JOB,
    GET_BATCH_PREDICTION_JOB,
    LIST_BATCH_PREDICTION_JOBS,
)
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_runtime.pydantic_models import Fields
from gemwire_runtime.well_known import read_timestamp

_COLLECTION = "batchPredictionJobs"
_DATASET = re.compile(r"projects/[^/]+/locations/[^/]+/datasets/[^/]+")
_FORMATS = {"gcs_uri": "jsonl", "bigquery_uri": "bigquery", "vertex_dataset_name": "vertex-dataset"}
#: Fields of a destination, and what they are called in a job.
_DESTINATIONS = {
    "gcs_uri": ("gcs_destination", "output_uri_prefix"),
    "bigquery_uri": ("bigquery_destination", "output_uri"),
}
_ONE_SOURCE = "src: exactly one of gcs_uri, bigquery_uri and vertex_dataset_name is required"


class VertexBatches:
    """Calls of JobService."""

    def __init__(self, names: Names, rpcs: Rpcs) -> None:
        self._names = names
        self._rpcs = rpcs

    def create(self, model: str, src: object, config: CreateBatchJobConfig) -> Call[BatchJob]:
        name = self._names.to_batch_model(model)
        source = _to_source(src)
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S")
        display_name = config.display_name or f"genai_batch_job_{now}_{secrets.token_hex(3)[:5]}"
        job: Fields = {
            "model": name,
            "display_name": display_name,
            "input_config": _to_input(source),
            "output_config": _to_output(config.dest, source, display_name),
        }
        request = aiplatform_v1.CreateBatchPredictionJobRequest(
            parent=self._names.parent, batch_prediction_job=job
        )
        return Call(self._rpcs(CREATE_BATCH_PREDICTION_JOB), request, _from_job)

    def create_embeddings(
        self, model: str, src: object, config: CreateEmbeddingsBatchJobConfig
    ) -> Call[BatchJob]:
        raise method_error("batches.create_embeddings")

    def get(self, name: str) -> Call[BatchJob]:
        request = aiplatform_v1.GetBatchPredictionJobRequest(name=self._to_name(name))
        return Call(self._rpcs(GET_BATCH_PREDICTION_JOB), request, _from_job)

    def list(self, config: ListBatchJobsConfig, page_token: str) -> Call[Page[BatchJob]]:
        request = aiplatform_v1.ListBatchPredictionJobsRequest(
            parent=self._names.parent,
            filter=config.filter or "",
            page_size=config.page_size or 0,
            page_token=page_token,
        )
        return Call(self._rpcs(LIST_BATCH_PREDICTION_JOBS), request, _to_page)

    def cancel(self, name: str) -> Call[None]:
        request = aiplatform_v1.CancelBatchPredictionJobRequest(name=self._to_name(name))
        return Call(self._rpcs(CANCEL_BATCH_PREDICTION_JOB), request, lambda _: None)

    def delete(self, name: str) -> Call[DeleteResourceJob]:
        request = aiplatform_v1.DeleteBatchPredictionJobRequest(name=self._to_name(name))
        return Call(self._rpcs(DELETE_BATCH_PREDICTION_JOB), request, _from_deletion)

    def _to_name(self, name: object) -> str:
        full = self._names.to_resource(name, _COLLECTION)
        if not re.fullmatch(rf"projects/[^/]+/locations/[^/]+/{_COLLECTION}/[^/]+", full):
            raise ValueError(f"name: {name!r} is not the name of a batch job, such as '{_COLLECTION}/123'")
        return full


def _to_source(src: object) -> BatchJobSource:
    if isinstance(src, str) and not src.startswith(("gs://", "bq://")) and not _DATASET.fullmatch(src):
        raise ValueError(
            f"src: {src!r} is not a source that Vertex AI reads; give gs://…, bq://… or "
            "projects/…/locations/…/datasets/…"
        )
    source = to_batch_source(src)
    for field in ("inlined_requests", "file_name"):
        if getattr(source, field) is not None:
            raise field_error(f"src.{field}")
    if sum(getattr(source, field) is not None for field in _FORMATS) != 1:
        raise ValueError(_ONE_SOURCE)
    for uri in source.gcs_uri or ():
        if not uri.startswith("gs://"):
            raise ValueError(f"src.gcs_uri: {uri!r} does not begin with gs://")
    return source


def _find_format(source: BatchJobSource) -> str:
    given = (name for field, name in _FORMATS.items() if getattr(source, field) is not None)
    return source.format or next(given)


def _to_input(source: BatchJobSource) -> Fields:
    made: Fields = {"instances_format": _find_format(source)}
    if source.gcs_uri is not None:
        made["gcs_source"] = {"uris": source.gcs_uri}
    elif source.bigquery_uri is not None:
        made["bigquery_source"] = {"input_uri": source.bigquery_uri}
    else:
        made["vertex_multimodal_dataset_source"] = {"dataset_name": source.vertex_dataset_name}
    return made


def _to_output(dest: object, source: BatchJobSource, display_name: str) -> Fields:
    found = _derive_destination(source, display_name) if dest is None else _to_destination(dest)
    if found.vertex_dataset is not None:
        given = dict(found.vertex_dataset.given())
        made: Fields = {"display_name": given.pop("display_name", None)}
        if given:
            made["bigquery_destination"] = {"output_uri": given["bigquery_destination"]}
        return {"predictions_format": "vertex-dataset", "vertex_multimodal_dataset_destination": made}
    for field, (place, name) in _DESTINATIONS.items():
        if (uri := getattr(found, field)) is not None:
            return {"predictions_format": found.format or _FORMATS[field], place: {name: uri}}
    raise ValueError("config.dest: gcs_uri, bigquery_uri or vertex_dataset is required")


def _to_destination(dest: object) -> BatchJobDestination:
    if isinstance(dest, str):
        if not dest.startswith(("gs://", "bq://")):
            raise ValueError(f"config.dest: {dest!r} begins with neither gs:// nor bq://")
        dest = {"gcs_uri" if dest.startswith("gs://") else "bigquery_uri": dest}
    made = BatchJobDestination.of(dest, "config.dest")
    for field in ("file_name", "inlined_responses", "inlined_embed_content_responses"):
        if getattr(made, field) is not None:
            raise field_error(f"config.dest.{field}")
    return made


def _derive_destination(source: BatchJobSource, display_name: str) -> BatchJobDestination:
    """Return the place beside the prompts."""
    uris = source.gcs_uri or ()
    if len(uris) == 1 and uris[0].endswith(".jsonl"):
        return BatchJobDestination(gcs_uri=f"{uris[0].removesuffix('.jsonl')}/dest")
    if source.bigquery_uri is not None:
        return BatchJobDestination(
            bigquery_uri=f"{source.bigquery_uri}_dest_{display_name.removeprefix('genai_batch_job_')}"
        )
    raise ValueError("config.dest: cannot be derived from the source; give gs://… or bq://…")


def _from_job(job: aiplatform_v1.BatchPredictionJob) -> BatchJob:
    state = aiplatform_v1.JobState.Name(job.state) if job.state in aiplatform_v1.JobState.values() else None
    times = {
        name: read_timestamp(getattr(job, name))
        for name in ("create_time", "start_time", "end_time", "update_time")
        if any(field.name == name for field, _ in job.ListFields())
    }
    fields: Fields = {
        "name": job.name,
        "display_name": job.display_name or None,
        "state": JobState(state) if state else JobState.JOB_STATE_UNSPECIFIED,
        "error": from_status(job.error) if job.HasField("error") else None,
        "model": job.model or None,
        "src": _from_input(job.input_config),
        "dest": _from_output(job.output_config),
        "output_info": _from_info(job.output_info),
        "completion_stats": _from_stats(job),
        **times,
    }
    return BatchJob(**fields)


def _from_input(message: aiplatform_v1.BatchPredictionJob.InputConfig) -> BatchJobSource:
    return BatchJobSource(
        format=message.instances_format or None,
        gcs_uri=list(message.gcs_source.uris) or None,
        bigquery_uri=message.bigquery_source.input_uri or None,
        vertex_dataset_name=message.vertex_multimodal_dataset_source.dataset_name or None,
    )


def _from_output(message: aiplatform_v1.BatchPredictionJob.OutputConfig) -> BatchJobDestination:
    return BatchJobDestination(
        format=message.predictions_format or None,
        gcs_uri=message.gcs_destination.output_uri_prefix or None,
        bigquery_uri=message.bigquery_destination.output_uri or None,
    )


def _from_info(message: aiplatform_v1.BatchPredictionJob.OutputInfo) -> BatchJobOutputInfo | None:
    if not message.ListFields():
        return None
    return BatchJobOutputInfo(
        gcs_output_directory=message.gcs_output_directory or None,
        bigquery_output_table=message.bigquery_output_table or None,
        vertex_multimodal_dataset_name=message.vertex_multimodal_dataset_name or None,
    )


def _from_stats(job: aiplatform_v1.BatchPredictionJob) -> CompletionStats | None:
    if not job.HasField("completion_stats"):
        return None
    stats = job.completion_stats
    return CompletionStats(
        successful_count=stats.successful_count,
        failed_count=stats.failed_count,
        incomplete_count=stats.incomplete_count,
    )


def _from_deletion(operation: operations_pb2.Operation) -> DeleteResourceJob:
    return DeleteResourceJob(name=operation.name, done=operation.done)


def _to_page(response: aiplatform_v1.ListBatchPredictionJobsResponse) -> Page[BatchJob]:
    jobs = [_from_job(job) for job in response.batch_prediction_jobs]
    return Page("batch_jobs", jobs, response.next_page_token)
