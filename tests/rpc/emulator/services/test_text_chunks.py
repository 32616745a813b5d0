"""The text of files, and its chunks."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemwire_emulator.errors import StatusError
from gemwire_emulator.services.text_chunks import read_text, split_text


@pytest.mark.parametrize(
    ("words", "overlap", "expected"),
    [
        (10, 0, ["one  two\nthree four five"]),
        (2, 0, ["one  two", "three four", "five"]),
        (3, 1, ["one  two\nthree", "three four five"]),
        (3, 2, ["one  two\nthree", "two\nthree four", "three four five"]),
    ],
)
def test_chunks_end_at_white_space(words: int, overlap: int, expected: list[str]) -> None:
    assert split_text(" one  two\nthree four five\n", words, overlap) == expected


def test_what_has_no_white_space_is_split_as_well() -> None:
    chunks = split_text("字" * 1000, 10, 0)
    assert [len(chunk) for chunk in chunks] == [400, 400, 200]


@pytest.mark.parametrize(
    ("data", "mime_type", "words"),
    [
        (b"\x89PNG\x0d\x0a\x1a\x0a\0", "image/png", "searches text files only"),
        (b"%PDF-1.4\n\0\1\2", "application/pdf", "searches text files only"),
        (b"text", "video/mp4", "searches text files only"),
        (b" \n ", "text/plain", "has no text"),
        (b"[[fail:INTERNAL]]", "text/plain", "as requested by the marker"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, mime_type: str, words: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(StatusError, match=words):
        read_text(path, mime_type)


def test_text_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xef\xbb\xbfna\xc3\xafve \xff")
    assert read_text(path, "application/json") == "naïve \ufffd"
