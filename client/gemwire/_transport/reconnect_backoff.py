"""Pauses between attempts to connect to a server."""

from __future__ import annotations

import os
import random
import ssl

from gemwire._transport.call_error import CallError
from gemwire._transport.rest.http_errors import UNCONNECTED
from gemwire_runtime.status_code import StatusCode

#: Seconds to connect: TCP, TLS and the server's settings.
CONNECT_TIMEOUT = 5.0
#: Seconds after a failure in which calls fail without another attempt, doubled up to the second.
_MIN_BACKOFF, _MAX_BACKOFF = 0.2, 5.0


class ReconnectBackoff:
    """The failures of the connections to one server."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._failures = 0
        self._retry_at = 0.0
        self._error: CallError | None = None

    def check(self, now: float) -> None:
        """Raise the error of the latest attempt (CallError) if the next one is not due yet."""
        if self._error is not None and now < self._retry_at:
            raise self._error

    def record_failure(self, error: Exception, now: float) -> CallError:
        """Count a failed attempt, and return its error."""
        pause = min(_MIN_BACKOFF * 2**self._failures, _MAX_BACKOFF)
        self._failures = min(self._failures + 1, 16)
        self._retry_at = now + pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        text = _describe(error) or f"no connection within {CONNECT_TIMEOUT:g} s"
        self._error = CallError(StatusCode.UNAVAILABLE, f"{UNCONNECTED}{self._address}: {text}")
        return self._error

    def record_success(self) -> None:
        """Forget the failures."""
        self._failures = 0
        self._error = None


def _describe(error: Exception) -> str:
    """Return the reason of an error without what asyncio and the address add to it."""
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return str(error)
