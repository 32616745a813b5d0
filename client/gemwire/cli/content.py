"""What is said to a model, from the command line, files and pipes; ``count-tokens`` and ``embed``."""

from __future__ import annotations

import mimetypes
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.local import Local, answering

_FILE = "A file to send before the prompt: text, image, sound, film or PDF; - for stdin. Repeatable."
Model = Annotated[str, typer.Option("--model", "-m", help="Model, with or without models/.", metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Prompt = Annotated[str | None, typer.Argument(help="The prompt; - or nothing reads standard input.")]
File = Annotated[list[Path] | None, typer.Option("--file", "-f", help=_FILE, metavar="FILE")]
System = Annotated[str | None, typer.Option(help="What the model is told to be.", metavar="TEXT")]
Timeout = Annotated[float, typer.Option(help="Seconds that an answer may take.", metavar="SECONDS")]

#: Types of files that are sent as they are, by how their names and their contents begin.
_BINARY = ("image/", "audio/", "video/", "application/pdf")
_SIGNATURES = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def full_name(model: str) -> str:
    """``gemini-2.5-flash`` → ``models/gemini-2.5-flash``."""
    return model if "/" in model else f"models/{model}"


def prompt_text(prompt: str | None) -> str:
    """The prompt, or standard input.

    Raises:
        ValueError: There is neither, or it is empty.
    """
    if prompt is not None and prompt != "-":
        text = prompt
    elif prompt is None and sys.stdin.isatty():
        raise ValueError("prompt: give one, or write it to standard input")
    else:
        text = _standard_input().decode(errors="replace")
    if not text.strip():
        raise ValueError("prompt: it is empty")
    return text


def file_part(path: Path) -> dict[str, Any]:
    """A file as a part: texts as text, others as bytes of their type.

    Raises:
        ValueError: It cannot be read, is empty, or its type is not known.
    """
    try:
        data = _standard_input() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ValueError(f"--file {path}: {error.strerror}") from None
    if not data:
        raise ValueError(f"--file {path}: it is empty")
    kind = next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)
    if kind is None:
        try:
            return {"text": data.decode()}
        except UnicodeDecodeError:
            kind = mimetypes.guess_type(path.name)[0]
    if kind is None or not kind.startswith(_BINARY):
        raise ValueError(f"--file {path}: neither text in UTF-8 nor an image, sound, film or PDF by its name")
    return {"inline_data": {"mime_type": kind, "data": data}}


def user_content(prompt: str | None, files: list[Path] | None) -> dict[str, Any]:
    """Files and a prompt as what a user says. With files, no prompt is needed.

    Raises:
        ValueError: Something of it cannot be had.
    """
    parts = [file_part(file) for file in files or ()]
    if prompt is not None or not parts:
        parts.append({"text": prompt_text(prompt)})
    return {"role": "user", "parts": parts}


def count_tokens(
    prompt: Prompt = None,
    model: Model = "gemini-2.5-flash",
    file: File = None,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Count the tokens of a prompt, and of files."""
    contents = [user_content(prompt, file)]
    with answering(local), v1beta.GenerativeServiceClient() as client:
        counted = client.count_tokens(model=full_name(model), contents=contents)
    if as_json:
        output.print_json(counted)
    else:
        output.write(f"{counted.total_tokens}\n")


def embed(
    text: Annotated[str | None, typer.Argument(help="The text; - or nothing reads standard input.")] = None,
    model: Model = "gemini-embedding-001",
    dimensions: Annotated[int | None, typer.Option(help="Length of the vector.", metavar="N")] = None,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Print the embedding of a text: a number a line, or a JSON array."""
    request: dict[str, Any] = {"model": full_name(model), "content": {"parts": [{"text": prompt_text(text)}]}}
    if dimensions is not None:
        request["output_dimensionality"] = dimensions
    with answering(local), v1beta.GenerativeServiceClient() as client:
        values = list(client.embed_content(request).embedding.values)
    if as_json:
        output.print_json(values, indent=None)
    else:
        output.write("".join(f"{value}\n" for value in values))


def _standard_input() -> bytes:
    return sys.stdin.buffer.read()
