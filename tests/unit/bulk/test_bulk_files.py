"""The files of jobs: what is read of them, and what a crash may leave of them."""

from __future__ import annotations

import array
import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from gemwire.bulk.completion_bitmap import CompletionBitmap
from gemwire.bulk.job_manifest import JobManifest
from gemwire.bulk.jsonl_writer import JsonlWriter
from gemwire.bulk.line_result import LineResult, json_record
from gemwire.bulk.lines import Line, read_lines, summarize
from gemwire.bulk.lock import hold_lock
from gemwire.bulk.npy_writer import NpyWriter
from gemwire.bulk.result_writer import ResultWriter
from gemwire.errors import Unauthenticated


def result(number: int, key: object = None) -> LineResult:
    return LineResult(number, json_record(number, key, response={"text": "é\u2028"}))


# Input ---------------------------------------------------------------------------------------------


def test_lines_have_the_numbers_that_an_editor_shows(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'\xef\xbb\xbf"a"\r\n\n \t\r\n  "b" \n"c"')
    assert list(read_lines(path)) == [Line(1, b'"a"'), Line(4, b'  "b" '), Line(5, b'"c"')]
    found = summarize(path)
    assert (found.last, found.nonblank, found.size) == (5, 3, path.stat().st_size)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_compressed_input_is_its_text(tmp_path: Path) -> None:
    plain, packed = tmp_path / "in.jsonl", tmp_path / "in.jsonl.gz"
    plain.write_bytes(b'"a"\n"b"\n')
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read_lines(packed)) == list(read_lines(plain))
    assert summarize(packed) == summarize(plain)
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ValueError, match="not a complete gzip file"):
        summarize(packed)


def test_inputs_that_cannot_be_read(tmp_path: Path) -> None:
    for path, told in [
        (tmp_path / "none.jsonl", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("-"), "standard input cannot be read again"),
    ]:
        with pytest.raises(ValueError, match=f"^input: .*{told}"):
            summarize(path)


