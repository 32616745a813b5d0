"""Which lines of a job are finished: a bit for each."""

from __future__ import annotations


class Finished:
    """A set of line numbers, from 1 to the last line of the input. A million take 125 kB.

    Attributes:
        count: How many are in it.
    """

    def __init__(self, last: int, bits: bytes = b"") -> None:
        """Begin.

        Args:
            last: The highest number that can be in it.
            bits: What `bytes` gave of an earlier one.
        """
        self._bits = bytearray(bits[: last // 8 + 1].ljust(last // 8 + 1, b"\0"))
        self._last = last
        self.count = int.from_bytes(self._bits, "little").bit_count()

    def __contains__(self, number: int) -> bool:
        return 0 < number <= self._last and bool(self._bits[number >> 3] & 1 << (number & 7))

    def lacks(self, number: int) -> bool:
        """Whether a line is there and not finished."""
        return number <= self._last and number not in self

    def add(self, number: int) -> bool:
        """Put a number in.

        Returns:
            Whether it was not in it before.

        Raises:
            IndexError: There is no such line.
        """
        if not 0 < number <= self._last:
            raise IndexError(f"line {number} of {self._last}")
        if number in self:
            return False
        self._bits[number >> 3] |= 1 << (number & 7)
        self.count += 1
        return True

    def __bytes__(self) -> bytes:
        return bytes(self._bits)
