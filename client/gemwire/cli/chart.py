"""A curve in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

#: The dots of a braille character by row, left and right.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800


def _sampled(values: Sequence[float], count: int) -> list[float]:
    """So many values, from first to last, with those between drawn straight."""
    if len(values) == 1:
        return [values[0]] * count
    found = []
    for column in range(count):
        place = column * (len(values) - 1) / (count - 1)
        low = min(int(place), len(values) - 2)
        found.append(values[low] + (values[low + 1] - values[low]) * (place - low))
    return found


def curve(values: Sequence[float], *, width: int = 60, height: int = 8, braille: bool = True) -> list[str]:
    """Draw values from left to right.

    Args:
        values: At least one.
        width: Characters of the drawing, without its scale.
        height: Lines.
        braille: Draw with braille dots; with stars otherwise.

    Returns:
        The lines, with the highest and the lowest value beside them.
    """
    across, down = (2, 4) if braille else (1, 1)
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    rows = height * down - 1
    cells = [[0] * width for _ in range(height)]
    before: int | None = None
    for x, value in enumerate(_sampled(values, width * across)):
        y = round((high - value) / span * rows)
        start = y if before is None else before + (y > before) - (y < before)
        for dot in range(min(start, y), max(start, y) + 1):
            cells[dot // down][x // across] |= _DOTS[dot % down][x % across] if braille else 1
        before = y
    scale = [f"{high:.4g}", *[""] * (height - 2), f"{low:.4g}"]
    room = max(map(len, scale))
    drawn = ("".join(chr(_BLANK + c) if braille else " *"[c] for c in line).rstrip() for line in cells)
    return [
        f"{label:>{room}} │{line}" if braille else f"{label:>{room}} |{line}"
        for label, line in zip(scale, drawn, strict=True)
    ]
