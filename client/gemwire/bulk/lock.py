"""The lock file of a job, which keeps a second process from running it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold a lock file, which contains the process id, and delete it at the end.

    The file that a killed process leaves behind does not count.

    Raises:
        ValueError: Another process holds the lock, or the file cannot be created.
    """
    try:
        file = _acquire(path)
    except OSError as error:
        raise ValueError(f"output: cannot write to {path.parent}: {error.strerror}") from None
    try:
        yield
    finally:
        # Deleted while locked: a process that has opened it meanwhile finds that the path has changed.
        path.unlink(missing_ok=True)
        os.close(file)


def _acquire(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(file)
            try:
                if os.path.samestat(os.fstat(file), path.stat()):
                    os.ftruncate(file, 0)
                    os.pwrite(file, b"%d\n" % os.getpid(), 0)
                    return file
            except FileNotFoundError:
                pass  # Deleted by the process that held it.
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int) -> None:
    """Lock an open file, where the system supports it."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 32, 0).decode("ascii", "replace").strip()
        raise ValueError(
            f"output: process {holder or 'unknown'} is running this job; wait for it, or end it and run the "
            "same command again"
        ) from None
