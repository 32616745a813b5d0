"""A part of google-genai's own tests ends as the table says; the whole is scripts/judge genai --check."""

from __future__ import annotations

import fcntl
import subprocess
import sys

import pytest

from judge.runs import ROOT, Kind, run_tests
from judge.table import compare

FILES: dict[Kind, list[str]] = {
    "api": ["models/test_generate_content_model.py", "models/test_count_tokens.py", "files/test_get.py"],
    "offline": ["errors/test_api_error.py", "types/test_part_type.py", "transformers/test_t_part.py"],
}

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.version_info < (3, 11), reason="google-genai 3 needs Python 3.11"),
]


@pytest.fixture(scope="module", autouse=True)
def _venv() -> None:
    """Make the venv of the tests; one process makes it."""
    folder = ROOT / ".venvs"
    folder.mkdir(exist_ok=True)
    with (folder / "judge.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([ROOT / "scripts" / "judge", "--prepare"], check=True, timeout=280)


@pytest.mark.parametrize("kind", FILES)
def test_ends_as_the_table_says(kind: Kind) -> None:
    outcomes = run_tests("gemwire", kind, FILES[kind])
    assert len(outcomes) > 20
    assert compare("genai", kind, outcomes) == []
