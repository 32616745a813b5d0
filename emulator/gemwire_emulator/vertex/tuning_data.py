"""The examples of tuning jobs: lines of JSON with contents, in Cloud Storage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import StatusError, invalid_argument, quote
from gemwire_emulator.json_codec.messages import parse_message
from gemwire_emulator.services.batch_lines import iter_numbered_lines, parse_line
from gemwire_proto import aiplatform_v1, v1beta

#: Examples whose answers a tuned model repeats.
_REPEATED = 10_000


@dataclass
class TuningData:
    """What the examples of a job are.

    Attributes:
        examples: Their number.
        characters: Characters of all their texts.
        answers: Answers by the last text of the user.
    """

    examples: int = 0
    characters: int = 0
    answers: dict[str, str] = field(default_factory=dict)


def read_tuning_data(path: Path, address: str) -> TuningData:
    """Read the examples of a file.

    Raises:
        StatusError: INVALID_ARGUMENT; a line is no example, which the message names, or there is none.
    """
    data = TuningData()
    for number, example in _parse_lines(path, address):
        try:
            prompt, answer = _check_example(example.contents)
        except StatusError as error:
            raise _bad_line(address, number, error) from None
        data.examples += 1
        data.characters += sum(map(len, get_texts([example.system_instruction, *example.contents])))
        if len(data.answers) < _REPEATED:
            data.answers[prompt] = answer
    if not data.examples:
        raise invalid_argument(address, "has no examples")
    return data


def _parse_lines(path: Path, address: str) -> Iterator[tuple[int, v1beta.GenerateContentRequest]]:
    for number, line in iter_numbered_lines(path):
        try:
            yield number, parse_message(v1beta.GenerateContentRequest, parse_line(line))
        except StatusError as error:
            raise _bad_line(address, number, error) from None


def _bad_line(address: str, number: int, error: StatusError) -> StatusError:
    return StatusError(error.code, f"{address}, line {number}: {error.message}", error.details)


def _check_example(contents: Sequence[v1beta.Content]) -> tuple[str, str]:
    """Return the last texts of the user and of the model. Raises StatusError if it is no example."""
    if len(contents) < 2:
        raise invalid_argument("contents", "must have at least one of the user and one of the model")
    for i, content in enumerate(contents):
        if content.role not in ("user", "model"):
            raise invalid_argument(
                f"contents[{i}].role", f"{quote(content.role)} is not one of user and model"
            )
        if not content.parts:
            raise invalid_argument(f"contents[{i}].parts", "must have at least one part")
    *_, prompt, answer = contents
    if answer.role != "model":
        raise invalid_argument("contents", "must end with what the model should answer")
    return _join_texts(prompt), _join_texts(answer)


def _join_texts(content: v1beta.Content) -> str:
    return "".join(part.text for part in content.parts)


def describe(data: TuningData, epochs: int) -> aiplatform_v1.TuningDataStats:
    """Return the statistics of a job's examples."""
    return aiplatform_v1.TuningDataStats(
        supervised_tuning_data_stats={
            "tuning_dataset_example_count": data.examples,
            "total_tuning_character_count": data.characters * epochs,
            "total_billable_character_count": data.characters * epochs,
            "tuning_step_count": data.examples * epochs,
        }
    )
