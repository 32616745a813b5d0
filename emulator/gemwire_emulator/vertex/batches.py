"""JobService of Vertex AI: batches of prompts in Cloud Storage.

A batch goes on by the clock, as a tuning job does; its prompts are answered at the end, so that a batch that
was interrupted by the end of the emulator starts again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import TypeAlias

import grpc
from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.errors import (
    StatusError,
    failed_precondition,
    invalid_argument,
    method_not_supported,
    not_found,
    quote,
)
from gemwire_emulator.json_codec.messages import parse_message, to_json
from gemwire_emulator.paging import paginate
from gemwire_emulator.services import batch_lines
from gemwire_emulator.services.resource_lookup import check_display_name
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_emulator.vertex.deletion import create_deletion
from gemwire_emulator.vertex.labels import check_labels
from gemwire_emulator.vertex.names import enter_location, enter_parent, resolve_model
from gemwire_emulator.vertex.prediction import PredictionService
from gemwire_emulator.vertex.tuned_models import TunedModels, generate_id, parse_filter
from gemwire_proto import aiplatform_v1
from gemwire_proto.aiplatform_v1.prediction_service import SERVICE
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "batchPredictionJobs"
_PATTERN = f"{_KIND}/*"
_STATES = aiplatform_v1.JobState
_ACTIVE = (_STATES.JOB_STATE_PENDING, _STATES.JOB_STATE_RUNNING)
_FIELD = "batch_prediction_job"
_DISPLAY_NAME = 128
#: Prompts that are answered at a time.
_CONCURRENCY = 4
#: Part of a batch's time in which it is PENDING.
_PENDING = 0.1
_logger = logging.getLogger("gemwire_emulator")

_Answer: TypeAlias = Callable[[dict[str, object], str, Call], Awaitable[str]]


class JobService:
    """The handlers of JobService."""

    def __init__(self, state: State, prediction: PredictionService, models: TunedModels) -> None:
        """Create the handlers; those of PredictionService answer the prompts."""
        self._state = state
        self._prediction = prediction
        self._models = models

    def resume(self) -> None:
        """Resume unfinished batches."""
        for tenant, row in list(self._state.store.list_all_tenants(_KIND)):
            if row.message(aiplatform_v1.BatchPredictionJob).state in _ACTIVE:
                self._state.spawn(self._run(tenant, row))

    def create_batch_prediction_job(
        self, request: aiplatform_v1.CreateBatchPredictionJobRequest, call: Call
    ) -> aiplatform_v1.BatchPredictionJob:
        """Start a batch."""
        enter_parent(call, request.parent)
        job = aiplatform_v1.BatchPredictionJob()
        job.CopyFrom(request.batch_prediction_job)
        if not job.display_name:
            raise invalid_argument(f"{_FIELD}.display_name", "is required")
        check_display_name(job.display_name, f"{_FIELD}.display_name", _DISPLAY_NAME)
        check_labels(job.labels)
        extra = {"began": self._state.clock.now(), **self._resolve_model(job.model, call)}
        self._check_places(job)
        for field in ("output_info", "error", "completion_stats", "start_time", "end_time"):
            job.ClearField(field)
        job.name = f"{call.tenant}/{_KIND}/{generate_id(self._state)}"
        job.state = _STATES.JOB_STATE_PENDING
        job.create_time.FromDatetime(self._state.clock.datetime())
        job.update_time.CopyFrom(job.create_time)
        self._state.store.put(call.tenant, job.name, job, owner=call.caller, extra=json.dumps(extra))
        row = self._state.store.get(call.tenant, job.name)
        if row is not None:
            self._state.spawn(self._run(call.tenant, row))
        return job

    def get_batch_prediction_job(
        self, request: aiplatform_v1.GetBatchPredictionJobRequest, call: Call
    ) -> aiplatform_v1.BatchPredictionJob:
        """Return a batch."""
        return self._get(request.name, call)

    def list_batch_prediction_jobs(
        self, request: aiplatform_v1.ListBatchPredictionJobsRequest, call: Call
    ) -> aiplatform_v1.ListBatchPredictionJobsResponse:
        """List the batches of a location that match a filter, oldest first."""
        enter_parent(call, request.parent)
        matches = parse_filter(request.filter)

        def accept(row: Row) -> bool:
            job = row.message(aiplatform_v1.BatchPredictionJob)
            fields = {"display_name": job.display_name, "model": job.model, "state": _STATES.Name(job.state)}
            return matches(fields, job.labels)

        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, _KIND, after=after),
            request,
            default=50,
            most=1000,
            accept=accept,
        )
        jobs = [row.message(aiplatform_v1.BatchPredictionJob) for row in rows]
        return aiplatform_v1.ListBatchPredictionJobsResponse(
            batch_prediction_jobs=jobs, next_page_token=token
        )

    def cancel_batch_prediction_job(
        self, request: aiplatform_v1.CancelBatchPredictionJobRequest, call: Call
    ) -> empty_pb2.Empty:
        """Cancel a batch that has not ended."""
        job = self._get(request.name, call)
        if job.state not in _ACTIVE:
            raise failed_precondition(
                request.name, f"is {_STATES.Name(job.state)}; only a running batch can be cancelled"
            )
        self._end(call.tenant, job, _STATES.JOB_STATE_CANCELLED)
        return empty_pb2.Empty()

    def delete_batch_prediction_job(
        self, request: aiplatform_v1.DeleteBatchPredictionJobRequest, call: Call
    ) -> operations_pb2.Operation:
        """Delete a batch that has ended; the operation is done at once."""
        job = self._get(request.name, call)
        if job.state in _ACTIVE:
            raise failed_precondition(request.name, f"is {_STATES.Name(job.state)}; cancel it first")
        with self._state.store.transaction():
            self._state.store.delete(call.tenant, request.name)
            return create_deletion(self._state, call)

    def _get(self, name: str, call: Call) -> aiplatform_v1.BatchPredictionJob:
        with enter_location(call, name, _PATTERN, "name"):
            row = self._state.store.get(call.tenant, name)
            if row is None:
                raise not_found(name)
            return row.message(aiplatform_v1.BatchPredictionJob)

    def _resolve_model(self, given: str, call: Call) -> dict[str, str]:
        """Return the full name of a model that answers, and what it does."""
        field = f"{_FIELD}.model"
        name = given
        if given.startswith("publishers/"):
            name = f"{call.tenant}/{given}"
        elif "/models/" in given and "/publishers/" not in given:
            with enter_location(call, given, "models/*", field):
                name = self._models.get_model(given, call).deployed_models[0].endpoint
        model = resolve_model(self._state, name, field, models=self._models)
        methods = self._state.models.get_methods(model)
        for method, kind in (("generateContent", "generate"), ("embedContent", "embed")):
            if method in methods:
                return {"model": name, "kind": kind}
        raise method_not_supported(name, "batchPredictionJobs", methods)

    def _check_places(self, job: aiplatform_v1.BatchPredictionJob) -> None:
        """Check where a batch reads and writes, as far as there is anything to look at."""
        source, path = job.input_config, f"{_FIELD}.input_config"
        kind = source.WhichOneof("source")
        if kind is None:
            raise invalid_argument(path, "is required; set gcs_source")
        if not job.output_config.WhichOneof("destination"):
            raise invalid_argument(f"{_FIELD}.output_config", "is required; set gcs_destination")
        if kind == "gcs_source":
            if not source.gcs_source.uris:
                raise invalid_argument(f"{path}.gcs_source.uris", "is required")
            if source.instances_format != "jsonl":
                raise invalid_argument(
                    f"{path}.instances_format",
                    f"{quote(source.instances_format)} is not jsonl",
                )
            for i, uri in enumerate(source.gcs_source.uris):
                self._state.storage.find_all(uri, f"{path}.gcs_source.uris[{i}]")
        if job.output_config.HasField("gcs_destination"):
            prefix = job.output_config.gcs_destination.output_uri_prefix
            self._state.storage.check_prefix(
                prefix, f"{_FIELD}.output_config.gcs_destination.output_uri_prefix"
            )

    async def _run(self, tenant: str, row: Row) -> None:
        """Run a batch until it is done, cancelled or deleted."""
        clock, extra, seconds = self._state.clock, json.loads(row.extra), self._state.tuning_seconds
        await clock.sleep(extra["began"] + seconds * _PENDING - clock.now())
        job = self._get_active(tenant, row)
        if job is None:
            return
        job.state = _STATES.JOB_STATE_RUNNING
        job.start_time.FromDatetime(clock.datetime())
        job.update_time.CopyFrom(job.start_time)
        self._state.store.replace(tenant, job.name, job)
        await clock.sleep(extra["began"] + seconds - clock.now())
        try:
            if self._get_active(tenant, row) is not None:
                await self._answer_all(tenant, row, job, extra)
        except StatusError as error:
            failure = error
        except Exception as error:
            _logger.exception("%s failed", job.name)
            failure = StatusError(grpc.StatusCode.INTERNAL, f"the emulator failed: {error}")
        else:
            return
        if self._get_active(tenant, row) is not None:
            job.error.code, job.error.message = failure.code.value[0], failure.message
            self._end(tenant, job, _STATES.JOB_STATE_FAILED)

    def _get_active(self, tenant: str, row: Row) -> aiplatform_v1.BatchPredictionJob | None:
        """Return a batch unless it has ended, or was deleted."""
        current = self._state.store.get(tenant, row.name)
        if current is None or current.number != row.number:
            return None
        job = current.message(aiplatform_v1.BatchPredictionJob)
        return job if job.state in _ACTIVE else None

    def _end(
        self, tenant: str, job: aiplatform_v1.BatchPredictionJob, outcome: aiplatform_v1.JobState
    ) -> None:
        job.state = outcome
        for moment in (job.end_time, job.update_time):
            moment.FromDatetime(self._state.clock.datetime())
        self._state.store.replace(tenant, job.name, job)

    async def _answer_all(
        self, tenant: str, row: Row, job: aiplatform_v1.BatchPredictionJob, extra: dict[str, str]
    ) -> None:
        """Answer the prompts of a batch in their order, and write the answers."""
        sources, destination = _check_storage_only(job), job.output_config.gcs_destination
        storage, blobs = self._state.storage, self._state.blobs
        paths = [path for uri in sources for path in storage.find_all(uri, "uri")]
        counts = [await asyncio.to_thread(batch_lines.count_lines, path) for path in paths]
        stats = job.completion_stats
        stats.incomplete_count = sum(counts)
        if not stats.incomplete_count:
            raise invalid_argument("input_config.gcs_source", f"{', '.join(sources)} has no prompts")
        answer = self._answer_prompt if extra["kind"] == "generate" else self._answer_instance
        pending: deque[asyncio.Future[tuple[bytes, bool]]] = deque()
        lines = (line for path in paths for line in batch_lines.iter_lines(path))
        blob = blobs.create()
        try:
            while True:
                for line in islice(lines, _CONCURRENCY - len(pending)):
                    pending.append(asyncio.ensure_future(_answer_line(line, answer, extra["model"], tenant)))
                if not pending:
                    break
                text, succeeded = await pending[0]
                pending.popleft()
                if self._get_active(tenant, row) is None:
                    return
                blobs.append(blob, text)
                stats.incomplete_count -= 1
                stats.successful_count += succeeded
                stats.failed_count += not succeeded
                self._state.store.replace(tenant, job.name, job)
            time = self._state.clock.datetime().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            # With the number of the job: batches may end at the same time of a clock that stands still.
            number = job.name.rpartition("/")[2]
            folder = f"{destination.output_uri_prefix.rstrip('/')}/prediction-model-{time}-{number}"
            await asyncio.to_thread(storage.write, f"{folder}/predictions.jsonl", blobs.path(blob))
        finally:
            lines.close()
            for one in pending:
                one.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            blobs.delete(blob)
        if self._get_active(tenant, row) is not None:
            job.output_info.gcs_output_directory = folder
            self._end(tenant, job, _STATES.JOB_STATE_SUCCEEDED)

    async def _answer_prompt(self, entry: dict[str, object], model: str, call: Call) -> str:
        if not isinstance(entry.get("request"), dict):
            raise invalid_argument("request", 'is required, as an object: {"request": {"contents": …}}')
        request = parse_message(aiplatform_v1.GenerateContentRequest, entry["request"])
        request.model = model
        return f'"response":{to_json(await self._prediction.generate_content(request, call))}'

    async def _answer_instance(self, entry: dict[str, object], model: str, call: Call) -> str:
        request = aiplatform_v1.PredictRequest(endpoint=model)
        json_format.ParseDict(entry, request.instances.add())
        response = await self._prediction.predict(request, call)
        return f'"predictions":{json.dumps([json_format.MessageToDict(one) for one in response.predictions])}'


def _check_storage_only(job: aiplatform_v1.BatchPredictionJob) -> list[str]:
    """Return the files of a batch, unless something of it is not in Cloud Storage."""
    source, destination = job.input_config, job.output_config
    for used, what in (
        (source.bigquery_source.input_uri, "BigQuery"),
        (destination.bigquery_destination.output_uri, "BigQuery"),
        (source.vertex_multimodal_dataset_source.dataset_name, "multimodal datasets"),
        (destination.vertex_multimodal_dataset_destination.display_name, "multimodal datasets"),
    ):
        if used:
            raise failed_precondition(used, f"the emulator has no {what}; use files of gs://")
    return list(source.gcs_source.uris)


async def _answer_line(line: bytes | None, answer: _Answer, model: str, tenant: str) -> tuple[bytes, bool]:
    """Return the line of an answer, and whether it is one rather than an error."""
    entry: dict[str, object] = {}
    call = Call(SERVICE.methods["GenerateContent"], {})
    call.tenant = "/".join(tenant.split("/")[:2])
    status, answered = "", '"response":{}'
    try:
        entry = batch_lines.parse_line(line)
        answered = await answer(entry, model, call)
    except StatusError as error:
        status = f"{error.status}: {error.message}"
    except Exception as error:
        # A bug of the emulator, as in a call; the other prompts continue.
        _logger.exception("a prompt of a batch failed")
        status = f"INTERNAL: the emulator failed: {error}"
    kept = entry if "request" in entry or not entry else {"instance": entry}
    before = json.dumps({**kept, "status": status}, ensure_ascii=False)
    return f"{before[:-1]},{answered}}}\n".encode(), not status
