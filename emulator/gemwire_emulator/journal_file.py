"""The journal as a file of JSON lines, for other programs and for inspection after a crash."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire_emulator.journal_entry import JournalEntry
from gemwire_proto import POOL

_logger = logging.getLogger("gemwire_emulator")


class JournalFile:
    """A file with a line for each call that has ended; written at once, so that it survives kill -9."""

    def __init__(self, path: str | Path) -> None:
        """Open the file for appending.

        Raises:
            OSError: It cannot be written.
        """
        self._path = path
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115 - it stays open

    def write(self, entry: JournalEntry) -> None:
        """Append one call; log a warning where that fails, since a journal must not fail a call."""
        try:
            self._file.write(format_line(entry).encode())
        except (OSError, ValueError) as error:
            _logger.warning("could not write a call to the journal file %s: %s", self._path, error)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def format_line(entry: JournalEntry) -> str:
    """Return a call as a line of JSON, its messages in their JSON form."""
    fields: dict[str, object] = {
        "number": entry.number,
        "method": entry.method,
        "front": entry.front,
        "peer": entry.peer,
        "status": entry.status,
        "began": entry.began,
        "elapsed": entry.elapsed,
        "metadata": {key: _encode_value(value) for key, value in entry.metadata.items()},
        "requests": [_message_to_json(message) for message in entry.requests],
        "responses": [_message_to_json(message) for message in entry.responses],
        "times": entry.times,
    }
    if entry.failure is not None:
        details = [_message_to_json(detail) for detail in entry.failure.details]
        fields["failure"] = {"message": entry.failure.message, "details": details}
    if not entry.complete:
        fields["complete"] = False
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _encode_value(value: str | bytes) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _message_to_json(message: Message) -> dict[str, object]:
    try:
        found: dict[str, object] = json_format.MessageToDict(message, descriptor_pool=POOL)
    except (TypeError, ValueError) as error:
        # An Any of an unknown type, or a time that JSON cannot express.
        encoded = base64.b64encode(message.SerializeToString()).decode()
        return {"@error": str(error), "@bytes": encoded}
    return found
