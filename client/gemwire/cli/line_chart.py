"""Line charts in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

#: The dots of a braille character by row, left and right.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800


def _resample(values: Sequence[float], count: int) -> list[float]:
    """Resample values by linear interpolation."""
    if len(values) == 1:
        return [values[0]] * count
    resampled = []
    for column in range(count):
        position = column * (len(values) - 1) / (count - 1)
        low = min(int(position), len(values) - 2)
        resampled.append(values[low] + (values[low + 1] - values[low]) * (position - low))
    return resampled


def line_chart(
    values: Sequence[float], *, width: int = 60, height: int = 8, braille: bool = True
) -> list[str]:
    """Draw values as a line chart.

    Args:
        values: One or more values.
        width: Width in characters, without the scale.
        height: Height in lines.
        braille: Draw with braille dots rather than asterisks.

    Returns:
        The lines, with the highest and the lowest value as the scale.
    """
    across, down = (2, 4) if braille else (1, 1)
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    rows = height * down - 1
    cells = [[0] * width for _ in range(height)]
    previous: int | None = None
    for x, value in enumerate(_resample(values, width * across)):
        y = round((high - value) / span * rows)
        start = y if previous is None else previous + (y > previous) - (y < previous)
        for dot in range(min(start, y), max(start, y) + 1):
            cells[dot // down][x // across] |= _DOTS[dot % down][x % across] if braille else 1
        previous = y
    scale = [f"{high:.4g}", *[""] * (height - 2), f"{low:.4g}"]
    room = max(map(len, scale))
    drawn = ("".join(chr(_BLANK + c) if braille else " *"[c] for c in line).rstrip() for line in cells)
    return [
        f"{label:>{room}} │{line}" if braille else f"{label:>{room}} |{line}"
        for label, line in zip(scale, drawn, strict=True)
    ]
