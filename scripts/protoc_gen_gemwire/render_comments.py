"""``comments.json``: the comments of the protos by name, for programs that describe the API at run time.

Descriptors carry no comments once they are compiled, and the ``.pyi`` files that do are for type checkers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from .model import Enum, File, Message


def comments(files: Sequence[File]) -> str:
    """Return the comments of each message, enum and service by full name.

    Each has an object: the comments of its fields, values or RPCs by their names, its own under ``""``.
    """
    found = {name: said for file in files for name, said in _file(file) if said}
    return json.dumps(found, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


def _file(file: File) -> Iterator[tuple[str, dict[str, str]]]:
    for message in file.messages:
        yield from _message(message)
    for enum in file.enums:
        yield _enum(enum)
    for service in file.services:
        yield service.full_name, _said(service.comment, ((m.name, m.comment) for m in service.methods))


def _message(message: Message) -> Iterator[tuple[str, dict[str, str]]]:
    yield message.full_name, _said(message.comment, ((f.name, f.comment) for f in message.fields))
    for nested in message.messages:
        yield from _message(nested)
    for enum in message.enums:
        yield _enum(enum)


def _enum(enum: Enum) -> tuple[str, dict[str, str]]:
    return enum.full_name, _said(enum.comment, ((v.name, v.comment) for v in enum.values))


def _said(own: str, parts: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: comment for name, comment in (("", own), *parts) if comment}
