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
from gemwire.bulk.job_files import JobFiles
from gemwire.bulk.job_manifest import JobManifest
from gemwire.bulk.jsonl_writer import JsonlWriter
from gemwire.bulk.line_result import LineResult, json_record
from gemwire.bulk.lines import InputChanged, JobInput, Line
from gemwire.bulk.lock import close_locked, open_locked
from gemwire.bulk.npy_writer import NpyWriter
from gemwire.bulk.result_writer import ResultWriter
from gemwire.errors import Unauthenticated


def result(number: int, key: object = None) -> LineResult:
    return LineResult(number, json_record(number, key, response={"text": "é\u2028"}))


# Input ---------------------------------------------------------------------------------------------


def test_lines_have_the_numbers_that_an_editor_shows(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'\xef\xbb\xbf"a"\r\n\n \t\r\n  "b" \n"c"')
    found = JobInput(path)
    assert list(found.read_lines()) == [Line(1, b'"a"'), Line(4, b'  "b" '), Line(5, b'"c"')]
    assert (found.last, found.nonblank, found.size) == (5, 3, path.stat().st_size)
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    found.close()


def test_a_compressed_input_is_its_text(tmp_path: Path) -> None:
    plain, packed = tmp_path / "in.jsonl", tmp_path / "in.jsonl.gz"
    plain.write_bytes(b'"a"\n"b"\n')
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    first, second = JobInput(packed), JobInput(plain)
    assert list(first.read_lines()) == list(second.read_lines()) == [Line(1, b'"a"'), Line(2, b'"b"')]
    assert (first.size, first.digest, first.last) == (second.size, second.digest, second.last)
    assert not first.has_changed()
    first.close()
    second.close()
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ValueError, match="not a complete gzip file"):
        JobInput(packed)


def test_inputs_that_cannot_be_read(tmp_path: Path) -> None:
    for path, told in [
        (tmp_path / "none.jsonl", "No such file"),
        (tmp_path, "Is a directory"),
        (Path("/dev/zero"), "is a device, not a file or a pipe"),
        (Path("/dev/full"), "is a device, not a file or a pipe"),
    ]:
        with pytest.raises(ValueError, match=f"^input: .*{told}"):
            JobInput(path)


def test_an_empty_input(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.touch()
    found = JobInput(path)
    assert (found.last, found.nonblank, list(found.read_lines())) == (0, 0, [])
    found.close()


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf\n"hi"\n"hi"\n',
        b'\xef\xbb\xbf \r\n"hi"\n',
        b"\xef\xbb\xbf",
        b'\xef\xbb\xbf\n\xef\xbb\xbf\n"hi"',
        b"\n\n\n",
        b'"a"',
        b'"a"\n' * 300_000 + b'"' + b"x" * 600_000 + b'"\n\n' + b'"b"',
    ],
)
def test_every_line_that_is_counted_is_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(data)
    found = JobInput(path)
    lines = list(found.read_lines())
    assert (len(lines), found.last) == (found.nonblank, len(data.splitlines()))
    whole = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    assert lines == [Line(number, line) for number, line in enumerate(whole, 1) if line.strip()]
    found.close()


@pytest.mark.parametrize("change", ["rewritten", "cut", "longer"])
def test_no_line_of_another_content_is_read(tmp_path: Path, change: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'"old"\n' * 100_000)
    found = JobInput(path)
    lines = found.read_lines()
    assert next(lines) == Line(1, b'"old"')
    with path.open("r+b") as file:
        if change == "rewritten":
            file.write(b'"new"\n' * 100_000)
        elif change == "cut":
            file.truncate(500_000)
        else:
            file.seek(0, os.SEEK_END)
            file.write(b'"new"\n')
    rest: list[Line] = []
    with pytest.raises(InputChanged):
        rest.extend(lines)
    assert {line.data for line in rest} <= {b'"old"'}
    assert found.has_changed()
    found.close()


