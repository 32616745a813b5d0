"""Live sessions over a WebSocket, as the SDKs speak to BidiGenerateContent: JSON in text or binary frames."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

import grpc

from gemwire_emulator.dispatch import Endpoint
from gemwire_emulator.errors import Disconnect, StatusError
from gemwire_emulator.http.asgi_scope import Scope, create_call, get_connection, get_path, get_query
from gemwire_emulator.http.request_body import ClientDisconnected, Receive
from gemwire_emulator.http.responses import JSON_TYPE, Send, encode_error
from gemwire_emulator.http.router import VERSIONS
from gemwire_emulator.http.task_interrupt import TaskInterrupt
from gemwire_emulator.http.transcode import parse_json, parse_message, to_json

# Constrained is for tokens that are good for one session; here it is the same.
_PATH = re.compile(
    rf"/ws/google\.ai\.generativelanguage\.({'|'.join(VERSIONS)})"
    r"\.GenerativeService[./]BidiGenerateContent(Constrained)?/?"
)
#: Messages that may wait; a client that sends more has to wait itself.
_WAITING = 32
#: Seconds in which a session may end by itself after the client has closed it. One in which nothing goes on
#: does so at once; what an engine has under way is stopped.
_LINGER = 0.05
#: Bytes that the reason of a close frame may have.
_REASON = 123
#: The close code that the client's own going away has where no frame said so.
_ABNORMAL = 1006
_INVALID, _POLICY, _INTERNAL = 1007, 1008, 1011
_CODES = {
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


class LiveApp:
    """BidiGenerateContent, as an ASGI application for WebSockets."""

    def __init__(self, endpoint: Endpoint) -> None:
        """``endpoint``: the RPC."""
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one session."""
        await receive()
        path = get_path(scope)
        if not _PATH.fullmatch(path):
            await _decline(send, StatusError(grpc.StatusCode.NOT_FOUND, f"There is no WebSocket at {path}."))
            return
        try:
            call = create_call(self._endpoint.method, scope, get_query(scope), front="websocket")
        except StatusError as failure:
            await _decline(send, failure)
            return
        await send({"type": "websocket.accept"})
        waiting: asyncio.Queue[Any] = asyncio.Queue(_WAITING)
        try:
            with TaskInterrupt() as interrupt:
                listening = asyncio.ensure_future(_listen(receive, waiting, interrupt))
                try:
                    # Before it has said something, a client does not expect to be refused.
                    requests = self._requests(await waiting.get(), waiting)
                    async with aclosing(self._endpoint.bidi(requests, call)) as messages:
                        async for message in messages:
                            await send({"type": "websocket.send", "bytes": to_json(message).encode()})
                finally:
                    listening.cancel()
            await _close(send, 1000, "")
        except (ClientDisconnected, OSError):
            pass  # OSError is what `send` says of a client that is gone.
        except Disconnect:
            connection = get_connection(scope)
            if connection is not None:
                connection.sever()
        except StatusError as failure:
            await _close(send, _CODES.get(failure.code, _INTERNAL), failure.message)
        except asyncio.CancelledError:
            await _close(send, 1012, "The emulator stops.")
            raise

    async def _requests(self, frame: Any, waiting: asyncio.Queue[Any]) -> AsyncGenerator[Any, None]:
        while frame is not None:
            yield parse_message(self._endpoint.request, parse_json(frame))
            frame = await waiting.get()


async def _listen(receive: Receive, waiting: asyncio.Queue[Any], interrupt: TaskInterrupt) -> None:
    """Frames as they come, and None at the end of them."""
    while (event := await receive())["type"] == "websocket.receive":
        frame = event.get("bytes")
        await waiting.put(event.get("text", "") if frame is None else frame)
    if event.get("code") != _ABNORMAL:
        await waiting.put(None)
        await asyncio.sleep(_LINGER)
    interrupt(ClientDisconnected())


async def _close(send: Send, code: int, reason: str) -> None:
    cut = reason.encode()[:_REASON].decode(errors="ignore")
    with suppress(OSError, RuntimeError):  # The client may have been faster.
        await send({"type": "websocket.close", "code": code, "reason": cut})


async def _decline(send: Send, failure: StatusError) -> None:
    """Answer with HTTP instead."""
    status, body = encode_error(failure)
    headers = [(b"content-type", JSON_TYPE.encode())]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
