"""What the commands print: messages as JSON for programs, text for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf import json_format

import gemwire_proto

#: What a shell says of a command that SIGPIPE ended.
BROKEN_PIPE = 141


def as_dict(message: Any) -> Any:
    """A message as JSON values, under the names of the protos."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, descriptor_pool=gemwire_proto.POOL
    )


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a message or JSON value; without ``indent``, in one line."""
    value = as_dict(value) if hasattr(value, "DESCRIPTOR") else value
    write(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def print_list(items: Sequence[Any], columns: Callable[[Any], tuple[str, ...]], *, as_json: bool) -> None:
    """Print messages: one JSON array, or a line for each, in columns."""
    if as_json:
        print_json([as_dict(item) for item in items])
        return
    if not items and sys.stderr.isatty():
        note("there are none")
    rows = [columns(item) for item in items]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        write("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def show(message: Any, *, as_json: bool) -> None:
    """Print a message: JSON, or a line for each of its values."""
    if as_json:
        print_json(message)
        return
    for name, value in _flat("", as_dict(message)):
        write(f"{name}: {value}\n")


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        yield name, f"{len(value)} of them; --json shows them"
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else value


def deleted(*, as_json: bool) -> None:
    """Say that something was deleted: nothing for people, an empty object for programs."""
    if as_json:
        print_json({})


def write(text: str) -> None:
    """Print a piece of text at once.

    Raises:
        SystemExit: Nobody reads any more, as after ``| head``: nothing to say, and nobody to say it to.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(BROKEN_PIPE) from None


def note(text: str) -> None:
    """Say something beside the output."""
    sys.stderr.write(text + "\n")


def complain(text: str) -> None:
    """Say what is wrong, in one line."""
    note(f"gemwire: {' '.join(text.split())}")


def full(collection: str, name: str) -> str:
    """``notes`` → ``corpora/notes``."""
    return name if "/" in name else f"{collection}/{name}"
