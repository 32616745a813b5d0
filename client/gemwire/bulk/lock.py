"""The lock of a job's files, which keeps a second job from writing to them."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path


def open_locked(name: str, path: Path) -> int:
    """Open a file for reading and writing, create it if needed, and lock it until it is closed.

    The lock belongs to the file, whatever link or relative path leads to it. A symbolic link is not followed.

    Args:
        name: Name of the argument, for error messages.
        path: Path of the file.

    Returns:
        The file descriptor.
    """
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            reason = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror
            raise ValueError(f"{name}: cannot write to {path}: {reason}") from None
        # The last look before something is locked, written, and deleted if it stays empty: no device is.
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise ValueError(f"{name}: {path} is not a regular file")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_same(file, path):
                return file
        except BlockingIOError:
            holder = _find_holder(file)
            os.close(file)
            raise ValueError(
                f"{name}: {holder} is running this job, or another one that writes to {path}; wait for "
                "it, or end it and run the same command again"
            ) from None
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # Deleted by the job that held it.


def is_same(file: int, path: Path) -> bool:
    """Return whether a path still leads to an open file."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def close_locked(file: int, path: Path) -> None:
    """Close a file, and delete it if it is empty."""
    # Deleted while locked: a job that has opened it meanwhile finds that the path has changed.
    if not os.fstat(file).st_size and is_same(file, path):
        path.unlink()
    os.close(file)


def _find_holder(file: int) -> str:
    """Return which process holds a lock, as far as the system says."""
    status = os.fstat(file)
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    try:
        locks = Path("/proc/locks").read_text().splitlines()
    except OSError:
        locks = []
    # 1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF
    holders = [fields[4] for fields in map(str.split, locks) if fields[1] == "FLOCK" and wanted in fields]
    return f"process {holders[0]}" if holders else "another process"
