"""How far a pipeline is, and bars that show it."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

#: Seconds between two looks.
INTERVAL = 0.1
#: Seconds between two lines where there is no terminal.
_LINE_INTERVAL = 10.0


@dataclass(frozen=True)
class Progress:
    """How far a pipeline is.

    Attributes:
        done: Items whose function has ended, failures included.
        failed: Items whose function failed.
        total: Items of the source; None where it does not say.
        elapsed: Seconds since the beginning.
        concurrency: Items that may be in the function at once now.
        refused: Attempts that a server had no room for; counted with `Adaptive` only.
        ended: Whether this is the last that is told.
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
        """Items a second, on average."""
        return self.done / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds to the end at this rate; None where that is not known."""
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
            return f"{text}, {_clock(self.elapsed)} in all"
        return text if self.eta is None else f"{text}, {_clock(self.eta)} left"


def bar(
    description: str = "", *, style: str | None = None, file: TextIO | None = None
) -> Callable[[Progress], None]:
    """A progress bar, to be given as ``progress=`` of one pipeline.

    Args:
        description: What stands before it.
        style: ``"rich"`` or ``"tqdm"``, which have to be installed, or ``"lines"``: one line every ten
            seconds, for logs. Default: where there is a terminal, the first that is installed; else lines.
        file: Where it is shown. Default: standard error.

    Raises:
        ValueError: There is no such style.
        ModuleNotFoundError: It is not installed.
    """
    shown = file or sys.stderr
    if style is None:
        installed = [name for name in ("rich", "tqdm") if importlib.util.find_spec(name)]
        style = installed[0] if installed and shown.isatty() else "lines"
    if style == "lines":
        return _Lines(description, shown)
    if style == "rich":
        return _rich(description, shown)
    if style == "tqdm":
        return _tqdm(description, shown)
    raise ValueError(f"style: {style!r} is none of 'rich', 'tqdm', 'lines'")


class _Lines:
    def __init__(self, description: str, file: TextIO) -> None:
        self._before = f"{description}: " if description else ""
        self._file = file
        self._next = time.monotonic() + _LINE_INTERVAL

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.ended or now >= self._next:
            self._next = now + _LINE_INTERVAL
            print(f"{self._before}{progress}", file=self._file, flush=True)


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
    tasks: list[Any] = []

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

    bars: list[Any] = []

    def show(progress: Progress) -> None:
        if not bars:
            bars.append(tqdm(total=progress.total, desc=description or None, unit=" items", file=file))
        if progress.failed:
            bars[0].set_postfix(failed=progress.failed, refresh=False)
        bars[0].update(progress.done - bars[0].n)
        if progress.ended:
            bars[0].close()

    return show


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
