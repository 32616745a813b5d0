"""A file of recorded calls: written as they are made, or read to answer them."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from gemwire._transport import call_json
from gemwire.errors import APIError, GemwireError

_VERSION = 1


class ReplayError(GemwireError, LookupError):
    """A call was not recorded, or not like this."""


class Recording:
    """The calls of one file, for any number of clients, threads and loops.

    Attributes:
        replays: Whether calls are answered from it; otherwise it is written.
        lock: Held while its calls are changed or written.
    """

    def __init__(self, path: str | os.PathLike[str], *, replays: bool) -> None:
        """Read it, or begin it anew with the first call.

        Args:
            path: The file.
            replays: Whether calls are answered from it.

        Raises:
            FileNotFoundError: There is nothing to replay.
            ValueError: It is no recording.
        """
        self.replays = replays
        self._path = Path(path)
        self.lock = threading.Lock()
        self._calls: list[dict[str, Any]] = self._read() if replays else []
        self._used: set[int] = set()

    def _read(self) -> list[dict[str, Any]]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{self._path} is no recording: {error}") from None
        if not isinstance(found, dict) or found.get("version") != _VERSION or "calls" not in found:
            raise ValueError(f"{self._path} is no recording of version {_VERSION}")
        calls: list[dict[str, Any]] = found["calls"]
        return calls

    def begin(self, method: str, request: Any) -> Take:
        """Write a call that begins.

        Args:
            method: The RPC.
            request: What is sent.
        """
        call: dict[str, Any] = {"method": method, "request": call_json.tree(request), "responses": []}
        with self.lock:
            self._calls.append(call)
        return Take(self, call)

    def drop(self, call: dict[str, Any]) -> None:
        """Forget a call."""
        with self.lock:
            self._calls = [one for one in self._calls if one is not call]

    def save(self) -> None:
        """Write the file; another that is there is replaced at once, not bit by bit."""
        with self.lock:
            text = json.dumps({"version": _VERSION, "calls": self._calls}, ensure_ascii=False, indent=1)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
            beside.write_text(f"{text}\n", encoding="utf-8")
            beside.replace(self._path)

    def find(self, method: str, request: Any) -> dict[str, Any]:
        """The first recorded call that is the same and was not answered with yet.

        Args:
            method: The RPC.
            request: What would be sent.

        Raises:
            ReplayError: There is none.
        """
        asked = call_json.tree(request)
        near = ""
        with self.lock:
            for number, call in enumerate(self._calls):
                if number in self._used or call["method"] != method:
                    continue
                differs = call_json.difference(call["request"], asked)
                if not differs:
                    self._used.add(number)
                    return call
                near = near or f"; call {number + 1} differs at {differs}"
        name = method.rpartition("/")[2]
        raise ReplayError(f"{self._path}: no call of {name} is left that equals this one{near}")


class Take:
    """One call while it is recorded."""

    def __init__(self, tape: Recording, call: dict[str, Any]) -> None:
        """``call``: where it is written."""
        self._tape = tape
        self._call = call
        self._began = time.monotonic()

    def add(self, response: Any) -> None:
        """A response arrived."""
        at = round(time.monotonic() - self._began, 4)
        response = {"at": at, "message": call_json.tree(response)}
        with self._tape.lock:
            self._call["responses"].append(response)

    def fail(self, error: APIError) -> None:
        """The call failed."""
        with self._tape.lock:
            self._call["error"] = call_json.error_tree(error)

    def end(self) -> None:
        """It is over."""
        with self._tape.lock:
            self._call["elapsed"] = round(time.monotonic() - self._began, 4)
        self._tape.save()

    def drop(self) -> None:
        """It was given up by the program, and is not written."""
        self._tape.drop(self._call)
