"""Detection of forks: the generation of a process.

Sockets, locks and threads do not survive a fork, so their owners remember the generation in which they
were created. Cheaper than asking for the process id on every call.
"""

from __future__ import annotations

import os

_generation = 0


def generation() -> int:
    """Return a number that changes when the process forks."""
    return _generation


def _increment() -> None:
    global _generation  # noqa: PLW0603 - the only place that counts
    _generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_increment)
