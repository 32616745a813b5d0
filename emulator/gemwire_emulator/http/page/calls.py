"""The journal over HTTP: the list of calls, one call, and one call as a curl command."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import grpc

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.page.call_json import CallSummary, describe_call, summarize_call
from gemwire_emulator.http.page.curl import build_curl_command
from gemwire_emulator.http.page.json_endpoint import ControlRequest
from gemwire_emulator.http.router import RpcRoute
from gemwire_emulator.journal import Journal
from gemwire_emulator.journal_entry import JournalEntry

#: Limit of calls in a response.
_MAX_PAGE_SIZE = 1000
#: Calls that are examined before the event loop runs other tasks.
_BATCH_SIZE = 200


class Calls:
    """Handlers of ``/emulator/calls``."""

    def __init__(self, journal: Journal, routes: Sequence[RpcRoute]) -> None:
        """Serve a journal.

        Args:
            journal: The calls.
            routes: The HTTP routes of RPCs, for curl commands.
        """
        self._journal = journal
        self._routes = routes

    async def list(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``GET /emulator/calls``: the calls that match the filter, latest first."""
        limit = request.get_int("limit", 100, _MAX_PAGE_SIZE)
        before, after = request.get_int("before", 2**63), request.get_int("after", 0)
        calls: list[CallSummary] = []
        matches = _build_filter(request)
        more = False
        for index, entry in enumerate(reversed(list(self._journal.entries))):
            if index % _BATCH_SIZE == _BATCH_SIZE - 1:
                await asyncio.sleep(0)
            if not after < entry.number < before:
                continue
            summary = summarize_call(entry)
            if not matches(summary):
                continue
            if len(calls) == limit:
                more = True
                break
            calls.append(summary)
        response: dict[str, object] = {"calls": calls, "total": len(self._journal.entries)}
        return response | ({"before": calls[-1]["number"]} if more and calls else {})

    async def clear(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``DELETE /emulator/calls``: forget all calls."""
        self._journal.clear()
        return {}

    async def get(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``GET /emulator/calls/{number}``; ``elide=true`` omits long bytes and vectors."""
        # In a thread: a call may hold videos.
        elide = request.query.get("elide") == "true"
        return await asyncio.to_thread(describe_call, self._find(request), elide=elide)

    async def get_curl(self, request: ControlRequest) -> dict[str, object]:
        """Handle ``GET /emulator/calls/{number}/curl``: the command that repeats the call."""
        entry, base_url = self._find(request), f"{request.scheme}://{request.host}"
        return {"curl": await asyncio.to_thread(build_curl_command, entry, self._routes, base_url)}

    def _find(self, request: ControlRequest) -> JournalEntry:
        number = request.path["number"]
        for entry in self._journal.entries:
            if str(entry.number) == number:
                return entry
        message = f"Call {number} was not found; the journal keeps the latest calls only."
        raise StatusError(grpc.StatusCode.NOT_FOUND, message)


def _build_filter(request: ControlRequest) -> Callable[[CallSummary], bool]:
    get = request.query.get
    text, method = get("text", "").lower(), get("method", "").lower()
    status, front = get("status", ""), get("front", "")

    def matches(call: CallSummary) -> bool:
        ended = call["status"]
        words = f"{call['method']} {call['model']} {ended} {call['text']}".lower()
        outcome = "running" if ended is None else "failed" if ended != "OK" else "OK"
        return (
            text in words
            and method in call["method"].lower()
            and front in {"", call["front"]}
            and status in {"", ended, outcome}
        )

    return matches
