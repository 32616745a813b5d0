"""What is measured, and how much of it in each kind of run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import standalone
from measure import HERE, Figure


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is done of a family: how many processes, and what each is told."""

    launches: int
    arguments: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Family:
    """Rows that one script measures.

    Attributes:
        name: Of the script, and for ``--only``.
        title: Its heading.
        efforts: By kind of run: full, check, short. A kind that is not there leaves it out.
        aiohttp: Whether it is measured once more where google-genai finds aiohttp, in a full run.
        read: Makes figures of what a script outside of this directory prints.
    """

    name: str
    title: str
    efforts: Mapping[str, Effort]
    aiohttp: bool = False
    read: Callable[[Any], list[Figure]] | None = None

    @property
    def path(self) -> Path:
        """The script."""
        return (HERE if self.read is None else HERE.parent) / f"{self.name}.py"


def _efforts(full: str = "", check: str = "", short: str = "") -> dict[str, Effort]:
    """``3 --rounds 5``: three processes of five rounds each."""
    found = {}
    for kind, text in (("full", full), ("check", check), ("short", short)):
        if text:
            launches, *arguments = text.split()
            found[kind] = Effort(int(launches), tuple(arguments))
    return found


FAMILIES = (
    Family("imports", "Import", _efforts("1 --rounds 9", "1 --rounds 5", "1 --rounds 2"), True),
    Family(
        "calls",
        "Calls and streams, asyncio",
        _efforts("3 --rounds 5", "3 --rounds 5 --short", "1 --rounds 2 --short"),
        True,
    ),
    Family(
        "sync_calls",
        "Calls and streams, sync",
        _efforts("3 --rounds 5", "3 --rounds 4", "1 --rounds 2 --short"),
    ),
    Family("tls", "Calls and streams over TLS", _efforts("2 --rounds 4", "2 --rounds 3 --short")),
    Family("slow_streams", "Many slow streams", _efforts("3 --rounds 1", "3 --rounds 1 --short"), True),
    Family("first_chunk", "Time to the first chunk", _efforts("1 --rounds 3"), True),
    Family("payloads", "Large payloads", _efforts("1 --rounds 3", short="1 --rounds 1 --short"), True),
    Family("histories", "Long chats", _efforts("1 --rounds 5", short="1 --rounds 2 --short"), True),
    Family(
        "prepared",
        "Requests that share much, built",
        _efforts("1 --rounds 7", "1 --rounds 5", "1 --short"),
        read=standalone.prepared,
    ),
    Family(
        "embeddings",
        "Embeddings",
        _efforts("1 --rounds 5", "1 --rounds 5 --no-memory", "1 --short --no-memory"),
        read=standalone.embeddings,
    ),
    Family("pipelines", "Pipelines", _efforts("1 --rounds 16", "1 --rounds 8", "1 --rounds 4 --short")),
    Family("bulk", "Jobs over files", _efforts("1", short="1 --short"), read=standalone.bulk),
)
