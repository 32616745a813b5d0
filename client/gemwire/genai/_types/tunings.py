"""Tuning jobs."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from google.protobuf.message import Message

from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig, HttpResponse, ListConfig
from gemwire.genai._types.models import TunedModel, get_base_model
from gemwire.genai._types.response_headers import HeadersField
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.enums import Names

if TYPE_CHECKING:
    pass

CancelTuningJobConfig: TypeAlias = CallConfig
GetTuningJobConfig: TypeAlias = CallConfig
ListTuningJobsConfig: TypeAlias = ListConfig


class AdapterSize(Names):
    """Sizes of the adapter that is trained. Vertex AI only."""

    ADAPTER_SIZE_UNSPECIFIED = "ADAPTER_SIZE_UNSPECIFIED"
    ADAPTER_SIZE_ONE = "ADAPTER_SIZE_ONE"
    ADAPTER_SIZE_TWO = "ADAPTER_SIZE_TWO"
    ADAPTER_SIZE_FOUR = "ADAPTER_SIZE_FOUR"
    ADAPTER_SIZE_EIGHT = "ADAPTER_SIZE_EIGHT"
    ADAPTER_SIZE_SIXTEEN = "ADAPTER_SIZE_SIXTEEN"
    ADAPTER_SIZE_THIRTY_TWO = "ADAPTER_SIZE_THIRTY_TWO"


class TuningMode(Names):
    """The part of a model that is trained. Vertex AI only."""

    TUNING_MODE_UNSPECIFIED = "TUNING_MODE_UNSPECIFIED"
    TUNING_MODE_FULL = "TUNING_MODE_FULL"
    TUNING_MODE_PEFT_ADAPTER = "TUNING_MODE_PEFT_ADAPTER"


class TuningMethod(Names):
    """Ways of tuning, of which the first is supported. Vertex AI only."""

    SUPERVISED_FINE_TUNING = "SUPERVISED_FINE_TUNING"
    PREFERENCE_TUNING = "PREFERENCE_TUNING"
    DISTILLATION = "DISTILLATION"
    REINFORCEMENT_TUNING = "REINFORCEMENT_TUNING"


class EncryptionSpec(Config):
    """The key that protects what is stored. Vertex AI only.

    Attributes:
        kms_key_name: Name of the key.
    """

    kms_key_name: str | None = None


class TuningValidationDataset(Config):
    """Data that the model is validated with; exactly one field. Vertex AI only.

    Attributes:
        gcs_uri: File of Cloud Storage, ``gs://…``, with one example per line, as JSON.
        vertex_dataset_resource: Name of a dataset.
    """

    gcs_uri: str | None = None
    vertex_dataset_resource: str | None = None


class CreateTuningJobConfig(CallConfig):
    """Config of a tuning job.

    Attributes:
        tuned_model_display_name: Display name of the tuned model.
        description: Description of the tuned model.
        epoch_count: Number of passes over the examples. Default: 5.
        learning_rate: Learning rate; excludes ``learning_rate_multiplier``. Default: 0.001 or 0.0002,
            depending on the number of examples.
        learning_rate_multiplier: Factor applied to the default learning rate. Default: 1.
        batch_size: Number of examples per training step. Default: 4 or 16, depending on their number.
        validation_dataset: Data that the model is validated with. Vertex AI only; as all below.
        adapter_size: Size of the adapter that is trained.
        method: Way of tuning. Default: supervised fine-tuning.
        labels: Labels of the job and of the endpoint.
        export_last_checkpoint_only: Whether earlier checkpoints get no endpoints. Default: False.
        pre_tuned_model_checkpoint_id: Checkpoint to begin with, where a tuned model is tuned further.
        encryption_spec: The key that protects the job and what it makes.
        tuning_mode: What of an open model is trained: an adapter, or all weights.
        custom_base_model: Cloud Storage folder of the weights of an open model to begin with.
        output_uri: Cloud Storage folder that the weights of an open model are written to.
    """

    tuned_model_display_name: str | None = None
    description: str | None = None
    epoch_count: int | None = None
    learning_rate: float | None = None
    learning_rate_multiplier: float | None = None
    batch_size: int | None = None
    validation_dataset: TuningValidationDataset | None = None
    adapter_size: AdapterSize | str | None = None
    method: TuningMethod | str | None = None
    labels: dict[str, str] | None = None
    export_last_checkpoint_only: bool | None = None
    pre_tuned_model_checkpoint_id: str | None = None
    encryption_spec: EncryptionSpec | None = None
    tuning_mode: TuningMode | str | None = None
    custom_base_model: str | None = None
    output_uri: str | None = None


class JobState(Names):
    """State of a job. Members equal their names."""

    JOB_STATE_UNSPECIFIED = "JOB_STATE_UNSPECIFIED"
    JOB_STATE_QUEUED = "JOB_STATE_QUEUED"
    JOB_STATE_PENDING = "JOB_STATE_PENDING"
    JOB_STATE_RUNNING = "JOB_STATE_RUNNING"
    JOB_STATE_SUCCEEDED = "JOB_STATE_SUCCEEDED"
    JOB_STATE_FAILED = "JOB_STATE_FAILED"
    JOB_STATE_CANCELLING = "JOB_STATE_CANCELLING"
    JOB_STATE_CANCELLED = "JOB_STATE_CANCELLED"
    JOB_STATE_PAUSED = "JOB_STATE_PAUSED"
    JOB_STATE_EXPIRED = "JOB_STATE_EXPIRED"
    JOB_STATE_UPDATING = "JOB_STATE_UPDATING"
    JOB_STATE_PARTIALLY_SUCCEEDED = "JOB_STATE_PARTIALLY_SUCCEEDED"


_JOB_STATES: dict[int, JobState] = {
    v1beta.TunedModel.State.CREATING: JobState.JOB_STATE_RUNNING,
    v1beta.TunedModel.State.ACTIVE: JobState.JOB_STATE_SUCCEEDED,
    v1beta.TunedModel.State.FAILED: JobState.JOB_STATE_FAILED,
}


class TuningDataset(Config):
    """Training data.

    Attributes:
        examples: Pairs of an input and the expected output.
        gcs_uri: File of Cloud Storage, ``gs://…``, with one example per line, as JSON. Vertex AI only.
        vertex_dataset_resource: Name of a dataset. Vertex AI only.
    """

    examples: list[views.TuningExample] | None = None
    gcs_uri: str | None = None
    vertex_dataset_resource: str | None = None


class TuningJob(views.TunedModel, registered=False, local={"sdk_http_response": HeadersField()}):
    """A tuning job: the tuned model and the progress of its training."""

    __slots__ = ("_progress",)

    _progress: views.CreateTunedModelMetadata | None

    def __init__(self, **fields: Any) -> None:
        """Build a job of its fields, for tests."""
        super().__init__(**fields)
        self._progress = None

    @classmethod
    def of(cls, message: Message, progress: views.CreateTunedModelMetadata | None = None) -> TuningJob:
        """Build the job of a tuned model, which is not copied.

        Args:
            message: The tuned model.
            progress: Metadata of the operation that trains it.
        """
        job = object.__new__(cls)
        job._pb = message
        job._kept = None
        job._progress = progress
        return job

    @property
    def state(self) -> JobState:  # type: ignore[override]  # of the job, not of the model
        """The state of the job."""
        return _JOB_STATES.get(self._pb.state, JobState.JOB_STATE_UNSPECIFIED)

    @property
    def has_ended(self) -> bool:
        """Whether the job has ended."""
        return self.state in {JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED}

    @property
    def has_succeeded(self) -> bool:
        """Whether the job has succeeded."""
        return self.state is JobState.JOB_STATE_SUCCEEDED

    @property
    def tuned_model(self) -> TunedModel:
        """The tuned model."""
        return TunedModel.of(self._pb)

    @property
    def base_model(self) -> str | None:  # type: ignore[override]  # also if the source is a tuned model
        """The name of the base model."""
        return get_base_model(self._pb)

    @property
    def tuned_model_display_name(self) -> str | None:
        """The display name of the tuned model."""
        return self.display_name

    @property
    def start_time(self) -> datetime.datetime | None:
        """The time when training began."""
        return self.tuning_task.start_time if self.tuning_task else None

    @property
    def end_time(self) -> datetime.datetime | None:
        """The time when training ended."""
        return self.tuning_task.complete_time if self.tuning_task else None

    @property
    def snapshots(self) -> list[views.TuningSnapshot]:
        """The loss after each step so far."""
        snapshots = self.tuning_task.snapshots if self.tuning_task else None
        if not snapshots and self._progress:
            snapshots = self._progress.snapshots
        return list(snapshots or ())

    @property
    def completed_steps(self) -> int | None:
        """The number of completed steps; None if unknown."""
        if self._progress:
            return self._progress.completed_steps or 0
        return (self.snapshots[-1].step or 0) if self.snapshots else None

    @property
    def total_steps(self) -> int | None:
        """The total number of steps; None if unknown."""
        return self._progress.total_steps if self._progress else None

    @property
    def progress(self) -> float | None:
        """The completed share of the training in percent, from 0 to 100; None if unknown."""
        if self.has_succeeded:
            return 100.0
        return (self._progress.completed_percent or 0.0) if self._progress else None


class CancelTuningJobResponse(Config):
    """The answer to a cancellation.

    Attributes:
        sdk_http_response: Headers of the response.
    """

    sdk_http_response: HttpResponse | None = None


class ListTuningJobsResponse(Config):
    """A page of tuning jobs.

    Attributes:
        sdk_http_response: Headers of the response.
        next_page_token: Token of the next page; None on the last.
        tuning_jobs: The jobs.
    """

    sdk_http_response: HttpResponse | None = None
    next_page_token: str | None = None
    tuning_jobs: list[TuningJob] | None = None


class TuningOperation(Config):
    """Operation that creates a tuning job.

    Attributes:
        sdk_http_response: Headers of the response.
        name: Name of the operation.
        metadata: Progress of the operation.
        done: Whether the operation has ended.
        error: Error of a failed operation: a dict with ``code`` and ``message``.
    """

    sdk_http_response: HttpResponse | None = None
    name: str | None = None
    metadata: dict[str, object] | None = None
    done: bool | None = None
    error: dict[str, object] | None = None
