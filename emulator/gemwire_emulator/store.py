"""The resources of the emulator in SQLite: by name, as their own messages.

One table holds all kinds of resources. A write is one transaction, committed before the call is answered;
with a file, write-ahead logging keeps committed writes through a kill -9.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

from gemwire_emulator.errors import disk_full

_M = TypeVar("_M", bound=Message)

#: Numbers that are reserved in the file at a time; each one alone would be a transaction.
_BLOCK = 1000
#: Seconds to wait for another program that has the file open, such as an emulator that is about to end.
_LOCK_TIMEOUT = 1.0
#: What SQLite says if it cannot write.
_DISK_ERRORS = frozenset({"database or disk is full", "disk I/O error"})
#: Rows that are read at a time, so that a page of a long list does not read the whole list.
_BATCH = 100

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
    tenant  TEXT NOT NULL,     -- who sees it; see Call.tenant
    name    TEXT NOT NULL,     -- resource name, tunedModels/x
    kind    TEXT NOT NULL,     -- collection, tunedModels
    parent  TEXT NOT NULL,     -- name of the parent; empty at the top
    number  INTEGER NOT NULL,  -- order of creation, used by page tokens
    owner   TEXT NOT NULL,     -- who created it
    body    BLOB NOT NULL,     -- the message
    extra   TEXT NOT NULL,     -- JSON of the kind's own, not part of the message
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_parent ON resource (tenant, kind, parent, number);
CREATE INDEX IF NOT EXISTS by_name ON resource (name);
CREATE TABLE IF NOT EXISTS counter (number INTEGER NOT NULL);
"""


class Row:
    """A stored resource: its message, and data that belongs to it without being part of the message."""

    __slots__ = ("body", "extra", "name", "number", "owner", "parent")

    def __init__(self, name: str, parent: str, number: int, owner: str, body: bytes, extra: str) -> None:
        """Create a row."""
        self.name = name
        self.parent = parent
        self.number = number
        self.owner = owner
        self.body = body
        self.extra = extra

    def message(self, kind: type[_M]) -> _M:
        """Return the resource as a message."""
        return kind.FromString(self.body)


