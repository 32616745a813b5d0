"""The browser's part: one document, its modules and styles, as they lie in ``static``."""

from __future__ import annotations

from pathlib import Path

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http import responses
from gemwire_emulator.http.asgi_scope import Scope, get_headers
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.page.json_endpoint import send_control_error
from gemwire_emulator.http.request_body import Receive

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: Nothing inline, nothing from elsewhere, no HTML made of text, and in nobody's frame.
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "cache-control": "no-cache",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class File:
    """One of them, an ASGI application."""

    def __init__(self, guard: CsrfGuard, path: Path) -> None:
        """It is read once."""
        self._guard = guard
        self._body = path.read_bytes()
        self._type = _TYPES[path.suffix]

    async def __call__(self, scope: Scope, receive: Receive, send: responses.Send) -> None:
        """Serve one request."""
        try:
            # A link from elsewhere may lead here: there is nothing in it but the page itself.
            self._guard.check_host(get_headers(scope))
        except StatusError as failure:
            await send_control_error(send, failure)
            return
        await responses.send_response(send, self._body, content_type=self._type, headers=_HEADERS)


def files(guard: CsrfGuard) -> dict[str, File]:
    """All of them, by path."""
    found = {f"/page/{path.name}": File(guard, path) for path in _FOLDER.iterdir() if path.suffix in _TYPES}
    return {"/": found["/page/index.html"], **found}
