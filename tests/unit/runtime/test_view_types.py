"""What type checkers say of dicts in the place of views, and what the dicts are when a program runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_type_hints, is_typeddict

import pytest

from gemwire_proto.v1beta import views

_PROGRAM = """\
from gemwire_proto.v1beta import views

part: views.PartDict = {"text": "a", "inline_data": {"data": b"x", "mime_type": "image/png"}}
views.Content(role="user", parts=[part, {"text": "b"}, views.Part(text="c")])
views.ToolConfig(retrieval_config={"lat_lng": {"latitude": 1.5}})
views.GenerationConfig(thinking_config={"thinking_level": "HIGH"}, response_modalities=["TEXT", 1])
latitude: float = views.RetrievalConfig().lat_lng.latitude  # union-attr
views.Content(parts=[{"txt": "a"}])  # list-item
views.GenerateContentRequest(generation_config={"temprature": 1.0})  # arg-type
views.Content(parts=[{"text": 5}])  # list-item
other: views.BlobDict = {"mime": "a"}  # typeddict-unknown-key
"""


def test_a_wrong_key_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--cache-dir",
        str(tmp_path / "cache"),
    ]
    done = subprocess.run([*command, program], capture_output=True, text=True, check=False, timeout=120)
    lines = enumerate(_PROGRAM.splitlines(), 1)
    expected = [(number, line.partition("# ")[2]) for number, line in lines if "# " in line]
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [(int(line.split(":")[1]), line.rpartition("[")[2].rstrip("]")) for line in found] == expected


@pytest.mark.parametrize("name", ["PartDict", "CandidateLogprobsDict", "Dict", "NoDict", "EnumDict"])
def test_what_is_no_message_has_no_dict(name: str) -> None:
    if name == "PartDict":
        made = getattr(views, name)
        assert is_typeddict(made)
        assert made is views.PartDict
        assert set(get_type_hints(made)) == set(views.Part._fields)
        assert made(text="a") == {"text": "a"}
    else:
        with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
            getattr(views, name)
