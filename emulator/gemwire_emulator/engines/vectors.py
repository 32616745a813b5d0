"""Vectors: of media, whose bytes are all that is known of them, and their sizes."""

from __future__ import annotations

import hashlib
import math
import struct

#: Bytes that are hashed together, and how many such blocks of a large file are.
_BLOCK, _BLOCKS = 256, 2_048


def embed_bytes(data: bytes, size: int) -> list[float]:
    """Return a vector of unit length for some bytes.

    Args:
        data: The bytes of a file.
        size: Dimensions.
    """
    vector = [0.0] * size
    step = max(_BLOCK, len(data) // _BLOCKS)
    for start in range(0, max(len(data), 1), step):
        digest = hashlib.blake2b(data[start : start + _BLOCK], digest_size=32).digest()
        for place in struct.unpack(">8I", digest):
            vector[place % size] += 1.0 if place >> 31 else -1.0
    return normalize(vector)


def resize(vector: list[float], size: int) -> list[float]:
    """Return a vector in fewer or more dimensions, at unit length: folded, so that all of it has its part.

    Args:
        vector: The vector.
        size: Dimensions; 0 to leave it as it is.
    """
    if not size or size == len(vector):
        return vector
    if size > len(vector):
        return normalize([vector[i % len(vector)] for i in range(size)])
    return normalize([sum(vector[i::size]) for i in range(size)])


def normalize(vector: list[float]) -> list[float]:
    """Return a vector at unit length; of one without a direction, one that has all dimensions alike."""
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector] if length > 1e-9 else [len(vector) ** -0.5] * len(vector)
