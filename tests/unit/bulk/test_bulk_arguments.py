"""What jobs refuse before anything is read, sent or written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gemwire import Retry, bulk
from gemwire.pipeline import Adaptive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.jsonl").write_text('"Hello"\n')
    (tmp_path / "linked.jsonl").symlink_to(tmp_path / "in.jsonl")
    return tmp_path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"concurrency": 0}, "concurrency: 0 is less than 1"),
        ({"processes": 0}, "processes: 0 is less than 1"),
        ({"processes": 4, "concurrency": 3}, "concurrency: 3 is less than one for each of 4 processes"),
        ({"requests_per_minute": 0}, "requests_per_minute: 0 is not a positive number"),
        ({"tokens_per_minute": -1}, "tokens_per_minute: -1 is not a positive number"),
        ({"timeout": 0}, "timeout: 0 is not a positive number"),
        ({"timeout": float("inf")}, "timeout: inf is not a positive number"),
        ({"timeout": float("nan")}, "timeout: nan is not a positive number"),
        (
            {"prices": {"tokens_in": 1, "tokens_out": -1}},
            "prices.tokens_out: -1 is not a non-negative number",
        ),
        ({"prices": {"tokens_in": float("nan")}}, "prices.tokens_in: nan is not a non-negative number"),
        ({"prices": {"input": 1}}, "prices: 'input' is not one of 'tokens_in', 'tokens_out'"),
        ({"model": "a b"}, "model: 'a b' is not the name of a model"),
        ({"config": {"temprature": 1}}, "config has no field 'temprature'; did you mean 'temperature'?"),
        ({"engine": "spark"}, "engine: 'spark' is not one of 'local', 'ray'"),
        ({"ray_address": "auto"}, "ray_address: requires engine='ray'"),
        ({"input": "none.jsonl"}, "input: none.jsonl: No such file"),
        ({"input": "."}, "input: .: Is a directory"),
        ({"input": "/dev/zero"}, "input: /dev/zero is a device"),
        ({"output": "/dev/full"}, "output: /dev/full is not a regular file"),
        ({"failures": "/dev/null"}, "failures: /dev/null is not a regular file"),
        ({"output": "-"}, "output: a job needs a file"),
        ({"output": ""}, "output: a job needs a file"),
        ({"output": "."}, "output: "),
        ({"output": "in.jsonl"}, "output: in.jsonl is also the input"),
        ({"output": "linked.jsonl"}, "output: linked.jsonl is also the input"),
        ({"failures": "in.jsonl"}, "failures: in.jsonl is also the input"),
        ({"failures": "out.jsonl"}, "failures: out.jsonl is also the output"),
        ({"output": "none/out.jsonl"}, "output: directory none does not exist"),
        ({"output": "out.npy"}, "output: responses are not numbers"),
    ],
)
def test_values(folder: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], told: str) -> None:
    monkeypatch.chdir(folder)
    arguments = {"input": "in.jsonl", "output": "out.jsonl", "model": "m", **given}
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        bulk.generate(**arguments)
    assert left(folder) == ["in.jsonl", "linked.jsonl"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"concurrency": "many"}, "concurrency: expected a whole number or Adaptive, got 'many'"),
        ({"concurrency": True}, "concurrency: expected a whole number or Adaptive, got True"),
        ({"processes": 1.5}, "processes: expected a whole number, got 1.5"),
        ({"requests_per_minute": "x"}, "requests_per_minute: expected a number, got 'x'"),
        ({"timeout": "x"}, "timeout: expected seconds, got 'x'"),
        ({"retry": 3}, "retry: expected gemwire.Retry, got int"),
        ({"prices": 3}, "prices: expected Prices or a dict, got int"),
        ({"prices": {"tokens_in": "x"}}, "prices.tokens_in: expected a number, got 'x'"),
        ({"input": 5}, "input: expected a path, got int"),
        ({"output": None}, "output: expected a path, got NoneType"),
        (
            {"processes": 2, "client": {"credentials": lambda: 1}},
            "client: its arguments must be picklable",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else "",
)
def test_types(folder: Path, given: dict[str, Any], told: str) -> None:
    arguments = {"input": folder / "in.jsonl", "output": folder / "out.jsonl", "model": "m", **given}
    with pytest.raises(TypeError, match=f"^{re.escape(told)}"):
        bulk.generate(**arguments)
    assert left(folder) == ["in.jsonl", "linked.jsonl"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"dimensions": 0}, "output_dimensionality"),
        ({"task_type": "NONSENSE"}, "task_type"),
        ({"input": "in.csv"}, "input: in.csv: unknown format"),
    ],
)
def test_embeddings(folder: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], told: str) -> None:
    monkeypatch.chdir(folder)
    arguments = {"input": "in.jsonl", "output": "out.jsonl", "model": "m", **given}
    with pytest.raises(ValueError, match=told):
        bulk.embed(**arguments)
    assert left(folder) == ["in.jsonl", "linked.jsonl"]


def test_work_is_divided() -> None:
    from gemwire.bulk.embed_task import EmbedTask
    from gemwire.bulk.rate_limit import RateLimit
    from gemwire.bulk.task import Workload

    task = EmbedTask("m", None, None, None, False, 60.0, bulk.RETRY, {})

    def divide(concurrency: int | Adaptive, processes: int) -> list[int | Adaptive]:
        shares = Workload(task, concurrency, RateLimit(600, None)).split(processes)
        assert {share.rate for share in shares} == {RateLimit(600 / processes, None)}
        return [share.concurrency for share in shares]

    assert divide(10, 3) == [4, 3, 3]
    assert divide(Adaptive(8, 1, 100), 4) == [Adaptive(2, 1, 25)] * 4
    assert divide(Adaptive(1, 1, 2), 4) == [Adaptive(1, 1, 1)] * 4
    assert RateLimit(None, 30).divide(4) == RateLimit(None, 7.5)


def test_the_retry_of_jobs_is_patient() -> None:
    assert isinstance(bulk.RETRY, Retry)
    assert {code.name for code in bulk.RETRY.codes} == {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}
