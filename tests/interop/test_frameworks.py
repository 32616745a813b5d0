"""Programs of frameworks come to the same over gemwire as with google-genai's own client.

They run in a venv of their own, which scripts/frameworks makes, against emulators that answer alike.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from doc_blocks import read_blocks

from gemwire.testing import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]

#: Programs by framework.
COUNTS = {"pydantic_ai": 13, "instructor": 6, "langchain": 11, "llama_index": 9, "mcp": 3}
#: Frameworks that take gemwire's own client as well; the others need google-genai's class.
ANY_CLASS = frozenset({"langchain", "llama_index", "mcp"})

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def python() -> Path:
    """Return the Python of the venv; one process makes it."""
    folder = ROOT / ".venvs"
    folder.mkdir(exist_ok=True)
    with (folder / "frameworks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([ROOT / "scripts" / "frameworks"], check=True, timeout=280)
    return folder / "frameworks" / "bin" / "python"


def run(python: Path, framework: str, kinds: list[str]) -> dict[str, dict[str, Any]]:
    """Return the outcomes of a framework's programs by client."""
    with contextlib.ExitStack() as stack:
        emulators: dict[str, RunningEmulator] = {}
        for kind in kinds:
            emulators[kind] = RunningEmulator(http_port=0, frozen_at=1_800_000_000.0)
            stack.callback(emulators[kind].stop)
        clients = {
            kind: {"GEMINI_EMULATOR_HOST": running.address, "GEMINI_EMULATOR_HTTP_HOST": running.http[7:]}
            for kind, running in emulators.items()
        }
        clients["google"] = {"GOOGLE_GEMINI_BASE_URL": emulators["google"].http}
        done = subprocess.run(
            [python, "-m", "interop.frameworks.run_programs", framework, json.dumps(clients)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        methods = {
            kind: {call.method.rpartition("/")[2] for call in running.calls()}
            for kind, running in emulators.items()
        }
    outcomes: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    # The same calls arrived at each.
    assert all(found == methods[kinds[0]] for found in methods.values()), methods
    return outcomes


@pytest.mark.parametrize("framework", COUNTS)
def test_programs_come_to_the_same(python: Path, framework: str) -> None:
    kinds = ["google", "over_gemwire", *(["gemwire"] if framework in ANY_CLASS else [])]
    outcomes = run(python, framework, kinds)
    expected = outcomes["google"]
    assert len(expected) == COUNTS[framework]
    assert all("result" in outcome for outcome in expected.values()), expected
    for kind in kinds[1:]:
        assert outcomes[kind] == expected


@pytest.mark.parametrize("page", ["instructor", "langchain", "litellm", "llamaindex", "pydantic-ai"])
def test_the_page_s_program_runs(python: Path, page: str) -> None:
    [block] = read_blocks(f"docs/migration/{page}.md", "python")
    running = RunningEmulator(http_port=0)
    try:
        done = subprocess.run(
            [python, "-W", "ignore", "-c", block.program],
            env={
                "PATH": os.environ["PATH"],
                "GEMINI_EMULATOR_HOST": running.address,
                "GEMINI_EMULATOR_HTTP_HOST": running.http.removeprefix("http://"),
                # No prices from the network.
                "LITELLM_LOCAL_MODEL_COST_MAP": "true",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        running.stop()
    assert done.returncode == 0, done.stderr[-2000:]
    assert running.calls()
