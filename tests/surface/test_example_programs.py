"""The programs in examples/ run, against an emulator and as their first lines say."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from doc_blocks import read_blocks
from eventually import comes
from gemwire_command import environment

from gemwire.testing import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("*.py"))


@pytest.fixture
def gemini() -> Iterator[RunningEmulator]:
    running = RunningEmulator(http_port=0)
    yield running
    running.stop()


def start(gemini: RunningEmulator, *command: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=EXAMPLES,
        env=environment(gemini.address),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(gemini: RunningEmulator, *command: str | Path, stdin: str = "") -> str:
    process = start(gemini, "-W", "error", *command)
    out, err = process.communicate(stdin, timeout=100)
    assert process.returncode == 0, err
    return out


@contextmanager
def serve(gemini: RunningEmulator, pattern: str, *command: str) -> Iterator[str]:
    """Run a web server; give its address, which it prints."""
    process = start(gemini, *command)
    assert process.stderr is not None
    seen = ""
    try:
        for line in process.stderr:
            seen += line
            if found := re.search(pattern, line):
                break
        else:
            raise AssertionError(seen)
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode in {0, -signal.SIGTERM}


def ask(address: str, path: str, question: str) -> urllib.request.Request:
    return urllib.request.Request(f"{address}{path}{urllib.parse.quote_plus(question)}")


def test_the_readme_lists_them() -> None:
    listed = re.findall(
        r"^\| \[([\w.]+)\]", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == PROGRAMS


def test_assistant(gemini: RunningEmulator) -> None:
    gemini.fail("INVALID_ARGUMENT", nth=2)
    out = run(gemini, "assistant.py", stdin="Hello\nAgain\nOnce more\n")
    assert out.count("> ") == 4
    assert "Not answered: 400 INVALID_ARGUMENT" in out
    first, _, last = (call.request for call in gemini.calls("StreamGenerateContent"))
    assert [tool.name for tool in first.tools[0].function_declarations] == [
        "get_time",
        "save_note",
        "list_notes",
    ]
    # What failed is not part of the history.
    assert "Again" not in str(last)


def test_semantic_search(gemini: RunningEmulator, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("High water in Dover is at noon.\n\nThe office opens at eight.\n\nA boat.\n\nA fish.\n")
    best, *rest = run(gemini, "semantic_search.py", "high water in Dover", notes).splitlines()
    assert "High water" in best
    assert len(rest) == 2


def test_extract_records(gemini: RunningEmulator, tmp_path: Path) -> None:
    reviews = tmp_path / "reviews.txt"
    reviews.write_text("A good lamp.\nThe worst chair ever.\n")
    records = [json.loads(line) for line in run(gemini, "extract_records.py", reviews).splitlines()]
    assert [sorted(record) for record in records] == [["complaints", "product", "stars"]] * 2


def test_worker(gemini: RunningEmulator) -> None:
    gemini.fail("INVALID_ARGUMENT", times=1)
    jobs = "".join(json.dumps({"id": str(n), "prompt": f"Question {n}"}) + "\n" for n in range(20))
    answers = [json.loads(line) for line in run(gemini, "worker.py", stdin=jobs).splitlines()]
    assert {answer["id"] for answer in answers} == {str(n) for n in range(20)}
    assert sum("error" in answer for answer in answers) == 1


def is_running(gemini: RunningEmulator) -> bool:
    with urllib.request.urlopen(f"{gemini.http}/emulator/calls?status=running") as response:
        return bool(json.load(response)["calls"])


def test_a_worker_finishes_its_jobs_when_it_is_to_stop(gemini: RunningEmulator) -> None:
    gemini.pace(latency=1)
    worker = start(gemini, "worker.py")
    assert worker.stdin
    worker.stdin.write('{"id": "1", "prompt": "Hello"}\n')
    worker.stdin.flush()
    assert comes(lambda: is_running(gemini))
    worker.send_signal(signal.SIGTERM)
    # Standard input stays open: there may be more jobs, which are not read.
    assert worker.wait(60) == 0
    assert worker.stdout
    assert json.loads(worker.stdout.read())["id"] == "1"
    worker.communicate()


def test_fastapi_streaming(gemini: RunningEmulator) -> None:
    uvicorn = ("-m", "uvicorn", "fastapi_streaming:app", "--port", "0")
    with serve(gemini, r"running on (http://[\d.:]+)", *uvicorn) as address:
        with urllib.request.urlopen(ask(address, "/ask?question=", "Why is the sky blue?")) as response:
            assert response.read().decode().startswith("Emulated answer")
        gemini.fail("RESOURCE_EXHAUSTED", message="used up")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(ask(address, "/ask?question=", "Again"))
        assert caught.value.code == 429
        assert json.load(caught.value) == {"detail": "used up"}
        gemini.pace(between=0.2)
        with urllib.request.urlopen(ask(address, "/ask?question=", "A long story")) as response:
            assert response.read(1)
        # The reader has left.
        assert comes(lambda: [call.status for call in gemini.calls()][2:] == ["CANCELLED"])


def test_gunicorn_app(gemini: RunningEmulator) -> None:
    gunicorn = ("-m", "gunicorn", "--workers", "2", "--threads", "2", "--preload", "--bind", "127.0.0.1:0")
    with serve(gemini, r"Listening at: (http://[\d.:]+)", *gunicorn, "gunicorn_app:app") as address:
        workers: set[str] = set()

        def has_asked_both() -> bool:
            with urllib.request.urlopen(ask(address, "/?", "Why is the sky blue?")) as response:
                assert response.read().decode().startswith("Emulated answer")
                workers.add(response.headers["X-Worker"])
            return len(workers) == 2

        assert comes(has_asked_both)
        gemini.fail("PERMISSION_DENIED", message="not allowed")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(ask(address, "/?", "Again"))
        assert (caught.value.code, caught.value.read()) == (403, b"not allowed")


def test_pytest(gemini: RunningEmulator) -> None:
    out = run(gemini, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_summary.py")
    assert "3 passed" in out


def test_the_recipe_of_pytest(gemini: RunningEmulator, tmp_path: Path) -> None:
    [tests, conftest] = read_blocks("docs/recipes/pytest.md", "python")
    (tmp_path / "test_recipe.py").write_text(tests.source, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(conftest.source, encoding="utf-8")
    assert "3 passed" in run(gemini, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path)


@pytest.mark.parametrize("name", ["cloud-run.yaml", "kubernetes.yaml"])
def test_manifests_agree_with_the_image(name: str) -> None:
    image = (EXAMPLES / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    [port] = re.findall(r"PORT=(\d+)", image)
    [program] = re.findall(r"^COPY (\S+)", image, re.MULTILINE)
    assert program in PROGRAMS
    made = list(yaml.safe_load_all((EXAMPLES / "deploy" / name).read_text(encoding="utf-8")))
    [container] = made[0]["spec"]["template"]["spec"]["containers"]
    assert [each["containerPort"] for each in container["ports"]] == [int(port)]
    assert [each["name"] for each in container["env"]] == ["GEMINI_API_KEY"]
    assert all(each.get("spec") for each in made)
