"""Tuning jobs as messages."""

from __future__ import annotations

from gemwire.genai._convert.fields import write_config_field
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._types.tunings import CreateTuningJobConfig, TuningDataset
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.field_errors import locate
from gemwire_runtime.views import fields_of

COLLECTION = "tunedModels"
_FIELDS = fields_of(views.TunedModel)
_EXAMPLES = fields_of(views.TuningExamples)["examples"]
_HYPERPARAMETERS = fields_of(views.Hyperparameters)


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
        _EXAMPLES.write(task.training_data.examples, dataset.examples)
    except (TypeError, ValueError) as error:
        raise locate("training_dataset", error) from None
    for field, value in config.given():
        if field in _HYPERPARAMETERS:
            write_config_field(_HYPERPARAMETERS[field], task.hyperparameters, value)
        elif field != "http_options":
            write_config_field(_FIELDS[field.removeprefix("tuned_model_")], model, value)
    return model
