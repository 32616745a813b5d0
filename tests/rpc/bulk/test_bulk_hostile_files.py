"""Jobs whose lines, inputs and outputs are not as hoped for: they fail alone, or are refused at once."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from counting_server import Counted, numbers, write
from eventually import comes

from gemwire import Retry, bulk

#: A job in a process of its own: argv is input, output and arguments.
_JOB = """
import sys
from gemwire import bulk
source, target, arguments = sys.argv[1:]
try:
    print(bulk.generate(source, target, model="m", **eval(arguments)).done)
except (bulk.JobStopped, ValueError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    made = Counted()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", made.address)
    yield made
    made.stop()


def begin(source: Path | str, target: Path | str, **more: Any) -> subprocess.Popen[str]:
    """Start a job; `more` are its arguments, and those of its process."""
    arguments = more.pop("arguments", {})
    command = [sys.executable, "-c", _JOB, str(source), str(target), repr(arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def end(job: subprocess.Popen[str], code: int = 0, fed: str | None = None) -> str:
    """Wait for a job and return what it printed."""
    out, error = job.communicate(fed, timeout=60)
    assert job.returncode == code, error
    return out.strip() if code == 0 else error.strip()


def failed(path: Path) -> dict[int, str]:
    """The messages of failed lines by their numbers; no line may have what JSON does not know."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in {path}")

    lines = [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]
    return {line["line"]: line["error"]["message"] for line in lines}


# Lines ---------------------------------------------------------------------------------------------


def nested(depth: int, inner: str, before: str = "[", after: str = "]") -> str:
    return before * depth + inner + after * depth


def configured(settings: str) -> str:
    return f'{{"contents": [{{"parts": [{{"text": "x"}}]}}], "generationConfig": {settings}}}'


_BAD_LINES = {
    '{"prompt": "x", "key": ' + "9" * 5000 + "}": "a whole number with too many digits",
    "9" * 5000: "a whole number with too many digits",
    '{"prompt": "x", "key": NaN}': "the line is not JSON: NaN",
    '{"prompt": "x", "key": [-Infinity]}': "the line is not JSON: -Infinity",
    '{"prompt": "x", "key": 1e999}': "a number that is too large: 1e999",
    configured('{"temperature": NaN}'): "the line is not JSON: NaN",
    configured('{"temperature": 1e999}'): "a number that is too large",
    configured('{"seed": 1e300}'): "request: ",
    configured("[1]"): "request: ",
    configured('{"responseSchema": ' + nested(400, "{}", '{"properties": {"a": ', "}}") + "}"): "request: ",
    '{"prompt": "\\ud800"}': "prompt: ",
    '{"prompt": "x", "key": "\\ud800"': "not JSON",
    '{"contents": [[[]]]}': "request: ",
    '{"contents": {"parts": 5}}': "request: ",
    "\ufeff\ufeff": "not JSON",
    "\0": "not JSON",
}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_bad_line_fails_alone(counted: Counted, tmp_path: Path, processes: int) -> None:
    lines = [line for bad in _BAD_LINES for line in ('"Hello"', bad)]
    (tmp_path / "in.jsonl").write_text("\n".join([*lines, '"Hello"']), encoding="utf-8")
    done = bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m", processes=processes)
    told = failed(tmp_path / "out.failures.jsonl")
    assert sorted(told) == list(range(2, 2 * len(_BAD_LINES) + 1, 2))
    for number, expected in zip(sorted(told), _BAD_LINES.values(), strict=True):
        assert expected in told[number]
    assert (done.answered, done.left) == (len(_BAD_LINES) + 1, 0)
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 2 * len(_BAD_LINES) + 2, 2))


def test_keys_of_every_depth_end_no_job(counted: Counted, tmp_path: Path) -> None:
    # Near the limit, what could be read may be nested too deeply to be written.
    depths = [*range(100, 1000, 100), *range(880, 1000)]
    lines = ['{"prompt": "x", "key": ' + nested(depth, "1") + "}" for depth in depths]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    done = bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m")
    assert (done.total, done.left) == (len(lines), 0)


def test_a_text_that_cannot_be_embedded_fails_alone(counted: Counted, tmp_path: Path) -> None:
    lines = ['"Hello"', '"\\ud800"', '{"text": "x", "key": Infinity}', "1" * 5000, '"\u3000"', '"Hello"']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    done = bulk.embed(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m")
    assert (done.answered, done.failed) == (2, 4)
    assert sorted(failed(tmp_path / "out.failures.jsonl")) == [2, 3, 4, 5]
    (tmp_path / "in.txt").write_bytes(b"Hello\n\xff\n\xe3\x80\x80\nHello\n")
    done = bulk.embed(tmp_path / "in.txt", tmp_path / "texts.jsonl", model="m")
    assert (done.answered + done.failed, done.left) == (4, 0)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_answer_that_cannot_be_decoded_fails_its_line(
    counted: Counted, tmp_path: Path, processes: int
) -> None:
    lines = [{"prompt": f"This is line {number}.", "key": number} for number in range(1, 201)]
    lines[77]["prompt"] = "answer with garbage"
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    retry = Retry(max_attempts=1)
    done = bulk.generate(
        tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m", processes=processes, retry=retry
    )
    assert (done.answered, done.failed) == (199, 1)
    [record] = map(json.loads, (tmp_path / "out.failures.jsonl").read_text().splitlines())
    assert (record["line"], record["key"], record["error"]["code"]) == (78, 78, 500)


def test_a_byte_order_mark_before_a_blank_line(counted: Counted, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'\xef\xbb\xbf\n"hi"\n"hi"\n')
    done = bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m")
    assert (done.total, done.answered) == (2, 2)
    assert numbers(tmp_path / "out.jsonl") == [2, 3]


# Two jobs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["symlink", "hard link", "dots", "folder"])
def test_one_output_by_two_names(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    write(tmp_path / "in.jsonl", 60)
    (tmp_path / "folder").mkdir()
    counted.latency = 0.3
    job = begin(tmp_path / "in.jsonl", tmp_path / "out.jsonl", arguments={"concurrency": 4})
    assert comes(lambda: numbers(tmp_path / "out.jsonl"))
    other: Path | str = tmp_path / "folder" / "other.jsonl"
    if way == "symlink":
        Path(other).symlink_to(tmp_path / "out.jsonl")
    elif way == "hard link":
        os.link(tmp_path / "out.jsonl", other)
    elif way == "dots":
        other = f"{tmp_path}/folder/../out.jsonl"
    else:
        monkeypatch.chdir(tmp_path)
        other = "out.jsonl"
    with pytest.raises(ValueError, match=f"^output: process {job.pid} is running"):
        bulk.generate(tmp_path / "in.jsonl", other, model="m")
    counted.latency = 0
    assert end(job) == "60"
    assert set(counted.counts.values()) == {1}
    if way == "hard link":  # Another name has another manifest.
        with pytest.raises(ValueError, match=r"exists without other\.jsonl\.job"):
            bulk.generate(tmp_path / "in.jsonl", other, model="m")
    else:
        assert bulk.generate(tmp_path / "in.jsonl", other, model="m").before == 60
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 61))


def test_two_jobs_do_not_share_failures(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 300)
    shared = tmp_path / "bad.jsonl"
    arguments = {"failures": str(shared), "concurrency": 8}
    counted.latency = 0.1
    job = begin(tmp_path / "in.jsonl", tmp_path / "a.jsonl", arguments=arguments)
    assert comes(lambda: numbers(tmp_path / "a.jsonl"))
    again: dict[str, Any] = {"model": "m", "failures": shared}
    with pytest.raises(ValueError, match=f"^failures: process {job.pid} is running"):
        bulk.generate(tmp_path / "in.jsonl", tmp_path / "b.jsonl", **again)
    assert not (tmp_path / "b.jsonl").exists()
    job.kill()
    job.communicate()
    done = numbers(tmp_path / "a.jsonl")
    assert 0 < len(done) < 300
    # Another job fails with every line, in the file that the first one left empty.
    counted.latency, counted.away = 0, True
    (tmp_path / "few.jsonl").write_text('"x"\n' * 90)
    few = bulk.generate(
        tmp_path / "few.jsonl",
        tmp_path / "b.jsonl",
        retry=Retry(max_attempts=1),
        **{**again, "model": "dynamic/m"},
    )
    assert few.failed == 90
    counted.away = False
    with pytest.raises(ValueError, match=r"failures: .*bad\.jsonl belongs to another job"):
        bulk.generate(tmp_path / "in.jsonl", tmp_path / "a.jsonl", **again)
    shared.unlink()
    assert bulk.generate(tmp_path / "in.jsonl", tmp_path / "a.jsonl", **again).done == 300
    assert numbers(tmp_path / "a.jsonl") == list(range(1, 301))
    assert all(counted.counts[number] == 1 for number in done)


def test_nothing_is_written_through_a_planted_link(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 3)
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    for name in ("lock", "job.new"):
        (tmp_path / f"out.jsonl.{name}").symlink_to(precious)
    assert bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m").done == 3
    for name in ("late.jsonl.job", "late.failures.jsonl"):
        (tmp_path / name).symlink_to(precious)
        with pytest.raises(ValueError, match=f"{name} is not a regular file"):
            bulk.generate(tmp_path / "in.jsonl", tmp_path / "late.jsonl", model="m")
        (tmp_path / name).unlink()
    assert precious.read_text() == "precious"


# Pipes and devices ---------------------------------------------------------------------------------


def test_an_input_that_is_piped(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 500)
    text = (tmp_path / "in.jsonl").read_text()
    for source in ("-", "/dev/stdin"):
        output = tmp_path / f"{source[-1]}.jsonl"
        assert end(begin(source, output, stdin=subprocess.PIPE), fed=text) == "500"
        assert numbers(output) == list(range(1, 501))
        counted.counts.clear()
    # The same text is the same job, however it comes.
    output.write_bytes(b"".join(output.read_bytes().splitlines(keepends=True)[:200]))
    left = {*range(1, 501)} - {*numbers(output)}
    assert end(begin("-", output, stdin=subprocess.PIPE), fed=text) == "500"
    assert counted.counts.keys() == left
    assert bulk.generate(tmp_path / "in.jsonl", output, model="m").before == 500
    error = end(begin("-", output, stdin=subprocess.PIPE), code=1, fed='"other"\n')
    assert "belongs to another job: the input differs" in error
    with (tmp_path / "in.jsonl").open() as file:
        assert end(begin("-", output, stdin=file)) == "500"


def test_an_input_from_a_named_pipe_and_from_the_shell(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 20)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeding = threading.Thread(target=lambda: pipe.write_bytes((tmp_path / "in.jsonl").read_bytes()))
    feeding.start()
    assert bulk.generate(pipe, tmp_path / "out.jsonl", model="m").answered == 20
    feeding.join(30)
    packed = tmp_path / "pipe.gz"
    os.mkfifo(packed)
    data = gzip.compress((tmp_path / "in.jsonl").read_bytes())
    feeding = threading.Thread(target=lambda: packed.write_bytes(data))
    feeding.start()
    assert bulk.generate(packed, tmp_path / "out.jsonl", model="m").before == 20
    feeding.join(30)
    script = f'exec "$0" "$@" <(cat {tmp_path / "in.jsonl"}) {tmp_path / "shell.jsonl"} "{{}}"'
    ended = subprocess.run(
        ["bash", "-c", script, sys.executable, "-c", _JOB], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "20\n"
    with (tmp_path / "in.jsonl").open() as file:
        script = _JOB.replace("generate(", "embed(").replace('"m",', '"m", field="prompt",')
        command = [sys.executable, "-c", script, "/dev/stdin", str(tmp_path / "vectors.npy"), "{}"]
        assert subprocess.run(command, stdin=file, capture_output=True, check=True).stdout == b"20\n"


@pytest.mark.parametrize("name", ["output", "failures"])
@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/full", "/dev/null", "pipe", "/dev/fd/1"])
def test_an_output_that_cannot_be_read_again(
    counted: Counted, tmp_path: Path, name: str, target: str
) -> None:
    write(tmp_path / "in.jsonl", 3)
    os.mkfifo(tmp_path / "pipe")
    wanted = {"output": "out.jsonl", name: target}
    job = begin("in.jsonl", wanted["output"], cwd=tmp_path, arguments={"failures": wanted.get("failures")})
    assert f"ValueError: {name}: {target} is not a regular file" in end(job, code=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "pipe"]
    assert not counted.calls


# Inputs that change --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [300, 30_000])
def test_an_input_that_is_rewritten(counted: Counted, tmp_path: Path, count: int) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    write(source, count)
    old = source.read_bytes()
    new = old.replace(b"This is line ", b"That is line 9")  # Lines that do not exist.
    changed = threading.Event()
    counted.latency = 0.02

    def rewrite(now: bulk.Progress) -> None:
        if now.done and not changed.is_set():
            changed.set()
            with source.open("r+b") as file:
                file.write(new)

    with pytest.raises(bulk.JobStopped, match=r"in\.jsonl was changed during the run; .* done and saved"):
        bulk.generate(source, output, model="m", concurrency=64, progress=rewrite)
    assert changed.is_set()
    # What was sent is what the manifest says.
    assert max(counted.counts) <= count
    assert json.loads((tmp_path / "out.jsonl.job").read_bytes())["input"]["bytes"] == len(old)
    with pytest.raises(ValueError, match="another job: the input differs"):
        bulk.generate(source, output, model="m")
    source.write_bytes(old)
    assert bulk.generate(source, output, model="m", concurrency=64).done == count
    assert set(counted.counts.values()) == {1}


# Full disks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [30_000, 50_000])
def test_the_count_of_lines_that_are_saved(counted: Counted, tmp_path: Path, limit: int) -> None:
    write(tmp_path / "in.jsonl", 1000)
    script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n{_JOB}"
    command = [sys.executable, "-c", script, str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), "{}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    saved = numbers(tmp_path / "out.jsonl")
    assert saved
    assert f"File too large; {len(saved)} of 1,000 lines are done and saved" in ended.stderr
    again = bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m")
    assert again.before == len(saved)
