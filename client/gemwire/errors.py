"""The exceptions of gemwire.

    GemwireError
    ├── APIError                 a call failed
    │   ├── ClientError          4xx: the request, the caller or its quota
    │   │   ├── InvalidArgument      400
    │   │   ├── FailedPrecondition   400
    │   │   ├── OutOfRange           400
    │   │   ├── Unauthenticated      401
    │   │   ├── PermissionDenied     403
    │   │   ├── NotFound             404
    │   │   ├── AlreadyExists        409
    │   │   ├── Aborted              409
    │   │   ├── ResourceExhausted    429
    │   │   └── Cancelled            499
    │   └── ServerError          5xx: the service, or the connection to it
    │       ├── Unknown              500
    │       ├── Internal             500
    │       ├── DataLoss             500
    │       ├── Unimplemented        501
    │       ├── Unavailable          503
    │       └── DeadlineExceeded     504
    ├── OperationTimeout         a long-running operation was not done in time
    └── StreamConsumed           a stream was iterated twice

Invalid arguments raise ValueError or TypeError before anything is sent. None of these classes inherits
from grpc's; status codes and HTTP numbers are those of google/rpc/code.proto. All exceptions pickle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from gemwire._error_json import ErrorJson, HttpResponse, parse_body, parse_text, read_json, write_json
from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import grpc
    from google.protobuf.message import Message

    from gemwire_proto.google.rpc import error_details_pb2

_Error = TypeVar("_Error", bound="APIError")


class GemwireError(Exception):
    """Base class of all exceptions of gemwire, other than those for invalid arguments."""


class OperationTimeout(GemwireError, TimeoutError):
    """A long-running operation was not done in time; it continues on the server."""


class StreamConsumed(GemwireError, RuntimeError):
    """A stream was iterated a second time; its messages are not kept."""


class _GrpcCode:
    """The status as a member of grpc's enum. Imports grpc, which not every transport does."""

    def __get__(self, error: APIError | None, kind: type[APIError]) -> grpc.StatusCode:
        import grpc

        return grpc.StatusCode[kind.status]


