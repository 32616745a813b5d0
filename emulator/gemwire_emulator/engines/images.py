"""Pictures without a model: patterns that a prompt decides, as PNG, written with zlib alone, or as JPEG."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator

from gemwire_emulator.engines import jpeg

#: Media types of `still`.
STILLS = ("image/png", "image/jpeg")
#: What every file says of itself.
NOTE = "A pattern made of a hash by the gemwire emulator; no model drew it."
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CELLS = 8


def still(prompt: str, seed: int, width: int, height: int, kind: str = STILLS[0]) -> bytes:
    """One picture: mirrored cells in two colours.

    Args:
        prompt: Decides the pattern, with the seed.
        seed: Another one gives another pattern.
        width: Pixels.
        height: Pixels.
        kind: Media type, one of `STILLS`.
    """
    if kind == "image/jpeg":
        # Without the byte that says how PNG's rows are filtered.
        return jpeg.encoded([row[1:] for row in _rows(prompt, seed, 0, width, height)], NOTE)
    return _file(width, height, [_chunk(b"IDAT", _pixels(prompt, seed, 0, width, height))])


def moving(prompt: str, seed: int, width: int, height: int, frames: int, per_second: int) -> bytes:
    """An animated PNG: the pattern, moving down.

    Args:
        prompt: Decides the pattern, with the seed.
        seed: Another one gives another pattern.
        width: Pixels.
        height: Pixels.
        frames: How many images.
        per_second: How many are shown in a second.
    """
    chunks = [_chunk(b"acTL", struct.pack(">II", frames, 0))]
    number = 0
    for frame in range(frames):
        control = struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, per_second, 0, 0)
        chunks.append(_chunk(b"fcTL", control))
        number += 1
        pixels = _pixels(prompt, seed, frame, width, height)
        if frame == 0:
            chunks.append(_chunk(b"IDAT", pixels))
            continue
        chunks.append(_chunk(b"fdAT", struct.pack(">I", number) + pixels))
        number += 1
    return _file(width, height, chunks)


def _file(width: int, height: int, chunks: list[bytes]) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    note = _chunk(b"tEXt", b"Description\x00" + NOTE.encode())
    return b"".join((_SIGNATURE, header, note, *chunks, _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pixels(prompt: str, seed: int, shift: int, width: int, height: int) -> bytes:
    return zlib.compress(b"".join(_rows(prompt, seed, shift, width, height)), 9)


def _rows(prompt: str, seed: int, shift: int, width: int, height: int) -> Iterator[bytes]:
    digest = hashlib.sha256(f"{seed}/{prompt}".encode()).digest()
    colours = (digest[:3], bytes(255 - part for part in digest[:3]))
    for y in range(height):
        cells = digest[4 + (y * _CELLS // height + shift) % _CELLS]
        row = bytearray(b"\x00")  # no filter
        for x in range(width):
            column = x * _CELLS // width
            row += colours[cells >> min(column, _CELLS - 1 - column) & 1]
        yield bytes(row)
