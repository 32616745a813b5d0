"""Who may look at the calls and turn the switches: this machine's programs and the page itself.

The API is open to every web page, as the service's is. What is below ``/emulator`` is not: a page that
somebody happens to visit must neither read what was asked here nor switch faults on.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import grpc

from gemwire_emulator.errors import StatusError
from gemwire_emulator.flags import is_loopback
from gemwire_emulator.http.json_errors import HttpFailure


class CsrfGuard:
    """Tells requests of the page, of curl and of tests from those that foreign pages make.

    Attributes:
        exposed: Whether others than this machine reach the emulator, by names that it cannot know.
    """

    def __init__(self) -> None:
        """Only loopback so far."""
        self.exposed = False

    def listens(self, host: str) -> None:
        """A further address is served."""
        self.exposed = self.exposed or not is_loopback(host)

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Refuse names that somebody else made point to this machine (DNS rebinding).

        Raises:
            StatusError: The host is none of loopback's.
        """
        host = _hostname(f"//{headers.get('host', '')}")
        if not self.exposed and not is_loopback(host):
            raise _refusal(f"{headers.get('host', '')!r} is no name of this emulator; use 127.0.0.1")

    def check(self, verb: str, headers: Mapping[str, str]) -> None:
        """Refuse what a foreign page made the browser send.

        Raises:
            StatusError: It is such a request, or one that cannot be told from it.
        """
        self.check_host(headers)
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            raise _refusal("other pages may not ask this")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            raise _refusal(f"a page of {origin} may not ask this")
        # A foreign page cannot send this type without being asked for CORS first.
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if verb in {"POST", "PUT"} and content_type != "application/json":
            raise HttpFailure(
                415,
                grpc.StatusCode.INVALID_ARGUMENT,
                "Content-Type must be application/json: foreign pages cannot send that.",
            )


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _refusal(why: str) -> StatusError:
    return StatusError(grpc.StatusCode.PERMISSION_DENIED, f"Refused: {why}.")