class APIError(GemwireError):
    """A call failed.

    Attributes:
        message: The server's message, or what happened before the server responded.
        details: The decoded ``google.rpc`` details: `RetryInfo`, `QuotaFailure`, `BadRequest`,
            `ErrorInfo`, `Help`, `LocalizedMessage`…; an `Any` if the type is unknown. Of errors of
            `gemwire.genai`, the error as JSON; see `to_json`.
        messages: The decoded details in either case.
        response: The HTTP response that the error was made from; None for errors of calls.
        method: The RPC, ``google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent``.
        attempts: Number of attempts.
        elapsed: Seconds from the call to the error.
        trailing_metadata: Metadata that the server sent with the status, as pairs.
        hint: What to do about it; empty if the message says it all.
    """

    #: The status as gRPC code, name and HTTP number; set by each concrete class.
    grpc_code = _GrpcCode()
    status: str = "UNKNOWN"
    code: int = 500

    def __init__(
        self,
        message: str | int | None,
        response_json: object = None,
        response: object = None,
        *,
        details: Sequence[Message] = (),
        method: str = "",
        attempts: int = 1,
        elapsed: float | None = None,
        trailing_metadata: Sequence[tuple[str, str | bytes]] = (),
        hint: str = "",
    ) -> None:
        """Build an error of a message or, as google-genai does, of an HTTP code and a JSON response.

        Args:
            message: The message; with ``response_json``, the HTTP code, None for that in the JSON.
            response_json: Response of the API: a dict with ``error``, or with what that holds.
            response: The HTTP response.
            details: See the attributes; so for the others.
            method: The RPC.
            attempts: Number of attempts.
            elapsed: Seconds from the call to the error.
            trailing_metadata: Metadata that the server sent with the status.
            hint: What to do about it.
        """
        super().__init__(message)
        self.message = message if isinstance(message, str) else ""
        self.messages = list(details)
        self.details: Any = self.messages
        self.response = response
        if response_json is not None:
            vars(self).update(read_json(message, response_json))
        self.method = method
        self.attempts = attempts
        self.elapsed = elapsed
        self.trailing_metadata = list(trailing_metadata)
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.code} {self.status}: {self.message}"
        where: list[str] = []
        if self.method:
            where.append(self.method.rsplit(".", 1)[-1])
        if self.attempts > 1:
            where.append(f"{self.attempts} attempts")
        if self.elapsed is not None:
            where.append(f"{self.elapsed:.3g} s")
        if where:
            text += f" [{', '.join(where)}]"
        return f"{text} {self.hint}" if self.hint else text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)

    def _detail(self, name: str) -> Message | None:
        """Return the first detail of a ``google.rpc`` type."""
        return next((d for d in self.messages if d.DESCRIPTOR.full_name == f"google.rpc.{name}"), None)

    @property
    def _error_info(self) -> error_details_pb2.ErrorInfo | None:
        return cast("error_details_pb2.ErrorInfo | None", self._detail("ErrorInfo"))

    @property
    def reason(self) -> str | None:
        """The reason as a constant, such as ``API_KEY_INVALID``; from `ErrorInfo`."""
        info = self._error_info
        return info.reason if info else None

    @property
    def domain(self) -> str | None:
        """The domain that defines `reason`; from `ErrorInfo`."""
        info = self._error_info
        return info.domain if info else None

    @property
    def metadata(self) -> dict[str, str] | None:
        """Details of `reason`, such as the quota or the service concerned; from `ErrorInfo`."""
        info = self._error_info
        return dict(info.metadata) if info else None

    @property
    def retry_delay(self) -> float | None:
        """Seconds that the server asks to wait before a retry; from `RetryInfo`."""
        info = cast("error_details_pb2.RetryInfo | None", self._detail("RetryInfo"))
        return info.retry_delay.ToNanoseconds() / 1e9 if info else None

    def trailers(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return `trailing_metadata` and the details as gRPC sends them, for servers that relay errors."""
        if not self.messages:
            return tuple(self.trailing_metadata)
        from gemwire_proto.google.rpc import status_pb2

        packed = status_pb2.Status(code=StatusCode[type(self).status], message=self.message)
        for detail in self.messages:
            if detail.DESCRIPTOR.full_name == "google.protobuf.Any":
                packed.details.add().MergeFromString(detail.SerializeToString())
            else:
                packed.details.add().Pack(detail)
        return (*self.trailing_metadata, ("grpc-status-details-bin", packed.SerializeToString()))

    def to_json(self) -> ErrorJson:
        """Return the error as the API sends it over HTTP: ``{"error": {"code": …, "message": …, …}}``."""
        return write_json(self.code, self.status, self.message, self.messages)

    @classmethod
    def raise_for_response(cls, response: HttpResponse) -> None:
        """Raise the error of an HTTP response of httpx, requests or a like library; return if it is none.

        Raises:
            ClientError: The status is 4xx.
            ServerError: The status is 5xx.
            APIError: It is another one than 200.
        """
        if response.status_code != 200:
            if read := getattr(response, "read", None):
                read()
            cls.raise_error(response.status_code, parse_body(response), response)

    @classmethod
    async def raise_for_async_response(cls, response: object) -> None:
        """Raise the error of an HTTP response of httpx's or aiohttp's; see `raise_for_response`."""
        status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
        if status == 200:
            return
        if read := getattr(response, "aread", None):
            await read()
        text: str | Callable[[], Awaitable[str]] = getattr(response, "text", "")
        reason = getattr(response, "reason_phrase", getattr(response, "reason", ""))
        tree = parse_text(text if isinstance(text, str) else await text(), reason)
        cls.raise_error(status, tree, response)

    @classmethod
    def raise_error(cls, status_code: int, response_json: object, response: object = None) -> None:
        """Raise the error of an HTTP status; see `raise_for_response`."""
        kinds: dict[int, type[APIError]] = {4: ClientError, 5: ServerError}
        raise kinds.get(status_code // 100, cls)(status_code, response_json, response)

    @property
    def grpc_status_code(self) -> grpc.StatusCode:
        """`grpc_code`, under the name it has in google.api_core."""
        return self.grpc_code


def _rebuild(kind: type[_Error], args: tuple[str], state: dict[str, object]) -> _Error:
    error = kind(*args)
    error.__dict__.update(state)
    return error


class ClientError(APIError):
    """4xx: the request, the caller or its quota. A retry fails as well."""

    code = 400


class ServerError(APIError):
    """5xx: the service, or the connection to it. A retry may succeed."""

    code = 500


class InvalidArgument(ClientError):
    """The request is invalid; `BadRequest` details name the fields."""

    status, code = "INVALID_ARGUMENT", 400


class FailedPrecondition(ClientError):
    """The service is not in the state that the request requires, or not available in the location."""

    status, code = "FAILED_PRECONDITION", 400


class OutOfRange(ClientError):
    """The request refers to something past the valid range."""

    status, code = "OUT_OF_RANGE", 400


class Unauthenticated(ClientError):
    """The credentials are missing, wrong or expired."""

    status, code = "UNAUTHENTICATED", 401


class PermissionDenied(ClientError):
    """The caller lacks permission."""

    status, code = "PERMISSION_DENIED", 403


class NotFound(ClientError):
    """The model, file, corpus… does not exist, or the caller lacks permission to see it."""

    status, code = "NOT_FOUND", 404


class AlreadyExists(ClientError):
    """The resource to be created exists."""

    status, code = "ALREADY_EXISTS", 409


class Aborted(ClientError):
    """The request conflicted with another."""

    status, code = "ABORTED", 409


class ResourceExhausted(ClientError):
    """A quota is exhausted; `QuotaFailure` details name it, `retry_delay` says how long to wait."""

    status, code = "RESOURCE_EXHAUSTED", 429


class Cancelled(ClientError):
    """The call was cancelled, by a stream's `cancel()`, by closing the client, or by the server."""

    status, code = "CANCELLED", 499


class Unknown(ServerError):
    """The server returned no canonical status."""

    status, code = "UNKNOWN", 500


class Internal(ServerError):
    """The server failed internally."""

    status, code = "INTERNAL", 500


class DataLoss(ServerError):
    """Data is lost or corrupted."""

    status, code = "DATA_LOSS", 500


class Unimplemented(ServerError):
    """The endpoint does not implement the method."""

    status, code = "UNIMPLEMENTED", 501


class Unavailable(ServerError):
    """The service is unreachable or overloaded."""

    status, code = "UNAVAILABLE", 503


class DeadlineExceeded(ServerError):
    """The call took longer than its timeout."""

    status, code = "DEADLINE_EXCEEDED", 504


#: The class of each status, by its name.
BY_STATUS: dict[str, type[APIError]] = {
    kind.status: kind for base in (ClientError, ServerError) for kind in base.__subclasses__()
}
