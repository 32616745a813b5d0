"""What stands for a voice: a quiet tone, as long as the words are."""

from __future__ import annotations

import array
import math
import sys

RATE = 24_000
_SECONDS_PER_SIGN = 0.06
_LOUDNESS = 1_200


def tone(text: str) -> bytes:
    """Raw audio, 16 bits, little-endian, 24 kHz; the same for the same text, and no speech."""
    frequency = 220 + sum(text.encode()) % 220
    count = int(len(text) * _SECONDS_PER_SIGN * RATE)
    step = 2 * math.pi * frequency / RATE
    samples = array.array("h", (int(_LOUDNESS * math.sin(step * i)) for i in range(count)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
