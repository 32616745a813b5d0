"""What was asked of the emulator, for tests to assert on."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gemwire_emulator.dispatch import Call

#: Headers whose values are not kept.
_SECRET = frozenset({"x-goog-api-key", "authorization"})


class Entry:
    """One call.

    Attributes:
        method: The RPC, ``google.ai….GenerativeService/GenerateContent``.
        metadata: What came with it; the values of secrets are replaced.
        requests: Its request, or those of a bidi call so far.
        began: Seconds since the epoch.
        elapsed: Seconds it took; None while it goes on.
        first: Seconds to the first message of the answer.
        messages: Messages answered.
        status: Name of the status; None while it goes on.
    """

    def __init__(self, call: Call, request: Any) -> None:
        """The call begins."""
        self.method = call.method.path[1:]
        self.metadata = {k: "…" if k in _SECRET else v for k, v in call.metadata.items()}
        self.requests = [] if request is None else [request]
        self.began = time.time()
        self.elapsed: float | None = None
        self.first: float | None = None
        self.messages = 0
        self.status: str | None = None

    def request(self, request: Any) -> None:
        """A further request of a bidi call."""
        self.requests.append(request)

    def message(self) -> None:
        """A message was answered."""
        self.messages += 1
        if self.first is None:
            self.first = time.time() - self.began

    def end(self, status: str) -> None:
        """The call has ended."""
        if self.status is None:
            self.status = status
            self.elapsed = time.time() - self.began


class Journal:
    """The latest calls, oldest first."""

    def __init__(self, most: int = 10_000) -> None:
        """``most``: how many are kept."""
        self.entries: deque[Entry] = deque(maxlen=most)

    def begin(self, call: Call, request: Any) -> Entry:
        """A call begins."""
        entry = Entry(call, request)
        self.entries.append(entry)
        return entry

    def calls(self, method: str = "") -> list[Entry]:
        """The calls of a method, by the end of its name; all without one."""
        return [e for e in self.entries if e.method.endswith(method)]

    def clear(self) -> None:
        """Forget them."""
        self.entries.clear()
