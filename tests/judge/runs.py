"""Runs of Google's tests: with google-genai's own client or with gemwire's, over the API or without one."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from clean_environment import VARIABLES

from gemwire.testing import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]
#: The venv that scripts/judge makes.
VENV = ROOT / ".venvs" / "judge"

#: The tests import themselves as google.genai.tests; the rest is google-genai's own setting.
PYTEST = """\
[pytest]
consider_namespace_packages = true
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""

Subject = Literal["google", "gemwire"]
Kind = Literal["api", "offline"]


class Outcome(NamedTuple):
    """How a test ended.

    Attributes:
        result: ``"passed"``, ``"failed"`` or ``"skipped"``.
        message: Why it did not pass.
    """

    result: str
    message: str


def copy_tests() -> Path:
    """Copy the tests of the installed google-genai and make the files they lack; once for each version.

    Returns:
        The folder of a package that has nothing but the tests.
    """
    package = importlib.metadata.distribution("google-genai")
    folder = VENV / f"google-genai-{package.version}" / "google" / "genai"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VENV) as scratch:
        made = Path(scratch) / "genai"
        source = Path(str(package.locate_file("google/genai/tests")))
        shutil.copytree(source, made / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        (made / "__init__.py").touch()
        command = [str(VENV / "bin" / "python"), "-m", "judge.data_files", str(made / "tests" / "data")]
        subprocess.run(command, env=build_environment(), check=True, timeout=120)
        (made / "pytest.ini").write_text(PYTEST, encoding="utf-8")
        with contextlib.suppress(OSError):  # Another process was faster.
            made.rename(folder)
    return folder


def build_environment() -> dict[str, str]:
    """Build an environment in which nothing of this machine decides where calls go."""
    left = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return left | {"PYTHONPATH": str(ROOT / "tests"), "NO_GCE_CHECK": "true", "PYTHONWARNINGS": "ignore"}


def run_tests(
    subject: Subject, kind: Kind, only: Sequence[str] = (), *, seconds: float = 1800
) -> dict[str, Outcome]:
    """Run Google's tests.

    Args:
        subject: Whose client they use.
        kind: Those that call the API, which is an emulator then, or those that do not.
        only: Files below the folder of the tests; none for all.
        seconds: Time for all of them.

    Returns:
        The outcomes by the tests' ids, without the parameters that all tests of a file have.

    Raises:
        RuntimeError: pytest could not run them.
    """
    folder = copy_tests()
    with tempfile.TemporaryDirectory(prefix="judge-") as name, RunningEmulatorFor(kind) as address:
        scratch = Path(name)
        outcomes = scratch / "outcomes.json"
        environment = build_environment() | {
            "GEMWIRE_JUDGE": json.dumps([str(folder), subject, kind, str(outcomes)]),
            "GOOGLE_GENAI_REPLAYS_DIRECTORY": str(scratch / "replays"),
            "HOME": str(scratch),
            **(address if kind == "api" else {}),
        }
        if kind == "api":
            environment |= {"GOOGLE_API_KEY": "a-key", "GOOGLE_GENAI_RUN_GEMINI_ONLY_IN_API_MODE": "1"}
        command = [str(VENV / "bin" / "python"), "-m", "pytest", "-p", "judge.plugin"]
        command += ["-c", str(folder / "pytest.ini")]
        command += ["--mode=api", "-q", "--tb=short", "--timeout=30", "-p", "no:cacheprovider"]
        command += ["--continue-on-collection-errors"]
        log = VENV / f"{subject}-{kind}.log"
        with log.open("w") as output:
            subprocess.run(
                [*command, *(f"tests/{each}" for each in only or ("",))],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        if not outcomes.exists():
            raise RuntimeError(f"pytest wrote no outcomes; {log} says why")
        found = json.loads(outcomes.read_text(encoding="utf-8"))
    ended = {name_test(identity): Outcome(*outcome) for identity, outcome in found.items()}
    if not only:
        (VENV / f"{subject}-{kind}.json").write_text(json.dumps(ended), encoding="utf-8")
    return ended


def load_outcomes(kind: Kind) -> dict[str, Outcome]:
    """Return the outcomes with google-genai's own client, of the last run or of one that is made now."""
    kept = VENV / f"google-{kind}.json"
    if not kept.exists():
        return run_tests("google", kind)
    found = json.loads(kept.read_text(encoding="utf-8"))
    return {identity: Outcome(*outcome) for identity, outcome in found.items()}


def name_test(identity: str) -> str:
    """Return a test's id without the folder and without the parameters that its file has."""
    return re.sub(
        r"\[False-tests/[^\[\]]*?-(None|http_options\d*)(-?)(.*)\]$",
        _keep_other,
        identity.removeprefix("tests/"),
    )


def _keep_other(found: re.Match[str]) -> str:
    return f"[{found[3]}]" if found[3] else ""


class RunningEmulatorFor:
    """An emulator for tests that call the API, with the variables of its address."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def __enter__(self) -> dict[str, str]:
        if self._kind == "offline":
            return {}
        self._running = RunningEmulator(http_port=0)
        return {
            "GOOGLE_GEMINI_BASE_URL": self._running.http,
            "GEMINI_EMULATOR_HOST": self._running.address,
            "GEMINI_EMULATOR_HTTP_HOST": self._running.http.removeprefix("http://"),
        }

    def __exit__(self, *_: object) -> None:
        if self._kind == "api":
            self._running.stop()
