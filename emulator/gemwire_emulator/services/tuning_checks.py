"""What a tuned model must be like before it is tuned, and what it gets where its maker said nothing."""

from __future__ import annotations

import math
from typing import Any

from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.failure_markers import find_failure_marker

_EXAMPLES = 500
_INPUT = 40_000
_OUTPUT = 5_000
_DISPLAY_NAME = 40
_EPOCHS = 1_000
_EPOCHS_DEFAULT = 5
#: From this many examples on, the larger batch and the smaller learning rate are the defaults.
_MANY = 100


def check_description(model: Any) -> None:
    """Refuse names and sampling settings outside their limits.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field.
    """
    if len(model.display_name) > _DISPLAY_NAME:
        raise invalid_argument(
            "tuned_model.display_name",
            f"has {len(model.display_name)} characters; at most {_DISPLAY_NAME} are allowed",
        )
    for name in ("temperature", "top_p"):
        # Written so that NaN is refused too.
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


def lessons(model: Any) -> tuple[dict[str, str], int]:
    """The outputs by their inputs, and how many examples there are; of one input the last output counts.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field, for a data set that cannot be trained on.
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
    learned = {}
    for i, example in enumerate(examples):
        for name, most in (("text_input", _INPUT), ("output", _OUTPUT)):
            text = getattr(example, name)
            if not text:
                raise invalid_argument(f"{path}[{i}].{name}", "is required")
            if len(text) > most:
                raise invalid_argument(
                    f"{path}[{i}].{name}", f"has {len(text)} characters; at most {most} are allowed"
                )
            find_failure_marker([text], f"{path}[{i}].{name}")
        learned[example.text_input] = example.output
    return learned, len(examples)


def settle(given: Any, chosen: Any, examples: int) -> None:
    """Copy hyperparameters, with the defaults where there are none.

    Args:
        given: The caller's.
        chosen: Those of the tuned model; changed.
        examples: How many there are.

    Raises:
        StatusError: INVALID_ARGUMENT that names the field, for one outside its range.
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
    value = getattr(given, rate)
    if not (value > 0 and math.isfinite(value)):
        raise invalid_argument(f"{path}.{rate}", f"must be a positive number, got {value:g}")
    setattr(chosen, rate, value)
