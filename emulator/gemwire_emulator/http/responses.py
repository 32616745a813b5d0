"""Writing answers: whole ones, errors, and streams of messages as events or as an array."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.json_errors import HttpFailure, error_to_json, get_http_status

Send = Callable[[Any], Awaitable[None]]

JSON_TYPE = "application/json; charset=UTF-8"


async def send_response(
    send: Send,
    body: bytes,
    status: int = 200,
    content_type: str = JSON_TYPE,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send a whole answer.

    Args:
        send: ASGI's.
        body: The answer.
        status: HTTP's.
        content_type: What the body is.
        headers: More of them.
    """
    pairs = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    pairs += [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, failure: StatusError, headers: Mapping[str, str] | None = None) -> None:
    """Send an error, with more headers than it has of its own."""
    own = failure.headers if isinstance(failure, HttpFailure) else {}
    status, body = encode_error(failure)
    await send_response(send, body, status, headers={**(headers or {}), **own})


class MessageStream:
    r"""Sends message after message: as events, ``data: {…}\r\n\r\n``, or as an array that grows.

    An error is the last of them; nothing else marks the end of events.

    Attributes:
        started: Whether there was a message.
    """

    def __init__(self, send: Send, *, events: bool) -> None:
        """Nothing is sent before there is a message, as the status may be that of an error.

        Args:
            send: ASGI's.
            events: Not an array.
        """
        self.started = False
        self._send = send
        self._content_type = b"text/event-stream" if events else JSON_TYPE.encode()
        self._before, self._between = (b"data: ", b"data: ") if events else (b"[", b",\r\n")
        self._after, self._end = (b"\r\n\r\n", b"") if events else (b"", b"]")

    async def write(self, message: bytes) -> None:
        """Send a message, which is JSON."""
        if not self.started:
            await self._start()
        body = self._before + message + self._after
        self._before = self._between
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        """There are no more."""
        if not self.started:
            await self._start()
            self._end = self._end and b"[]"
        await self._send({"type": "http.response.body", "body": self._end})

    async def _start(self) -> None:
        self.started = True
        headers = [(b"content-type", self._content_type)]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})


def encode_error(failure: StatusError) -> tuple[int, bytes]:
    """HTTP's status of a failure, and the body that says it."""
    return get_http_status(failure), json.dumps(error_to_json(failure), ensure_ascii=False).encode(
        errors="replace"
    )
