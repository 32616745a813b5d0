"""Tuning jobs of Vertex AI: what they are made of, and the models that they make."""

from __future__ import annotations

import datetime

from gemwire.genai._types.batches import JobError
from gemwire.genai._types.config import Config
from gemwire.genai._types.content import Content
from gemwire.genai._types.models import TunedModel
from gemwire.genai._types.tunings import AdapterSize, EncryptionSpec, JobState, TuningJob, TuningMode


class PreTunedModel(Config):
    """A tuned model that is tuned further.

    Attributes:
        tuned_model_name: Its name.
        checkpoint_id: The checkpoint to begin with.
        base_model: Name of its base model.
    """

    tuned_model_name: str | None = None
    checkpoint_id: str | None = None
    base_model: str | None = None


class SupervisedHyperParameters(Config):
    """Settings of the training.

    Attributes:
        epoch_count: Number of passes over the examples.
        learning_rate_multiplier: Factor applied to the default learning rate.
        adapter_size: Size of the adapter.
        batch_size: Number of examples per training step.
        learning_rate: Learning rate.
    """

    epoch_count: int | None = None
    learning_rate_multiplier: float | None = None
    adapter_size: AdapterSize | None = None
    batch_size: int | None = None
    learning_rate: float | None = None


class SupervisedTuningSpec(Config):
    """What is trained, and how.

    Attributes:
        training_dataset_uri: The examples: a file of Cloud Storage, or a dataset.
        validation_dataset_uri: Examples that the model is validated with.
        hyper_parameters: Settings of the training.
        export_last_checkpoint_only: Whether earlier checkpoints have no endpoints.
        tuning_mode: What of the model is trained.
    """

    training_dataset_uri: str | None = None
    validation_dataset_uri: str | None = None
    hyper_parameters: SupervisedHyperParameters | None = None
    export_last_checkpoint_only: bool | None = None
    tuning_mode: TuningMode | None = None


class TunedModelCheckpoint(Config):
    """A checkpoint of a tuned model.

    Attributes:
        checkpoint_id: Its id.
        epoch: Epoch after which it was made.
        step: Step after which it was made.
        endpoint: Endpoint at which it answers.
    """

    checkpoint_id: str | None = None
    epoch: int | None = None
    step: int | None = None
    endpoint: str | None = None


class SupervisedTuningDatasetDistributionDatasetBucket(Config):
    """One bar of a histogram.

    Attributes:
        count: Number of values in it.
        left: Lower bound of the values.
        right: Upper bound of the values.
    """

    count: float | None = None
    left: float | None = None
    right: float | None = None


class SupervisedTuningDatasetDistribution(Config):
    """Distribution of a number over the examples.

    Attributes:
        sum: Sum of the values.
        billable_sum: Sum of what is billed.
        min: Least value.
        max: Greatest value.
        mean: Arithmetic mean.
        median: Median.
        p5: 5th percentile.
        p95: 95th percentile.
        buckets: Histogram.
    """

    sum: int | None = None
    billable_sum: int | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    median: float | None = None
    p5: float | None = None
    p95: float | None = None
    buckets: list[SupervisedTuningDatasetDistributionDatasetBucket] | None = None


class SupervisedTuningDataStats(Config):
    """Statistics of the examples.

    Attributes:
        tuning_dataset_example_count: Number of examples.
        total_tuning_character_count: Number of characters in them.
        total_billable_character_count: Number of characters that are billed.
        total_billable_token_count: Number of tokens that are billed.
        tuning_step_count: Number of steps.
        user_input_token_distribution: Tokens of inputs.
        user_output_token_distribution: Tokens of outputs.
        user_message_per_example_distribution: Messages per example.
        user_dataset_examples: Some of the examples.
        total_truncated_example_count: Number of examples that were cut off.
        truncated_example_indices: Which were cut off.
        dropped_example_reasons: Why examples were left out.
    """

    tuning_dataset_example_count: int | None = None
    total_tuning_character_count: int | None = None
    total_billable_character_count: int | None = None
    total_billable_token_count: int | None = None
    tuning_step_count: int | None = None
    user_input_token_distribution: SupervisedTuningDatasetDistribution | None = None
    user_output_token_distribution: SupervisedTuningDatasetDistribution | None = None
    user_message_per_example_distribution: SupervisedTuningDatasetDistribution | None = None
    user_dataset_examples: list[Content] | None = None
    total_truncated_example_count: int | None = None
    truncated_example_indices: list[int] | None = None
    dropped_example_reasons: list[str] | None = None


class TuningDataStats(Config):
    """Statistics of the training data.

    Attributes:
        supervised_tuning_data_stats: Those of supervised tuning.
    """

    supervised_tuning_data_stats: SupervisedTuningDataStats | None = None


class VertexTunedModel(
    TunedModel,
    registered=False,
    local={"model": str, "endpoint": str, "checkpoints": list[TunedModelCheckpoint]},
):
    """A tuned model of Vertex AI.

    Attributes:
        model: Its name, ``projects/…/models/…``.
        endpoint: The endpoint at which it answers; `generate_content` takes it for a model.
        checkpoints: Its checkpoints.
    """

    __slots__ = ()


class VertexTuningJob(
    TuningJob,
    registered=False,
    local={
        "state": JobState,
        "start_time": datetime.datetime,
        "end_time": datetime.datetime,
        "error": JobError,
        "base_model": str,
        "tuned_model": VertexTunedModel,
        "tuned_model_display_name": str,
        "pre_tuned_model": PreTunedModel,
        "supervised_tuning_spec": SupervisedTuningSpec,
        "tuning_data_stats": TuningDataStats,
        "encryption_spec": EncryptionSpec,
        "labels": dict[str, str],
        "experiment": str,
        "service_account": str,
        "custom_base_model": str,
        "output_uri": str,
    },
):
    """A tuning job of Vertex AI: its settings, its state, and the model that it makes."""

    __slots__ = ()
