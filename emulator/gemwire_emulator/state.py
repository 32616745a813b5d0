"""The state that all handlers share: the store, the clock, the engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field

from gemwire_emulator.base_models import ModelCatalog
from gemwire_emulator.blob_store import BlobStore
from gemwire_emulator.clock import Clock
from gemwire_emulator.engines.canned import CannedReplies
from gemwire_emulator.storage import Storage
from gemwire_emulator.store import Store

#: Kinds of resources whose ``extra`` names ``contents``, their blobs.
_KINDS_WITH_BLOBS = ("files", "uploads", "batches", "operations")


@dataclass
class State:
    """The state of one emulator.

    Attributes:
        store: The resources.
        clock: The emulator's time.
        engine: The engine that generates responses.
        blobs: The bytes of files.
        storage: The objects of Cloud Storage.
        models: The base models.
        tasks: Background tasks, such as tunings and predictions.
        tuning_seconds: Duration of a tuning, by the clock.
        callers: E-mail addresses of callers and of their groups, by API key; see `services.permissions`.
        operation_events: Events that are set when an operation changes, by tenant and name; see
            `services.longrunning`.
        draining: Set when the emulator is about to stop; live sessions announce it.
        grace: Seconds that calls have from then on.
    """

    store: Store
    clock: Clock
    engine: CannedReplies
    blobs: BlobStore = field(default_factory=BlobStore)
    storage: Storage = field(default_factory=Storage)
    models: ModelCatalog = field(default_factory=ModelCatalog)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    tuning_seconds: float = 2.0
    callers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    operation_events: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    grace: float = 0.0

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Start a background task."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def delete_orphaned_blobs(self) -> None:
        """Delete blobs that no resource refers to, which a kill -9 during a deletion leaves behind."""
        rows = (row for kind in _KINDS_WITH_BLOBS for _, row in self.store.list_all_tenants(kind))
        self.blobs.retain({blob for row in rows for blob in json.loads(row.extra).get("contents", ())})

    def drain(self, grace: float) -> None:
        """Announce that the emulator stops after a number of seconds."""
        self.grace = grace
        self.draining.set()

    def cancel_tasks(self) -> None:
        """Cancel background tasks and wake all waiters, since the resources have been replaced."""
        for task in list(self.tasks):
            task.cancel()
        # Waiters look their operation up again, and find none or another one.
        for changed in self.operation_events.values():
            changed.set()
        self.operation_events.clear()

    async def stop(self) -> None:
        """Stop background tasks and close everything; unfinished work is resumed at the next start."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.engine.close()
        self.store.close()
        self.blobs.close()
