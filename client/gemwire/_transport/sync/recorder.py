# Derived from _transport/aio/recorder.py by scripts/unasync. DO NOT EDIT.
"""Callers that write calls down, and that answer them from what was written."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gemwire._transport import call_json
from gemwire._transport.recording import Recording, Take
from gemwire._transport.request_message import create_request
from gemwire._transport.sync.caller import Caller
from gemwire.errors import APIError
from gemwire_proto.v1beta import File
from gemwire_runtime.method import DEFAULT

_UPLOAD, _DOWNLOAD = "files/Upload", "files/Download"


class Recorder(Caller):
    """Makes calls through another caller, and writes them down: what is asked, what comes, and when."""

    def __init__(self, caller: Any, tape: Recording) -> None:
        """``caller``: makes the calls. ``tape``: gets them."""
        self._caller = caller
        self._tape = tape

    def unary(
        self,
        method: Any,
        request: Any,
        flattened: tuple[Any, ...] = (),
        retry: Any = DEFAULT,
        timeout: Any = DEFAULT,
        metadata: Any = (),
        opening: Any = None,
    ) -> Any:
        """See `Caller.unary`. Of several attempts, the last is recorded."""
        message = create_request(method, request, flattened)
        take = self._tape.begin(method.path[1:], message)

        def call() -> Any:
            return self._caller.unary(method, message, (), retry, timeout, metadata)

        return self._taken(take, call)

    def _taken(self, take: Take, call: Callable[[], Any]) -> Any:
        try:
            response = call()
        except APIError as error:
            take.fail(error)
            take.end()
            raise
        except BaseException:
            take.drop()
            raise
        take.add(response)
        take.end()
        return response

    def server_stream(
        self,
        method: Any,
        request: Any,
        flattened: tuple[Any, ...] = (),
        retry: Any = DEFAULT,
        timeout: Any = DEFAULT,
        metadata: Any = (),
        idle_timeout: float | None = None,
    ) -> Any:
        """See `Caller.server_stream`."""
        message = create_request(method, request, flattened)
        take = self._tape.begin(method.path[1:], message)
        try:
            stream = self._caller.server_stream(method, message, (), retry, timeout, metadata, idle_timeout)
        except APIError as error:
            take.fail(error)
            take.end()
            raise
        except BaseException:
            take.drop()
            raise
        return RecordedStream(stream, take)

    def bidi(self, *_: Any, **__: Any) -> Any:
        """Not recorded; see `refused`.

        Raises:
            ValueError: Always.
        """
        raise refused()

    def upload_file(self, source: Any, *, file: Any = None, **more: Any) -> Any:
        """Upload a file. What is said of it is recorded, its bytes are not."""
        take = self._tape.begin(_UPLOAD, file)

        def call() -> Any:
            return self._caller.upload_file(source, file=file, **more)

        return self._taken(take, call)

    def download_file(self, name: str, destination: Any, **more: Any) -> int:
        """Download a file; its bytes are recorded."""
        take = self._tape.begin(_DOWNLOAD, {"name": name})
        memory = io.BytesIO()

        def call() -> bytes:
            self._caller.download_file(name, memory, **more)
            return memory.getvalue()

        return put(self._taken(take, call), destination)


class Replayer(Caller):
    """Answers calls from a tape. Nothing is sent, and nothing is waited for."""

    def __init__(self, tape: Recording) -> None:
        """``tape``: has the answers."""
        self._tape = tape

    def unary(
        self,
        method: Any,
        request: Any,
        flattened: tuple[Any, ...] = (),
        retry: Any = DEFAULT,
        timeout: Any = DEFAULT,
        metadata: Any = (),
        opening: Any = None,
    ) -> Any:
        """See `Caller.unary`.

        Raises:
            ReplayError: There is no such call.
        """
        found = self._tape.find(method.path[1:], create_request(method, request, flattened))
        return _answer(found, method.response)

    def server_stream(
        self,
        method: Any,
        request: Any,
        flattened: tuple[Any, ...] = (),
        retry: Any = DEFAULT,
        timeout: Any = DEFAULT,
        metadata: Any = (),
        idle_timeout: float | None = None,
    ) -> Any:
        """See `Caller.server_stream`.

        Raises:
            ReplayError: There is no such call.
        """
        found = self._tape.find(method.path[1:], create_request(method, request, flattened))
        if not found["responses"] and "error" in found:
            raise call_json.error(found["error"], found["method"])
        return ReplayedStream(found, method.response)

    def bidi(self, *_: Any, **__: Any) -> Any:
        """Not recorded; see `refused`.

        Raises:
            ValueError: Always.
        """
        raise refused()

    def upload_file(self, source: Any, *, file: Any = None, **_: Any) -> Any:
        """What a recorded upload gave; what is uploaded is not looked at."""
        return _answer(self._tape.find(_UPLOAD, file), File)

    def download_file(self, name: str, destination: Any, **_: Any) -> int:
        """The bytes of a recorded download."""
        return put(_answer(self._tape.find(_DOWNLOAD, {"name": name}), bytes), destination)


class RecordedStream:
    """The messages of a stream, which are written down as they are read."""

    def __init__(self, stream: Any, take: Take) -> None:
        """``stream``: of messages."""
        self._stream = stream
        self._take = take

    def __iter__(self) -> Iterator[Any]:
        try:
            for message in self._stream:
                self._take.add(message)
                yield message
        except APIError as error:
            self._take.fail(error)
            raise
        finally:
            self._take.end()

    def cancel(self) -> bool:
        """End the call, from any thread."""
        return bool(self._stream.cancel())


class ReplayedStream:
    """The messages of a recorded stream, and its error."""

    def __init__(self, call: dict[str, Any], kind: Any) -> None:
        """``call``: as it was recorded; ``kind``: class of its messages."""
        self._call = call
        self._kind = kind
        self._over = False

    def __iter__(self) -> Iterator[Any]:
        for response in self._call["responses"]:
            if self._over:
                return
            yield call_json.message(self._kind, response["message"])
        self._over = True
        if "error" in self._call:
            raise call_json.error(self._call["error"], self._call["method"])

    def cancel(self) -> bool:
        """Give no more."""
        over, self._over = self._over, True
        return not over


def _answer(call: dict[str, Any], kind: Any) -> Any:
    if "error" in call:
        raise call_json.error(call["error"], call["method"])
    return call_json.message(kind, call["responses"][0]["message"])


def put(data: bytes, destination: Any) -> int:
    """Write bytes to a path, or to an object with ``write``; tells how many."""
    if hasattr(destination, "write"):
        destination.write(data)
    else:
        Path(destination).write_bytes(data)
    return len(data)


def refused() -> ValueError:
    """What is wrong with a live session."""
    return ValueError("live sessions are not recorded; leave debug_config out for them")
