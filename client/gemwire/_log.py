"""The log ``gemwire``, which can fail no call: a handler or filter that raises is reported on stderr."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Mapping

_logger = logging.getLogger("gemwire")

#: Whether records of a level are logged.
is_enabled = _logger.isEnabledFor


def log(
    level: int,
    text: str,
    *arguments: object,
    error: BaseException | None = None,
    extra: Mapping[str, object] | None = None,
) -> None:
    """Log a record, with the traceback of ``error`` and with ``extra`` attributes."""
    try:
        _logger.log(level, text, *arguments, exc_info=error, extra=extra)
    except Exception:
        # As handlers of the standard library do that cannot write.
        if logging.raiseExceptions:
            with contextlib.suppress(Exception):
                traceback.print_exc()
