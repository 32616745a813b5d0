"""The browser's part of the page: the document, modules and styles in ``static``."""

from __future__ import annotations

from pathlib import Path

from starlette.types import Receive, Scope, Send

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.asgi_scope import get_headers
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.page.json_endpoint import send_control_error
from gemwire_emulator.http.responses import send_response

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: No inline scripts, no resources of other hosts, no HTML from strings, no framing.
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


class StaticFile:
    """A file, as an ASGI application."""

    def __init__(self, guard: CsrfGuard, path: Path) -> None:
        """Read the file."""
        self._guard = guard
        self._body = path.read_bytes()
        self._type = _TYPES[path.suffix]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        try:
            # Links from other pages are allowed: static files hold no data.
            self._guard.check_host(get_headers(scope))
        except StatusError as error:
            await send_control_error(send, error)
            return
        await send_response(send, self._body, content_type=self._type, headers=_HEADERS)


def load_static_files(guard: CsrfGuard) -> dict[str, StaticFile]:
    """Load all files, by path."""
    files = {
        f"/page/{path.name}": StaticFile(guard, path) for path in _FOLDER.iterdir() if path.suffix in _TYPES
    }
    return {"/": files["/page/index.html"], **files}
