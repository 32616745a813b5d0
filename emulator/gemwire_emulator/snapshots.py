"""An emulator's resources in one file: written while calls go on, read without ever writing to it.

The file is that of a store, with two tables more: the bytes of files, in
pieces, and what the clock had skipped. The file of a store alone serves as
well, but the bytes of files are not in it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gemwire_emulator.blob_store import Contents
from gemwire_emulator.state import World

_PIECE = 2**20
_TABLES = """
CREATE TABLE clock (skipped REAL NOT NULL);
CREATE TABLE content (identity TEXT NOT NULL, "end" INTEGER NOT NULL, piece BLOB NOT NULL);
"""


def save(world: World, path: Path) -> None:
    """Write a snapshot; the file is whole or not there.

    Raises:
        OSError: It cannot be written.
    """
    written = path.with_name(f".{path.name}.{os.getpid()}")
    written.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(written, isolation_level=None)) as copy:
            world.store.copy_to(copy)
            # One file: write-ahead logging would want two more beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.executescript(_TABLES)
            copy.execute("BEGIN")
            copy.execute("INSERT INTO clock VALUES (?)", (world.clock.skipped,))
            _save_contents(world.contents, copy)
            copy.execute("COMMIT")
        written.replace(path)
    except sqlite3.OperationalError as error:
        raise OSError(f"{path} cannot be written: {error}") from None
    finally:
        written.unlink(missing_ok=True)


def load(world: World, path: Path) -> None:
    """Have the resources and the time of a snapshot, and no others.

    Raises:
        OSError: There is no such file.
        sqlite3.DatabaseError: It is no snapshot. Nothing has changed.
    """
    with path.open("rb"):
        pass  # SQLite does not say why a file cannot be opened.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as snapshot:
        world.store.copy_from(path)
        if snapshot.execute("SELECT 1 FROM sqlite_master WHERE name = 'clock'").fetchone():
            _load_contents(world.contents, snapshot)
            world.clock.set(float(snapshot.execute("SELECT skipped FROM clock").fetchone()[0]))
        else:
            world.clock.set(0.0)


def _save_contents(contents: Contents, copy: sqlite3.Connection) -> None:
    for identity in contents.identities():
        copy.execute("INSERT INTO content VALUES (?, 0, x'')", (identity,))
        with contents.path(identity).open("rb") as file:
            while piece := file.read(_PIECE):
                copy.execute("INSERT INTO content VALUES (?, ?, ?)", (identity, file.tell(), piece))


def _load_contents(contents: Contents, snapshot: sqlite3.Connection) -> None:
    for identity, end, piece in snapshot.execute('SELECT * FROM content ORDER BY identity, "end"'):
        if end == 0:
            contents.delete(identity)
            contents.create(identity)
        contents.append(identity, piece)
