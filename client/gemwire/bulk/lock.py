"""One process for each job: a locked file that says which."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, and delete it in the end. One that a killed process left stops nobody.

    Args:
        path: The file; it holds the number of the process.

    Raises:
        ValueError: Another process holds it, or it cannot be made.
    """
    try:
        file = _taken(path)
    except OSError as error:
        raise ValueError(f"output: {path.parent} cannot be written to: {error.strerror}") from None
    try:
        yield
    finally:
        # Deleted while it is held: whoever opened it in the meantime sees that it is no longer the one.
        path.unlink(missing_ok=True)
        os.close(file)


def _taken(path: Path) -> int:
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
                pass  # Deleted by the one that had it.
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int) -> None:
    """Lock an open file, where there are such locks."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 32, 0).decode("ascii", "replace").strip()
        raise ValueError(
            f"output: process {holder or 'unknown'} is at this job; wait for it, or end it and run the same "
            "command again"
        ) from None
