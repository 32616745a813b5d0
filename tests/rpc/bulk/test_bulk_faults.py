"""Jobs that end early, in every way that we could think of, and go on."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from counting_server import Counted, numbers, write
from eventually import comes

from gemwire import Retry, bulk

#: A job in a process of its own, as a program would run it: argv is input, output and arguments.
_JOB = """
import sys
from gemwire import bulk
kind, source, target, arguments = sys.argv[1:]
print(getattr(bulk, kind)(source, target, model="m", **eval(arguments)).done)
"""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    made = Counted()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", made.address)
    yield made
    made.stop()


def begin(
    folder: Path, *, kind: str = "generate", output: str = "out.jsonl", **arguments: Any
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _JOB, kind, str(folder / "in.jsonl"), str(folder / output), repr(arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def children(pid: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child, *children(child)}
    return found


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def are_gone(pids: set[int]) -> bool:
    return not any(map(lives, pids))


def has_ended(job: subprocess.Popen[str]) -> bool:
    return job.poll() is not None


def has_written(output: Path, count: int, job: subprocess.Popen[str] | None = None) -> bool:
    """Return whether an output has more than so many lines, or its job, if given, has ended."""
    lines = output.read_bytes().count(b"\n") if output.exists() else 0
    return lines > count or (job is not None and has_ended(job))


# Kill -9 -------------------------------------------------------------------------------------------


def killed_again_and_again(counted: Counted, folder: Path, count: int, kills: int, **arguments: Any) -> None:
    """Kill a job at random moments; then let it finish, and see that it did each line once.

    Args:
        counted: The server.
        folder: Where the files are.
        count: Lines.
        kills: How often.
        arguments: Of the job.
    """
    write(folder / "in.jsonl", count)
    output = folder / "out.jsonl"
    counted.latency = 0.05 if count < 1000 else 0.01
    random.seed(count)
    done: list[int] = []
    lengths: list[int] = []
    for round_ in range(kills):
        before = dict(counted.counts)
        job = begin(folder, concurrency=16, **arguments)
        # At any moment after the first answers of this run, and sometimes before them.
        goal = len(done) + random.randrange(count // kills) if round_ % 4 else 0
        comes(partial(has_written, output, goal, job), within=60)
        comes(partial(has_ended, job), within=random.random() * 0.3)
        workers = children(job.pid)
        job.kill()
        job.communicate()
        assert comes(partial(are_gone, workers))
        for number in done:
            assert counted.counts[number] == before[number], f"line {number} was finished"
        done = numbers(output)
        assert len(done) == len(set(done))
        lengths.append(len(done))
    assert any(0 < length < count for length in lengths), lengths
    print(lengths)
    before = dict(counted.counts)
    job = begin(folder, concurrency=16, **arguments)
    out, error = job.communicate(timeout=100)
    assert (job.returncode, out) == (0, f"{count}\n"), error
    assert numbers(output) == list(range(1, count + 1))
    assert all(counted.counts[number] == before[number] for number in done)
    assert sorted(path.name for path in folder.iterdir()) == ["in.jsonl", "out.jsonl", "out.jsonl.job"]


@pytest.mark.parametrize("processes", [1, 2])
def test_kill_9(counted: Counted, tmp_path: Path, processes: int) -> None:
    killed_again_and_again(counted, tmp_path, 600, 3, processes=processes)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("processes", [1, 2])
def test_kill_9_twenty_times(counted: Counted, tmp_path: Path, processes: int) -> None:
    killed_again_and_again(counted, tmp_path, 20_000, 20, processes=processes)


def test_kill_9_while_a_matrix_is_filled(counted: Counted, tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    write(tmp_path / "in.jsonl", 3000)
    counted.latency = 0.05
    bits = tmp_path / "out.npy.done"

    def count() -> int:
        return sum(byte.bit_count() for byte in bits.read_bytes()) if bits.exists() else 0

    def is_past(goal: int, job: subprocess.Popen[str]) -> bool:
        return count() > goal or has_ended(job)

    done = 0
    for _ in range(3):
        job = begin(tmp_path, kind="embed", output="out.npy", concurrency=2, field="prompt")
        comes(partial(is_past, done, job), within=60)
        job.kill()
        job.communicate()
        done = count()
    assert 0 < done < 3000
    finished = [n for n in range(1, 3001) if bits.read_bytes()[n >> 3] & 1 << (n & 7)]
    before = dict(counted.counts)
    assert bulk.embed(tmp_path / "in.jsonl", tmp_path / "out.npy", model="m", field="prompt").done == 3000
    assert all(counted.counts[number] == before[number] for number in finished)
    found = np.load(tmp_path / "out.npy")
    lengths = [len(f"This is line {number}. ") for number in range(1, 3001)]
    assert found[:, 0].tolist() == lengths
    assert (found[:, 1] == np.float32(0.1)).all()


# Two at once ---------------------------------------------------------------------------------------


def test_two_processes_at_one_job(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 200)
    counted.latency = 0.2
    job = begin(tmp_path, concurrency=8)
    assert comes(lambda: numbers(tmp_path / "out.jsonl"))
    with pytest.raises(ValueError, match=f"output: process {job.pid} is running this job"):
        bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m")
    counted.latency = 0
    out, error = job.communicate(timeout=60)
    assert out == "200\n", error
    assert set(counted.counts.values()) == {1}


# Full disks ----------------------------------------------------------------------------------------


def test_a_file_that_may_not_grow(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 1000)
    limit = 50_000
    script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n{_JOB}"
    arguments = ["generate", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), "{}"]
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert "JobStopped" in ended.stderr
    assert "out.jsonl: File too large" in ended.stderr
    assert "lines are done and saved. Run the same command again once this is fixed" in ended.stderr
    output = tmp_path / "out.jsonl"
    assert output.read_bytes().endswith(b"}\n")  # What did not fit whole is not there.
    done = numbers(output)
    assert 100 < len(done) < 1000
    before = dict(counted.counts)
    finished = bulk.generate(tmp_path / "in.jsonl", output, model="m")
    assert (finished.before, finished.done) == (len(done), 1000)
    assert numbers(output) == list(range(1, 1001))
    assert all(counted.counts[number] == before[number] for number in done)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
@pytest.mark.parametrize("kind", ["generate", "embed"])
def test_a_full_disk(counted: Counted, tmp_path: Path, kind: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], check=False).returncode:
        pytest.skip("mounting is not permitted")
    try:
        write(tmp_path / "in.jsonl", 6000)
        output = disk / ("out.jsonl" if kind == "generate" else "out.npy")
        arguments: dict[str, Any] = {"field": "prompt"} if kind == "embed" else {}
        with pytest.raises(bulk.JobStopped, match=r"cannot write to .*: the disk is full"):
            getattr(bulk, kind)(tmp_path / "in.jsonl", output, model="m", **arguments)
        if kind == "generate":
            assert output.read_bytes().endswith(b"}\n")
            done = numbers(output)
            assert done
            before = dict(counted.counts)
        else:
            assert not output.exists()  # A matrix takes its room at once.
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert getattr(bulk, kind)(tmp_path / "in.jsonl", output, model="m", **arguments).done == 6000
        if kind == "generate":
            assert numbers(output) == list(range(1, 6001))
            assert all(counted.counts[number] == before[number] for number in done)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# Processes that die --------------------------------------------------------------------------------


def test_a_worker_that_is_killed(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 1500)
    counted.latency = 0.02
    job = begin(tmp_path, processes=2, concurrency=16)
    output = tmp_path / "out.jsonl"
    for goal in (100, 500):
        assert comes(partial(has_written, output, goal), within=60)
        victim = min(children(job.pid))
        os.kill(victim, signal.SIGKILL)
    out, error = job.communicate(timeout=100)
    assert out == "1500\n", error
    assert numbers(output) == list(range(1, 1501))
    # Only what was with the two that died was asked for again.
    assert sum(counted.counts.values()) <= 1500 + 2 * 2 * 8


def test_a_line_that_kills(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 300, deadly=(7, 150))
    counted.latency = 0.005
    done = bulk.generate(
        tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m", processes=2, concurrency=16
    )
    assert (done.done, done.failed) == (300, 2)
    assert numbers(tmp_path / "out.failures.jsonl") == [7, 150]
    told = (tmp_path / "out.failures.jsonl").read_text()
    assert told.count("3 worker processes crashed with this line, the last with exit code -9") == 2
    assert '"key": "k7"' in told
    assert numbers(tmp_path / "out.jsonl") == sorted({*range(1, 301)} - {7, 150})
    assert counted.counts[7] == counted.counts[150] == 3


def test_workers_that_cannot_begin(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in.jsonl", 30)
    (tmp_path / "sitecustomize.py").write_text("import os, sys; os.write(2, b'broken\\n'); os._exit(3)")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(bulk.JobStopped, match=r"3 worker processes in a row ended during startup.* code 3"):
        bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m", processes=2)
    assert "broken" in capfd.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()
    assert not (tmp_path / "out.jsonl.job").exists()


def test_a_mistake_in_a_worker_is_told(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 30)
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        bulk.generate(
            tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="dynamic/m", client={"no": 1}, processes=2
        )


# A service that is away ----------------------------------------------------------------------------


def test_a_service_that_goes_away(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 2000)
    files = (tmp_path / "in.jsonl", tmp_path / "out.jsonl")

    def away(now: bulk.Progress) -> None:
        if now.done > 100:
            counted.away = True

    retry = Retry(max_attempts=1)
    with pytest.raises(
        bulk.JobStopped, match=r"consecutive lines failed, the last with 503 UNAVAILABLE: Away\."
    ):
        bulk.generate(*files, model="m", retry=retry, progress=away, concurrency=8)
    counted.away = False
    assert not (tmp_path / "out.failures.jsonl").exists()
    assert 100 < len(numbers(files[1])) < 2000
    assert bulk.generate(*files, model="m").done == 2000
    assert numbers(files[1]) == list(range(1, 2001))


def test_a_service_that_was_away_for_a_while(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 90)
    counted.away = True
    files = (tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    done = bulk.generate(*files, model="dynamic/m", retry=Retry(max_attempts=1))
    assert (done.answered, done.failed) == (0, 90)
    assert numbers(tmp_path / "out.failures.jsonl") == list(range(1, 91))
    counted.away = False
    assert bulk.generate(*files, model="dynamic/m", retry_failures=True).answered == 90


def test_an_input_that_changes(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 20_000)
    counted.latency = 0.01

    def cut(now: bulk.Progress) -> None:
        if now.done:
            os.truncate(tmp_path / "in.jsonl", 500_000)

    with pytest.raises(bulk.JobStopped, match="was changed during the run"):
        bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m", progress=cut)
    with pytest.raises(ValueError, match="another job: the input differs"):
        bulk.generate(tmp_path / "in.jsonl", tmp_path / "out.jsonl", model="m")


# Elsewhere -----------------------------------------------------------------------------------------


def test_in_a_thread(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 50)
    told: list[bulk.Progress] = []
    thread = threading.Thread(
        target=bulk.generate,
        args=(tmp_path / "in.jsonl", tmp_path / "out.jsonl"),
        kwargs={"model": "m", "progress": told.append, "prices": {"tokens_in": 1e6, "tokens_out": 2e6}},
    )
    thread.start()
    thread.join(60)
    assert numbers(tmp_path / "out.jsonl") == list(range(1, 51))
    last = told[-1]
    assert (last.total, last.done, last.left, last.tokens_in, last.tokens_out) == (50, 50, 0, 150, 100)
    assert last.cost == 150 * 1.0 + 100 * 2.0
    assert last.remaining == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_memory_stays_flat(counted: Counted, tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", 40_000)
    see = "seen = []\ndef see(now): seen.append(open('/proc/self/statm').read().split()[1])\n"
    script = _JOB.replace("print(", f"{see}print(").replace('model="m",', 'model="m", progress=see,')
    script += "\nprint(*seen)"
    for processes in (1, 2):
        output = tmp_path / f"out{processes}.jsonl"
        arguments = ["generate", str(tmp_path / "in.jsonl"), str(output), repr({"processes": processes})]
        ended = subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
        )
        done, seen = ended.stdout.splitlines()
        assert done == "40000"
        pages = list(map(int, seen.split()))
        early, late = pages[len(pages) // 5], max(pages[len(pages) // 2 :])
        growth = (late - early) * resource.getpagesize()
        print(f"{processes} process(es): {early * 4096 >> 20} MB, then {growth / (1 << 20):.1f} MB more")
        # A quarter of a kilobyte a line would be more.
        assert growth < 8 << 20
        assert numbers(output) == list(range(1, 40_001))
