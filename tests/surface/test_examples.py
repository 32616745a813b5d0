"""The examples of the README and of the guides run: Python against an emulator, commands as one types them.

A page is run as its reader would paste it: its Python from top to bottom in one process, in a folder that has
the files which the page speaks of. Line numbers in a traceback are those of the page.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import certificates
import pytest

from gemwire.testing import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]
#: Pages that are run elsewhere.
ELSEWHERE = {"docs/command-line.md"}
PAGES = sorted(
    {"README.md", *(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))} - ELSEWHERE
)
#: Pages about what is decided when there is no emulator.
WITHOUT_EMULATOR = {"docs/authentication.md"}
#: Pages whose examples send nothing to this emulator: one is of messages, one brings an emulator.
WITHOUT_CALLS = {*WITHOUT_EMULATOR, "docs/differences.md", "docs/emulator.md"}
#: Pages without Python.
WITHOUT_PYTHON = {"docs/architecture.md", "docs/frameworks.md"}
#: What a page says is set; nothing else of this machine's environment is.
ENVIRONMENT = {"docs/authentication.md": {"GOOGLE_API_USE_CLIENT_CERTIFICATE": "true"}}
#: Commands that cannot be run here, and why.
OUTSIDE = {
    "./scripts/demo": "sets up an environment of its own from the network",
    "./scripts/test": "is what runs this",
}
#: Text is what one sees, and is not run.
LANGUAGES = {"python", "sh", "text"}

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"--port \d+")


def blocks(page: str, language: str) -> Iterator[tuple[int, str]]:
    """The blocks of a language, each with the line before it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        if found[1] == language:
            yield text.count("\n", 0, found.start(2)), found[2]


def program(page: str) -> str:
    """The Python of a page, each line where it is on the page."""
    made = ""
    for line, source in blocks(page, "python"):
        made += "\n" * (line - made.count("\n")) + source
    return made


def commands() -> Iterator[tuple[str, str]]:
    """Page and command, without comments; a backslash at the end of a line continues it."""
    for page in PAGES:
        for _, block in blocks(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                command = shlex.join(shlex.split(line, comments=True))
                if command:
                    yield page, command


def environment(page: str, home: Path, gemini: RunningEmulator) -> dict[str, str]:
    bare = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}", "HOME": str(home)}
    bare |= {"NO_GCE_CHECK": "true", **ENVIRONMENT.get(page, {})}
    if page in WITHOUT_EMULATOR:
        return bare
    http = gemini.http.removeprefix("http://")
    return {**bare, "GEMINI_EMULATOR_HOST": gemini.address, "GEMINI_EMULATOR_HTTP_HOST": http}


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    running = RunningEmulator(tuning_seconds=0.2, http_port=0)
    yield running
    running.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that examples read."""
    (tmp_path / "service-account.json").write_text(json.dumps(certificates.service_account()))
    certificate, key = certificates.Authority("an authority").issue("client")
    (tmp_path / "client.pem").write_bytes(certificate)
    (tmp_path / "client.key").write_bytes(key)
    return tmp_path


def run(page: str, source: str, folder: Path, gemini: RunningEmulator) -> subprocess.CompletedProcess[str]:
    script = folder / Path(page).with_suffix(".py").name
    script.write_text(source, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", script.name],
        cwd=folder,
        env=environment(page, folder, gemini),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


#: On a busy machine grpc.aio may hear of a call's end when its loop is closed, and say so in the next loop.
_OF_GRPC = re.compile(
    r"Exception in callback PollerCompletionQueue\._handle_events.*?RuntimeError: Event loop is closed\n",
    re.DOTALL,
)


@pytest.mark.parametrize("page", sorted(WITHOUT_PYTHON))
def test_pages_without_python_have_none(page: str) -> None:
    assert not program(page)


@pytest.mark.parametrize("page", sorted({*PAGES} - WITHOUT_PYTHON))
def test_python(page: str, folder: Path, gemini: RunningEmulator) -> None:
    source = program(page)
    assert source
    before = len(gemini.calls())
    ended = run(page, source, folder, gemini)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in _OF_GRPC.sub("", ended.stderr)
    assert (len(gemini.calls()) > before) is (page not in WITHOUT_CALLS)


#: What makes a page's samples of text, to be appended to its Python.
_ERRORS = """
from gemwire import Retry
overloaded = [("x-emulator-fault", '{"status": "UNAVAILABLE", "message": "overloaded", "times": 0}')]
for more in (
    {"model": "models/none"},
    {"model": MODEL, "metadata": overloaded, "retry": Retry(max_attempts=4, initial=0.01)},
):
    try:
        client.generate_content(contents=HELLO, **more)
    except errors.APIError as error:
        print(error)
"""
_LOG = """
logging.getLogger("gemwire").handlers = [logging.StreamHandler()]
client.generate_content(model="models/gemini-2.5-flash", contents=[{"parts": [{"text": "Hello"}]}])
"""


@pytest.mark.parametrize(
    ("page", "more", "sample"),
    [("docs/errors.md", _ERRORS, "404 NOT_FOUND"), ("docs/observability.md", _LOG, "….GenerativeService")],
)
def test_what_one_sees(page: str, more: str, sample: str, folder: Path, gemini: RunningEmulator) -> None:
    [shown] = [block for _, block in blocks(page, "text") if block.startswith(sample)]
    source = program(page).replace(".addFilter(Slow())", "") + more
    ended = run(page, source, folder, gemini)
    seen = (ended.stdout + ended.stderr).replace("google.ai.generativelanguage.v1beta", "…")
    lines = [_numberless(line) for line in seen.splitlines()]
    # A line about a server that was away for a minute is not waited for.
    for line in (line for line in shown.splitlines() if " 12 attempt(s)" not in line):
        assert _numberless(line) in lines


def _numberless(line: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", line)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert {found[1] for found in _FENCE.finditer(text)} <= LANGUAGES


@pytest.mark.parametrize(("page", "command"), list(commands()))
def test_commands(page: str, command: str, folder: Path, gemini: RunningEmulator) -> None:
    first, *_ = words = shlex.split(_PORT.sub("--port 0", command))
    if first in OUTSIDE:
        assert os.access(ROOT / first, os.X_OK)
        pytest.skip(OUTSIDE[first])
    words[0] = str(Path(sys.executable).parent / first)
    process = subprocess.Popen(
        words,
        cwd=folder,
        env=environment(page, folder, gemini),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        if "serve" in words or "gemwire_emulator" in words:
            assert process.stdout
            assert "listens on" in process.stdout.readline(), process.communicate()
            process.send_signal(signal.SIGTERM)
        _, complaint = process.communicate(timeout=30)
    assert process.returncode == 0, complaint


def test_a_wrong_example_is_seen(folder: Path, gemini: RunningEmulator) -> None:
    source = program("docs/calls.md").replace("count_tokens(", "count_tokenz(", 1)
    ended = run("docs/calls.md", source, folder, gemini)
    assert ended.returncode != 0
    line = (
        (ROOT / "docs" / "calls.md").read_text(encoding="utf-8").split("client.count_tokens(")[0].count("\n")
    )
    assert f'calls.py", line {line + 1}, in <module>' in ended.stderr
