"""An edit of the protos that would break a program built on the last release is refused, by name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATIVE = "google/ai/generativelanguage/v1beta/generative_service.proto"
MODEL = "google/ai/generativelanguage/v1/model.proto"
CONTENT = "google/ai/generativelanguage/v1beta/content.proto"
FILES = "google/ai/generativelanguage/v1beta/file_service.proto"
OPERATIONS = "google/longrunning/operations.proto"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of all that buf reads, to be edited."""
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    for folder in ("protos", ".buf"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def breaking(folder: Path) -> tuple[int, str]:
    """What scripts/check asks of buf: its exit code and all it says."""
    buf = shutil.which("buf", path=sysconfig.get_path("scripts"))
    assert buf is not None, "buf is not in this environment: run scripts/setup"
    done = subprocess.run(
        [buf, "breaking", "--against", "protos/release.binpb"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_protos_break_nothing() -> None:
    assert breaking(ROOT) == (0, "")


# File, pattern of what is edited (found once), what it becomes, and how a line that buf prints must end.
@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "line"),
    [
        pytest.param(
            GENERATIVE,
            r"(FinishReason finish_reason =) 2\b",
            r"\1 99",
            'Previously present field "2" with name "finish_reason" on message "Candidate" was deleted.',
            id="field number",
        ),
        pytest.param(
            MODEL,
            r"string description = 5;",
            "",
            'Previously present field "5" with name "description" on message "Model" was deleted.',
            id="field removed",
        ),
        pytest.param(
            MODEL,
            r"string description = 5;",
            "reserved 5; reserved 'description';",
            'Previously present field "5" with name "description" on message "Model" was deleted.',
            id="field reserved",
        ),
        pytest.param(
            MODEL,
            r"string display_name = 4;",
            "string title = 4;",
            'Field "4" on message "Model" changed name from "display_name" to "title".',
            id="field renamed",
        ),
        pytest.param(
            MODEL,
            r"int32 input_token_limit = 6;",
            "int64 input_token_limit = 6;",
            'Field "6" with name "input_token_limit" on message "Model" changed type'
            ' from "int32" to "int64".',
            id="field type",
        ),
        pytest.param(
            MODEL,
            r"string display_name = 4;",
            "repeated string display_name = 4;",
            'Field "4" with name "display_name" on message "Model" changed cardinality'
            ' from "optional with implicit presence" to "repeated".',
            id="field repeated",
        ),
        pytest.param(
            CONTENT,
            r"(NON_BLOCKING =) 2;",
            r"\1 3;",
            'Previously present enum value "2" on enum "Behavior" was deleted.',
            id="enum number",
        ),
        pytest.param(
            FILES,
            r"rpc DeleteFile\(.*?\n  }",
            "",
            'Previously present RPC "DeleteFile" on service "FileService" was deleted.',
            id="RPC removed",
        ),
        pytest.param(
            GENERATIVE,
            r"(rpc StreamGenerateContent\(GenerateContentRequest\) returns \()stream ",
            r"\1",
            'RPC "StreamGenerateContent" on service "GenerativeService" changed from server streaming'
            " to server unary.",
            id="stream removed",
        ),
        pytest.param(
            OPERATIONS,
            r"rpc WaitOperation\(.*?(?=\n})",
            "",
            'Previously present RPC "WaitOperation" on service "Operations" was deleted.',
            id="RPC of another package removed",
        ),
    ],
)
def test_a_breaking_edit_is_named(copy: Path, file: str, pattern: str, replacement: str, line: str) -> None:
    edit(copy / "protos" / file, pattern, replacement)

    code, said = breaking(copy)

    assert code == 100, said
    told = [place.split(":", 3) for place in said.splitlines()]
    assert (f"protos/{file}", line) in [(path, message) for path, _, _, message in told]


def test_a_file_removed_is_named(copy: Path) -> None:
    (copy / "protos" / FILES).unlink()

    code, said = breaking(copy)

    assert code == 100, said
    assert f'Previously present file "{FILES}" was deleted.' in said


def test_an_addition_breaks_nothing(copy: Path) -> None:
    edit(copy / "protos" / MODEL, r"string description = 5;", r"\g<0> string extra = 99;")

    assert breaking(copy) == (0, "")


def edit(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert count == 1, f"{path.name} has {count} places like {pattern}: the test needs another"
    path.write_text(text, encoding="utf-8")
