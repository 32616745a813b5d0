"""The bytes of files, on disk: written and read in pieces, so that none is ever held in memory as a whole."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

_PIECE = 2**20


class Contents:
    """Contents by identity. What an identity stands for, and who sees it, is its owner's business.

    How far one has come is its size on disk, so that a kill -9 loses nothing that was written.
    """

    def __init__(self, directory: Path | None = None) -> None:
        """``directory``: where they are kept; None for a temporary one. It is made when it is needed."""
        self._temporary = directory is None
        self._directory = (
            directory or Path(tempfile.gettempdir()) / f"gemwire-emulator-{secrets.token_hex(8)}"
        )
        # What has been hashed of those that grow, and up to which byte.
        self._hashes: dict[str, tuple[Any, int]] = {}

    def create(self, identity: str = "") -> str:
        """A new, empty content.

        Args:
            identity: Which it is to have, of a content that comes back; empty for a new one.

        Returns:
            Its identity.
        """
        self._directory.mkdir(mode=0o700, exist_ok=True)
        identity = identity or secrets.token_hex(16)
        self.path(identity).touch()
        return identity

    def put(self, data: bytes) -> str:
        """A new content, complete.

        Returns:
            Its identity.
        """
        identity = self.create()
        self.append(identity, data)
        return identity

    def share(self, identity: str) -> str:
        """A further identity of a complete content; it stays when the other is deleted."""
        other = self.create()
        self.path(other).unlink()
        try:
            os.link(self.path(identity), self.path(other))
        except OSError:  # A file system without links.
            shutil.copyfile(self.path(identity), self.path(other))
        if identity in self._hashes:
            digest, hashed = self._hashes[identity]
            self._hashes[other] = (digest.copy(), hashed)
        return other

    def path(self, identity: str) -> Path:
        """Where it is."""
        return self._directory / identity

    def identities(self) -> list[str]:
        """All that there are."""
        return [path.name for path in self._directory.iterdir()] if self._directory.is_dir() else []

    def exists(self, identity: str) -> bool:
        """Whether there is one."""
        return bool(identity) and self.path(identity).exists()

    def size(self, identity: str) -> int:
        """Bytes of it."""
        return self.path(identity).stat().st_size

    def append(self, identity: str, data: bytes) -> None:
        """Write behind its end.

        Raises:
            FileNotFoundError: It was deleted meanwhile.
            OSError: The disk is full, or the like.
        """
        with self.path(identity).open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.write(data)
        digest, hashed = self._hashes.get(identity) or (hashlib.sha256(), 0)
        if hashed == size:
            digest.update(data)
            self._hashes[identity] = (digest, size + len(data))

    def sha256(self, identity: str) -> bytes:
        """The digest of it. Of one that this process has written, nothing is read again."""
        digest, hashed = self._hashes.get(identity) or (hashlib.sha256(), 0)
        with self.path(identity).open("rb") as file:
            file.seek(hashed)
            while piece := file.read(_PIECE):
                digest.update(piece)
                hashed += len(piece)
        self._hashes[identity] = (digest, hashed)
        return bytes(digest.digest())

    def seal(self, identity: str) -> None:
        """Nothing more is going to be written."""
        self._hashes.pop(identity, None)

    def delete(self, identity: str) -> None:
        """Forget it, if there is one."""
        self.seal(identity)
        if identity:
            self.path(identity).unlink(missing_ok=True)

    def keep(self, identities: Collection[str]) -> None:
        """Forget all others: what was deleted while the emulator was being killed."""
        if self._directory.is_dir():
            for path in self._directory.iterdir():
                if path.name not in identities:
                    self.delete(path.name)

    def close(self) -> None:
        """Forget everything that is to live no longer than the emulator."""
        if self._temporary:
            shutil.rmtree(self._directory, ignore_errors=True)
