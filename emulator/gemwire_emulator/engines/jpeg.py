"""A JPEG encoder for patterns: one colour for each block of eight by eight pixels.

A block of one colour is its DC coefficient alone, so the AC table has only the end-of-block code, and
quantising by 8 makes the coefficient the colour itself.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_BLOCK = 8
_QUANTISED = _BLOCK
#: Categories of a difference, its number of bits; the code of each is its number in 4 bits.
_CATEGORIES = bytes(range(12))
_CODE_BITS = 4


def encode(rows: Sequence[bytes], note: str) -> bytes:
    """Return a JPEG file.

    Args:
        rows: Rows of three bytes per pixel: red, green, blue.
        note: Comment in the file.
    """
    height, width = len(rows), len(rows[0]) // 3
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"".join(bytes([n, 0x11, 0]) for n in (1, 2, 3))
    return b"".join(
        (
            b"\xff\xd8",
            _encode_segment(0xE0, b"JFIF\x00" + struct.pack(">HBHHBB", 0x0101, 0, 1, 1, 0, 0)),
            _encode_segment(0xFE, note.encode()),
            _encode_segment(0xDB, bytes([0]) + bytes([_QUANTISED]) * 64),
            _encode_segment(0xC0, frame),
            _encode_segment(
                0xC4, _encode_table(0x00, _CODE_BITS, _CATEGORIES) + _encode_table(0x10, 1, b"\x00")
            ),
            _encode_segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])),
            _encode_scan(rows, width, height),
            b"\xff\xd9",
        )
    )


def _encode_segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _encode_table(place: int, bits: int, symbols: bytes) -> bytes:
    """Return a Huffman table whose codes all have the same length."""
    lengths = bytearray(16)
    lengths[bits - 1] = len(symbols)
    return bytes([place]) + lengths + symbols


def _encode_scan(rows: Sequence[bytes], width: int, height: int) -> bytes:
    bits = ""
    before = [0, 0, 0]
    for top in range(0, height, _BLOCK):
        for left in range(0, width, _BLOCK):
            red, green, blue = rows[top][left * 3 : left * 3 + 3]
            luma = 0.299 * red + 0.587 * green + 0.114 * blue
            values = [luma - 128, (blue - luma) * 0.564, (red - luma) * 0.713]
            for part, value in enumerate(values):
                bits += _encode_difference(round(value) - before[part]) + "0"
                before[part] = round(value)
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return data.replace(b"\xff", b"\xff\x00")


def _encode_difference(value: int) -> str:
    """Return category and bits of a difference; a negative value has the complement of its absolute value."""
    size = abs(value).bit_length()
    if not size:
        return f"{0:0{_CODE_BITS}b}"
    return f"{size:0{_CODE_BITS}b}" + f"{value if value > 0 else value + (1 << size) - 1:0{size}b}"
