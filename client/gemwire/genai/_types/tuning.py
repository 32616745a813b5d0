"""Tunings: the model to train as the API has it, and the job that programs see."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping, Sequence
from typing import Any

from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._types.config import Config
from gemwire.genai._types.resource_configs import CreateTuningJobConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import Items

COLLECTION = "tunedModels"
_HYPERPARAMETERS = frozenset(views.Hyperparameters._fields)
_STATES = v1beta.TunedModel.State


class JobState(str, enum.Enum):
    """How far a job is. Members are equal to their names."""

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

    def __str__(self) -> str:
        return f"JobState.{self.name}"


_JOB_STATES = {
    _STATES.STATE_UNSPECIFIED: JobState.JOB_STATE_UNSPECIFIED,
    _STATES.CREATING: JobState.JOB_STATE_RUNNING,
    _STATES.ACTIVE: JobState.JOB_STATE_SUCCEEDED,
    _STATES.FAILED: JobState.JOB_STATE_FAILED,
}


class TuningDataset(Config):
    """What a model learns from.

    Attributes:
        examples: Each a `TuningExample`, or a dict of its fields.
        gcs_uri: Of Vertex AI.
    """

    examples: Sequence[views.TuningExample | Mapping[str, Any]] | None = None
    gcs_uri: str | None = None


class TunedModelInfo(Config):
    """Where a tuned model comes from.

    Attributes:
        base_model: What it was made of.
        create_time: When.
        update_time: When it was changed last.
    """

    base_model: str | None = None
    create_time: datetime.datetime | None = None
    update_time: datetime.datetime | None = None


class TunedModel(views.TunedModel):
    """A model that was trained on examples of its owner's."""

    __slots__ = ()

    @property
    def model(self) -> str | None:
        """Its name, which the methods of ``models`` take."""
        return self.name

    @property
    def endpoint(self) -> str | None:
        """The same: on the Gemini API a tuned model needs no endpoint."""
        return self.name

    @property
    def tuned_model_info(self) -> TunedModelInfo:
        """Where it comes from."""
        return TunedModelInfo(
            base_model=base_model(self._pb), create_time=self.create_time, update_time=self.update_time
        )


class TuningJob(views.TunedModel, registered=False):
    """The training of a model: the tuned model, as far as it is."""

    __slots__ = ("_progress",)

    _progress: views.CreateTunedModelMetadata | None

    def __init__(self, **fields: Any) -> None:
        """Make one, for tests and the like."""
        super().__init__(**fields)
        self._progress = None

    @classmethod
    def of(cls, message: Any, progress: views.CreateTunedModelMetadata | None = None) -> TuningJob:
        """The job of a tuned model.

        Args:
            message: The model; not copied.
            progress: What its operation tells, while it is trained.
        """
        made = object.__new__(cls)
        made._pb = message
        made._progress = progress
        return made

    @property
    def state(self) -> JobState:  # type: ignore[override]  # the job's, not the model's
        """How far it is."""
        return _JOB_STATES.get(self._pb.state, JobState.JOB_STATE_UNSPECIFIED)

    @property
    def has_ended(self) -> bool:
        """Whether it goes on no more."""
        return self.state in {JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED}

    @property
    def has_succeeded(self) -> bool:
        """Whether it ended well."""
        return self.state is JobState.JOB_STATE_SUCCEEDED

    @property
    def tuned_model(self) -> TunedModel:
        """The model that is trained."""
        return TunedModel.of(self._pb)

    @property
    def base_model(self) -> str | None:  # type: ignore[override]  # also of one that was tuned before
        """The model that it is made of."""
        return base_model(self._pb)

    @property
    def tuned_model_display_name(self) -> str | None:
        """What people call the model."""
        return self.display_name

    @property
    def start_time(self) -> datetime.datetime | None:
        """When it began."""
        return self.tuning_task.start_time if self.tuning_task else None

    @property
    def end_time(self) -> datetime.datetime | None:
        """When it ended."""
        return self.tuning_task.complete_time if self.tuning_task else None

    @property
    def snapshots(self) -> list[views.TuningSnapshot]:
        """The loss so far, step by step."""
        measured: Items[views.TuningSnapshot] | None = None
        if self.tuning_task:
            measured = self.tuning_task.snapshots
        if not measured and self._progress:
            measured = self._progress.snapshots
        return list(measured or ())

    @property
    def completed_steps(self) -> int | None:
        """Steps that are behind it; None where that is not told."""
        if self._progress:
            return self._progress.completed_steps or 0
        return (self.snapshots[-1].step or 0) if self.snapshots else None

    @property
    def total_steps(self) -> int | None:
        """All steps; None where that is not told."""
        return self._progress.total_steps if self._progress else None

    @property
    def progress(self) -> float | None:
        """Share of the training that is done, from 0 to 100; None where that is not told."""
        if self.has_succeeded:
            return 100.0
        return (self._progress.completed_percent or 0.0) if self._progress else None


def base_model(model: Any) -> str | None:
    """Name of the model that a tuned one is made of, at the root."""
    found: str = model.base_model or model.tuned_model_source.base_model
    return found or None


def to_tune(base: Any, dataset: Any, config: CreateTuningJobConfig) -> Any:
    """The TunedModel to create. Nothing that is given is changed.

    Args:
        base: Name of the model to begin with, which may be a tuned one.
        dataset: `TuningDataset`, or a dict of its fields.
        config: How.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    tuned = v1beta.TunedModel()
    name = model_name(base, "base_model")
    if name.startswith(f"{COLLECTION}/"):
        tuned.tuned_model_source.tuned_model = name
    else:
        tuned.base_model = name
    dataset = TuningDataset.of(dataset, "training_dataset")
    if dataset.gcs_uri:
        raise ValueError("training_dataset.gcs_uri is of Vertex AI; the Gemini API takes examples")
    if not dataset.examples:
        raise ValueError("training_dataset.examples are required")
    _write(tuned.tuning_task.training_data.examples, views.TuningExamples, "examples", dataset.examples)
    for field, value in config.given():
        if field in _HYPERPARAMETERS:
            _write(tuned.tuning_task.hyperparameters, views.Hyperparameters, field, value)
        elif field in {"validation_dataset", "adapter_size"}:
            raise ValueError(f"config.{field} is of Vertex AI; the Gemini API does not have it")
        elif field != "http_options":
            _write(tuned, views.TunedModel, field.removeprefix("tuned_model_"), value)
    return tuned


def _write(message: Any, kind: type[Any], name: str, value: Any) -> None:
    try:
        kind._fields[name].write(message, value)
    except (TypeError, ValueError) as error:
        argument = "training_dataset" if name == "examples" else "config"
        raise type(error)(f"{argument}.{error}") from None
