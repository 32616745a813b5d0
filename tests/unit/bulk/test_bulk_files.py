"""The files of jobs: what is read of them, and what a crash may leave of them."""

from __future__ import annotations

import array
import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from gemwire.bulk.completion_bitmap import Finished
from gemwire.bulk.job_manifest import Identity
from gemwire.bulk.lines import Line, lines, measure
from gemwire.bulk.lock import locked
from gemwire.bulk.npy_writer import Matrix
from gemwire.bulk.outcome import Outcome, record
from gemwire.bulk.output import JsonLines
from gemwire.bulk.writer import Writer
from gemwire.errors import Unauthenticated


def outcome(number: int, key: object = None) -> Outcome:
    return Outcome(number, record(number, key, response={"text": "é\u2028"}))


# Input ---------------------------------------------------------------------------------------------


def test_lines_have_the_numbers_that_an_editor_shows(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'\xef\xbb\xbf"a"\r\n\n \t\r\n  "b" \n"c"')
    assert list(lines(path)) == [Line(1, b'"a"'), Line(4, b'  "b" '), Line(5, b'"c"')]
    found = measure(path)
    assert (found.last, found.filled, found.size) == (5, 3, path.stat().st_size)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_compressed_input_is_its_text(tmp_path: Path) -> None:
    plain, packed = tmp_path / "in.jsonl", tmp_path / "in.jsonl.gz"
    plain.write_bytes(b'"a"\n"b"\n')
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(lines(packed)) == list(lines(plain))
    assert measure(packed) == measure(plain)
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ValueError, match="is no whole gzip file"):
        measure(packed)


def test_inputs_that_cannot_be_read(tmp_path: Path) -> None:
    for path, told in [
        (tmp_path / "none.jsonl", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("-"), "standard input cannot be read again"),
    ]:
        with pytest.raises(ValueError, match=f"^input: .*{told}"):
            measure(path)


