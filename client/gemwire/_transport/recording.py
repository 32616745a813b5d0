"""A file of recorded calls: written while calls are made, or read to replay them."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from gemwire._transport import call_json
from gemwire._transport.call_error import rpc_errors
from gemwire._transport.call_json import JsonValue
from gemwire._transport.status import error_from_rpc
from gemwire.errors import APIError, GemwireError

_VERSION = 1


class ReplayError(GemwireError, LookupError):
    """A call was not recorded, or with another request."""


class _Response(TypedDict):
    at: float
    message: JsonValue


class _Call(TypedDict):
    method: str
    request: JsonValue
    responses: list[_Response]


class CallRecord(_Call, total=False):
    """A call in the file.

    Attributes:
        method: Service and name of the RPC.
        request: The request.
        responses: The responses, and seconds from the start of the call to each.
        error: The error that ended the call, if one did.
        elapsed: Seconds from the start of the call to its end.
    """

    error: dict[str, JsonValue]
    elapsed: float


class Recording:
    """The calls of one file, for any number of clients, threads and event loops.

    Attributes:
        replays: Whether calls are replayed from it; otherwise they are written to it.
    """

    def __init__(self, path: str | os.PathLike[str], *, replays: bool) -> None:
        """Read the file to replay calls, or replace it with the first call that ends.

        Raises:
            FileNotFoundError: There is no recording to replay.
            ValueError: The file is not a recording.
        """
        self.replays = replays
        self._path = Path(path)
        self._lock = threading.Lock()
        self._calls: list[CallRecord] = self._read() if replays else []
        self._replayed: set[int] = set()
        #: The requests of calls that failed, with their records: a retry sends the same object.
        self._failed: dict[int, tuple[object, CallRecord]] = {}

    def _read(self) -> list[CallRecord]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{self._path} is not a recording: {error}") from None
        if not isinstance(found, dict) or found.get("version") != _VERSION or "calls" not in found:
            raise ValueError(f"{self._path} is not a recording of version {_VERSION}")
        calls: list[CallRecord] = found["calls"]
        return calls

    def start(self, method: str, request: object) -> RecordedCall:
        """Start to record a call of ``service/method``. A retry replaces the attempt before it."""
        record = CallRecord(method=method, request=call_json.to_tree(request), responses=[])
        with self._lock:
            _, failed = self._failed.pop(id(request), (None, None))
            self._calls = [call for call in self._calls if call is not failed]
            self._calls.append(record)
        return RecordedCall(self, record, request)

    def append(self, record: CallRecord, response: _Response) -> None:
        """Add a response while no other thread writes the file."""
        with self._lock:
            record["responses"].append(response)

    def finish(self, record: CallRecord, request: object, elapsed: float, error: APIError | None) -> None:
        """Write the file when a call has ended. An existing file is replaced at once."""
        with self._lock:
            record["elapsed"] = elapsed
            if error is not None:
                record["error"] = call_json.to_error_tree(error)
                self._failed[id(request)] = request, record
            text = json.dumps({"version": _VERSION, "calls": self._calls}, ensure_ascii=False, indent=1)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            temporary.write_text(f"{text}\n", encoding="utf-8")
            temporary.replace(self._path)

    def drop(self, record: CallRecord) -> None:
        """Remove a call."""
        with self._lock:
            self._calls = [call for call in self._calls if call is not record]

    def find(self, method: str, request: object) -> CallRecord:
        """Return the first call with an equal request that was not replayed yet, or raise `ReplayError`."""
        wanted = call_json.to_tree(request)
        hint = ""
        with self._lock:
            for number, call in enumerate(self._calls):
                if number in self._replayed or call["method"] != method:
                    continue
                difference = call_json.find_difference(call["request"], wanted)
                if not difference:
                    self._replayed.add(number)
                    return call
                hint = hint or f"; call {number + 1} differs at {difference}"
        name = method.rpartition("/")[2]
        raise ReplayError(f"{self._path}: no call of {name} is left with an equal request{hint}")


@dataclass(eq=False, repr=False)
class RecordedCall:
    """One call while it is recorded."""

    _recording: Recording
    _record: CallRecord
    _request: object
    _started_at: float = field(default_factory=time.monotonic)
    _ended: bool = False

    def _elapsed(self) -> float:
        return round(time.monotonic() - self._started_at, 4)

    def add(self, response: object) -> None:
        """Add a response."""
        entry = _Response(at=self._elapsed(), message=call_json.to_tree(response))
        self._recording.append(self._record, entry)

    def end(self, error: APIError | None = None) -> None:
        """Write the call to the file, with the error that ended it. Does nothing the second time."""
        if self._ended:
            return
        self._ended = True
        self._recording.finish(self._record, self._request, self._elapsed(), error)

    def fail(self, error: BaseException) -> None:
        """End a call that failed; one that ends otherwise, as by cancellation, is abandoned."""
        if isinstance(error, rpc_errors()):
            error = error_from_rpc(error, self._record["method"], 1, 0)
        if isinstance(error, APIError):
            self.end(error)
        else:
            self.abandon()

    def abandon(self) -> None:
        """End a call that the program cancelled; without a response it is not written."""
        if self._record["responses"]:
            self.end()
        elif not self._ended:
            self._ended = True
            self._recording.drop(self._record)
