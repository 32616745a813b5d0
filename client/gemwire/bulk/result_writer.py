"""The writer of results to the output and to the failures."""

from __future__ import annotations

import time

from gemwire.bulk.completion_bitmap import CompletionBitmap
from gemwire.bulk.jsonl_writer import JsonlWriter
from gemwire.bulk.line_result import LineResult
from gemwire.bulk.npy_writer import NpyWriter

#: Seconds between two syncs to the disk.
_SYNC_INTERVAL = 10.0


class ResultWriter:
    """Writes each result once.

    Failures that the service may have caused are held back until another line succeeds: while the service is
    down, they say nothing about the lines.

    Attributes:
        held: These failures.
    """

    def __init__(
        self, finished: CompletionBitmap, output: JsonlWriter | NpyWriter, failures: JsonlWriter
    ) -> None:
        """Create a writer; what it writes is added to ``finished``."""
        self.held: list[LineResult] = []
        self._finished = finished
        self._output = output
        self._failures = failures
        self._synced = time.monotonic()

    def write(self, results: list[LineResult]) -> list[LineResult]:
        """Write results, except those that are held back. Return what was written."""
        accepted: list[LineResult] = []
        for result in results:
            if result.fatal:
                continue
            if result.service_error:
                self.held.append(result)
                continue
            if not result.failed:
                accepted += self.held
                self.held.clear()
            accepted.append(result)
        written = self._write(accepted)
        if time.monotonic() - self._synced > _SYNC_INTERVAL:
            self._sync()
        return written

    def finish(self, *, held: bool) -> list[LineResult]:
        """Write what was held back, if wanted, and flush both files. Return what was written."""
        written = self._write(self.held if held else [])
        self._sync()
        return written

    def _write(self, results: list[LineResult]) -> list[LineResult]:
        # An executor may have repeated a line whose worker was lost: the first result counts.
        new = [self._output.accept(result) for result in results if self._finished.add(result.number)]
        for file, failed in ((self._output, False), (self._failures, True)):
            if selected := [result for result in new if result.failed is failed]:
                file.write(selected)
        return new

    def _sync(self) -> None:
        """Flush both files to the disk."""
        self._output.sync()
        self._failures.sync()
        self._synced = time.monotonic()
