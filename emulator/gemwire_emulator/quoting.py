"""Values of a request in messages of errors."""

from __future__ import annotations

_MOST = 100


def quoted(value: object) -> str:
    """A value as Python writes it, cut where it is long.

    A status travels in HTTP/2 headers, which clients limit to 8 KiB: whoever sent a megabyte would
    hear of broken headers otherwise, and not of what was wrong.
    """
    text = repr(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}… ({len(text)} characters)"
