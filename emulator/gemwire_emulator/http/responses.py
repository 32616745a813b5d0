"""Sending responses: complete ones, errors, and streams of messages as events or as an array."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.types import Send

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.json_errors import HttpError, error_to_json, get_http_status

JSON_TYPE = "application/json; charset=UTF-8"


async def send_response(
    send: Send,
    body: bytes,
    status: int = 200,
    content_type: str = JSON_TYPE,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send a complete response.

    Args:
        send: ASGI's.
        body: The body.
        status: The HTTP status.
        content_type: Media type of the body.
        headers: Further headers.
    """
    pairs = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    pairs += [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, error: StatusError, headers: Mapping[str, str] | None = None) -> None:
    """Send an error; ``headers`` are added to those of the error."""
    own = error.headers if isinstance(error, HttpError) else {}
    status, body = encode_error(error)
    await send_response(send, body, status, headers={**(headers or {}), **own})


def encode_error(error: StatusError) -> tuple[int, bytes]:
    """Return the HTTP status and the body of a error."""
    text = json.dumps(error_to_json(error), ensure_ascii=False)
    return get_http_status(error), text.encode(errors="replace")


class MessageStream:
    r"""A response of several messages: events, ``data: {…}\r\n\r\n``, or an array that grows.

    An error is sent as the last message; unless asked for, nothing else marks the end of events.

    Attributes:
        started: True once a message was sent.
    """

    def __init__(self, send: Send, *, events: bool, done: bool = False) -> None:
        """Prepare a response. Its status is sent with the first message, as it may become an error's.

        Args:
            send: ASGI's.
            events: Send server-sent events instead of an array.
            done: End events by one whose data is ``[DONE]``.
        """
        self.started = False
        self._send = send
        self._content_type = b"text/event-stream" if events else JSON_TYPE.encode()
        self._before, self._between = (b"data: ", b"data: ") if events else (b"[", b",\r\n")
        self._after, self._end = (b"\r\n\r\n", b"") if events else (b"", b"]")
        if done:
            self._end = b"data: [DONE]\r\n\r\n"

    async def write(self, message: bytes) -> None:
        """Send a message that is encoded as JSON."""
        if not self.started:
            await self._start()
        body = self._before + message + self._after
        self._before = self._between
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        """End the response."""
        if not self.started:
            await self._start()
            self._end = b"[]" if self._end == b"]" else self._end
        await self._send({"type": "http.response.body", "body": self._end})

    async def _start(self) -> None:
        self.started = True
        headers = [(b"content-type", self._content_type)]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
