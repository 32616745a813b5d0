"""Encoding of varints, for the few messages that are serialized without protobuf."""

from __future__ import annotations

_SHORT = tuple(bytes((number,)) for number in range(128))


def varint(number: int) -> bytes:
    """A number, not negative, in base 128 with the lowest digits first."""
    if number < 0x80:
        return _SHORT[number]
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)
