# Derived from _transport/aio/recorder.py by scripts/unasync. DO NOT EDIT.
"""Recording and replaying of calls, around the callables of a connection."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import Message

from gemwire._transport import call_json
from gemwire._transport.connection import Connection, ConnectionPool
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.file_objects import UploadSource
from gemwire._transport.recording import CallRecord, RecordedCall, Recording
from gemwire._transport.sync.concurrency import call_and_collect
from gemwire._transport.undecodable import check_response
from gemwire_proto.google.longrunning.operations_pb2 import Operation
from gemwire_proto.v1beta import File, UploadToFileSearchStoreRequest
from gemwire_runtime.method import AnyMethod, Kind

if TYPE_CHECKING:
    from gemwire._transport.sync.rest_transport import RestTransport

_UPLOAD, _DOWNLOAD, _ADD_DOCUMENT = "files/Upload", "files/Download", "fileSearchStores/Upload"

_Response = TypeVar("_Response")
_Pairs = Iterable[tuple[str, "str | bytes"]]


class RecordingPool:
    """A pool of connections whose calls are recorded, or replayed without using its connections."""

    def __init__(self, pool: ConnectionPool, recording: Recording) -> None:
        self._pool = pool
        self._recording = recording

    @property
    def closed(self) -> bool:
        return self._pool.closed

    def current(self) -> RecordingConnection:
        """Return a connection that records or replays."""
        connection = None if self._recording.replays else self._pool.current()
        return RecordingConnection(connection, self._recording)

    def replace(self, connection: RecordingConnection) -> None:
        """Replace the connection behind one that records."""
        if connection.recorded:
            self._pool.replace(connection.recorded)

    def close(self) -> None:
        """End all calls and connections."""
        self._pool.close()


class RecordingConnection:
    """A connection that records or replays.

    Attributes:
        recorded: The connection that is recorded; None when replaying.
        health: Its health.
    """

    def __init__(self, recorded: Connection | None, recording: Recording) -> None:
        self.recorded = recorded
        self._recording = recording
        self.health = recorded.health if recorded else ConnectionHealth()

    def callable(self, method: AnyMethod) -> Callable[..., Any]:
        """Return what records or replays the calls of a method.

        Raises:
            ValueError: The method streams in both directions.
        """
        if method.kind is Kind.BIDI:
            raise ValueError("live sessions are not recorded; leave debug_config out for them")
        path, recording = method.path[1:], self._recording
        if self.recorded is None:
            if method.kind is not Kind.UNARY:
                return lambda request, **_: ReplayedStreamCall(method, recording.find(path, request))

            def replay(request: Message, **_: object) -> Any:
                return _read_response(recording.find(path, request), method.response)

            return replay
        inner: Callable[..., Any] = self.recorded.callable(method)
        if method.kind is not Kind.UNARY:
            return lambda request, **rest: RecordedStreamCall(
                method, inner(request, **rest), recording.start(path, request)
            )

        def record(request: Message, *, timeout: float | None, metadata: _Pairs) -> Message:
            def call() -> Message:
                response: Message = call_and_collect(inner, request, timeout, metadata)
                return check_response(response, method)

            return _record(recording.start(path, request), call)

        return record


def _record(recorded: RecordedCall, call: Callable[[], _Response]) -> _Response:
    try:
        response = call()
    except BaseException as error:
        recorded.fail(error)
        raise
    recorded.add(response)
    recorded.end()
    return response


def _read_response(record: CallRecord, kind: type[Any]) -> Any:
    """Return the response of a recorded call, or raise its error, which is not retried."""
    if "error" in record:
        raise call_json.from_error_tree(record["error"], record["method"])
    return call_json.from_tree(kind, record["responses"][0]["message"])


class RecordedStreamCall:
    """A streaming call whose messages are recorded as they are read."""

    def __init__(self, method: AnyMethod, call: Any, recorded: RecordedCall) -> None:
        self._method = method
        self._call = call
        self._recorded = recorded
        self._messages: Iterator[Message] = call.__iter__()

    def __getattr__(self, name: str) -> Any:
        # Everything else is the call's own: state, metadata, and what `Canceller` needs of grpc's.
        if name.startswith("__") or "_call" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self._call, name)

    def __iter__(self) -> RecordedStreamCall:
        return self

    def __next__(self) -> Message:
        try:
            message = check_response(self._messages.__next__(), self._method)
        except StopIteration:
            self._recorded.end()
            raise
        except BaseException as error:
            self._recorded.fail(error)
            raise
        self._recorded.add(message)
        return message

    def cancel(self) -> bool:
        """Cancel the call. Returns whether it was still running."""
        self._recorded.abandon()
        return bool(self._call.cancel())


class ReplayedStreamCall:
    """A streaming call that is replayed."""

    carries_json_only = True

    def __init__(self, method: AnyMethod, record: CallRecord) -> None:
        self._method = method
        self._record = record
        self._next = 0
        self._ended = False

    def __iter__(self) -> ReplayedStreamCall:
        return self

    def __next__(self) -> Message:
        responses = self._record["responses"]
        if not self._ended and self._next < len(responses):
            self._next += 1
            message: Message = call_json.from_tree(
                self._method.response, responses[self._next - 1]["message"]
            )
            return message
        was_cancelled, self._ended = self._ended, True
        if "error" in self._record and not was_cancelled:
            raise call_json.from_error_tree(self._record["error"], self._record["method"])
        raise StopIteration

    def cancel(self) -> bool:
        """Cancel the call. Returns whether it was still running."""
        was_ended, self._ended = self._ended, True
        return not was_ended

    def done(self) -> bool:
        """Return whether the call has ended."""
        return self._ended

    def is_active(self) -> bool:
        """Return whether the call is running."""
        return not self._ended

    def initial_metadata(self) -> tuple[()]:
        """Return nothing: metadata is not recorded."""
        return ()

    def trailing_metadata(self) -> tuple[()]:
        """Return nothing: metadata is not recorded."""
        return ()


class RecordedFiles:
    """The file transfers of a REST transport, recorded or replayed."""

    def __init__(self, transport: RestTransport | None, recording: Recording) -> None:
        """Record the transfers of a transport; None to replay."""
        self._transport = transport
        self._recording = recording

    def upload_file(self, source: UploadSource, *, file: Mapping[str, object], **arguments: Any) -> File:
        """Upload a file. Its description is recorded, its contents are not."""
        if self._transport is None:
            response: File = _read_response(self._recording.find(_UPLOAD, file), File)
            return response
        upload = partial(self._transport.upload_file, source, file=file, **arguments)
        return _record(self._recording.start(_UPLOAD, file), upload)

    def upload_document(
        self, source: UploadSource, *, document: UploadToFileSearchStoreRequest, **arguments: Any
    ) -> Operation:
        """Upload a document of a file search store; see `upload_file`."""
        if self._transport is None:
            response: Operation = _read_response(self._recording.find(_ADD_DOCUMENT, document), Operation)
            return response
        upload = partial(self._transport.upload_document, source, document=document, **arguments)
        return _record(self._recording.start(_ADD_DOCUMENT, document), upload)

    def download_file(self, name: str, destination: Any, **arguments: Any) -> int:
        """Download a file; its contents are recorded."""
        request = {"name": name}
        if self._transport is None:
            data: bytes = _read_response(self._recording.find(_DOWNLOAD, request), bytes)
            return _write(data, destination)
        transport = self._transport
        memory = io.BytesIO()

        def download() -> bytes:
            transport.download_file(name, memory, **arguments)
            return memory.getvalue()

        return _write(_record(self._recording.start(_DOWNLOAD, request), download), destination)


def _write(data: bytes, destination: Any) -> int:
    """Write bytes to a path, or to an object with ``write``, and return their number."""
    if hasattr(destination, "write"):
        destination.write(data)
    else:
        Path(destination).write_bytes(data)
    return len(data)
