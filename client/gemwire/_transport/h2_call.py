"""Parts that calls over HTTP/2 share in both flavours: encoded header fields, and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from google.protobuf.message import DecodeError, Message

from gemwire._transport.call_error import CallError
from gemwire._transport.h2 import grpc_status
from gemwire._transport.h2.grpc_call import GrpcCall
from gemwire._transport.h2.grpc_request import encode_metadata, encode_request, encode_timeout
from gemwire._transport.h2.grpc_status import Status
from gemwire._transport.h2_target import H2Target
from gemwire._transport.undecodable import UndecodableResponse
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.status_code import StatusCode

Pairs = Iterable[tuple[str, "str | bytes"]]

#: Times that a call is sent anew without a word because no server has processed it (gRFC A6).
MAX_TRANSPARENT_RETRIES = 5
#: Bytes that a bidirectional call may have waiting before `write` waits as well.
MAX_UNSENT = 64 << 10
#: Metadata of calls whose encoding is kept.
_MAX_ENCODED = 64

EXPIRED = Status(grpc_status.DEADLINE_EXCEEDED, "Deadline Exceeded")
CANCELLED = Status(grpc_status.CANCELLED, "the call was cancelled")
_encode_timeout = lru_cache(256)(encode_timeout)


class RequestHead(bytes):
    """The encoded header fields of a call. Tracebacks that show local variables show none of its secrets."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<header fields of {len(self)} bytes>"


class CallEncoder:
    """Encodes the header fields of a method's calls.

    Attributes:
        method: The method.
    """

    __slots__ = ("_encoded", "_head", "method")

    def __init__(self, method: AnyMethod, target: H2Target) -> None:
        self.method = method
        self._head = encode_request(method.path, target.address, target.scheme, target.user_agent)
        #: Encoded metadata by the identity of the pairs, which are kept with it.
        self._encoded: dict[int, tuple[Pairs, bytes]] = {}

    def encode_head(self, timeout: float | None, metadata: Pairs) -> RequestHead:
        """Encode the header fields of a call.

        Raises:
            ValueError: The metadata cannot be sent.
        """
        found = self._encoded.get(id(metadata))
        if found is None:
            if len(self._encoded) >= _MAX_ENCODED:
                self._encoded.clear()
            found = self._encoded[id(metadata)] = metadata, encode_metadata(metadata)
        if timeout is None:
            return RequestHead(self._head + found[1])
        return RequestHead(self._head + _encode_timeout(timeout) + found[1])


def parse_response(method: AnyMethod, parse: Callable[[bytes], Message], call: GrpcCall) -> Message:
    """Return the response of a unary call that has ended, or raise its error."""
    status = call.status
    if status is not None and status.code == grpc_status.OK and len(call.messages) == 1:
        data = call.take()
        if data is not None:
            try:
                return parse(data)
            except DecodeError as error:
                raise UndecodableResponse(method, data, error) from None
    raise build_error(method, call)


def build_error(method: AnyMethod, call: GrpcCall) -> CallError:
    """Build the error of a call that has ended without a valid response."""
    status = call.status or CANCELLED
    if call.is_truncated:
        return UndecodableResponse(method)
    if status.code != grpc_status.OK:
        return CallError(StatusCode.of(status.code), status.message, status.trailers)
    if not call.messages:
        return UndecodableResponse(method)
    text = f"{len(call.messages)} messages in the response of a unary call"
    return CallError(StatusCode.INTERNAL, text)


def to_status(error: CallError) -> Status:
    """Return the status of a call that could not be started."""
    return Status(error.code(), error.details(), error.trailing_metadata())


def serialize(request: Message | bytes) -> bytes:
    """Return a request as bytes, which it may be already."""
    return request if isinstance(request, bytes) else request.SerializeToString()