def test_a_file_that_is_only_touched_or_removed_has_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'"old"\n')
    found = JobInput(path)
    os.utime(path, (1, 1))
    assert not found.has_changed()
    path.rename(tmp_path / "elsewhere.jsonl")
    assert not found.has_changed()
    path.write_bytes(b'"new"\n')  # As editors and `sed -i` do it.
    assert found.has_changed()
    assert list(found.read_lines()) == [Line(1, b'"old"')]
    found.close()


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
    file = JsonlWriter("output", tmp_path / "out.jsonl")
    file.scan(CompletionBitmap(9))
    file.start()
    file.write([result(2, "a"), result(7)])
    file.write([result(1, "\ud800")])
    file.sync()
    file.close()
    finished = CompletionBitmap(9)
    again = JsonlWriter("output", file.path)
    again.scan(finished)
    again.close()
    assert [number for number in range(10) if number in finished] == [1, 2, 7]
    assert [json.loads(line)["key"] for line in file.path.read_bytes().splitlines()] == ["a", None, "\ud800"]


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "out.jsonl"
    whole = result(1).record + b"\n"
    path.write_bytes((whole + result(2).record + b"\n")[:-cut])
    file, finished = JsonlWriter("output", path), CompletionBitmap(3)
    file.scan(finished)
    assert finished.count == 1
    assert path.stat().st_size > len(whole)  # A scan changes nothing.
    file.start()
    assert path.read_bytes() == whole
    file.write([result(3)])
    file.close()
    assert path.read_bytes() == whole + result(3).record + b"\n"


def test_zeros_that_a_power_failure_leaves_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(result(1).record + b"\n" + b"\0" * 5000)
    file, finished = JsonlWriter("output", path), CompletionBitmap(3)
    file.scan(finished)
    file.start()
    file.close()
    assert finished.count == 1
    assert path.read_bytes() == result(1).record + b"\n"


@pytest.mark.parametrize(
    "line",
    [
        b'{"text": 1}',
        b"",
        b'{"line": 2, "key"',
        b'{"line": "2", "key": null, "response": {}}',
        b'{"line": ' + b"9" * 5000 + b', "key": null, "response": {}}',
    ],
)
def test_lines_of_others_are_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(result(1).record + b"\n" + line + b"\n" + result(3).record + b"\n")
    file = JsonlWriter("output", path)
    with pytest.raises(ValueError, match="a line that this job did not write"):
        file.scan(CompletionBitmap(3))
    file.close()
    assert path.stat().st_size


def test_an_answer_to_a_line_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(result(4).record + b"\n")
    file = JsonlWriter("output", path)
    with pytest.raises(ValueError, match="a result of line 4, which does not exist"):
        file.scan(CompletionBitmap(3))
    file.close()


def test_lines_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    long = LineResult(2, json_record(2, None, response={"text": "x" * (9 << 20)}))
    path.write_bytes(b"".join(o.record + b"\n" for o in (result(1), long, result(3))))
    finished = CompletionBitmap(3)
    file = JsonlWriter("output", path)
    file.scan(finished)
    file.close()
    assert finished.count == 3


def test_a_file_with_nothing_in_it_is_not_left(tmp_path: Path) -> None:
    file = JsonlWriter("output", tmp_path / "out.jsonl")
    file.scan(CompletionBitmap(1))
    file.start()
    file.close()
    assert not file.path.exists()


# Both files ----------------------------------------------------------------------------------------


def failure(number: int, service_error: str = "") -> LineResult:
    return LineResult(number, json_record(number, None, error={}), failed=True, service_error=service_error)


def test_each_line_is_written_once(tmp_path: Path) -> None:
    files = (
        JsonlWriter("output", tmp_path / "out.jsonl"),
        JsonlWriter("failures", tmp_path / "out.failures.jsonl"),
    )
    for file in files:
        file.start()
    writer = ResultWriter(CompletionBitmap(9), *files)
    fatal = LineResult(8, fatal=Unauthenticated("no"))
    assert writer.write([result(1), failure(2), result(1), fatal]) == [result(1), failure(2)]
    assert writer.write([result(2), failure(1), result(3)]) == [result(3)]
    # What may be the service's fault waits for another answer.
    assert writer.write([failure(4, "away"), failure(5)]) == [failure(5)]
    assert writer.held == [failure(4, "away")]
    assert writer.write([result(6), failure(7, "away")]) == [failure(4, "away"), result(6)]
    assert writer.finish(held=False) == []
    assert writer.finish(held=True) == [failure(7, "away")]
    found = [[json.loads(line)["line"] for line in file.path.read_bytes().splitlines()] for file in files]
    assert found == [[1, 3, 6], [2, 5, 4, 7]]
    for file in files:
        file.close()


# Matrices ------------------------------------------------------------------------------------------


def row(number: int, *values: float) -> LineResult:
    return LineResult(number, array.array("f", values).tobytes())


def bits(path: Path) -> Path:
    return path.with_name(f"{path.name}.done")


