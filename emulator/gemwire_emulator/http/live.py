"""Live sessions: BidiGenerateContent over a WebSocket, with JSON in text or binary frames."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial

import grpc
from google.protobuf.message import Message
from starlette.types import Receive, Scope, Send

from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import Disconnect, StatusError, token_misused
from gemwire_emulator.http.asgi_scope import create_call, get_headers, get_path, get_query
from gemwire_emulator.http.connection import get_connection
from gemwire_emulator.http.request_body import ClientDisconnected
from gemwire_emulator.http.responses import JSON_TYPE, encode_error
from gemwire_emulator.http.router import VERSIONS, VERTEX_VERSIONS
from gemwire_emulator.http.task_interrupt import TaskInterrupt
from gemwire_emulator.json_codec.messages import LARGE_BYTES, parse_json, parse_message, to_json

# Constrained is the path for tokens of live sessions; API keys may use it as well.
_GEMINI = re.compile(
    rf"/ws/google\.ai\.generativelanguage\.({'|'.join(VERSIONS)})"
    r"\.GenerativeService[./]BidiGenerateContent(Constrained)?/?"
)
_VERTEX = re.compile(
    rf"/ws/google\.cloud\.aiplatform\.({'|'.join(VERTEX_VERSIONS)})\.LlmBidiService[./]BidiGenerateContent/?"
)
#: Frames that may wait to be handled; after that the client is slowed down by flow control.
_MAX_QUEUED_FRAMES = 32
#: Seconds in which a session may end by itself after the client has closed it. An idle one does so at once;
#: running generation is stopped.
_CLOSE_GRACE = 0.05
#: Limit of the reason in a close frame, in bytes.
_MAX_REASON_BYTES = 123
#: Close codes of RFC 6455, 7.4.1.
_ABNORMAL, _INVALID, _POLICY, _INTERNAL, _RESTART = 1006, 1007, 1008, 1011, 1012
_CLOSE_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: _INVALID,
    grpc.StatusCode.FAILED_PRECONDITION: _INVALID,
    grpc.StatusCode.OUT_OF_RANGE: _INVALID,
    grpc.StatusCode.ABORTED: _POLICY,
    grpc.StatusCode.CANCELLED: _POLICY,
    grpc.StatusCode.NOT_FOUND: _POLICY,
    grpc.StatusCode.PERMISSION_DENIED: _POLICY,
    grpc.StatusCode.UNAUTHENTICATED: _POLICY,
    grpc.StatusCode.UNIMPLEMENTED: _POLICY,
}

#: A frame; None after the last one.
_Frame = bytes | str | None


class LiveApp:
    """BidiGenerateContent, as an ASGI application for WebSockets."""

    def __init__(self, gemini: Endpoint, vertex: Endpoint) -> None:
        """Serve the endpoints of BidiGenerateContent."""
        self._endpoints = ((_GEMINI, gemini), (_VERTEX, vertex))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a session."""
        await receive()
        path = get_path(scope)
        endpoint = next((one for pattern, one in self._endpoints if pattern.fullmatch(path)), None)
        if endpoint is None:
            await _reject(send, StatusError(grpc.StatusCode.NOT_FOUND, f"WebSocket {path} was not found."))
            return
        try:
            call = create_call(
                endpoint.method, scope, get_headers(scope), get_query(scope), front="websocket"
            )
        except StatusError as error:
            await _reject(send, error)
            return
        await send({"type": "websocket.accept"})
        frames: asyncio.Queue[_Frame] = asyncio.Queue(_MAX_QUEUED_FRAMES)
        try:
            with TaskInterrupt() as interrupt:
                receiving = asyncio.ensure_future(_receive_frames(receive, frames, interrupt))
                try:
                    # Clients do not expect an error before their first message.
                    requests = _parse_frames(endpoint.request, await frames.get(), frames)
                    if call.live_token and "Constrained" not in path:
                        raise token_misused("opens BidiGenerateContentConstrained")
                    async with aclosing(endpoint.bidi(requests, call)) as messages:
                        async for message in messages:
                            await send({"type": "websocket.send", "bytes": to_json(message).encode()})
                finally:
                    receiving.cancel()
            await _close(send, 1000, "")
        except (ClientDisconnected, OSError):
            pass  # `send` raises OSError after a disconnect.
        except Disconnect:
            connection = get_connection(scope)
            if connection is not None:
                connection.abort()
        except StatusError as error:
            await _close(send, _CLOSE_CODES.get(error.code, _INTERNAL), error.message)
        except asyncio.CancelledError:
            await _close(send, _RESTART, "The emulator is shutting down.")
            raise


async def _parse_frames(
    kind: type[Message], frame: _Frame, frames: asyncio.Queue[_Frame]
) -> AsyncGenerator[Message, None]:
    while frame is not None:
        parse = partial(_parse, kind, frame)
        yield parse() if len(frame) < LARGE_BYTES else await asyncio.to_thread(parse)
        frame = await frames.get()


def _parse(kind: type[Message], frame: bytes | str) -> Message:
    return parse_message(kind, parse_json(frame))


async def _receive_frames(receive: Receive, frames: asyncio.Queue[_Frame], interrupt: TaskInterrupt) -> None:
    while (event := await receive())["type"] == "websocket.receive":
        frame = event.get("bytes")
        await frames.put(event.get("text", "") if frame is None else frame)
    if event.get("code") != _ABNORMAL:
        await frames.put(None)
        await asyncio.sleep(_CLOSE_GRACE)
    interrupt(ClientDisconnected())


async def _close(send: Send, code: int, reason: str) -> None:
    truncated = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
    with suppress(OSError, RuntimeError):  # The client may have closed first.
        await send({"type": "websocket.close", "code": code, "reason": truncated})


async def _reject(send: Send, error: StatusError) -> None:
    """Answer a handshake with an HTTP error."""
    status, body = encode_error(error)
    headers = [(b"content-type", JSON_TYPE.encode())]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
