"""Tuning jobs as messages."""

from __future__ import annotations

from gemwire.genai._convert.fields import write_config_field
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._types.tunings import CreateTuningJobConfig, TuningDataset
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import field_names, write_field

COLLECTION = "tunedModels"
_HYPERPARAMETERS = field_names(views.Hyperparameters)


def to_tuned_model(
    base_model: object, dataset: TuningDataset, config: CreateTuningJobConfig
) -> v1beta.TunedModel:
    """Build the tuned model to create.

    Args:
        base_model: Name of the model to tune, which may itself be a tuned model.
        dataset: The examples.
        config: Config of the job.
    """
    model = v1beta.TunedModel()
    name = to_model_name(base_model, "base_model")
    if name.startswith(f"{COLLECTION}/"):
        model.tuned_model_source.tuned_model = name
    else:
        model.base_model = name
    if not dataset.examples:
        raise ValueError("training_dataset.examples are required")
    task = model.tuning_task
    try:
        write_field(views.TuningExamples, task.training_data.examples, "examples", dataset.examples)
    except (TypeError, ValueError) as error:
        raise type(error)(f"training_dataset.{error}") from None
    for field, value in config.given():
        if field in _HYPERPARAMETERS:
            write_config_field(views.Hyperparameters, task.hyperparameters, field, value)
        elif field != "http_options":
            write_config_field(views.TunedModel, model, field.removeprefix("tuned_model_"), value)
    return model
