"""The record of one call in the journal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError
from gemwire_runtime.redaction import redact

#: Metadata keys whose values are not recorded.
_SECRET = frozenset({"x-goog-api-key", "authorization", "proxy-authorization", "cookie"})
#: Bytes of memory that a message takes beside its own: two objects, and their places in lists.
_OVERHEAD = 100


class JournalEntry:
    """One call.

    Attributes:
        number: Number of the call, from 1.
        method: The RPC, ``google.ai….GenerativeService/GenerateContent``.
        front: Protocol of the call: ``"grpc"``, ``"http"`` or ``"websocket"``.
        peer: Address of the client.
        metadata: Request metadata; the values of secrets are replaced.
        times: Seconds from the start of the call to each response.
        messages: Number of response messages.
        complete: Whether all messages were recorded; of a very long call the later ones are not.
        began: Seconds since the epoch.
        elapsed: Duration in seconds; None while the call runs.
        status: Name of the status, or ``"DISCONNECTED"``; None while the call runs.
        failure: The error that ended the call, if one did.
        size: Approximate bytes of memory.
    """

    def __init__(
        self, number: int, call: Call, on_change: Callable[[JournalEntry, int], None], max_bytes: int
    ) -> None:
        """Start recording a call.

        Args:
            number: Number of the call.
            call: The call.
            on_change: Called with the entry and its additional bytes after every change.
            max_bytes: Bytes of messages that are recorded.
        """
        self.number = number
        self.method = call.method.path[1:]
        self.front = call.front
        self.peer = call.peer
        self.metadata = {k: "…" if k in _SECRET else v for k, v in call.metadata.items()}
        # Serialized: a message object takes more than ten times as much memory.
        self._requests: list[bytes] = []
        self._responses: list[bytes] = []
        self._request_type: type[Message] = Message
        self._response_type: type[Message] = Message
        self.times: list[float] = []
        self.messages = 0
        self.complete = True
        self.began = time.time()
        self.elapsed: float | None = None
        self.status: str | None = None
        self.failure: StatusError | None = None
        self.size = 0
        self._on_change = on_change
        self._max_bytes = max_bytes

    def __repr__(self) -> str:
        return f"<call {self.number} {self.method}: {self.status or 'running'}>"

    @property
    def requests(self) -> list[Any]:
        """The request, or the requests of a bidi call so far."""
        return [self._request_type.FromString(data) for data in self._requests]

    @property
    def responses(self) -> list[Any]:
        """The response, or the responses of a stream so far."""
        return [self._response_type.FromString(data) for data in self._responses]

    @property
    def request(self) -> Any:
        """The request, or the first one of a bidi call; None before it."""
        return self._request_type.FromString(self._requests[0]) if self._requests else None

    @property
    def response(self) -> Any:
        """The response, or the last one of a stream so far; None without one."""
        return self._response_type.FromString(self._responses[-1]) if self._responses else None

    @property
    def first(self) -> float | None:
        """Seconds to the first response message; None before it."""
        return self.times[0] if self.times else None

    def record_request(self, request: Message) -> None:
        """Record a request message."""
        self._request_type = type(request)
        self._record(request, self._requests)

    def record_response(self, response: Message) -> None:
        """Record a response message that is about to be sent."""
        self.messages += 1
        self._response_type = type(response)
        if self._record(response, self._responses):
            self.times.append(time.time() - self.began)

    def fail(self, error: StatusError) -> None:
        """Record that the call failed."""
        self.failure = error
        self.end(error.status)

    def end(self, status: str) -> None:
        """Record that the call ended."""
        if self.status is None:
            self.status = status
            self.elapsed = time.time() - self.began
            self._on_change(self, 0)

    def stop_recording(self) -> None:
        """Record no more messages, since the journal has dropped this entry."""
        self._max_bytes = 0

    def _record(self, message: Message, messages: list[bytes]) -> bool:
        """Record a message if it and all before it fit; return whether they do."""
        size = 0
        if self.complete:
            data = redact(message).SerializeToString()
            size = len(data) + _OVERHEAD
            if self.size + size > self._max_bytes:
                self.complete = False
                size = 0
            else:
                self.size += size
                messages.append(data)
        self._on_change(self, size)
        return self.complete
