"""Prompts from the command line, from files and from pipes."""

from __future__ import annotations

import mimetypes
import sys
from pathlib import Path

#: Types of files that are sent as they are, and signatures of those whose names are not needed.
_BINARY = ("image/", "audio/", "video/", "application/pdf")
_SIGNATURES = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def read_prompt(prompt: str | None) -> str:
    """Return the prompt, or read it from standard input.

    Raises:
        ValueError: There is no prompt, or it is empty.
    """
    if prompt is not None and prompt != "-":
        text = prompt
    elif prompt is None and sys.stdin.isatty():
        raise ValueError("prompt: missing; pass it as an argument or on standard input")
    else:
        text = sys.stdin.buffer.read().decode(errors="replace")
    if not text.strip():
        raise ValueError("prompt: must not be empty")
    return text


def read_part(path: Path) -> dict[str, object]:
    """Read a file as a part: text files as text, others as data of their MIME type.

    Raises:
        ValueError: The file cannot be read, is empty, or has an unknown type.
    """
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ValueError(f"--file {path}: {error.strerror}") from None
    if not data:
        raise ValueError(f"--file {path}: the file is empty")
    kind = next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)
    if kind is None:
        try:
            return {"text": data.decode()}
        except UnicodeDecodeError:
            kind = mimetypes.guess_type(path.name)[0]
    if kind is None or not kind.startswith(_BINARY):
        raise ValueError(
            f"--file {path}: unsupported type; give UTF-8 text, or an image, audio, video or PDF file"
        )
    return {"inline_data": {"mime_type": kind, "data": data}}


def user_content(prompt: str | None, files: list[Path] | None) -> dict[str, object]:
    """Return the user's content: files, then the prompt, which is optional with files.

    Raises:
        ValueError: A file or the prompt cannot be read.
    """
    parts = [read_part(file) for file in files or ()]
    if prompt is not None or not parts:
        parts.append({"text": read_prompt(prompt)})
    return {"role": "user", "parts": parts}