def matrix(path: Path, rows: int) -> tuple[NpyWriter, CompletionBitmap]:
    """A writer of a matrix that has been scanned, and the rows that are in it."""
    writer, finished = NpyWriter(path, bits(path)), CompletionBitmap(rows)
    writer.scan(finished)
    writer.start()
    return writer, finished


def fill(writer: NpyWriter, *results: LineResult) -> list[LineResult]:
    """Write the rows that are accepted; return the others."""
    accepted = [writer.accept(result) for result in results]
    writer.write([result for result in accepted if not result.failed])
    return [result for result in accepted if result.failed]


def test_a_matrix_is_filled_row_by_row(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    path = tmp_path / "out.npy"
    writer, _ = matrix(path, 4)
    assert not fill(writer, row(3, 5, 6), row(1, 1, 2))
    writer.sync()
    writer.close()
    assert np.load(path).tolist() == [[1, 2], [0, 0], [5, 6], [0, 0]]
    assert np.load(path, mmap_mode="r").dtype == np.float32
    again, finished = matrix(path, 4)
    assert [number for number in range(5) if number in finished] == [1, 3]
    assert not fill(again, row(2, 3, 4))
    again.close()
    assert np.load(path).tolist() == [[1, 2], [3, 4], [5, 6], [0, 0]]


def test_a_row_of_another_length_fails_alone(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    path = tmp_path / "out.npy"
    writer, _ = matrix(path, 4)
    failed = fill(writer, row(1), row(2, 3, 4), row(3, 1, 2, 3), row(4, 5, 6))
    told = [json.loads(result.record)["error"]["message"] for result in failed]
    assert told == [
        "the vector has 0 numbers, and those before have 0",
        "the vector has 3 numbers, and those before have 2",
    ]
    writer.close()
    assert np.load(path).tolist() == [[0, 0], [3, 4], [0, 0], [5, 6]]
    # What has failed already is not a row.
    assert failed == fill(matrix(tmp_path / "other.npy", 4)[0], *failed)


def test_rows_without_their_bits_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    writer, _ = matrix(path, 2)
    fill(writer, row(1, 1, 2))
    writer.close()
    bits(path).unlink()
    again, finished = matrix(path, 2)
    assert finished.count == 0
    assert not fill(again, row(2, 3, 4, 5))
    again.close()


def test_bits_without_their_rows_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    writer, _ = matrix(path, 2)
    fill(writer, row(1, 1, 2))
    writer.close()
    path.unlink()
    again, finished = matrix(path, 2)
    assert finished.count == 0
    assert again.is_empty()
    again.close()
    assert not list(tmp_path.iterdir())


def test_another_matrix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    writer, _ = matrix(path, 2)
    fill(writer, row(1, 1, 2))
    writer.close()
    path.write_bytes(b"something else" * 20)
    with pytest.raises(ValueError, match="is not the array that this job wrote"):
        matrix(path, 2)
    assert path.read_bytes() == b"something else" * 20


# Identity ------------------------------------------------------------------------------------------


def test_the_identity_of_a_job(tmp_path: Path) -> None:
    files = JobFiles.resolve(tmp_path / "in.jsonl", tmp_path / "out.jsonl", None)
    out = files.output
    entries: dict[str, object] = {"model": "m", "input": {"bytes": 1}}
    manifest = JobManifest(files, entries)
    manifest.check()
    manifest.write()
    out.write_text("x")
    JobManifest(files, entries).check()
    with pytest.raises(ValueError, match="belongs to another job: model differs"):
        JobManifest(files, {**entries, "model": "n"}).check()
    with pytest.raises(ValueError, match="belongs to another job: the input, task_type differs"):
        JobManifest(files, {"model": "m", "input": {"bytes": 2}, "task_type": "x"}).check()
    out.write_text("")
    JobManifest(files, {"model": "n"}).check()  # Nothing is in it.
    out.write_text("x")
    for damaged in ("", "{", "[1]", "[" * 100_000):
        files.manifest.write_text(damaged)
        with pytest.raises(ValueError, match=r"cannot be read|belongs to another job"):
            JobManifest(files, entries).check()
    files.manifest.unlink()
    with pytest.raises(ValueError, match=r"exists without out\.jsonl\.job"):
        JobManifest(files, entries).check()


def test_the_failures_that_several_jobs_name_belong_to_one(tmp_path: Path) -> None:
    shared = tmp_path / "bad.jsonl"
    jobs = [
        JobFiles.resolve(tmp_path / "in.jsonl", tmp_path / name, shared) for name in ("a.jsonl", "b.jsonl")
    ]
    for files in jobs:  # Both were killed before they had a failure.
        JobManifest(files, {"model": "m"}).write()
        files.output.write_text("x")
    shared.write_text("y")
    with pytest.raises(ValueError, match=r"failures: .*bad\.jsonl belongs to another job"):
        JobManifest(jobs[0], {"model": "m"}).check()
    last = JobManifest(jobs[1], {"model": "m"})
    last.check()
    last.remove_unused(output_is_empty=False, failures_is_empty=True)
    with pytest.raises(ValueError, match="belongs to another job"):
        JobManifest(jobs[1], {"model": "m"}).check()
    shared.write_text("")
    JobManifest(jobs[0], {"model": "m"}).check()


# Names ---------------------------------------------------------------------------------------------


def test_the_files_of_a_link_are_those_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for name in ("out.jsonl", "bad.jsonl"):
        (tmp_path / name).symlink_to(tmp_path / "real" / name)
    files = JobFiles.resolve(tmp_path / "in.jsonl", tmp_path / "out.jsonl", None)
    assert files == JobFiles.resolve(tmp_path / "in.jsonl", tmp_path / "real" / "out.jsonl", None)
    assert files.failures == tmp_path / "real" / "out.failures.jsonl"
    other = JobFiles.resolve(tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path / "bad.jsonl")
    assert (other.failures, other.owner) == (
        tmp_path / "real" / "bad.jsonl",
        tmp_path / "real" / "bad.jsonl.job",
    )


@pytest.mark.parametrize("name", ["out.jsonl.job", "out.jsonl.done", "out.failures.jsonl", "bad.jsonl.job"])
def test_a_link_that_nobody_named_is_not_followed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(tmp_path / "precious.txt")
    failures = tmp_path / "bad.jsonl" if name.startswith("bad") else None
    with pytest.raises(ValueError, match=f"^output: .*{name} is not a regular file"):
        JobFiles.resolve(tmp_path / "in.jsonl", tmp_path / "out.jsonl", failures)


def test_one_file_for_two_purposes_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.touch()
    os.link(out, tmp_path / "linked.jsonl")
    for given in [
        (tmp_path / "linked.jsonl", out, None),
        (tmp_path / "in.jsonl", out, tmp_path / "linked.jsonl"),
        (tmp_path / "out.jsonl.job", out, None),
        (tmp_path / "in.jsonl", out, tmp_path / "out.jsonl.job"),
    ]:
        with pytest.raises(ValueError, match=r"is also the (input|output|failures); give a different file"):
            JobFiles.resolve(*given)


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    files = JobFiles.resolve(tmp_path / "in.jsonl", tmp_path / "out.jsonl", None)
    files.manifest.with_name("out.jsonl.job.new").symlink_to(precious)
    JobManifest(files, {"model": "m"}).write()
    (tmp_path / "late.jsonl").symlink_to(precious)
    with pytest.raises(ValueError, match="is a symbolic link"):
        open_locked("output", tmp_path / "late.jsonl")
    assert precious.read_text() == "precious"


# Lock ----------------------------------------------------------------------------------------------


def test_one_at_a_time_by_any_name(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    file = open_locked("output", path)
    os.write(file, b"kept")
    os.link(path, tmp_path / "linked.jsonl")
    (tmp_path / "folder").mkdir()
    told = f"^failures: process {os.getpid()} is running this job"
    for name in (path, tmp_path / "linked.jsonl", tmp_path / "folder" / ".." / "out.jsonl"):
        with pytest.raises(ValueError, match=told):
            open_locked("failures", name)
    close_locked(file, path)
    assert path.read_bytes() == b"kept"
    close_locked(open_locked("output", path), path)
    with pytest.raises(ValueError, match=r"output: cannot write to .*: No such file"):
        open_locked("output", tmp_path / "none" / "out.jsonl")


def test_an_empty_file_is_not_left(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    file = open_locked("output", path)
    close_locked(file, path)
    assert not path.exists()
    file = open_locked("output", path)
    path.rename(tmp_path / "moved.jsonl")
    path.touch()
    close_locked(file, path)
    assert path.exists()  # It is another one.


def test_a_device_or_a_pipe_is_neither_locked_nor_deleted(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/full")):
        with pytest.raises(ValueError, match=f"output: {path} is not a regular file"):
            open_locked("output", path)
        assert path.exists()
