"""The outermost ASGI application: dispatches WebSockets and RPCs, and answers what nothing else answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import grpc
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.asgi_scope import get_headers
from gemwire_emulator.http.connection import get_connection
from gemwire_emulator.http.json_errors import HttpError
from gemwire_emulator.http.live import LiveApp
from gemwire_emulator.http.page.csrf_guard import CsrfGuard
from gemwire_emulator.http.responses import JSON_TYPE, encode_error, send_error
from gemwire_emulator.http.rpc import RpcApp

#: Beginning of the names of headers that inject faults and latency.
_CONTROL_PREFIX = b"x-emulator-"
_logger = logging.getLogger("gemwire_emulator")


class RootApp:
    """The application that uvicorn serves."""

    def __init__(self, live: LiveApp, rpcs: RpcApp, app: ASGIApp, guard: CsrfGuard) -> None:
        """Combine applications.

        Args:
            live: Serves WebSockets.
            rpcs: Serves RPCs by POST that do not come from a web page, without the middleware.
            app: Serves everything else.
            guard: Rejects foreign pages that send control headers.
        """
        self._live = live
        self._rpcs = rpcs
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a WebSocket session."""
        if scope["type"] == "websocket":
            await self._live(scope, receive, send)
            return
        try:
            from_page, controls = _inspect_headers(scope)
            if controls:
                self._guard.check_controls(get_headers(scope))
            if scope["method"] == "POST" and not from_page and (match := self._rpcs.match(scope)):
                await self._rpcs.serve(match, scope, receive, send)
            else:
                await self._app(scope, receive, send)
        except StatusError as refusal:
            error = refusal
        except asyncio.CancelledError:
            error = StatusError(grpc.StatusCode.UNAVAILABLE, "The emulator is shutting down.")
        except Exception as unexpected:
            _logger.exception("%s %s failed", scope["method"], scope["path"])
            error = _create_internal_error(unexpected)
        else:
            return
        connection = get_connection(scope)
        if connection is None or not connection.response_started():
            await send_error(send, error)
        else:
            connection.abort()


def _inspect_headers(scope: Scope) -> tuple[bool, bool]:
    """Return whether a request comes from a web page, and whether it controls the emulator, or asks to."""
    from_page = controls = False
    for name, value in scope["headers"]:
        if name == b"origin":
            from_page = True
        elif name.startswith(_CONTROL_PREFIX):
            controls = True
        elif name.startswith(b"access-control-request-"):  # A preflight.
            controls |= _CONTROL_PREFIX in value.lower() or scope["path"].startswith("/emulator")
    return from_page, controls


def _create_internal_error(error: Exception) -> StatusError:
    """Create the error of a bug in the emulator; the traceback is in the log."""
    return StatusError(grpc.StatusCode.INTERNAL, f"the emulator failed: {type(error).__name__}: {error}")


async def _handle_exception(request: Request, error: Exception) -> Response:
    status, body = encode_error(_create_internal_error(error))
    return Response(body, status, media_type=JSON_TYPE)


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    """Answer paths and verbs that Starlette itself rejects."""
    status: int = getattr(error, "status_code", 500)
    code = grpc.StatusCode.NOT_FOUND if status == 404 else grpc.StatusCode.UNIMPLEMENTED
    message = f"{request.url.path}: {getattr(error, 'detail', error)}"
    _, body = encode_error(HttpError(status, code, message))
    return Response(body, status, getattr(error, "headers", None), media_type=JSON_TYPE)


#: Handlers for Starlette.
EXCEPTION_HANDLERS: Mapping[type[Exception], ExceptionHandler] = {
    Exception: _handle_exception,
    HTTPException: _handle_http_exception,
}