def test_an_empty_input(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.touch()
    assert summarize(path)[2:] == (0, 0)
    assert list(read_lines(path)) == []


# What is finished ----------------------------------------------------------------------------------


def test_a_bit_for_each_line() -> None:
    finished = CompletionBitmap(1_000_000)
    assert finished.add(1)
    assert finished.add(1_000_000)
    assert not finished.add(1)
    assert finished.count == 2
    assert 1 in finished
    assert 2 not in finished
    assert 0 not in finished
    assert 1_000_001 not in finished
    assert len(bytes(finished)) <= 125_001
    assert CompletionBitmap(1_000_000, bytes(finished)).count == 2
    for number in (0, 1_000_001):
        with pytest.raises(IndexError):
            finished.add(number)


# Lines of JSON -------------------------------------------------------------------------------------


def test_what_was_added_is_found_again(tmp_path: Path) -> None:
    file = JsonlWriter(tmp_path / "out.jsonl")
    file.scan(CompletionBitmap(9))
    file.open()
    file.write([result(2, "a"), result(7)])
    file.write([result(1, "\ud800")])
    file.sync()
    file.close()
    finished = CompletionBitmap(9)
    JsonlWriter(file.path).scan(finished)
    assert [number for number in range(10) if number in finished] == [1, 2, 7]
    assert [json.loads(line)["key"] for line in file.path.read_bytes().splitlines()] == ["a", None, "\ud800"]


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "out.jsonl"
    whole = result(1).record + b"\n"
    path.write_bytes((whole + result(2).record + b"\n")[:-cut])
    file, finished = JsonlWriter(path), CompletionBitmap(3)
    file.scan(finished)
    assert finished.count == 1
    assert path.stat().st_size > len(whole)  # A scan changes nothing.
    file.open()
    assert path.read_bytes() == whole
    file.write([result(3)])
    file.close()
    assert path.read_bytes() == whole + result(3).record + b"\n"


def test_zeros_that_a_power_failure_leaves_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(result(1).record + b"\n" + b"\0" * 5000)
    file, finished = JsonlWriter(path), CompletionBitmap(3)
    file.scan(finished)
    file.open()
    file.close()
    assert finished.count == 1
    assert path.read_bytes() == result(1).record + b"\n"


@pytest.mark.parametrize(
    "line", [b'{"text": 1}', b"", b'{"line": 2, "key"', b'{"line": "2", "key": null, "response": {}}']
)
def test_lines_of_others_are_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(result(1).record + b"\n" + line + b"\n" + result(3).record + b"\n")
    with pytest.raises(ValueError, match="a line that this job did not write"):
        JsonlWriter(path).scan(CompletionBitmap(3))


def test_an_answer_to_a_line_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(result(4).record + b"\n")
    with pytest.raises(ValueError, match="a result of line 4, which does not exist"):
        JsonlWriter(path).scan(CompletionBitmap(3))


def test_lines_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    long = LineResult(2, json_record(2, None, response={"text": "x" * (9 << 20)}))
    path.write_bytes(b"".join(o.record + b"\n" for o in (result(1), long, result(3))))
    finished = CompletionBitmap(3)
    JsonlWriter(path).scan(finished)
    assert finished.count == 3


def test_a_file_with_nothing_in_it_is_not_left(tmp_path: Path) -> None:
    file = JsonlWriter(tmp_path / "out.jsonl")
    file.scan(CompletionBitmap(1))
    file.open()
    file.close()
    assert not file.path.exists()


# Both files ----------------------------------------------------------------------------------------


def failure(number: int, service_error: str = "") -> LineResult:
    return LineResult(number, json_record(number, None, error={}), failed=True, service_error=service_error)


def test_each_line_is_written_once(tmp_path: Path) -> None:
    files = JsonlWriter(tmp_path / "out.jsonl"), JsonlWriter(tmp_path / "out.failures.jsonl")
    for file in files:
        file.open()
    writer = ResultWriter(CompletionBitmap(9), *files)
    fatal = LineResult(8, fatal=Unauthenticated("no"))
    assert writer.write([result(1), failure(2), result(1), fatal]) == [result(1), failure(2)]
    assert writer.write([result(2), failure(1), result(3)]) == [result(3)]
    # What may be the service's fault waits for another answer.
    assert writer.write([failure(4, "away"), failure(5)]) == [failure(5)]
    assert writer.held == [failure(4, "away")]
    assert writer.write([result(6), failure(7, "away")]) == [failure(4, "away"), result(6)]
    writer.sync()
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
    writer = NpyWriter(path, 4)
    writer.scan(CompletionBitmap(4))
    writer.open()
    writer.write([LineResult(3, row(5, 6)), LineResult(1, row(1, 2))])
    writer.sync()
    writer.close()
    assert np.load(path).tolist() == [[1, 2], [0, 0], [5, 6], [0, 0]]
    assert np.load(path, mmap_mode="r").dtype == np.float32
    finished = CompletionBitmap(4)
    again = NpyWriter(path, 4)
    again.scan(finished)
    assert [number for number in range(5) if number in finished] == [1, 3]
    again.open()
    again.write([LineResult(2, row(3, 4))])
    with pytest.raises(ValueError, match="line 4 has a vector of 3 numbers, and those before have 2"):
        again.write([LineResult(4, row(1, 2, 3))])
    again.close()
    assert np.load(path).tolist() == [[1, 2], [3, 4], [5, 6], [0, 0]]


def test_rows_without_their_bits_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    writer = NpyWriter(path, 2)
    writer.open()
    writer.write([LineResult(1, row(1, 2))])
    writer.close()
    (tmp_path / "out.npy.done").unlink()
    finished, again = CompletionBitmap(2), NpyWriter(path, 2)
    again.scan(finished)
    assert finished.count == 0
    again.open()
    again.write([LineResult(2, row(3, 4, 5))])
    again.close()


def test_another_matrix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    writer = NpyWriter(path, 2)
    writer.open()
    writer.write([LineResult(1, row(1, 2))])
    writer.close()
    path.write_bytes(b"something else" * 20)
    with pytest.raises(ValueError, match="is not the array that this job wrote"):
        NpyWriter(path, 2).scan(CompletionBitmap(2))


# Identity ------------------------------------------------------------------------------------------


def test_the_identity_of_a_job(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    manifest = JobManifest(tmp_path / "out.jsonl.job", {"model": "m", "input": {"bytes": 1}})
    manifest.check([out])
    manifest.write()
    out.write_text("x")
    manifest.check([out])
    with pytest.raises(ValueError, match="belongs to another job: model differs"):
        JobManifest(manifest.path, {"model": "n", "input": {"bytes": 1}}).check([out])
    with pytest.raises(ValueError, match="belongs to another job: the input, task_type differs"):
        JobManifest(manifest.path, {"model": "m", "input": {"bytes": 2}, "task_type": "x"}).check([out])
    out.write_text("")
    JobManifest(manifest.path, {"model": "n"}).check([out])  # Nothing is in it.
    out.write_text("x")
    for damaged in ("", "{", "[1]"):
        manifest.path.write_text(damaged)
        with pytest.raises(ValueError, match=r"cannot be read|belongs to another job"):
            manifest.check([out])
    manifest.path.unlink()
    with pytest.raises(ValueError, match=r"exists without out\.jsonl\.job"):
        manifest.check([out])


# Lock ----------------------------------------------------------------------------------------------


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl.lock"
    with hold_lock(path):
        assert path.read_text() == f"{os.getpid()}\n"
        with pytest.raises(ValueError, match=f"process {os.getpid()} is running this job"), hold_lock(path):
            pass
        assert path.exists()
    assert not path.exists()
    path.write_text("1\n")  # What a killed process leaves.
    with hold_lock(path):
        pass
    with pytest.raises(ValueError, match="cannot write to"), hold_lock(tmp_path / "none" / "lock"):
        pass
