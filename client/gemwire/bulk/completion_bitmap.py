"""A bitmap of the finished lines of a job."""

from __future__ import annotations


class CompletionBitmap:
    """Set of line numbers, from 1 to the last line of the input. A million take 125 kB.

    Attributes:
        last: Number of the last line of the input.
        count: Number of lines in the set.
    """

    def __init__(self, last: int, data: bytes = b"") -> None:
        """Create a bitmap for lines up to ``last``, from the bytes of an earlier one if given."""
        self._bits = bytearray(data[: last // 8 + 1].ljust(last // 8 + 1, b"\0"))
        self.last = last
        self.count = int.from_bytes(self._bits, "little").bit_count()

    def __contains__(self, number: int) -> bool:
        return 0 < number <= self.last and bool(self._bits[number >> 3] & 1 << (number & 7))

    def add(self, number: int) -> bool:
        """Add a line. Return False if it is in the set already."""
        if not 0 < number <= self.last:
            raise IndexError(f"line {number} of {self.last}")
        if number in self:
            return False
        self._bits[number >> 3] |= 1 << (number & 7)
        self.count += 1
        return True

    def __bytes__(self) -> bytes:
        return bytes(self._bits)
