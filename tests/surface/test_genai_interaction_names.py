"""`gemwire.genai.interactions` has google-genai's names, and is what its script writes."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import google.genai.interactions as theirs

from gemwire.genai import interactions as ours

_ROOT = Path(__file__).parents[2]
#: Classes of kinds that a version does not know: here these are the common classes.
_LEFT_OUT = ("Unknown", "InteractionSSEStreamEvent")


def test_the_module_is_what_the_script_writes() -> None:
    command = [sys.executable, str(_ROOT / "scripts" / "genai-interactions"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_programs_find_the_names_that_they_import() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {name for name in theirs.__all__ if name[0].isupper()}
    assert len(names) > 450
    assert {name for name in names if not hasattr(ours, name) and not name.startswith(_LEFT_OUT)} == set()
