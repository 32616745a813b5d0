"""Output of the commands: messages as JSON for programs, text for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

import gemwire_proto

_M = TypeVar("_M", bound=Message)
#: Exit code that shells report for a command that SIGPIPE ended.
BROKEN_PIPE = 141


def to_dict(message: Message) -> dict[str, Any]:
    """Return a message as JSON values, with the field names of the protos."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, descriptor_pool=gemwire_proto.POOL
    )


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a message or a JSON value; on one line if ``indent`` is None."""
    value = to_dict(value) if isinstance(value, Message) else value
    write(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def print_result(message: Message, text: str, *, as_json: bool) -> None:
    """Print a message as JSON, or a text in its place."""
    if as_json:
        print_json(message)
    else:
        write(f"{text}\n")


def print_list(items: Sequence[_M], columns: Callable[[_M], tuple[str, ...]], *, as_json: bool) -> None:
    """Print messages: one JSON array, or a table."""
    if as_json:
        print_json([to_dict(item) for item in items])
    else:
        print_table([columns(item) for item in items])


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of aligned columns."""
    if not rows and sys.stderr.isatty():
        note("Listed 0 items.")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        write("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def print_message(message: Message, *, as_json: bool) -> None:
    """Print a message: as JSON, or one line per value."""
    if as_json:
        print_json(message)
        return
    for name, value in _flatten("", to_dict(message)):
        write(f"{name}: {value}\n")


def _flatten(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        yield name, f"{len(value)} items; use --json to see them"
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else value


def print_deleted(*, as_json: bool) -> None:
    """Report a deletion: print nothing for people, an empty object for programs."""
    if as_json:
        print_json({})


def write(text: str) -> None:
    """Write text to standard output and flush it.

    Raises:
        SystemExit: The reader has closed the pipe, as ``| head`` does.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at exit, and would report the error then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(BROKEN_PIPE) from None


def note(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(text + "\n")


def print_error(text: str) -> None:
    """Write an error or a warning to standard error, on one line."""
    note(f"gemwire: {' '.join(text.split())}")


def full_name(collection: str, name: str) -> str:
    """Return a resource name: ``full_name("corpora", "notes")`` is ``corpora/notes``."""
    return name if "/" in name else f"{collection}/{name}"
