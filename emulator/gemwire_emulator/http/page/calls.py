"""The journal over HTTP: the calls, one call, and what happens to them as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.page import call_json, curl
from gemwire_emulator.http.page.json_endpoint import ControlRequest
from gemwire_emulator.http.router import RpcRoute
from gemwire_emulator.journal import Journal
from gemwire_emulator.journal_entry import JournalEntry

#: Calls that an answer may have.
_MOST = 1000
#: Calls that are looked at before others on the loop have their turn.
_AT_ONCE = 200


class Calls:
    """What was request, to look at."""

    def __init__(self, journal: Journal, routes: Sequence[RpcRoute]) -> None:
        """``routes``: what HTTP has for an RPC."""
        self._journal = journal
        self._routes = routes

    async def list(self, request: ControlRequest) -> Any:
        """``GET /emulator/calls``: the latest first, those that pass the filter."""
        most = request.number("limit", 100, _MOST)
        before, after = request.number("before", 2**63), request.number("after", 0)
        found: list[dict[str, Any]] = []
        more = False
        wanted = _filter(request)
        for index, entry in enumerate(reversed(list(self._journal.entries))):
            if index % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            if not after < entry.number < before:
                continue
            shown = call_json.summarize_call(entry)
            if not wanted(shown):
                continue
            if len(found) == most:
                more = True
                break
            found.append(shown)
        answer: dict[str, Any] = {"calls": found, "total": len(self._journal.entries)}
        return answer | ({"before": found[-1]["number"]} if more and found else {})

    async def clear(self, request: ControlRequest) -> Any:
        """``DELETE /emulator/calls``: forget them."""
        self._journal.clear()
        return {}

    async def one(self, request: ControlRequest) -> Any:
        """``GET /emulator/calls/{number}``: all of it; with ``elide=true`` without long bytes and vectors."""
        # Elsewhere: a film takes a while to write.
        return await asyncio.to_thread(
            call_json.describe_call, self._entry(request), elide=request.query.get("elide") == "true"
        )

    async def curl(self, request: ControlRequest) -> Any:
        """``GET /emulator/calls/{number}/curl``: the command that makes the call again."""
        entry, base = self._entry(request), f"{request.scheme}://{request.host}"
        return {"curl": await asyncio.to_thread(curl.build_curl_command, entry, self._routes, base)}

    def _entry(self, request: ControlRequest) -> JournalEntry:
        text = request.path["number"]
        for entry in self._journal.entries:
            if str(entry.number) == text:
                return entry
        raise StatusError(grpc.StatusCode.NOT_FOUND, f"There is no call {text}, or it is forgotten.")


def _filter(request: ControlRequest) -> Callable[[dict[str, Any]], bool]:
    get = request.query.get
    text, method = get("text", "").lower(), get("method", "").lower()
    status, front = get("status", ""), get("front", "")

    def wanted(shown: dict[str, Any]) -> bool:
        said = shown["status"]
        words = f"{shown['method']} {shown['model']} {said} {shown['text']}".lower()
        return (
            text in words
            and method in shown["method"].lower()
            and front in {"", shown["front"]}
            and status in {"", said, "running" if said is None else "failed" if said != "OK" else "OK"}
        )

    return wanted
