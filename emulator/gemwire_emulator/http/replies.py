"""Writing answers: whole ones, errors, and streams of messages as events or as an array."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from gemwire_emulator.failure import Failure
from gemwire_emulator.http.problem import Problem, error_of, status_of

Send = Callable[[Any], Awaitable[None]]

JSON = "application/json; charset=UTF-8"
_LAST = {"type": "http.response.body", "body": b""}


async def reply(
    send: Send,
    body: bytes,
    status: int = 200,
    content_type: str = JSON,
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


async def refuse(send: Send, failure: Failure) -> None:
    """Send an error."""
    headers = failure.headers if isinstance(failure, Problem) else None
    await reply(send, _error(failure), status_of(failure), headers=headers)


async def events(messages: AsyncGenerator[str, None], send: Send) -> None:
    r"""Send ``data: {…}\r\n\r\n`` for each message. An error is one of them, and nothing marks the end.

    Args:
        messages: JSON each.
        send: ASGI's.

    Raises:
        Failure: There is not even a first message.
    """
    message = await anext(messages, None)
    await send(_start(b"text/event-stream"))
    try:
        while message is not None:
            await send(_part(b"data: " + message.encode() + b"\r\n\r\n"))
            message = await anext(messages, None)
    except Failure as failure:
        await send(_part(b"data: " + _error(failure) + b"\r\n\r\n"))
    await send(_LAST)


async def array(messages: AsyncGenerator[str, None], send: Send) -> None:
    """Send a JSON array that grows by each message. An error is its last element.

    Args:
        messages: JSON each.
        send: ASGI's.

    Raises:
        Failure: There is not even a first message.
    """
    message = await anext(messages, None)
    await send(_start(JSON.encode()))
    before = b"["
    try:
        while message is not None:
            await send(_part(before + message.encode()))
            before = b",\r\n"
            message = await anext(messages, None)
    except Failure as failure:
        await send(_part(before + _error(failure)))
        before = b",\r\n"
    await send(_part(b"[]" if before == b"[" else b"]"))
    await send(_LAST)


def _error(failure: Failure) -> bytes:
    return json.dumps(error_of(failure), ensure_ascii=False).encode()


def _start(content_type: bytes) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]}


def _part(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}