class Store:
    """Resources by name; used from one thread."""

    def __init__(self, path: str | Path | None = None) -> None:
        """Open the database, and create it if needed.

        Args:
            path: The file; None for a database in memory.

        Raises:
            ValueError: Another program has opened the file.
            sqlite3.DatabaseError: The file is not such a database.
        """
        self._path = path
        # With uri=True, snapshots can be attached by URI; ``path`` is not one.
        self._database = sqlite3.connect(
            str(path or ":memory:"), _LOCK_TIMEOUT, isolation_level=None, uri=True
        )
        try:
            # For as long as it is open: no other program can make a call wait, or change what is stored.
            self._database.execute("PRAGMA main.locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_SCHEMA)
            self._database.execute("UPDATE counter SET number = number")
            if self._database.execute("SELECT count(*) FROM counter").fetchone()[0] == 0:
                self._database.execute("INSERT INTO counter VALUES (0)")
        except sqlite3.OperationalError as error:
            self._database.close()
            if "locked" not in str(error):
                raise
            raise ValueError(
                f"state: {path} is in use by another emulator or program; stop it, or choose another file"
            ) from None
        # The last number that was issued, and the last that the file has reserved. After a kill -9 the
        # numbers between them are skipped, so none is issued twice.
        self._issued = self._reserved = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes of a block, or none; may be nested.

        Raises:
            StatusError: The disk is full.
        """
        if self._database.in_transaction:
            yield
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except BaseException as error:
            # SQLite itself rolls some errors back.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            # The block of numbers may have been reserved in this transaction, which the file then forgot.
            self._issued = self._reserved
            if isinstance(error, sqlite3.OperationalError) and str(error) in _DISK_ERRORS:
                raise disk_full(self._path, error) from None
            raise

    def next_number(self) -> int:
        """Return a number that was never returned before."""
        if self._issued == self._reserved:
            with self.transaction():
                self._database.execute("UPDATE counter SET number = number + ?", (_BLOCK,))
                self._reserved = int(self._database.execute("SELECT number FROM counter").fetchone()[0])
            self._issued = self._reserved - _BLOCK
        self._issued += 1
        return self._issued

    def _release_numbers(self) -> None:
        """Return unused reserved numbers."""
        self._database.execute(
            "UPDATE counter SET number = ? WHERE number = ?", (self._issued, self._reserved)
        )
        self._reserved = self._issued

    def put(
        self,
        tenant: str,
        name: str,
        message: Message,
        *,
        parent: str = "",
        owner: str = "",
        extra: str = "{}",
    ) -> None:
        """Add a resource.

        Raises:
            KeyError: The name is taken.
        """
        kind = name.rsplit("/", 2)[-2]
        try:
            with self.transaction():
                self._database.execute(
                    "INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        tenant,
                        name,
                        kind,
                        parent,
                        self.next_number(),
                        owner,
                        message.SerializeToString(),
                        extra,
                    ),
                )
        except sqlite3.IntegrityError:
            raise KeyError(name) from None

    def get(self, tenant: str, name: str) -> Row | None:
        """Return the resource of a name, None if there is none."""
        row = self._database.execute(
            "SELECT name, parent, number, owner, body, extra FROM resource WHERE tenant = ? AND name = ?",
            (tenant, name),
        ).fetchone()
        return Row(*row) if row else None

    def replace(self, tenant: str, name: str, message: Message, extra: str | None = None) -> None:
        """Replace the message of an existing resource, and its ``extra`` unless that is None."""
        with self.transaction():
            self._database.execute(
                "UPDATE resource SET body = ?, extra = coalesce(?, extra) WHERE tenant = ? AND name = ?",
                (message.SerializeToString(), extra, tenant, name),
            )

    def delete(self, tenant: str, name: str) -> None:
        """Delete a resource and everything in it."""
        with self.transaction():
            self._database.execute(
                # Names that begin with "name/" sort before "name0", the next character: the key finds them.
                "DELETE FROM resource WHERE tenant = ? AND (name = ? OR name > ? AND name < ?)",
                (tenant, name, name + "/", name + "0"),
            )

    def list(self, tenant: str, kind: str, parent: str | None = "", after: int = 0) -> Iterator[Row]:
        """Yield resources of a kind in order of creation.

        Args:
            tenant: Their tenant.
            kind: The collection, ``chunks``.
            parent: Name of their parent; None for any.
            after: Number of the row to start after.
        """
        inside = "" if parent is None else "AND parent = ? "
        query = (
            "SELECT name, parent, number, owner, body, extra FROM resource "  # noqa: S608 - one of two constants
            f"WHERE tenant = ? AND kind = ? {inside}AND number > ? ORDER BY number LIMIT {_BATCH}"
        )
        while True:
            given = (tenant, kind, *(() if parent is None else (parent,)), after)
            rows = self._database.execute(query, given).fetchall()
            for row in rows:
                yield Row(*row)
            if len(rows) < _BATCH:
                return
            after = rows[-1][2]

    def count(self, tenant: str, kind: str, parent: str = "") -> int:
        """Return the number of resources of a kind directly in a parent."""
        return int(
            self._database.execute(
                "SELECT count(*) FROM resource WHERE tenant = ? AND kind = ? AND parent = ?",
                (tenant, kind, parent),
            ).fetchone()[0]
        )

    def list_tenants(self, name: str) -> Sequence[str]:
        """List the tenants that have a resource of a name, by its age."""
        rows = self._database.execute("SELECT tenant FROM resource WHERE name = ? ORDER BY number", (name,))
        return [row[0] for row in rows]

    def list_all_tenants(self, kind: str) -> Iterator[tuple[str, Row]]:
        """Return all resources of a kind with their tenants, in order of creation."""
        rows = self._database.execute(
            "SELECT tenant, name, parent, number, owner, body, extra FROM resource "
            "WHERE kind = ? ORDER BY number",
            (kind,),
        ).fetchall()
        return ((row[0], Row(*row[1:])) for row in rows)

    def reset(self) -> None:
        """Delete everything. Numbers continue, so that no name is used again."""
        with self.transaction():
            self._database.execute("DELETE FROM resource")

    def copy_to(self, other: sqlite3.Connection) -> None:
        """Write all resources to an empty database."""
        self._release_numbers()
        self._database.backup(other)

    def copy_from(self, path: Path) -> None:
        """Replace all resources by those of another store's file, which is only read.

        Raises:
            sqlite3.DatabaseError: The file is not such a database; nothing has changed.
        """
        self._release_numbers()
        self._database.execute("ATTACH ? AS other", (f"{path.absolute().as_uri()}?mode=ro",))
        try:
            with self.transaction():
                for table in ("resource", "counter"):
                    self._database.execute(f"DELETE FROM main.{table}")  # noqa: S608 - one of two constants
                    self._database.execute(f"INSERT INTO main.{table} SELECT * FROM other.{table}")  # noqa: S608
        finally:
            self._database.execute("DETACH other")

    def close(self) -> None:
        """Close the file."""
        # The disk may be full, or it may be closed already: unused numbers are skipped then.
        with suppress(sqlite3.Error):
            self._release_numbers()
        self._database.close()
