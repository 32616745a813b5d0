"""Bidirectional calls over WebSockets. Runs on an event loop for both flavours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

from google.protobuf.message import Message

from gemwire._transport.rest.exchange import parse_message, to_headers
from gemwire._transport.rest.http_errors import HttpError
from gemwire._transport.rest.transcode import to_json
from gemwire_runtime import json_only
from gemwire_runtime.method import Method
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    from gemwire._transport.rest.session import Session
    from gemwire._transport.rest.websocket import WebSocket

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class WebSocketCall(Generic[_Request, _Response]):
    """One call: messages as JSON, each in a frame. Everything here must be used on the session's loop.

    Attributes:
        carries_json: True: requests may hold JSON-only fields.
    """

    carries_json = True

    def __init__(
        self,
        session: Session,
        method: Method[_Request, _Response],
        timeout: float | None,
        metadata: Iterable[tuple[str, str | bytes]],
    ) -> None:
        """Start to connect. Raises ValueError if the metadata has no HTTP form."""
        headers = dict(to_headers(metadata, None))
        del headers["content-type"]
        self._method = method
        # Sessions of Vertex AI consist of the Gemini API's messages, with fields that only Vertex AI has.
        self._refuses_vertex = method.request.DESCRIPTOR.full_name.startswith(
            method.service.rpartition(".")[0]
        )
        self._ended = False
        self._failure: HttpError | None = None
        self._callbacks: list[Callable[[object], object]] = []
        self._loop = loop = asyncio.get_running_loop()
        self._opening = loop.create_task(session.connect(method.websocket, headers))
        # Whoever reads or writes gets the error; asyncio would log it if nobody does.
        self._opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._closing: asyncio.Task[None] | None = None
        self._expiry = None if timeout is None else loop.call_later(timeout, self._expire)

    async def open(self) -> WebSocket:
        """Return the connection when it is open.

        Raises:
            HttpError: There is none, or the call has ended.
        """
        try:
            return await asyncio.shield(self._opening)
        except HttpError as error:
            raise self._end(error) from None
        except asyncio.CancelledError:
            if self._failure is not None and self._opening.cancelled():
                raise self._failure from None
            raise

    async def write(self, request: _Request) -> None:
        """Send a message.

        Raises:
            HttpError: The connection is not there, or broke.
            ValueError: The message has no JSON form, or a field that the service does not have.
            asyncio.InvalidStateError: The call has ended.
        """
        if self._ended:
            raise asyncio.InvalidStateError
        if self._refuses_vertex and json_only.may_be_in(request, request.SerializeToString()):
            json_only.refuse_vertex_fields(request)
        text = to_json(request)
        await (await self.open()).send(text)

    async def done_writing(self) -> None:
        """Do nothing: a WebSocket cannot be closed for writing alone. The call goes on until it is left."""

    async def read(self) -> _Response | None:
        """Return the next message; None at the regular end.

        Raises:
            HttpError: The call failed.
        """
        if not self._ended:
            socket = await self.open()
            try:
                received = await socket.receive()
                if received is not None and not self._ended:
                    return parse_message(self._method.response, received)
                self._end(None)
            except HttpError as error:
                self._end(error)
            self._close()
        if self._failure is not None:
            raise self._failure
        return None

    def cancel(self) -> bool:
        """End the call; its reader gets CANCELLED. Returns whether it was still running."""
        if self._ended:
            return False
        self._end(HttpError(StatusCode.CANCELLED, "the call was cancelled here"))
        self._close()
        return True

    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._ended

    async def code(self) -> StatusCode:
        """Return the status of a call that has ended."""
        return StatusCode.OK if self._failure is None else self._failure.code()

    def add_done_callback(self, callback: Callable[[object], object]) -> None:
        """Call a function when the call has ended."""
        if self._ended:
            callback(self)
        else:
            self._callbacks.append(callback)

    async def initial_metadata(self) -> list[tuple[str, str | bytes]]:
        """Return nothing: what the handshake answers is about the connection."""
        return []

    async def trailing_metadata(self) -> list[tuple[str, str | bytes]]:
        """Return nothing: a WebSocket has no trailers."""
        return []

    def _expire(self) -> None:
        self._end(HttpError(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded"))
        self._close()

    def _end(self, failure: HttpError | None) -> HttpError:
        """Note the end of the call, unless it has ended; return what ended it."""
        if not self._ended:
            self._ended, self._failure = True, failure
            if self._expiry:
                self._expiry.cancel()
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback(self)
        return self._failure or failure or HttpError(StatusCode.CANCELLED, "the call has ended")

    def _close(self) -> None:
        opening = self._opening
        if self._closing is not None:
            return
        if not opening.done():
            opening.cancel()
        elif not opening.cancelled() and opening.exception() is None:
            if self._loop.is_closed():
                opening.result().shut_down()
            else:
                self._closing = self._loop.create_task(opening.result().close())
