"""The examples of the README and of the guides run: Python against an emulator, commands as one types them.

A block runs as its reader would paste it, by itself or, if its first line names another block, after that.
Its folder has the files which the page speaks of. Line numbers in a traceback are those of the page.
"""

from __future__ import annotations

import importlib.metadata
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
import yaml
from doc_blocks import FENCE, ROOT, Block, list_pages, read_blocks

from gemwire.testing import RunningEmulator

#: Pages that are run elsewhere, by test_cli_docs, test_example_programs and test_frameworks.
ELSEWHERE = {
    "docs/command-line.md",
    "docs/recipes/pytest.md",
    *(
        f"docs/migration/{name}.md"
        for name in ("instructor", "langchain", "litellm", "llamaindex", "pydantic-ai")
    ),
}
PAGES = sorted({*list_pages()} - ELSEWHERE)
#: Pages about what is decided when there is no emulator.
WITHOUT_EMULATOR = {"docs/authentication.md"}
#: Pages whose examples send nothing to this emulator: one is of messages, one brings an emulator.
WITHOUT_CALLS = {*WITHOUT_EMULATOR, "docs/differences.md", "docs/emulator.md"}
#: Blocks of other pages that send nothing: of messages, of pickling, of invalid arguments.
SILENT = re.compile(r"v1beta\.CachedContent\(|pickle\.loads|for wrong in|FastAPI\(")
#: What a page says is set; nothing else of this machine's environment is.
ENVIRONMENT = {"docs/authentication.md": {"GOOGLE_API_USE_CLIENT_CERTIFICATE": "true"}}
#: Text is what one sees, and YAML what other programs read: neither is run.
LANGUAGES = {"python", "sh", "text", "yaml"}

_PORT = re.compile(r"--port \d+")
_EXTRAS = importlib.metadata.metadata("gemwire").get_all("Provides-Extra") or []


def programs() -> Iterator[Block]:
    """The Python blocks that no other continues; to run one runs all that it continues."""
    for page in PAGES:
        blocks = list(read_blocks(page, "python"))
        continued = {str(block.before[-1]) for block in blocks if block.before}
        yield from (block for block in blocks if str(block) not in continued)


def program(page: str) -> str:
    """The Python of a page, each line where it is on the page."""
    *before, last = read_blocks(page, "python")
    last.before = before
    return last.program


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
    (tmp_path / "questions.jsonl").write_text('"Why is the sky blue?"\n"Why is snow white?"\n')
    (tmp_path / "service-account.json").write_text(json.dumps(certificates.service_account()))
    certificate, key = certificates.Authority("an authority").issue("client")
    (tmp_path / "client.pem").write_bytes(certificate)
    (tmp_path / "client.key").write_bytes(key)
    return tmp_path


def run(page: str, source: str, folder: Path, gemini: RunningEmulator) -> subprocess.CompletedProcess[str]:
    # Not the page's own name, which may be that of a module: fastapi.
    script = folder / f"page_{Path(page).stem}.py"
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


@pytest.mark.parametrize("block", list(programs()), ids=str)
def test_python(block: Block, folder: Path, gemini: RunningEmulator) -> None:
    before = len(gemini.calls())
    ended = run(block.page, block.program, folder, gemini)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in _OF_GRPC.sub("", ended.stderr)
    if not SILENT.search(block.source):
        assert (len(gemini.calls()) > before) is (block.page not in WITHOUT_CALLS)


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
    [shown] = [each.source for each in read_blocks(page, "text") if each.source.startswith(sample)]
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
    assert {found[1] for found in FENCE.finditer(text)} <= LANGUAGES
    for block in read_blocks(page, "yaml"):
        assert yaml.safe_load(block.source)


def commands() -> Iterator[tuple[Block, list[list[str]]]]:
    """The blocks of commands, each a list of words, without comments."""
    for page in PAGES:
        for block in read_blocks(page, "sh"):
            lines = block.source.replace("\\\n", " ").splitlines()
            yield (
                block,
                [
                    words
                    for line in lines
                    if (words := shlex.split(_PORT.sub("--port 0", line), comments=True))
                ],
            )


@pytest.mark.parametrize(("block", "lines"), [pytest.param(*each, id=str(each[0])) for each in commands()])
def test_commands(block: Block, lines: list[list[str]], folder: Path, gemini: RunningEmulator) -> None:
    variables = environment(block.page, folder, gemini)
    for words in lines:
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            variables[name] = gemini.address if name == "GEMINI_EMULATOR_HOST" else value
        elif words[:2] == ["pip", "install"]:
            # Fetched from the network by test_readme only; what they name exists.
            [package] = words[2:]
            named = re.fullmatch(r"gemwire(?:\[([a-z0-9,]+)\])?", package)
            assert named, package
            assert {*(named[1] or "").split(",")} - {""} <= {*_EXTRAS}
        elif words[0].startswith("./"):
            assert os.access(ROOT / words[0], os.X_OK), f"{words[0]} is no command"
        else:
            run_command(words, folder, variables)


def run_command(words: list[str], folder: Path, variables: dict[str, str]) -> None:
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / words[0]), *words[1:]],
        cwd=folder,
        env=variables,
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
