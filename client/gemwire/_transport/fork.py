"""Which process this is: a fork gets a new generation.

Sockets, locks and threads do not survive a fork, so what holds them remembers
the generation in which it made them. Cheaper than asking for the process id
on every call.
"""

from __future__ import annotations

import os

_generation = 0


def generation() -> int:
    """A number that changes when the process forks."""
    return _generation


def _forked() -> None:
    global _generation  # noqa: PLW0603 - the one place that counts
    _generation += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
