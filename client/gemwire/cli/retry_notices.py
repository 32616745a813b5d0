"""Notices of failed attempts, for people who wait for a command."""

from __future__ import annotations

import logging
import sys
import time

from gemwire.cli import output

#: Seconds without notices: most retries are over in less, and many calls may fail at once.
_INTERVAL = 3.0


class _NoticeHandler(logging.Handler):
    """Prints log records; of failed attempts, one per interval."""

    def __init__(self) -> None:
        super().__init__()
        self._printed = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if record.levelno <= logging.INFO:
            if now - self._printed < _INTERVAL:
                return
            self._printed = now
        output.print_error(record.getMessage())


def enable_notices() -> None:
    """Print notices if standard error is a terminal; programs that read it get errors only."""
    if sys.stderr.isatty():
        log = logging.getLogger("gemwire")
        log.addHandler(_NoticeHandler())
        log.setLevel(logging.INFO)
