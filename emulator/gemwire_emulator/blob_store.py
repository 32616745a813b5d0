"""A store on disk for the bytes of files, read and written in pieces: no file is held in memory whole."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gemwire_emulator.errors import disk_full

if TYPE_CHECKING:
    from hashlib import _Hash

_PIECE = 2**20


class BlobStore:
    """Blobs by id; what a blob means, and who may see it, is the business of its owner.

    The size of a blob on disk is all that is known of its progress, so that kill -9 loses nothing that
    was written.
    """

    def __init__(self, directory: Path | None = None) -> None:
        """Create a store; its directory is created on first use.

        Args:
            directory: Where blobs are kept; None for a temporary directory.
        """
        self._temporary = directory is None
        self._directory = (
            directory or Path(tempfile.gettempdir()) / f"gemwire-emulator-{secrets.token_hex(8)}"
        )
        # Running hashes of blobs that grow, and the number of bytes that they cover.
        self._hashes: dict[str, tuple[_Hash, int]] = {}

    def create(self, blob: str = "") -> str:
        """Create an empty blob.

        Args:
            blob: Id of the blob, where one is restored; empty for a new id.

        Returns:
            The id.
        """
        blob = blob or secrets.token_hex(16)
        with self._disk_errors():
            self._directory.mkdir(mode=0o700, exist_ok=True)
            self.path(blob).touch()
        return blob

    def put(self, data: bytes) -> str:
        """Create a blob from bytes and return its id."""
        blob = self.create()
        self.append(blob, data)
        return blob

    def link(self, blob: str) -> str:
        """Return a further id of a complete blob, which stays when the other is deleted."""
        other = self.create()
        self.path(other).unlink()
        try:
            os.link(self.path(blob), self.path(other))
        except OSError:  # The file system has no hard links.
            with self._disk_errors():
                shutil.copyfile(self.path(blob), self.path(other))
        if blob in self._hashes:
            digest, hashed = self._hashes[blob]
            self._hashes[other] = (digest.copy(), hashed)
        return other

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                raise disk_full(self._directory, error.strerror) from None
            raise

    def path(self, blob: str) -> Path:
        """Return the path of a blob's file."""
        return self._directory / blob

    def ids(self) -> list[str]:
        """Return the ids of all blobs."""
        return [path.name for path in self._directory.iterdir()] if self._directory.is_dir() else []

    def exists(self, blob: str) -> bool:
        """Return whether a blob exists."""
        return bool(blob) and self.path(blob).exists()

    def size(self, blob: str) -> int:
        """Return the size of a blob in bytes."""
        return self.path(blob).stat().st_size

    def append(self, blob: str, data: bytes) -> None:
        """Append bytes to a blob.

        Raises:
            FileNotFoundError: The blob has been deleted.
            StatusError: The disk is full.
        """
        with self._disk_errors(), self.path(blob).open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.write(data)
        digest, hashed = self._hashes.get(blob) or (hashlib.sha256(), 0)
        if hashed == size:
            digest.update(data)
            self._hashes[blob] = (digest, size + len(data))

    def sha256(self, blob: str) -> bytes:
        """Return the SHA-256 of a blob; what this process has written is not read again."""
        digest, hashed = self._hashes.get(blob) or (hashlib.sha256(), 0)
        with self.path(blob).open("rb") as file:
            file.seek(hashed)
            while piece := file.read(_PIECE):
                digest.update(piece)
                hashed += len(piece)
        self._hashes[blob] = (digest, hashed)
        return digest.digest()

    def seal(self, blob: str) -> None:
        """Drop the running hash of a blob, to which nothing more is appended."""
        self._hashes.pop(blob, None)

    def delete(self, blob: str) -> None:
        """Delete a blob if it exists."""
        self.seal(blob)
        if blob:
            self.path(blob).unlink(missing_ok=True)

    def retain(self, blobs: Collection[str]) -> None:
        """Delete all other blobs."""
        for blob in self.ids():
            if blob not in blobs:
                self.delete(blob)

    def close(self) -> None:
        """Delete a temporary directory."""
        if self._temporary:
            shutil.rmtree(self._directory, ignore_errors=True)
