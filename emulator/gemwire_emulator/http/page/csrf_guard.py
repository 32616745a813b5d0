"""Protection of the page and its API from other web pages: cross-site requests and DNS rebinding.

The emulated API is open to every web page, as the service's is. What is below ``/emulator`` and the control
headers of calls are not: a page that somebody happens to visit must neither read the calls nor inject faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import grpc

from gemwire_emulator.errors import StatusError, quote
from gemwire_emulator.flags import is_loopback
from gemwire_emulator.http.json_errors import HttpError


class CsrfGuard:
    """A check that a request comes from the page itself or from a program, not from a foreign page.

    Attributes:
        exposed: True if other machines can reach the emulator, under host names that it cannot know.
    """

    def __init__(self) -> None:
        """Start with loopback only."""
        self.exposed = False

    def add_host(self, host: str) -> None:
        """Add a host that the emulator listens on."""
        self.exposed = self.exposed or not is_loopback(host)

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Reject foreign host names that resolve to this machine (DNS rebinding).

        Raises:
            StatusError: The host is not a loopback name.
        """
        host = _parse_hostname(f"//{headers.get('host', '')}")
        if not self.exposed and not is_loopback(host):
            raise _create_refusal(f"host {quote(headers.get('host', ''))} is not allowed; use 127.0.0.1")

    def check_controls(self, headers: Mapping[str, str]) -> None:
        """Reject control headers of a call, or the preflight of a control request, from a foreign page.

        Raises:
            StatusError: The request is one.
        """
        if "origin" in headers:
            self.check_host(headers)
            self._check_origin(headers)

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            raise _create_refusal(f"origin {quote(origin)} is not allowed")

    def check(self, verb: str, headers: Mapping[str, str]) -> None:
        """Reject requests that a foreign page can make a browser send.

        Raises:
            StatusError: The request is one, or cannot be distinguished from one.
        """
        self.check_host(headers)
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            raise _create_refusal("cross-site requests are not allowed")
        self._check_origin(headers)
        # Foreign pages cannot send this type without a CORS preflight, which fails.
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if verb in {"POST", "PUT"} and content_type != "application/json":
            raise HttpError(
                415,
                grpc.StatusCode.INVALID_ARGUMENT,
                "Content-Type must be application/json; other types are rejected as cross-site requests.",
            )


def _parse_hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _create_refusal(reason: str) -> StatusError:
    return StatusError(grpc.StatusCode.PERMISSION_DENIED, f"Request denied: {reason}.")
