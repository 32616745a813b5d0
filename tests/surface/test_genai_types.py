"""What differs between google-genai and ours is listed, with reasons, and the list is true."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import clean_environment

_ROOT = Path(__file__).parents[2]
_TABLE = Path(__file__).with_name("genai_types.txt")
#: Differences that wait for their feature: they only become fewer.
_NOT_YET = 10


def test_the_table_is_what_the_script_writes() -> None:
    command = [sys.executable, str(_ROOT / "scripts" / "genai-surface"), "--check"]
    environment = {k: v for k, v in os.environ.items() if k not in clean_environment.VARIABLES}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr


def test_most_of_it_is_there() -> None:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    counts = {
        kind: (int(there), int(of))
        for kind, there, of in (
            line[2:].replace(": ", " of ").split(" of ") for line in lines if line.startswith("#")
        )
    }
    assert set(counts) == {
        *("class", "enum", "dict", "field", "member", "factory", "alias", "method", "module")
    }
    assert counts["member"][0] == counts["member"][1]
    assert sum(line.endswith(": not supported yet") for line in lines) <= _NOT_YET
    assert all(": " in line for line in lines)
