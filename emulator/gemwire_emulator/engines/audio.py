"""Placeholder speech: a quiet tone as long as the text."""

from __future__ import annotations

import array
import math
import sys

RATE = 24_000
_SECONDS_PER_CHARACTER = 0.06
_AMPLITUDE = 1_200


def synthesize_tone(text: str) -> bytes:
    """Return raw audio, 16 bits, little-endian, 24 kHz; the same for the same text."""
    frequency = 220 + sum(text.encode()) % 220
    count = int(len(text) * _SECONDS_PER_CHARACTER * RATE)
    step = 2 * math.pi * frequency / RATE
    samples = array.array("h", (int(_AMPLITUDE * math.sin(step * i)) for i in range(count)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
