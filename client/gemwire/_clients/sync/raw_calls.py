# Derived from _clients/aio/raw_calls.py by scripts/unasync. DO NOT EDIT.
"""``client.raw``: calls with serialized messages, for gateways that forward them unread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gemwire._transport.method_registry import find_method
from gemwire._transport.serialized_message import with_serialized_messages
from gemwire_runtime.method import DEFAULT, AnyMethod, Kind, Metadata, RetryOption, Service, Timeout

if TYPE_CHECKING:
    from gemwire._transport.sync.bidi import BidiStream
    from gemwire._transport.sync.stream import Stream
    from gemwire._transport.sync.transport import Transport


class RawCalls:
    """Calls whose requests and responses are serialized messages.

    Deadlines, retries, credentials, errors, logs and transports are those of all other calls. A
    method is named by its path, ``/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent``,
    which any client takes, or by its name, ``GenerateContent``, if it belongs to the client's own service.
    """

    def __init__(self, transport: Transport, service: Service) -> None:
        """``transport``: makes the calls. ``service``: its methods need no path."""
        self._transport = transport
        self._service = service

    def method(self, name: str | AnyMethod) -> AnyMethod:
        """Return a method by its name.

        Args:
            name: Path, name or method.

        Raises:
            ValueError: There is no such method.
            TypeError: The name is neither a string nor a method.
        """
        return find_method(name, self._service)

    def _find(self, name: str | AnyMethod, kind: Kind) -> AnyMethod:
        """Return a method for serialized messages, if it is of this kind."""
        method = self.method(name)
        if method.kind is not kind:
            raise ValueError(f"method: call {method.name} by raw.{method.kind.value}")
        return with_serialized_messages(method)

    def unary(
        self,
        method: str | AnyMethod,
        data: bytes,
        *,
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> bytes:
        """Make a call with one response.

        Args:
            method: Path, name or method.
            data: The serialized request.
            retry: When to retry: a `gemwire.Retry`; None for never. Default: the method's policy.
            timeout: Seconds for the whole call, all attempts included; None for none. Default: the method's.
            metadata: Pairs to send in addition to the client's own.

        Returns:
            The serialized response; its nested messages are not checked.

        Raises:
            APIError: The call failed, or the response is not a message.
            ValueError: There is no such method, or the bytes are not a request.
            TypeError: An argument is of a wrong type.
        """
        found = self._find(method, Kind.UNARY)
        response: bytes = self._transport.unary(
            found, found.request.from_bytes(data), (), retry, timeout, metadata
        )
        return response

    def server_stream(
        self,
        method: str | AnyMethod,
        data: bytes,
        *,
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
    ) -> Stream[bytes]:
        """Start a call with a stream of serialized responses; returns when the first has arrived.

        Arguments and errors are those of `unary`. Retries end with the first response; errors also come
        while the stream is read. After ``idle_timeout`` seconds without a response the call is ended; None
        for no limit.
        """
        found = self._find(method, Kind.SERVER_STREAM)
        stream: Stream[bytes] = self._transport.server_stream(
            found, found.request.from_bytes(data), (), retry, timeout, metadata, idle_timeout
        )
        return stream

    def bidi(
        self,
        method: str | AnyMethod,
        requests: Iterable[bytes] | None = None,
        *,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
    ) -> BidiStream[Any, Any]:
        """Start a call with streams of bytes in both directions. It is never retried.

        ``requests`` are serialized; None to write them one by one. The other arguments, and errors, are those
        of `server_stream`.
        """
        found = self._find(method, Kind.BIDI)
        stream: BidiStream[Any, Any] = self._transport.bidi(found, requests, timeout, metadata, idle_timeout)
        return stream
