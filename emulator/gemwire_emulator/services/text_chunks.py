"""The text of files, and its chunks: pieces that end at white space."""

from __future__ import annotations

import re
from pathlib import Path

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services.failure_markers import find_failure_marker

#: A word; of what has no white space, such as Chinese, 40 characters are one.
_WORD = re.compile(r"\S{1,40}")
#: Bytes that no text file has, and how many bytes are searched for them.
_BINARY, _HEAD = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]"), 4096


def read_text(path: Path, mime_type: str) -> str:
    """Return the text of a file.

    Raises:
        StatusError: INVALID_ARGUMENT; the file is not text. The service reads PDF and more, the emulator not.
            Or the failure that a marker in the text asks for.
    """
    data = path.read_bytes()
    if mime_type.partition("/")[0] in {"audio", "image", "video"} or _BINARY.search(data[:_HEAD]):
        raise invalid_argument(
            "mime_type", f"{quote(mime_type)}: the emulator searches text files only; give it the file's text"
        )
    text = data.decode("utf-8-sig", "replace")
    if not text.strip():
        raise invalid_argument("file", "has no text")
    if failure := find_failure_marker([text], "file"):
        raise failure
    return text


def split_text(text: str, words: int, overlap: int) -> list[str]:
    """Split a text at white space.

    Args:
        text: The text.
        words: Maximum number of words of a piece.
        overlap: Number of words that two neighbours share, less than ``words``.

    Returns:
        The pieces, with the white space between their words.
    """
    spans = [found.span() for found in _WORD.finditer(text)]
    pieces = []
    for start in range(0, len(spans), words - overlap):
        piece = spans[start : start + words]
        pieces.append(text[piece[0][0] : piece[-1][1]])
        if start + words >= len(spans):
            break
    return pieces
