"""Failure markers in the input of background work.

``[[fail:RESOURCE_EXHAUSTED]]`` in a training example ends the tuning half-way with that status; in a prompt,
the generation of a video.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import grpc

from gemwire_emulator.errors import StatusError, invalid_argument, quote

_MARKER = re.compile(r"\[\[fail:([A-Za-z_]*)\]\]")


def find_failure_marker(texts: Iterable[str], field: str) -> StatusError | None:
    """Return the error of the first marker in some texts, None if there is none.

    Args:
        texts: Input of the work.
        field: Path of the field, for errors.

    Raises:
        StatusError: INVALID_ARGUMENT; a marker does not name an error status.
    """
    for text in texts:
        found = _MARKER.search(text)
        if found is None:
            continue
        code = grpc.StatusCode.__members__.get(found[1])
        if code in (None, grpc.StatusCode.OK):
            raise invalid_argument(field, f"{quote(found[0])} does not name an error status")
        return StatusError(code, f"Failed as requested by the marker {found[0]}.")
    return None
