"""What becomes of lines, on its way into files."""

from __future__ import annotations

import time

from gemwire.bulk.completion_bitmap import Finished
from gemwire.bulk.npy_writer import Matrix
from gemwire.bulk.outcome import Outcome
from gemwire.bulk.output import JsonLines

#: Seconds between two syncs to the disk.
_SYNC = 10.0


class Writer:
    """Writes outcomes, each once.

    Failures that may be the service's fault are held back until it has answered another line: with a service
    that is away, they are no result.

    Attributes:
        held: Those failures.
    """

    def __init__(self, finished: Finished, output: JsonLines | Matrix, failures: JsonLines) -> None:
        """Nothing is written yet.

        Args:
            finished: Lines that are finished; what is written is added.
            output: For answers.
            failures: For failures.
        """
        self.held: list[Outcome] = []
        self._finished = finished
        self._output = output
        self._failures = failures
        self._synced = time.monotonic()

    def write(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Write what may be written of some outcomes.

        Returns:
            That.

        Raises:
            OSError: Something of it cannot be written.
        """
        settled: list[Outcome] = []
        for outcome in outcomes:
            if outcome.hopeless:
                continue
            if outcome.ailing:
                self.held.append(outcome)
                continue
            if not outcome.failed:
                settled += self.held
                self.held.clear()
            settled.append(outcome)
        written = self._write(settled)
        if time.monotonic() - self._synced > _SYNC:
            self._sync()
        return written

    def finish(self) -> list[Outcome]:
        """Write what was held back, as nothing more will come.

        Returns:
            That.

        Raises:
            OSError: It cannot be written.
        """
        written = self._write(self.held)
        self._sync()
        return written

    def stop(self) -> list[Outcome]:
        """Leave what was held back to the next run.

        Returns:
            Nothing.

        Raises:
            OSError: The disk says no.
        """
        self._sync()
        return []

    def _write(self, outcomes: list[Outcome]) -> list[Outcome]:
        # An engine that lost sight of a line may have done it twice: the first counts.
        new = [outcome for outcome in outcomes if self._finished.add(outcome.number)]
        for file, failed in ((self._output, False), (self._failures, True)):
            if mine := [outcome for outcome in new if outcome.failed is failed]:
                file.add(mine)
        return new

    def _sync(self) -> None:
        """Wait until all of it outlives a crash of the machine."""
        self._output.sync()
        self._failures.sync()
        self._synced = time.monotonic()
