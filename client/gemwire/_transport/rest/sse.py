"""Server-sent events, as their bytes come in.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"


class EventParser:
    """A parser that gives the data of each event once it is complete, wherever the bytes were cut.

    Lines end in CRLF, LF or CR; comments and fields other than ``data`` are passed over.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._pieces_size = self._data_size = 0
        self._after_cr = False
        self._begun = False

    @property
    def held(self) -> int:
        """Number of bytes of the event that is not complete yet."""
        return self._pieces_size + self._data_size

    def feed(self, received: bytes) -> list[bytes]:
        """Return the events that are complete with these bytes."""
        if self._after_cr and received:
            # The CR ended its line when it came; an LF that follows belongs to it.
            self._after_cr = False
            received = received.removeprefix(b"\n")
        if b"\n" not in received and b"\r" not in received:
            # Kept apart, so that an event of megabytes is not copied for each piece of it.
            self._pieces.append(received)
            self._pieces_size += len(received)
            return []
        lines = b"".join((*self._pieces, received)).splitlines(keepends=True)
        self._pieces = [] if lines[-1].endswith((b"\n", b"\r")) else [lines.pop()]
        self._pieces_size = sum(map(len, self._pieces))
        self._after_cr = received.endswith(b"\r")
        return [event for line in lines if (event := self._line(line.rstrip(b"\r\n"))) is not None]

    def end(self) -> bytes | None:
        """Return the data of an event that the end of the stream cut short, or None."""
        if any(self._pieces):
            self._line(b"".join(self._pieces))
        self._pieces = []
        return self._line(b"")

    def _line(self, line: bytes) -> bytes | None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(_BOM)
        if not line:
            data, self._data, self._data_size = self._data, [], 0
            return b"\n".join(data) if data else None
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_size += len(line)
        return None
