"""News for the page as server-sent events: so many a second, and no work where nobody looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http import responses
from gemwire_emulator.http.asgi_scope import Scope, get_headers
from gemwire_emulator.http.page import call_json
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.page.json_endpoint import HEADERS, send_control_error
from gemwire_emulator.http.request_body import Receive
from gemwire_emulator.journal import Journal
from gemwire_emulator.journal_entry import JournalEntry

#: Seconds between two events, and calls that one may have: 2,000 a second are more than anybody reads.
_PAUSE = 0.1
_MOST = 200
#: Seconds after which a client is told that the server lives.
_SILENCE = 15.0
#: Milliseconds after which a page tries again when the connection broke.
_AGAIN = 1000
#: Changes that wait for one event; far more than can happen in a pause.
_WAITING = 50_000


class EventStream:
    """``GET /emulator/events``, an ASGI application."""

    def __init__(self, guard: CsrfGuard, journal: Journal, state: Callable[[], dict[str, Any]]) -> None:
        """``state``: the switches."""
        self._guard = guard
        self._journal = journal
        self._state = state
        self._closed = asyncio.Event()

    def close(self) -> None:
        """End what goes on: the emulator stops."""
        self._closed.set()

    async def __call__(self, scope: Scope, receive: Receive, send: responses.Send) -> None:
        """Serve one page."""
        try:
            self._guard.check(scope["method"], get_headers(scope))
        except StatusError as failure:
            await send_control_error(send, failure)
            return
        pairs = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        pairs.append((b"content-type", b"text/event-stream"))
        await send({"type": "http.response.start", "status": 200, "headers": pairs})
        ending = asyncio.ensure_future(self._over(receive))
        await send(_part(f"retry: {_AGAIN}\r\n\r\n"))
        try:
            with self._journal.watch(_WAITING) as changes:
                await self._tell(changes, ending, send)
        finally:
            ending.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _over(self, receive: Receive) -> None:
        """Until the client leaves or the emulator stops."""
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

    async def _tell(
        self, changes: asyncio.Queue[JournalEntry], ending: asyncio.Future[None], send: responses.Send
    ) -> None:
        pending: dict[int, JournalEntry] = {}
        told: dict[str, Any] = {}
        quiet = 0.0
        while not ending.done():
            lost = changes.full()
            while not changes.empty():
                entry = changes.get_nowait()
                pending[entry.number] = entry
            now = self._now()
            event = {name: value for name, value in now.items() if told.get(name, ...) != value}
            if calls := self._next(pending):
                event["calls"] = calls
            if lost:
                event["lost"] = True
            quiet += _PAUSE
            if event or quiet > _SILENCE:
                text = json.dumps(event, separators=(",", ":"))
                await send(_part(f"data: {text}\r\n\r\n"))
                told, quiet = now, 0.0
            await asyncio.wait((ending,), timeout=_PAUSE)

    def _now(self) -> dict[str, Any]:
        """What is told when it differs: the number of the oldest call, how many there are, the switches."""
        kept = self._journal.entries
        return {"oldest": kept[0].number if kept else None, "total": len(kept), "control": self._state()}

    def _next(self, pending: dict[int, JournalEntry]) -> list[dict[str, Any]]:
        """The latest of the calls that wait to be told; what is too much for now goes on waiting."""
        kept = self._journal.entries
        oldest = kept[0].number if kept else 2**63
        for number in [number for number in pending if number < oldest]:
            del pending[number]
        return [call_json.summarize_call(pending.pop(number)) for number in sorted(pending)[-_MOST:]]


def _part(text: str) -> dict[str, Any]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}
