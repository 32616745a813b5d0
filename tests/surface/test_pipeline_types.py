"""Type checkers know the results of a pipeline, and find items that do not fit its function."""

from __future__ import annotations

from pathlib import Path

import mypy.api
import pytest

_ROOT = Path(__file__).parents[2]

_PROGRAM = """
from collections.abc import AsyncIterator

from gemwire import genai, pipeline
from gemwire.pipeline import ItemFailed


async def length(text: str) -> int:
    return len(text)


def parse(text: str) -> float:
    return float(text)


async def source() -> AsyncIterator[str]:
    yield "a"


reveal_type(pipeline.map(length, ["a"], concurrency=2))
reveal_type(pipeline.map(length, source(), concurrency=pipeline.Adaptive(), on_error="skip"))
reveal_type(pipeline.map(length, ["a"], concurrency=2, on_error="return"))
reveal_type(pipeline.map(parse, pipeline.in_thread(open("x")), concurrency=2))
reveal_type(pipeline.map(lambda number: number * 2.5, [1, 2], concurrency=2))
reveal_type([value for value in pipeline.map(parse, ["1"], concurrency=2)])


async def values() -> None:
    async for value in pipeline.map(length, source(), concurrency=2, on_error="return"):
        reveal_type(value)
        if not isinstance(value, ItemFailed):
            reveal_type(value)


pipeline.map(length, [1, 2], concurrency=2)
pipeline.map(parse, [b"a"], concurrency=2)
pipeline.map(length, ["a"], concurrency="2")
pipeline.map(length, ["a"], concurrency=2, on_error="ignore")
"""

_REVEALED = [
    "gemwire.pipeline.results.Results[int]",
    "gemwire.pipeline.results.Results[int]",
    "gemwire.pipeline.results.Results[int | gemwire.pipeline.item_failed.ItemFailed]",
    "gemwire.pipeline.results.Results[float]",
    "gemwire.pipeline.results.Results[float]",
    "list[float]",
    "int | gemwire.pipeline.item_failed.ItemFailed",
    "int",
]


@pytest.mark.timeout(300)
def test_results_have_the_type_of_what_the_function_returns(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM, encoding="utf-8")
    options = ["--strict", "--config-file", str(_ROOT / "pyproject.toml"), "--no-error-summary"]
    output, _, _ = mypy.api.run([*options, "--cache-dir", str(tmp_path / "cache"), str(program)])
    lines = [line for line in output.splitlines() if "program.py" in line]
    revealed = [
        line.partition('"')[2].rstrip('"').replace("builtins.", "") for line in lines if "Revealed" in line
    ]
    assert revealed == _REVEALED, output
    wrong = {
        number for number, text in enumerate(_PROGRAM.splitlines(), 1) if text.startswith("pipeline.map")
    }
    found = {int(line.partition("program.py:")[2].partition(":")[0]) for line in lines if ": error: " in line}
    assert found == wrong, output
