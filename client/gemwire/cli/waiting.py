"""What people are told while a command waits for a service that does not answer as it should."""

from __future__ import annotations

import logging
import sys
import time

from gemwire.cli import output

#: Seconds without a word about attempts that failed: most are over in less, and many calls fail at once.
_QUIET = 3.0


class _Notes(logging.Handler):
    """Says what the log does, beside the output; of attempts that failed, one now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._said = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if record.levelno <= logging.INFO:
            if now - self._said < _QUIET:
                return
            self._said = now
        output.complain(record.getMessage())


def tell() -> None:
    """Have a terminal see why it takes so long; programs that read stderr get errors and nothing else."""
    if sys.stderr.isatty():
        log = logging.getLogger("gemwire")
        log.addHandler(_Notes())
        log.setLevel(logging.INFO)
