"""The journal as a file of JSON lines: for other programs, and for after a crash."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from gemwire_proto import POOL

if TYPE_CHECKING:
    from gemwire_emulator.journal import Entry

_logger = logging.getLogger("gemwire_emulator")


class JournalFile:
    """A line for each call that has ended, appended at once: what is written survives kill -9."""

    def __init__(self, path: str | Path) -> None:
        """Open it behind what it holds already.

        Raises:
            OSError: It cannot be written.
        """
        self._path = path
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115 - it stays open

    def write(self, entry: Entry) -> None:
        """One call; where that is impossible the log says so, and the call is none the worse."""
        try:
            self._file.write(line(entry).encode())
        except (OSError, ValueError) as error:
            _logger.warning("a call was not written to %s: %s", self._path, error)

    def close(self) -> None:
        """Close it."""
        self._file.close()


def line(entry: Entry) -> str:
    """A call as JSON, with what its messages have for JSON."""
    told: dict[str, Any] = {
        "number": entry.number,
        "method": entry.method,
        "front": entry.front,
        "peer": entry.peer,
        "status": entry.status,
        "began": entry.began,
        "elapsed": entry.elapsed,
        "metadata": {key: _text(value) for key, value in entry.metadata.items()},
        "requests": [_plain(message) for message in entry.requests],
        "responses": [_plain(message) for message in entry.responses],
        "times": entry.times,
    }
    if entry.failure is not None:
        details = [_plain(detail) for detail in entry.failure.details]
        told["failure"] = {"message": entry.failure.message, "details": details}
    if not entry.complete:
        told["complete"] = False
    return json.dumps(told, ensure_ascii=False) + "\n"


def _text(value: str | bytes) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _plain(message: Any) -> Any:
    try:
        return json_format.MessageToDict(message, descriptor_pool=POOL)
    except (TypeError, ValueError) as error:  # An Any of an unknown kind, a time that JSON has no form for.
        encoded = base64.b64encode(message.SerializeToString()).decode()
        return {"@error": str(error), "@bytes": encoded}
