"""Placeholder images: patterns derived from a prompt, as PNG (written with zlib alone) or JPEG."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator

from gemwire_emulator.engines import jpeg

#: Media types of `render_image`.
IMAGE_TYPES = ("image/png", "image/jpeg")
#: Description in every file.
NOTE = "A pattern made of a hash by the gemwire emulator; no model drew it."
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CELLS = 8


def render_image(prompt: str, seed: int, width: int, height: int, kind: str = IMAGE_TYPES[0]) -> bytes:
    """Return an image of mirrored cells in two colours.

    Args:
        prompt: Text that determines the pattern, with the seed.
        seed: Seed.
        width: Width in pixels.
        height: Height in pixels.
        kind: Media type, one of `IMAGE_TYPES`.
    """
    if kind == "image/jpeg":
        # Without the filter byte of PNG's rows.
        return jpeg.encode([row[1:] for row in _generate_rows(prompt, seed, 0, width, height)], NOTE)
    return _encode_png(
        width, height, [_encode_chunk(b"IDAT", _compress_pixels(prompt, seed, 0, width, height))]
    )


def render_animation(prompt: str, seed: int, width: int, height: int, frames: int, per_second: int) -> bytes:
    """Return an animated PNG of a pattern that moves down.

    Args:
        prompt: Text that determines the pattern, with the seed.
        seed: Seed.
        width: Width in pixels.
        height: Height in pixels.
        frames: Number of frames.
        per_second: Frames per second.
    """
    chunks = [_encode_chunk(b"acTL", struct.pack(">II", frames, 0))]
    number = 0
    for frame in range(frames):
        control = struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, per_second, 0, 0)
        chunks.append(_encode_chunk(b"fcTL", control))
        number += 1
        pixels = _compress_pixels(prompt, seed, frame, width, height)
        if frame == 0:
            chunks.append(_encode_chunk(b"IDAT", pixels))
            continue
        chunks.append(_encode_chunk(b"fdAT", struct.pack(">I", number) + pixels))
        number += 1
    return _encode_png(width, height, chunks)


def _encode_png(width: int, height: int, chunks: list[bytes]) -> bytes:
    header = _encode_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    note = _encode_chunk(b"tEXt", b"Description\x00" + NOTE.encode())
    return b"".join((_SIGNATURE, header, note, *chunks, _encode_chunk(b"IEND", b"")))


def _encode_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _compress_pixels(prompt: str, seed: int, shift: int, width: int, height: int) -> bytes:
    return zlib.compress(b"".join(_generate_rows(prompt, seed, shift, width, height)), 9)


def _generate_rows(prompt: str, seed: int, shift: int, width: int, height: int) -> Iterator[bytes]:
    digest = hashlib.sha256(f"{seed}/{prompt}".encode()).digest()
    colours = (digest[:3], bytes(255 - part for part in digest[:3]))
    # Rows of the same cells are equal: of a large picture only a few are made.
    rows: dict[int, bytes] = {}
    for y in range(height):
        cells = digest[4 + (y * _CELLS // height + shift) % _CELLS]
        if cells not in rows:
            # The first byte says that a row has no filter.
            rows[cells] = b"\x00" + b"".join(
                colours[cells >> min(column, _CELLS - 1 - column) & 1]
                for column in (x * _CELLS // width for x in range(width))
            )
        yield rows[cells]
