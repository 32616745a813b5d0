"""``client.raw``: calls with bytes, for gateways, which hand on what they do not read."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import TYPE_CHECKING, Any

from gemwire._transport.method_registry import find_method
from gemwire._transport.serialized_message import with_serialized_messages
from gemwire_runtime.method import DEFAULT, Kind, Metadata, Method, Service, Timeout

if TYPE_CHECKING:
    from gemwire._transport.aio.bidi import AsyncBidiStream
    from gemwire._transport.aio.stream import AsyncStream


class AsyncRaw:
    """Calls whose requests and responses are serialised messages.

    Deadlines, retries, credentials, errors, the log and the transports are those of all other calls. A
    method is named by its path, ``/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent``,
    which any client takes, or by its name, ``GenerateContent``, where it is one of the client's own service.
    """

    def __init__(self, caller: Any, service: Service) -> None:
        """``caller``: makes the calls. ``service``: whose methods need no path."""
        self._caller = caller
        self._service = service

    def method(self, name: str | Method[Any, Any]) -> Method[Any, Any]:
        """A method by its name.

        Args:
            name: Path, name or method.

        Raises:
            ValueError: There is no such method.
            TypeError: It is neither a text nor a method.
        """
        return find_method(name, self._service)

    def _raw(self, name: Any, kind: Kind) -> Method[Any, Any]:
        """A method of a kind, for bytes."""
        method = self.method(name)
        if method.kind is not kind:
            raise ValueError(f"method: {method.name} is called with raw.{method.kind.value}")
        return with_serialized_messages(method)

    async def unary(
        self,
        method: str | Method[Any, Any],
        data: bytes,
        *,
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> bytes:
        """Make a call with one answer.

        Args:
            method: Path, name or method.
            data: The serialised request.
            retry: When to repeat the call: a `gemwire.Retry`, None for never. Default: the method's policy.
            timeout: Seconds for the whole call, all attempts included; None for none. Default: the method's.
            metadata: Pairs to send besides the client's own.

        Returns:
            The serialised response.

        Raises:
            APIError: The call failed.
            ValueError: There is no such method, or the bytes are no request.
            TypeError: An argument is of a wrong type.
        """
        chosen = self._raw(method, Kind.UNARY)
        response: bytes = await self._caller.unary(
            chosen, chosen.request.from_bytes(data), (), retry, timeout, metadata
        )
        return response

    async def server_stream(
        self,
        method: str | Method[Any, Any],
        data: bytes,
        *,
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
    ) -> AsyncStream[bytes]:
        """Begin a call with a stream of answers; returns when the first is there.

        Args:
            method: See `unary`.
            data: See `unary`.
            retry: See `unary`; it ends with the first answer.
            timeout: See `unary`.
            metadata: See `unary`.
            idle_timeout: Seconds without an answer after which the call is ended; None for any number.

        Returns:
            The stream of serialised responses.

        Raises:
            APIError: The call failed; also while one reads.
            ValueError: There is no such method, or the bytes are no request.
            TypeError: An argument is of a wrong type.
        """
        chosen = self._raw(method, Kind.SERVER_STREAM)
        stream: AsyncStream[bytes] = await self._caller.server_stream(
            chosen, chosen.request.from_bytes(data), (), retry, timeout, metadata, idle_timeout
        )
        return stream

    async def bidi(
        self,
        method: str | Method[Any, Any],
        requests: AsyncIterable[bytes] | Iterable[bytes] | None = None,
        *,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
    ) -> AsyncBidiStream[Any, Any]:
        """Begin a call that streams in both directions. It is never repeated.

        Args:
            method: See `unary`.
            requests: Serialised requests; None to write them one by one.
            timeout: See `unary`.
            metadata: See `unary`.
            idle_timeout: See `server_stream`.

        Returns:
            Both streams; bytes are written and read.

        Raises:
            APIError: The call failed; also while one reads.
            ValueError: There is no such method.
            TypeError: An argument is of a wrong type.
        """
        chosen = self._raw(method, Kind.BIDI)
        stream: AsyncBidiStream[Any, Any] = await self._caller.bidi(
            chosen, requests, timeout, metadata, idle_timeout
        )
        return stream
