"""docs/architecture.md: the files that it names exist, and names alone answer a newcomer's questions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
#: Folders that paths in the page are relative to.
BASES = (
    "",
    "client/gemwire",
    "client/gemwire/_transport",
    "emulator/gemwire_emulator",
    "scripts/protoc_gen_gemwire",
    "client/gemwire/genai/_aio",
)
TEXT = PAGE.read_text(encoding="utf-8")
NAMED = sorted({path for path in re.findall(r"`([\w./-]+(?:\.py|\.json|\.md|/))`", TEXT) if "*" not in path})


def test_the_page_names_files() -> None:
    assert len(NAMED) > 40


@pytest.mark.parametrize("path", NAMED)
def test_the_file_exists(path: str) -> None:
    assert any((ROOT / base / path).exists() for base in BASES), path


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("RetryInfo", "client/gemwire/_transport/retry.py"),
        ("GOOGLE_API_USE_MTLS_ENDPOINT", "client/gemwire/_transport/endpoint.py"),
        ("RESOURCE_EXHAUSTED", "client/gemwire/_transport/overload.py"),
        ("dropped", "client/gemwire/_transport/aio/stream.py"),
        ("automatic function calling", "client/gemwire/genai/_aio/function_calling.py"),
        ("google.rpc", "emulator/gemwire_emulator/errors.py"),
    ],
)
def test_a_question_is_answered_where_the_page_says(question: str, path: str) -> None:
    assert Path(path).name in TEXT
    assert question.lower() in (ROOT / path).read_text(encoding="utf-8").lower()
