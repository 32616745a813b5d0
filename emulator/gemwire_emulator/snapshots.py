"""Snapshots: all resources in one file, written while calls go on and never changed by reading.

The file is a store's database with two more tables: the bytes of files, in pieces, and the seconds that the
clock had skipped. The database of a store can be loaded as well, but has no bytes of files.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gemwire_emulator.blob_store import BlobStore
from gemwire_emulator.state import State

_PIECE = 2**20
_TABLES = """
CREATE TABLE clock (skipped REAL NOT NULL);
CREATE TABLE content (identity TEXT NOT NULL, "end" INTEGER NOT NULL, piece BLOB NOT NULL);
"""


def save(state: State, path: Path) -> None:
    """Write a snapshot; the file appears complete or not at all.

    Raises:
        OSError: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            state.store.copy_to(copy)
            # One file: write-ahead logging would add two more.
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.executescript(_TABLES)
            copy.execute("BEGIN")
            copy.execute("INSERT INTO clock VALUES (?)", (state.clock.skipped,))
            _save_blobs(state.blobs, copy)
            copy.execute("COMMIT")
        partial.replace(path)
    except sqlite3.OperationalError as error:
        raise OSError(f"{path} cannot be written: {error}") from None
    finally:
        partial.unlink(missing_ok=True)


def load(state: State, path: Path) -> None:
    """Replace all resources and the time by those of a snapshot.

    Raises:
        OSError: There is no such file.
        sqlite3.DatabaseError: The file is not a snapshot; nothing has changed.
    """
    with path.open("rb"):
        pass  # SQLite does not say why a file cannot be opened.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as snapshot:
        state.store.copy_from(path)
        if snapshot.execute("SELECT 1 FROM sqlite_master WHERE name = 'clock'").fetchone():
            _load_blobs(state.blobs, snapshot)
            state.clock.set(float(snapshot.execute("SELECT skipped FROM clock").fetchone()[0]))
        else:
            state.clock.set(0.0)


def _save_blobs(blobs: BlobStore, copy: sqlite3.Connection) -> None:
    for blob in blobs.ids():
        copy.execute("INSERT INTO content VALUES (?, 0, x'')", (blob,))
        with blobs.path(blob).open("rb") as file:
            while piece := file.read(_PIECE):
                copy.execute("INSERT INTO content VALUES (?, ?, ?)", (blob, file.tell(), piece))


def _load_blobs(blobs: BlobStore, snapshot: sqlite3.Connection) -> None:
    for blob, end, piece in snapshot.execute('SELECT * FROM content ORDER BY identity, "end"'):
        if end == 0:
            blobs.delete(blob)
            blobs.create(blob)
        blobs.append(blob, piece)
