"""Vectors: of media, whose bytes are all that is known of them, and their sizes."""

from __future__ import annotations

import hashlib
import math
import struct

#: Bytes that are hashed together, and how many such blocks of a large file are.
_BLOCK, _BLOCKS = 256, 2_048
#: Dimensions, from the first, among which the first places of a part are.
_WIDTHS = (8, 16, 64, 256)


def embed_bytes(data: bytes, size: int) -> list[float]:
    """Return a vector of unit length for some bytes.

    Args:
        data: The bytes of a file.
        size: Dimensions.
    """
    vector = [0.0] * size
    step = max(_BLOCK, len(data) // _BLOCKS)
    for start in range(0, max(len(data), 1), step):
        add_hashed(vector, data[start : start + _BLOCK], 1.0)
    return normalize(vector)


def add_hashed(vector: list[float], part: bytes, weight: float) -> None:
    """Add a part to the dimensions that its hash names, with the signs that it names.

    There are several for each part, so that a collision of two weighs little, and some among the first
    dimensions, so that a vector that is cut off still tells parts apart, as those of the service's models do.
    """
    places = struct.unpack(">8I", hashlib.blake2b(part, digest_size=32).digest())
    widths = (*_WIDTHS, *[len(vector)] * (8 - len(_WIDTHS)))
    for place, width in zip(places, widths, strict=True):
        vector[place % min(width, len(vector))] += weight if place >> 31 else -weight


def resize(vector: list[float], size: int) -> list[float]:
    """Return a vector in fewer or more dimensions, at unit length.

    Fewer are the first ones, as at the service, whose embeddings may be cut off; more repeat them.

    Args:
        vector: The vector.
        size: Dimensions; 0 to leave it as it is.
    """
    if not size or size == len(vector):
        return vector
    return normalize([vector[i % len(vector)] for i in range(size)])


def normalize(vector: list[float]) -> list[float]:
    """Return a vector at unit length; of one without a direction, one that has all dimensions alike."""
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector] if length > 1e-9 else [len(vector) ** -0.5] * len(vector)
