"""Work that is to fail, by marks in what it is made of.

``[[fail:RESOURCE_EXHAUSTED]]`` in an example ends the tuning of a model half-way
with that status, in a prompt the making of a film.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import grpc

from gemwire_emulator.errors import StatusError, invalid_argument, quote

_MARK = re.compile(r"\[\[fail:([A-Za-z_]*)\]\]")


def find_failure_marker(texts: Iterable[str], field: str) -> StatusError | None:
    """How the work is to end; None where no text has a mark, and for the first mark otherwise.

    Args:
        texts: What the work is made of.
        field: Where they are in the request.

    Raises:
        StatusError: INVALID_ARGUMENT for a mark that names no status.
    """
    for text in texts:
        found = _MARK.search(text)
        if found is None:
            continue
        code = grpc.StatusCode.__members__.get(found[1])
        if code in (None, grpc.StatusCode.OK):
            raise invalid_argument(field, f"{quote(found[0])} names no status of an error")
        return StatusError(code, f"It was to fail, by the mark {found[0]}.")
    return None
