"""Programs of frameworks come to the same with gemwire as with google-genai's own client.

They run in a venv of their own, made by scripts/frameworks, against emulators that answer alike.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gemwire.testing import RunningEmulator, environment

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_800_000_000.0

#: Programs by framework.
COUNTS = {"pydantic_ai": 14, "instructor": 6, "langchain": 11, "llama_index": 9}
#: Frameworks whose client may be of another class.
ANY_CLASS = ("langchain", "llama_index")

pytestmark = pytest.mark.timeout(180)


@functools.cache
def make_venv() -> Path:
    subprocess.run([ROOT / "scripts" / "frameworks"], check=True, timeout=170)
    return ROOT / ".venvs" / "frameworks" / "bin" / "python"


@functools.cache
def run(framework: str, kind: str) -> dict[str, Any]:
    """Return the outcomes of a framework's programs with one client."""
    python = make_venv()
    running = RunningEmulator(http_port=0, frozen_at=NOW)
    try:
        with environment(running):
            variables = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "interop")}
            if kind == "google":
                variables["GOOGLE_GEMINI_BASE_URL"] = running.http
            done = subprocess.run(
                [python, "-m", "frameworks.run_programs", framework, kind],
                env=variables,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            over_grpc = any("grpc" in call.metadata_text for call in running.calls())
    finally:
        running.stop()
    assert done.returncode == 0, done.stderr[-2000:]
    outcomes: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert over_grpc == (kind != "google")
    return outcomes


@pytest.mark.parametrize("framework", COUNTS)
@pytest.mark.parametrize("kind", ["over_gemwire", "gemwire"])
def test_programs_come_to_the_same(framework: str, kind: str) -> None:
    if kind == "gemwire" and framework not in ANY_CLASS:
        pytest.skip("needs google-genai's class")
    expected = run(framework, "google")
    assert len(expected) == COUNTS[framework]
    assert all("result" in outcome for outcome in expected.values()), expected
    assert run(framework, kind) == expected
