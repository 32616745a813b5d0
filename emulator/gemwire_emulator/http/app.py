"""The outermost application: sends WebSockets their way, and lets nothing out but answers."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import grpc
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.asgi_scope import get_connection
from gemwire_emulator.http.json_errors import HttpFailure
from gemwire_emulator.http.live import LiveApp
from gemwire_emulator.http.responses import JSON_TYPE, encode_error, send_error
from gemwire_emulator.http.router import Match
from gemwire_emulator.http.rpc import RpcApp

if TYPE_CHECKING:
    from starlette.types import ASGIApp, ExceptionHandler

_logger = logging.getLogger("gemwire_emulator")


class RootApp:
    """What uvicorn serves."""

    def __init__(self, live: LiveApp, rpcs: RpcApp, app: ASGIApp) -> None:
        """See the module.

        Args:
            live: For WebSockets.
            rpcs: For what is asked most: a POST that is an RPC, and not from a web page.
            app: For everything else.
        """
        self._live = live
        self._rpcs = rpcs
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request, or one session."""
        if scope["type"] == "websocket":
            await self._live(scope, receive, send)
            return
        try:
            if scope["method"] == "POST" and (match := self._direct(scope)):
                await self._rpcs.serve(match, scope, receive, send)
            else:
                await self._app(scope, receive, send)
        except asyncio.CancelledError:
            failure = StatusError(grpc.StatusCode.UNAVAILABLE, "The emulator stops.")
        except Exception as error:
            _logger.exception("%s %s failed", scope["method"], scope["path"])
            failure = _internal(error)
        else:
            return
        connection = get_connection(scope)
        if connection is None or not connection.answering():
            await send_error(send, failure)
        else:
            connection.sever()

    def _direct(self, scope: Any) -> Match | None:
        for name, _ in scope["headers"]:
            if name == b"origin":
                return None
        return self._rpcs.find(scope)


def _internal(error: Exception) -> StatusError:
    """A mistake of the emulator: the caller hears of it, the log has the rest."""
    return StatusError(grpc.StatusCode.INTERNAL, f"the emulator failed: {type(error).__name__}: {error}")


async def _failed(request: Request, error: Exception) -> Response:
    status, body = encode_error(_internal(error))
    return Response(body, status, media_type=JSON_TYPE)


async def _declined(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: paths and verbs that there are not."""
    status: int = getattr(error, "status_code", 500)
    code = grpc.StatusCode.NOT_FOUND if status == 404 else grpc.StatusCode.UNIMPLEMENTED
    _, body = encode_error(
        HttpFailure(status, code, f"{request.url.path}: {getattr(error, 'detail', error)}")
    )
    return Response(body, status, getattr(error, "headers", None), media_type=JSON_TYPE)


#: How Starlette is to say what goes wrong.
EXCEPTION_HANDLERS: dict[Any, ExceptionHandler] = {Exception: _failed, HTTPException: _declined}
