"""Cloud Storage as a folder: ``gs://bucket/a/b`` is the file ``bucket/a/b`` in it."""

from __future__ import annotations

import contextlib
import errno
import re
import shutil
import uuid
from pathlib import Path

import grpc

from gemwire_emulator.errors import StatusError, disk_full, failed_precondition, invalid_argument, quote

SCHEME = "gs://"
_ADDRESS = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,221}[a-z0-9])/(.*)", re.DOTALL)
#: Steps of a path, and what no portable name of a file has.
_FORBIDDEN = re.compile(r"(^|/)\.{0,2}(/|$)|[\x00-\x1f\\]")
#: Bytes of a step, as file systems have it.
_STEP = 255


class Storage:
    """The objects of all buckets. Nothing outside of the folder can be read or written."""

    def __init__(self, folder: str | Path | None = None) -> None:
        """Use a folder; None for no storage.

        Raises:
            NotADirectoryError: There is no such folder.
        """
        self._folder = None if folder is None else Path(folder).absolute()
        if self._folder is not None and not self._folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "is not a directory", str(folder))

    def __bool__(self) -> bool:
        """Return whether there is a folder."""
        return self._folder is not None

    def find(self, address: str, field: str) -> Path:
        """Return the file of an object.

        Args:
            address: Address of the object.
            field: Path of the field that holds it, for errors.

        Raises:
            StatusError: INVALID_ARGUMENT for what is no address or leaves the folder, FAILED_PRECONDITION
                without a folder, NOT_FOUND if there is no such file.
        """
        path = self._locate(address, field)
        if not path.is_file():
            raise _missing(address, path)
        return path

    def find_all(self, address: str, field: str) -> list[Path]:
        """Return the files of the objects that an address with ``*`` stands for, at least one; see `find`."""
        if "*" not in address:
            return [self.find(address, field)]
        path = self._locate(address, field)
        name = address.removeprefix(SCHEME).partition("/")[2].replace("**", "*")
        bucket = path.parents[name.count("/")]
        files = [found for found in sorted(bucket.glob(name)) if found.is_file() and self._is_inside(found)]
        if not files:
            raise _missing(address, path)
        return files

    def check_prefix(self, address: str, field: str) -> None:
        """Check that objects whose addresses begin with another can be written; raises as `find`."""
        self._locate(address, field, "x" if address.endswith("/") else "/x")

    def write(self, address: str, content: bytes | Path) -> None:
        """Write an object: bytes, or the content of a file. It appears when it is complete.

        Raises:
            StatusError: As `find`; or FAILED_PRECONDITION if no such file can be made.
        """
        path = self._locate(address, "address")
        # Two writers of one object do not share their unfinished files.
        partial = path.with_name(f".{path.name[:200]}.{uuid.uuid4().hex[:8]}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                partial.write_bytes(content)
            else:
                shutil.copyfile(content, partial)
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise disk_full(path, error.strerror) from None
            raise failed_precondition(address, f"{path} cannot be written: {error.strerror}") from None

    def _locate(self, address: str, field: str, suffix: str = "") -> Path:
        """Return where an object is, or would be; its address ends with ``suffix``."""
        found = _ADDRESS.fullmatch(address + suffix)
        if found is None or not found[2]:
            raise invalid_argument(field, f"{quote(address)} is not of the form gs://bucket/name")
        bucket, name = found.groups()
        if self._folder is None:
            raise failed_precondition(
                quote(address),
                "the emulator has no Cloud Storage; start it with --storage DIR, and this is the file "
                f"DIR/{bucket}/{name[:200]}",
            )
        if _FORBIDDEN.search(name) or ".." in bucket or max(map(_count_bytes, name.split("/"))) > _STEP:
            raise invalid_argument(
                field, f"{quote(address)} is outside the directory of --storage, or does not name a file"
            )
        path = self._folder / bucket / name
        if not self._is_inside(path):
            raise invalid_argument(
                field, f"{quote(address)} leads out of the directory of --storage by a link"
            )
        return path

    def _is_inside(self, path: Path) -> bool:
        if self._folder is None:
            return False
        try:
            return path.resolve().is_relative_to(self._folder.resolve())
        except (OSError, RuntimeError):  # A circle of links.
            return False


def _count_bytes(step: str) -> int:
    return len(step.encode())


def _missing(address: str, path: Path) -> StatusError:
    return StatusError(
        grpc.StatusCode.NOT_FOUND, f"{quote(address)} was not found: there is no file {str(path)[:500]}"
    )
