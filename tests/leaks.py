"""Looks for a secret in what tools record of an error: texts, notes, frames and their variables."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from _pytest._io.saferepr import saferepr
from rich.pretty import pretty_repr

from gemwire.errors import GemwireError

_TESTS = Path(__file__).parent


def _errors(error: BaseException) -> Iterator[BaseException]:
    """The error, and all that hang on it, suppressed or not."""
    pending, seen = [error], set[int]()
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        linked = [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]
        pending += [one for one in linked if isinstance(one, BaseException)]


def _frames(trace: TracebackType | None) -> Iterator[FrameType]:
    while trace:
        yield trace.tb_frame
        trace = trace.tb_next


def leaks(error: BaseException, *secrets: str) -> list[str]:
    """Where a secret is shown: by what, in which function of which file. Frames of the tests are left out."""
    found: list[str] = []

    def look(shown: str, where: str) -> None:
        found.extend(f"{where}: {secret} in {shown}" for secret in secrets if secret in shown)

    for one in _errors(error):
        name = type(one).__name__
        look(str(one), f"str of {name}")
        look(repr(one), f"repr of {name}")
        look(repr(getattr(one, "__notes__", "")), f"notes of {name}")
        look(repr(vars(one)), f"attributes of {name}")
        for frame in _frames(one.__traceback__):
            file = Path(frame.f_code.co_filename)
            if _TESTS in file.parents:
                continue
            for variable, value in list(frame.f_locals.items()):
                where = f"{name} < {file.name}:{frame.f_lineno} {frame.f_code.co_name}: {variable}"
                try:
                    look(repr(value), where)
                except Exception:
                    continue
                # What pytest -l and rich make of it, which shorten strings.
                look(saferepr(value), where)
                look(pretty_repr(value, max_string=12, max_length=50, max_depth=6), where)
    own = [
        frame
        for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack
        if _TESTS not in Path(frame.filename).parents
    ]
    look(repr([frame.locals for frame in own]), "capture_locals")
    if isinstance(error, GemwireError):
        look(str(pickle.dumps(error)), "pickle")
    return found


def leaks_of_log(records: list[logging.LogRecord], *secrets: str) -> list[str]:
    """The log records whose text, arguments or error show a secret."""
    found: list[str] = []
    for record in records:
        shown = f"{record.getMessage()} {record.args!r} {record.exc_text} {vars(record)!r}"
        found.extend(f"{record.name}: {shown}" for secret in secrets if secret in shown)
    return found
