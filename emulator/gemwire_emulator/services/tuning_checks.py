"""Checks of new tuned models, and the defaults of their hyperparameters."""

from __future__ import annotations

import math
from typing import Literal

from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.failure_markers import find_failure_marker
from gemwire_proto import v1beta

_EXAMPLES = 500
_INPUT = 40_000
_OUTPUT = 5_000
_DISPLAY_NAME = 40
_EPOCHS = 1_000
_EPOCHS_DEFAULT = 5
#: Number of examples from which on the default batch is larger and the default learning rate smaller.
_MANY = 100


def check_tuned_model(model: v1beta.TunedModel) -> None:
    """Check names and sampling parameters.

    Raises:
        StatusError: INVALID_ARGUMENT.
    """
    if len(model.display_name) > _DISPLAY_NAME:
        raise invalid_argument(
            "tuned_model.display_name",
            f"has {len(model.display_name)} characters; at most {_DISPLAY_NAME} are allowed",
        )
    unit_interval: tuple[Literal["temperature", "top_p"], ...] = ("temperature", "top_p")
    for name in unit_interval:
        # The comparison is false for NaN.
        if model.HasField(name) and not 0.0 <= getattr(model, name) <= 1.0:
            raise invalid_argument(
                f"tuned_model.{name}", f"must be from 0 to 1, got {getattr(model, name):g}"
            )
    if model.HasField("top_k") and model.top_k < 1:
        raise invalid_argument("tuned_model.top_k", f"must be positive, got {model.top_k}")
    for i, number in enumerate(model.reader_project_numbers):
        if number < 1:
            raise invalid_argument(
                f"tuned_model.reader_project_numbers[{i}]", f"must be positive, got {number}"
            )


def parse_examples(model: v1beta.TunedModel) -> tuple[dict[str, str], int]:
    """Return the outputs by input (of equal inputs the last counts), and the number of examples.

    Raises:
        StatusError: INVALID_ARGUMENT; the training data is invalid.
    """
    if not model.HasField("tuning_task"):
        raise invalid_argument("tuned_model.tuning_task", "is required")
    path = "tuned_model.tuning_task.training_data"
    if not model.tuning_task.HasField("training_data"):
        raise invalid_argument(path, "is required")
    examples = model.tuning_task.training_data.examples.examples
    path += ".examples.examples"
    if not examples:
        raise invalid_argument(path, "is required, with at least one example")
    if len(examples) > _EXAMPLES:
        raise invalid_argument(path, f"has {len(examples)} examples; at most {_EXAMPLES} are allowed")
    answers = {}
    for i, example in enumerate(examples):
        texts = (("text_input", example.text_input, _INPUT), ("output", example.output, _OUTPUT))
        for name, text, most in texts:
            if not text:
                raise invalid_argument(f"{path}[{i}].{name}", "is required")
            if len(text) > most:
                raise invalid_argument(
                    f"{path}[{i}].{name}", f"has {len(text)} characters; at most {most} are allowed"
                )
            find_failure_marker([text], f"{path}[{i}].{name}")
        answers[example.text_input] = example.output
    return answers, len(examples)


def resolve_hyperparameters(
    given: v1beta.Hyperparameters, chosen: v1beta.Hyperparameters, examples: int
) -> None:
    """Copy hyperparameters, with defaults for those that are not set.

    Args:
        given: Hyperparameters of the request.
        chosen: Hyperparameters of the tuned model, which are changed.
        examples: Number of examples.

    Raises:
        StatusError: INVALID_ARGUMENT; one is out of range.
    """
    path = "tuned_model.tuning_task.hyperparameters"
    chosen.epoch_count = given.epoch_count if given.HasField("epoch_count") else _EPOCHS_DEFAULT
    if not 1 <= chosen.epoch_count <= _EPOCHS:
        raise invalid_argument(
            f"{path}.epoch_count", f"must be from 1 to {_EPOCHS}, got {chosen.epoch_count}"
        )
    many = examples >= _MANY
    chosen.batch_size = given.batch_size if given.HasField("batch_size") else 16 if many else 4
    if not 1 <= chosen.batch_size <= _EXAMPLES:
        raise invalid_argument(
            f"{path}.batch_size", f"must be from 1 to {_EXAMPLES}, got {chosen.batch_size}"
        )
    rate = given.WhichOneof("learning_rate_option")
    if rate is None:
        chosen.learning_rate = 0.0002 if many else 0.001
        return
    value: float = getattr(given, rate)
    if not (value > 0 and math.isfinite(value)):
        raise invalid_argument(f"{path}.{rate}", f"must be a positive number, got {value:g}")
    setattr(chosen, rate, value)
