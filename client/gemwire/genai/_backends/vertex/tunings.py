"""Tuning jobs of Vertex AI."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NoReturn

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire.genai._backends.base import Call, Flow, Page
from gemwire.genai._backends.vertex.labels import check_labels
from gemwire.genai._backends.vertex.names import Names
from gemwire.genai._backends.vertex.refusals import field_error, unserved_error
from gemwire.genai._backends.vertex.rpcs import Rpcs
from gemwire.genai._convert.batches import from_status
from gemwire.genai._types.config import Config
from gemwire.genai._types.tuning_jobs import (
    PreTunedModel,
    SupervisedTuningSpec,
    TunedModelCheckpoint,
    TuningDataStats,
    VertexTunedModel,
    VertexTuningJob,
)
from gemwire.genai._types.tunings import (
    CancelTuningJobResponse,
    CreateTuningJobConfig,
    EncryptionSpec,
    JobState,
    ListTuningJobsConfig,
    TuningDataset,
    TuningJob,
    TuningValidationDataset,
)
from gemwire_proto import aiplatform_v1
from gemwire_proto.aiplatform_v1.gen_ai_tuning_service import (
    CANCEL_TUNING_JOB,
    CREATE_TUNING_JOB,
    GET_TUNING_JOB,
    LIST_TUNING_JOBS,
)
from gemwire_runtime.pool import POOL
from gemwire_runtime.pydantic_models import Fields
from gemwire_runtime.well_known import read_timestamp

_COLLECTION = "tuningJobs"
_HYPERPARAMETERS = ("epoch_count", "learning_rate_multiplier", "adapter_size", "learning_rate", "batch_size")
#: Fields of a job that its message has as well, as texts and as messages.
_TEXTS = (
    *("base_model", "tuned_model_display_name", "experiment", "service_account", "description", "name"),
    *("custom_base_model", "output_uri"),
)
_TIMES = ("create_time", "start_time", "end_time", "update_time")
_MESSAGES: Mapping[str, type[Config]] = {
    "pre_tuned_model": PreTunedModel,
    "supervised_tuning_spec": SupervisedTuningSpec,
    "tuning_data_stats": TuningDataStats,
    "encryption_spec": EncryptionSpec,
}
_METHOD = "SUPERVISED_FINE_TUNING"


class VertexTunings:
    """Calls of GenAiTuningService."""

    def __init__(self, names: Names, rpcs: Rpcs) -> None:
        self._names = names
        self._rpcs = rpcs

    def tune(
        self, base_model: str, training_dataset: object, config: CreateTuningJobConfig
    ) -> Flow[TuningJob]:
        """Call CreateTuningJob."""
        dataset = TuningDataset.of(training_dataset, "training_dataset")
        request = aiplatform_v1.CreateTuningJobRequest(
            parent=self._names.parent, tuning_job=_to_job(base_model, dataset, config)
        )
        job: TuningJob = yield Call(self._rpcs(CREATE_TUNING_JOB), request, _from_job)
        return job

    def get(self, name: str) -> Flow[TuningJob]:
        """Call GetTuningJob."""
        request = aiplatform_v1.GetTuningJobRequest(name=self._names.to_resource(name, _COLLECTION))
        job: TuningJob = yield Call(self._rpcs(GET_TUNING_JOB), request, _from_job)
        return job

    def list(self, config: ListTuningJobsConfig, page_token: str) -> Call[Page[TuningJob]]:
        request = aiplatform_v1.ListTuningJobsRequest(
            parent=self._names.parent,
            filter=config.filter or "",
            page_size=config.page_size or 0,
            page_token=page_token,
        )
        return Call(self._rpcs(LIST_TUNING_JOBS), request, _to_page)

    def refuse(self, method: str) -> NoReturn:
        raise unserved_error(f"tunings.{method}", "the public protos do not have it")

    def cancel(self, name: str) -> Call[CancelTuningJobResponse]:
        request = aiplatform_v1.CancelTuningJobRequest(name=self._names.to_resource(name, _COLLECTION))
        return Call(self._rpcs(CANCEL_TUNING_JOB), request, lambda _: CancelTuningJobResponse())


def _to_job(base_model: object, dataset: TuningDataset, config: CreateTuningJobConfig) -> Fields:
    if not isinstance(base_model, str):
        raise TypeError(f"base_model: expected the name of a model, got {type(base_model).__name__}")
    if not base_model:
        raise ValueError("base_model is required")
    if dataset.examples is not None:
        raise field_error("training_dataset.examples")
    method = getattr(config.method, "value", config.method)
    if method not in {None, _METHOD}:
        raise ValueError(f"config.method: {method!r} is not supported; {_METHOD} is")
    check_labels(config.labels or {})
    for name in ("custom_base_model", "output_uri"):
        uri = getattr(config, name)
        if uri is not None and not uri.startswith("gs://"):
            raise ValueError(f"config.{name}: {uri!r} begins with no gs://")
    spec: Fields = {"training_dataset_uri": _to_uri(dataset, "training_dataset")}
    if config.validation_dataset is not None:
        spec["validation_dataset_uri"] = _to_uri(config.validation_dataset, "config.validation_dataset")
    if config.export_last_checkpoint_only is not None:
        spec["export_last_checkpoint_only"] = config.export_last_checkpoint_only
    if config.tuning_mode is not None:
        spec["tuning_mode"] = getattr(config.tuning_mode, "value", config.tuning_mode)
    parameters = {
        name: value.value if isinstance(value, enum.Enum) else value
        for name in _HYPERPARAMETERS
        if (value := getattr(config, name)) is not None
    }
    if parameters:
        spec["hyper_parameters"] = parameters
    job: Fields = {"supervised_tuning_spec": spec}
    if base_model.startswith("projects/"):
        job["pre_tuned_model"] = {
            "tuned_model_name": base_model,
            "checkpoint_id": config.pre_tuned_model_checkpoint_id,
        }
    else:
        job["base_model"] = base_model
    for name in ("tuned_model_display_name", "description", "labels", "custom_base_model", "output_uri"):
        job[name] = getattr(config, name)
    if config.encryption_spec is not None:
        job["encryption_spec"] = config.encryption_spec.to_dict()
    return job


def _to_uri(dataset: TuningDataset | TuningValidationDataset, argument: str) -> str:
    """Return where a dataset is: in Cloud Storage, or a dataset of Vertex AI."""
    uri, resource = dataset.gcs_uri, dataset.vertex_dataset_resource
    if uri is None and resource is not None:
        return resource
    if uri is None or resource is not None:
        raise ValueError(f"{argument}: exactly one of gcs_uri and vertex_dataset_resource is required")
    if not uri.startswith("gs://"):
        raise ValueError(f"{argument}.gcs_uri: {uri!r} does not begin with gs://")
    return uri


def _from_job(message: aiplatform_v1.TuningJob) -> TuningJob:
    given = {field.name: value for field, value in message.ListFields()}
    fields: Fields = {name: given[name] for name in _TEXTS if name in given}
    fields |= {name: read_timestamp(given[name]) for name in _TIMES if name in given}
    fields |= {name: kind(**_to_dict(given[name])) for name, kind in _MESSAGES.items() if name in given}
    if "error" in given:
        fields["error"] = from_status(message.error)
    if "labels" in given:
        fields["labels"] = dict(message.labels)
    known = message.state in aiplatform_v1.JobState.values()
    fields["state"] = JobState(aiplatform_v1.JobState.Name(message.state if known else 0))
    if "tuned_model" in given:
        model = _to_dict(message.tuned_model)
        model["checkpoints"] = [TunedModelCheckpoint(**one) for one in model.get("checkpoints", ())]
        fields["tuned_model"] = VertexTunedModel(**model)
    return VertexTuningJob(**fields)


def _to_dict(message: Message) -> Fields:
    made: Fields = json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=POOL)
    return made


def _to_page(response: aiplatform_v1.ListTuningJobsResponse) -> Page[TuningJob]:
    return Page("tuning_jobs", [_from_job(job) for job in response.tuning_jobs], response.next_page_token)
