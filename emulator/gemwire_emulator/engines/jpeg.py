"""JPEG without a library: one colour for each square of eight by eight pixels, which patterns can do with.

A square of one colour is its first coefficient alone, so that of the second Huffman table only "no more of
this square" is ever used, and quantising by 8 makes the coefficient the colour itself.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_SQUARE = 8
_QUANTISED = _SQUARE
#: Categories of a difference, by how many bits it takes; each code is 4 bits long, and is its category.
_CATEGORIES = bytes(range(12))
_CODE_BITS = 4


def encode(rows: Sequence[bytes], note: str) -> bytes:
    """A JPEG file.

    Args:
        rows: Each three bytes a pixel: red, green, blue.
        note: What the file says of itself.
    """
    height, width = len(rows), len(rows[0]) // 3
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"".join(bytes([n, 0x11, 0]) for n in (1, 2, 3))
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\x00" + struct.pack(">HBHHBB", 0x0101, 0, 1, 1, 0, 0)),
            _segment(0xFE, note.encode()),
            _segment(0xDB, bytes([0]) + bytes([_QUANTISED]) * 64),
            _segment(0xC0, frame),
            _segment(0xC4, _table(0x00, _CODE_BITS, _CATEGORIES) + _table(0x10, 1, b"\x00")),
            _segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])),
            _scan(rows, width, height),
            b"\xff\xd9",
        )
    )


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _table(place: int, bits: int, symbols: bytes) -> bytes:
    """A Huffman table whose codes are all of one length."""
    lengths = bytearray(16)
    lengths[bits - 1] = len(symbols)
    return bytes([place]) + lengths + symbols


def _scan(rows: Sequence[bytes], width: int, height: int) -> bytes:
    bits = ""
    before = [0, 0, 0]
    for top in range(0, height, _SQUARE):
        for left in range(0, width, _SQUARE):
            red, green, blue = rows[top][left * 3 : left * 3 + 3]
            luma = 0.299 * red + 0.587 * green + 0.114 * blue
            values = [luma - 128, (blue - luma) * 0.564, (red - luma) * 0.713]
            for part, value in enumerate(values):
                bits += _difference(round(value) - before[part]) + "0"
                before[part] = round(value)
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return data.replace(b"\xff", b"\xff\x00")


def _difference(value: int) -> str:
    """Category and bits; those of a negative value are the complement of its opposite's."""
    size = abs(value).bit_length()
    if not size:
        return f"{0:0{_CODE_BITS}b}"
    return f"{size:0{_CODE_BITS}b}" + f"{value if value > 0 else value + (1 << size) - 1:0{size}b}"
