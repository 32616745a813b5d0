"""Secrets, whose text no log, traceback or debugger shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import SupportsIndex


class Secret(str):
    """Text that is hidden wherever local variables or objects are shown, and is otherwise as any text.

    What sends it takes it for a string. Tools that record local variables (Sentry, ``pytest -l``, rich) show
    the repr of objects or slices of them.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __getitem__(self, index: SupportsIndex | slice) -> Secret:
        return Secret(super().__getitem__(index))


def iterate_chain(error: BaseException) -> Iterator[BaseException]:
    """Iterate over an error, its causes and the errors that it was raised during."""
    pending, seen = [error], set[int]()
    while pending:
        current = pending.pop()
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            pending += [linked for linked in (current.__cause__, current.__context__) if linked]


def drop_frames(error: BaseException) -> None:
    """Take the frames of other libraries off an error: their local variables hold requests with secrets."""
    for one in iterate_chain(error):
        one.__traceback__ = None
