"""Server-sent events for the page: at a limited rate, and without work while no page is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from starlette.types import Message, Receive, Scope, Send

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.asgi_scope import get_headers
from gemwire_emulator.http.page.call_json import CallSummary, summarize_call
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.page.json_endpoint import HEADERS, send_control_error
from gemwire_emulator.journal import Journal
from gemwire_emulator.journal_entry import JournalEntry

#: Seconds between two events, and calls in one: 2,000 calls a second are more than anybody reads.
_INTERVAL = 0.1
_MAX_CALLS = 200
#: Seconds without an event after which an empty one is sent as a keepalive.
_KEEPALIVE = 15.0
#: Milliseconds after which a page reconnects.
_RECONNECT_DELAY = 1000
#: Changes that may wait for an event; far more than happen in an interval.
_MAX_QUEUED_CHANGES = 50_000


class EventStream:
    """``GET /emulator/events``, as an ASGI application."""

    def __init__(
        self, guard: CsrfGuard, journal: Journal, get_control: Callable[[], dict[str, object]]
    ) -> None:
        """Stream the changes of a journal.

        Args:
            guard: Rejects foreign pages.
            journal: The calls.
            get_control: Returns faults, quota and pace.
        """
        self._guard = guard
        self._journal = journal
        self._get_control = get_control
        self._closed = asyncio.Event()

    def close(self) -> None:
        """End all streams, because the emulator stops."""
        self._closed.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a page."""
        try:
            self._guard.check(scope["method"], get_headers(scope))
        except StatusError as error:
            await send_control_error(send, error)
            return
        pairs = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        pairs.append((b"content-type", b"text/event-stream"))
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        ending = asyncio.ensure_future(self._wait_for_end(receive))
        await send(_build_body(f"retry: {_RECONNECT_DELAY}\r\n\r\n"))
        try:
            with self._journal.watch(_MAX_QUEUED_CHANGES) as changes:
                await self._send_events(changes, ending, send)
        finally:
            ending.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _wait_for_end(self, receive: Receive) -> None:
        """Wait until the client disconnects or the emulator stops."""
        closing = asyncio.ensure_future(self._closed.wait())
        try:
            while not closing.done():
                receiving = asyncio.ensure_future(receive())
                await asyncio.wait((closing, receiving), return_when=asyncio.FIRST_COMPLETED)
                if not receiving.done():
                    receiving.cancel()
                elif receiving.result()["type"] == "http.disconnect":
                    return
        finally:
            closing.cancel()

    async def _send_events(
        self, changes: asyncio.Queue[JournalEntry], ending: asyncio.Future[None], send: Send
    ) -> None:
        pending: dict[int, JournalEntry] = {}
        sent: dict[str, object] = {}
        idle = 0.0
        while not ending.done():
            lost = changes.full()
            while not changes.empty():
                entry = changes.get_nowait()
                pending[entry.number] = entry
            state = self._get_state()
            event = {name: value for name, value in state.items() if sent.get(name, ...) != value}
            if calls := self._take_calls(pending):
                event["calls"] = calls
            if lost:
                event["lost"] = True
            idle += _INTERVAL
            if event or idle > _KEEPALIVE:
                text = json.dumps(event, separators=(",", ":"))
                await send(_build_body(f"data: {text}\r\n\r\n"))
                sent, idle = state, 0.0
            await asyncio.wait((ending,), timeout=_INTERVAL)

    def _get_state(self) -> dict[str, object]:
        """Return what is sent when it changes: the oldest call, the number of calls, the controls."""
        entries = self._journal.entries
        oldest = entries[0].number if entries else None
        return {"oldest": oldest, "total": len(entries), "control": self._get_control()}

    def _take_calls(self, pending: dict[int, JournalEntry]) -> list[CallSummary]:
        """Remove the latest calls from those that are pending; the others wait for the next event."""
        entries = self._journal.entries
        oldest = entries[0].number if entries else 2**63
        for number in [number for number in pending if number < oldest]:
            del pending[number]
        return [summarize_call(pending.pop(number)) for number in sorted(pending)[-_MAX_CALLS:]]


def _build_body(text: str) -> Message:
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}
