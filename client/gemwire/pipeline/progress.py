"""The progress of a pipeline, and progress bars."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TextIO, cast

if TYPE_CHECKING:
    from rich.progress import TaskID

#: Seconds between two reports.
INTERVAL = 0.1
#: Seconds between two lines of the "lines" style.
_LINE_INTERVAL = 10.0


@dataclass(frozen=True)
class Progress:
    """Snapshot of a pipeline.

    Attributes:
        done: Completed items, including failed ones.
        failed: Failed items.
        total: Items of the source; None if it has no length.
        elapsed: Seconds since the start.
        concurrency: Current limit on concurrent calls.
        refused: Attempts that a server refused for lack of capacity; counted with `Adaptive` only.
        ended: Whether this is the last report.
    """

    done: int
    failed: int
    total: int | None
    elapsed: float
    concurrency: int
    refused: int
    ended: bool

    @property
    def rate(self) -> float:
        """Average number of items per second."""
        return self.done / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Estimated seconds to the end; None if unknown."""
        if self.total is None or not self.rate:
            return None
        return max(self.total - self.done, 0) / self.rate

    def __str__(self) -> str:
        text = f"{self.done}"
        if self.total:
            text += f" of {self.total} ({self.done / self.total:.0%})"
        if self.failed:
            text += f", {self.failed} failed"
        text += f", {self.rate:.3g}/s"
        if self.ended:
            return f"{text}, {_format_seconds(self.elapsed)} in all"
        return text if self.eta is None else f"{text}, {_format_seconds(self.eta)} left"


def bar(
    description: str = "", *, style: str | None = None, file: TextIO | None = None
) -> Callable[[Progress], None]:
    """Create a progress bar, for the ``progress`` argument of one pipeline.

    Args:
        description: Text in front of the bar.
        style: ``"rich"`` or ``"tqdm"``, which must be installed, or ``"lines"``: one line every ten
            seconds, for logs. Default: in a terminal, the first that is installed; otherwise lines.
        file: Stream to write to. Default: standard error.

    Raises:
        ValueError: The style is unknown.
        ModuleNotFoundError: The style's package is not installed.
    """
    file = cast("TextIO", file or sys.stderr)
    if style is None:
        installed = [name for name in ("rich", "tqdm") if importlib.util.find_spec(name)]
        style = installed[0] if installed and file.isatty() else "lines"
    if style == "lines":
        return _Lines(description, file)
    if style == "rich":
        return _rich(description, file)
    if style == "tqdm":
        return _tqdm(description, file)
    raise ValueError(f"style: {style!r} is not one of 'rich', 'tqdm', 'lines'")


class _Lines:
    """Progress as lines of text."""

    def __init__(self, description: str, file: TextIO) -> None:
        self._prefix = f"{description}: " if description else ""
        self._file = file
        self._next = time.monotonic() + _LINE_INTERVAL

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.ended or now >= self._next:
            self._next = now + _LINE_INTERVAL
            print(f"{self._prefix}{progress}", file=self._file, flush=True)


def _rich(description: str, file: TextIO) -> Callable[[Progress], None]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    bars = Bars(*columns, console=Console(file=file))
    tasks: list[TaskID] = []

    def show(progress: Progress) -> None:
        counts = f"{progress.done}" + (f"/{progress.total}" if progress.total is not None else "")
        counts += f" {progress.rate:.3g}/s" + (f", {progress.failed} failed" if progress.failed else "")
        if not tasks:
            bars.start()
            tasks.append(bars.add_task(description, total=progress.total, counts=counts))
        bars.update(tasks[0], completed=progress.done, counts=counts)
        if progress.ended:
            bars.stop()

    return show


def _tqdm(description: str, file: TextIO) -> Callable[[Progress], None]:
    from tqdm import tqdm

    bars: list[tqdm[NoReturn]] = []

    def show(progress: Progress) -> None:
        if not bars:
            bars.append(tqdm(total=progress.total, desc=description or None, unit=" items", file=file))
        if progress.failed:
            bars[0].set_postfix(failed=progress.failed, refresh=False)
        bars[0].update(progress.done - bars[0].n)
        if progress.ended:
            bars[0].close()

    return show


def _format_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
