"""What the handlers share: the store, the clock, the engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from gemwire_emulator.blob_store import Contents
from gemwire_emulator.clock import Clock
from gemwire_emulator.engines.canned import Canned
from gemwire_emulator.store import Store

#: Kinds of resources whose ``extra`` names ``contents``.
_WITH_CONTENTS = ("files", "uploads", "batches")


@dataclass
class World:
    """One emulator's inside.

    Attributes:
        store: What it remembers.
        clock: Its time.
        engine: What writes its answers.
        contents: The bytes of files.
        tasks: What goes on beside the calls: tunings, predictions.
        tuning_seconds: How long a tuning takes, by the clock.
        stirred: By tenant and name of an operation, what is set when it changes; see `services.longrunning`.
        draining: Set when the emulator is about to stop; live sessions say so.
        grace: Seconds that calls have from then on.
    """

    store: Store
    clock: Clock
    engine: Canned
    contents: Contents = field(default_factory=Contents)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    tuning_seconds: float = 2.0
    stirred: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    grace: float = 0.0

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let something go on beside the calls."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def sweep(self) -> None:
        """Forget the bytes that no resource has: of what was deleted while the emulator was being killed."""
        rows = (row for kind in _WITH_CONTENTS for _, row in self.store.kept(kind))
        self.contents.keep({content for row in rows for content in json.loads(row.extra).get("contents", ())})

    def drain(self, grace: float) -> None:
        """Tell those who wait that the emulator stops in so many seconds."""
        self.grace = grace
        self.draining.set()

    def rewind(self) -> None:
        """Resources are others now: end what goes on, and wake whoever waits."""
        for task in list(self.tasks):
            task.cancel()
        # They look again, and find no operation, or another.
        for changed in self.stirred.values():
            changed.set()
        self.stirred.clear()

    async def stop(self) -> None:
        """End what goes on; what it has not done is picked up from the store at the next start."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.engine.close()
        self.store.close()
        self.contents.close()