def test_an_empty_input(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.touch()
    assert measure(path)[2:] == (0, 0)
    assert list(lines(path)) == []


# What is finished ----------------------------------------------------------------------------------


def test_a_bit_for_each_line() -> None:
    finished = Finished(1_000_000)
    assert finished.add(1)
    assert finished.add(1_000_000)
    assert not finished.add(1)
    assert finished.count == 2
    assert 1 in finished
    assert 2 not in finished
    assert 0 not in finished
    assert 1_000_001 not in finished
    assert len(bytes(finished)) <= 125_001
    assert Finished(1_000_000, bytes(finished)).count == 2
    for number in (0, 1_000_001):
        with pytest.raises(IndexError):
            finished.add(number)


# Lines of JSON -------------------------------------------------------------------------------------


def test_what_was_added_is_found_again(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / "out.jsonl")
    file.scan(Finished(9))
    file.open()
    file.add([outcome(2, "a"), outcome(7)])
    file.add([outcome(1, "\ud800")])
    file.sync()
    file.close()
    finished = Finished(9)
    JsonLines(file.path).scan(finished)
    assert [number for number in range(10) if number in finished] == [1, 2, 7]
    assert [json.loads(line)["key"] for line in file.path.read_bytes().splitlines()] == ["a", None, "\ud800"]


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "out.jsonl"
    whole = outcome(1).record + b"\n"
    path.write_bytes((whole + outcome(2).record + b"\n")[:-cut])
    file, finished = JsonLines(path), Finished(3)
    file.scan(finished)
    assert finished.count == 1
    assert path.stat().st_size > len(whole)  # A scan changes nothing.
    file.open()
    assert path.read_bytes() == whole
    file.add([outcome(3)])
    file.close()
    assert path.read_bytes() == whole + outcome(3).record + b"\n"


def test_zeros_that_a_power_failure_leaves_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(outcome(1).record + b"\n" + b"\0" * 5000)
    file, finished = JsonLines(path), Finished(3)
    file.scan(finished)
    file.open()
    file.close()
    assert finished.count == 1
    assert path.read_bytes() == outcome(1).record + b"\n"


@pytest.mark.parametrize(
    "line", [b'{"text": 1}', b"", b'{"line": 2, "key"', b'{"line": "2", "key": null, "response": {}}']
)
def test_lines_of_others_are_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(outcome(1).record + b"\n" + line + b"\n" + outcome(3).record + b"\n")
    with pytest.raises(ValueError, match="a line that this job did not write"):
        JsonLines(path).scan(Finished(3))


def test_an_answer_to_a_line_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(outcome(4).record + b"\n")
    with pytest.raises(ValueError, match="an answer to line 4, which is not there"):
        JsonLines(path).scan(Finished(3))


def test_lines_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    long = Outcome(2, record(2, None, response={"text": "x" * (9 << 20)}))
    path.write_bytes(b"".join(o.record + b"\n" for o in (outcome(1), long, outcome(3))))
    finished = Finished(3)
    JsonLines(path).scan(finished)
    assert finished.count == 3


def test_a_file_with_nothing_in_it_is_not_left(tmp_path: Path) -> None:
    file = JsonLines(tmp_path / "out.jsonl")
    file.scan(Finished(1))
    file.open()
    file.close()
    assert not file.path.exists()


# Both files ----------------------------------------------------------------------------------------


def failure(number: int, ailing: str = "") -> Outcome:
    return Outcome(number, record(number, None, error={}), failed=True, ailing=ailing)


def test_each_line_is_written_once(tmp_path: Path) -> None:
    files = JsonLines(tmp_path / "out.jsonl"), JsonLines(tmp_path / "out.failures.jsonl")
    for file in files:
        file.open()
    writer = Writer(Finished(9), *files)
    hopeless = Outcome(8, hopeless=Unauthenticated("no"))
    assert writer.write([outcome(1), failure(2), outcome(1), hopeless]) == [outcome(1), failure(2)]
    assert writer.write([outcome(2), failure(1), outcome(3)]) == [outcome(3)]
    # What may be the service's fault waits for another answer.
    assert writer.write([failure(4, "away"), failure(5)]) == [failure(5)]
    assert writer.held == [failure(4, "away")]
    assert writer.write([outcome(6), failure(7, "away")]) == [failure(4, "away"), outcome(6)]
    assert writer.stop() == []
    assert writer.finish() == [failure(7, "away")]
    found = [[json.loads(line)["line"] for line in file.path.read_bytes().splitlines()] for file in files]
    assert found == [[1, 3, 6], [2, 5, 4, 7]]
    for file in files:
        file.close()


# Matrices ------------------------------------------------------------------------------------------


def row(*values: float) -> bytes:
    return array.array("f", values).tobytes()


def test_a_matrix_is_filled_row_by_row(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    path = tmp_path / "out.npy"
    matrix = Matrix(path, 4)
    matrix.scan(Finished(4))
    matrix.open()
    matrix.add([Outcome(3, row(5, 6)), Outcome(1, row(1, 2))])
    matrix.sync()
    matrix.close()
    assert np.load(path).tolist() == [[1, 2], [0, 0], [5, 6], [0, 0]]
    assert np.load(path, mmap_mode="r").dtype == np.float32
    finished = Finished(4)
    again = Matrix(path, 4)
    again.scan(finished)
    assert [number for number in range(5) if number in finished] == [1, 3]
    again.open()
    again.add([Outcome(2, row(3, 4))])
    with pytest.raises(ValueError, match="line 4 has a vector of 3 numbers, and those before have 2"):
        again.add([Outcome(4, row(1, 2, 3))])
    again.close()
    assert np.load(path).tolist() == [[1, 2], [3, 4], [5, 6], [0, 0]]


def test_rows_without_their_bits_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    matrix = Matrix(path, 2)
    matrix.open()
    matrix.add([Outcome(1, row(1, 2))])
    matrix.close()
    (tmp_path / "out.npy.done").unlink()
    finished, again = Finished(2), Matrix(path, 2)
    again.scan(finished)
    assert finished.count == 0
    again.open()
    again.add([Outcome(2, row(3, 4, 5))])
    again.close()


def test_another_matrix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    matrix = Matrix(path, 2)
    matrix.open()
    matrix.add([Outcome(1, row(1, 2))])
    matrix.close()
    path.write_bytes(b"something else" * 20)
    with pytest.raises(ValueError, match="is not the matrix that this job wrote"):
        Matrix(path, 2).scan(Finished(2))


# Identity ------------------------------------------------------------------------------------------


def test_the_identity_of_a_job(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    identity = Identity(tmp_path / "out.jsonl.job", {"model": "m", "input": {"bytes": 1}})
    identity.check([out])
    identity.write()
    out.write_text("x")
    identity.check([out])
    with pytest.raises(ValueError, match="is of another job: model differs"):
        Identity(identity.path, {"model": "n", "input": {"bytes": 1}}).check([out])
    with pytest.raises(ValueError, match="is of another job: the input, task_type differs"):
        Identity(identity.path, {"model": "m", "input": {"bytes": 2}, "task_type": "x"}).check([out])
    out.write_text("")
    Identity(identity.path, {"model": "n"}).check([out])  # Nothing is in it.
    out.write_text("x")
    for damaged in ("", "{", "[1]"):
        identity.path.write_text(damaged)
        with pytest.raises(ValueError, match=r"cannot be read|is of another job"):
            identity.check([out])
    identity.path.unlink()
    with pytest.raises(ValueError, match=r"is there and out\.jsonl\.job is not"):
        identity.check([out])


# Lock ----------------------------------------------------------------------------------------------


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl.lock"
    with locked(path):
        assert path.read_text() == f"{os.getpid()}\n"
        with pytest.raises(ValueError, match=f"process {os.getpid()} is at this job"), locked(path):
            pass
        assert path.exists()
    assert not path.exists()
    path.write_text("1\n")  # What a killed process leaves.
    with locked(path):
        pass
    with pytest.raises(ValueError, match="cannot be written to"), locked(tmp_path / "none" / "lock"):
        pass
