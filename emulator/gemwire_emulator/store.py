"""What the emulator remembers, in SQLite: resources by name, as their own messages.

One table serves all kinds. A write is one transaction, committed before the
call is answered; with a file, write-ahead logging keeps what was answered
through a kill -9.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

_M = TypeVar("_M", bound=Message)

#: Numbers that are taken from the file at a time; each of them alone would be a transaction.
_BLOCK = 1000
#: Rows that are read at a time: a page of a long list does not read the list.
_BATCH = 100

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resource (
    tenant  TEXT NOT NULL,     -- who sees it; see Call.tenant
    name    TEXT NOT NULL,     -- resource name, tunedModels/x
    kind    TEXT NOT NULL,     -- collection, tunedModels
    parent  TEXT NOT NULL,     -- name of what it lies in; empty at the top
    number  INTEGER NOT NULL,  -- order of creation; what page tokens count
    owner   TEXT NOT NULL,     -- who made it
    body    BLOB NOT NULL,     -- the message
    extra   TEXT NOT NULL,     -- JSON of the kind's own, not part of the message
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_parent ON resource (tenant, kind, parent, number);
CREATE TABLE IF NOT EXISTS counter (number INTEGER NOT NULL);
"""


class Row:
    """A resource as it is kept: its message, and what belongs to it without being in the message."""

    __slots__ = ("body", "extra", "name", "number", "owner", "parent")

    def __init__(self, name: str, parent: str, number: int, owner: str, body: bytes, extra: str) -> None:
        """One row."""
        self.name = name
        self.parent = parent
        self.number = number
        self.owner = owner
        self.body = body
        self.extra = extra

    def message(self, kind: type[_M]) -> _M:
        """The resource itself."""
        return kind.FromString(self.body)


class Store:
    """Resources by name. Used from one thread."""

    def __init__(self, path: str | Path | None = None) -> None:
        """Open or make it.

        Args:
            path: The file; None to remember in memory.

        Raises:
            sqlite3.DatabaseError: The file is not such a database.
        """
        # Files are attached by their URI; the path is none.
        self._database = sqlite3.connect(str(path or ":memory:"), isolation_level=None, uri=True)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        if self._database.execute("SELECT count(*) FROM counter").fetchone()[0] == 0:
            self._database.execute("INSERT INTO counter VALUES (0)")
        # The last number given, and the last that the file says may be given. What lies between is skipped
        # after a kill -9: no number comes twice.
        self._given = self._reserved = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested."""
        if self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            # The block may have been reserved in this transaction: then the file knows nothing of it.
            self._given = self._reserved
            raise
        self._database.execute("COMMIT")

    def next_number(self) -> int:
        """A number never given before."""
        if self._given == self._reserved:
            with self.transaction():
                self._database.execute("UPDATE counter SET number = number + ?", (_BLOCK,))
                self._reserved = int(self._database.execute("SELECT number FROM counter").fetchone()[0])
            self._given = self._reserved - _BLOCK
        self._given += 1
        return self._given

    def _give_back(self) -> None:
        """Return what is left of the block, unless another process has taken one behind it."""
        self._database.execute(
            "UPDATE counter SET number = ? WHERE number = ?", (self._given, self._reserved)
        )
        self._reserved = self._given

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
        """Keep a new resource.

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
        """The resource of a name."""
        row = self._database.execute(
            "SELECT name, parent, number, owner, body, extra FROM resource WHERE tenant = ? AND name = ?",
            (tenant, name),
        ).fetchone()
        return Row(*row) if row else None

    def replace(self, tenant: str, name: str, message: Message, extra: str | None = None) -> None:
        """Keep a new state of a resource that is there."""
        self._database.execute(
            "UPDATE resource SET body = ?, extra = coalesce(?, extra) WHERE tenant = ? AND name = ?",
            (message.SerializeToString(), extra, tenant, name),
        )

    def delete(self, tenant: str, name: str) -> None:
        """Forget a resource and everything in it."""
        self._database.execute(
            # What begins with "name/" lies before "name0", the next character; the key finds it.
            "DELETE FROM resource WHERE tenant = ? AND (name = ? OR name > ? AND name < ?)",
            (tenant, name, name + "/", name + "0"),
        )

    def list(self, tenant: str, kind: str, parent: str | None = "", after: int = 0) -> Iterator[Row]:
        """Resources of a kind in order of creation.

        Args:
            tenant: Who asks.
            kind: The collection, ``chunks``.
            parent: What they lie in; None for anything.
            after: Number of the one to start behind.
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
        """How many of a kind lie directly in a resource."""
        return int(
            self._database.execute(
                "SELECT count(*) FROM resource WHERE tenant = ? AND kind = ? AND parent = ?",
                (tenant, kind, parent),
            ).fetchone()[0]
        )

    def list_all_tenants(self, kind: str) -> Iterator[tuple[str, Row]]:
        """Return all resources of a kind with their tenants, to resume work on them after a restart."""
        rows = self._database.execute(
            "SELECT tenant, name, parent, number, owner, body, extra FROM resource "
            "WHERE kind = ? ORDER BY number",
            (kind,),
        ).fetchall()
        return ((row[0], Row(*row[1:])) for row in rows)

    def reset(self) -> None:
        """Forget everything. Numbers go on, so that no name comes again."""
        self._database.execute("DELETE FROM resource")

    def copy_to(self, other: sqlite3.Connection) -> None:
        """Write all of it, as it is between two calls, to an empty database."""
        self._give_back()
        self._database.backup(other)

    def copy_from(self, path: Path) -> None:
        """Have what the file of another store holds, and nothing else. The file is only read.

        Raises:
            sqlite3.DatabaseError: It is no such file. Nothing has changed.
        """
        self._give_back()
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
        # Somebody else writes, or it is closed already: the rest of the block is skipped.
        with suppress(sqlite3.Error):
            self._give_back()
        self._database.close()
