"""``gemwire embed-file`` as others run it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gemwire_command
import pytest
from counting_server import Counted, numbers
from gemwire_command import Ended, complaint, run

from gemwire.testing import RunningEmulator

running, gemini = gemwire_command.running, gemwire_command.gemini


@pytest.fixture
def counted() -> Iterator[Counted]:
    made = Counted()
    yield made
    made.stop()


def embed(address: str | None, source: Path, target: str, *arguments: str) -> Ended:
    return run(address, "embed-file", str(source), str(source.parent / target), *arguments)


def records(path: Path) -> list[dict[str, Any]]:
    return sorted((json.loads(line) for line in path.read_text().splitlines()), key=lambda r: r["line"])


def test_lines_of_text(gemini: RunningEmulator, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes(b"The sky\n\nis blue.\n\xff\n")
    arguments = ("--dimensions", "4", "--task-type", "RETRIEVAL_DOCUMENT")
    ended = embed(gemini.address, source, "out.jsonl", *arguments)
    assert ended.code == 1
    assert "3 of 3 lines done, 1 failed" in ended.err
    found = records(tmp_path / "out.jsonl")
    assert [(r["line"], r["key"], len(r["embedding"])) for r in found] == [(1, None, 4), (3, None, 4)]
    assert "not UTF-8" in records(tmp_path / "out.failures.jsonl")[0]["error"]["message"]
    [call] = gemini.calls("BatchEmbedContents")
    assert {(one.task_type, one.output_dimensionality) for one in call.request.requests} == {(2, 4)}
    other = embed(gemini.address, source, "out.jsonl", "--dimensions", "5")
    assert "another job: dimensions, task_type differs" in complaint(other, 2)


def test_lines_of_json(counted: Counted, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    lines: list[Any] = [{"body": "four", "key": "a"}, "sevennn", {"text": "x", "key": "b"}, {"body": " "}]
    source.write_text("\n".join(map(json.dumps, lines)))
    assert embed(counted.address, source, "out.jsonl", "--field", "body").code == 1
    found = records(tmp_path / "out.jsonl")
    assert [(r["line"], r["key"], r["embedding"][0]) for r in found] == [(1, "a", 4), (2, None, 7)]
    # What 32 bits hold, in as few digits as say all of it.
    assert found[0]["embedding"][1:] == [0.100000001, -1.50000005e-07]
    failed = records(tmp_path / "out.failures.jsonl")
    assert [(r["line"], r["key"]) for r in failed] == [(3, "b"), (4, None)]


def test_a_matrix(counted: Counted, tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    source = tmp_path / "in.txt"
    source.write_text("".join(f"line {number}. {'x' * (number % 7)}\n" for number in range(1, 1001)))
    done = embed(counted.address, source, "out.npy", "--json").json
    assert done["answered"] == 1000
    lengths = [len(line) for line in source.read_text().splitlines()]
    assert np.load(tmp_path / "out.npy", mmap_mode="r")[:, 0].tolist() == lengths
    assert counted.calls["BatchEmbedContents"] == 10
    again = embed(counted.address, source, "out.npy", "--json").json
    assert (again["answered"], again["before"]) == (0, 1000)
    assert set(counted.counts.values()) == {1}
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["in.txt", "out.npy", "out.npy.done", "out.npy.job"]


def test_bad_texts_do_not_take_others_with_them(gemini: RunningEmulator, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("".join(f"text {number}\n" for number in range(150)))
    gemini.fail("INVALID_ARGUMENT", method="BatchEmbedContents", times=1, message="Not this one.")
    assert embed(gemini.address, source, "out.jsonl").code == 0
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 151))


def test_several_processes(counted: Counted, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("".join(f"line {number}.\n" for number in range(1, 5001)))
    done = embed(counted.address, source, "out.jsonl", "--processes", "2", "-c", "4", "--json").json
    assert done["answered"] == 5000
    assert set(counted.counts.values()) == {1}
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 5001))


def test_what_is_refused(counted: Counted, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("a\n")
    told = complaint(embed(counted.address, source, "out.jsonl"), 2)
    assert "name it .txt (lines of text) or .jsonl (JSON lines)" in told
    text = tmp_path / "in.txt"
    text.write_text("a\n")
    for arguments, told in [
        (("--task-type", "NONSENSE"), "task_type"),
        (("--dimensions", "0"), "dimension"),
    ]:
        assert told in complaint(embed(counted.address, text, "out.jsonl", *arguments), 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "in.txt"]
    assert not counted.calls
