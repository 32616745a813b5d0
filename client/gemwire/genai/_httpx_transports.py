"""Transports of httpx, the HTTP client of google-genai, that make their calls through gemwire.

httpx2 is the same library under another name; google-genai uses the one that its transport is of.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, TypedDict

from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire._transport.token import Pairs
from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.json_caller import AsyncJsonCaller, AsyncJsonResponse
from gemwire.genai._convert.json_request import JsonRequest
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.json_caller import JsonCaller, JsonResponse

if TYPE_CHECKING:
    import ssl

    import httpx2 as httpx
elif os.environ.get("GOOGLE_GENAI_HTTP_CLIENT") == "httpx2":
    import httpx2 as httpx
else:
    try:
        import httpx
    except ImportError:
        import httpx2 as httpx

_JSON = {"content-type": "application/json; charset=UTF-8"}
_EVENTS = {"content-type": "text/event-stream"}


class _Arguments(TypedDict):
    verify: ssl.SSLContext | bool
    proxy: httpx.Proxy | None


class Transport(httpx.BaseTransport):
    """Makes the calls of google-genai's sync client; what no RPC carries goes over HTTP as it is."""

    def __init__(self, api: Api, target: HttpTarget | None) -> None:
        """Make calls through a client's API.

        Args:
            api: The API.
            target: Where requests go that no RPC carries; None to refuse them.
        """
        self._api = api
        self._caller = JsonCaller(api)
        self._target = target
        self._http: httpx.HTTPTransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make the call of a request."""
        response = self._caller.call(_to_json_request(request, request.read()))
        if isinstance(response, tuple):
            _set_credentials(request, response)
            if self._http is None:
                self._http = httpx.HTTPTransport(**_find_arguments(self._target, request))
            return self._http.handle_request(request)
        if isinstance(response.body, bytes):
            return httpx.Response(response.status, headers=_JSON, content=response.body)
        return httpx.Response(response.status, headers=_EVENTS, stream=_Events(response, response.body))

    def close(self) -> None:
        """End all calls and connections."""
        self._api.close()
        if self._http is not None:
            self._http.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """Makes the calls of google-genai's asyncio client; see `Transport`."""

    def __init__(self, api: AsyncApi, target: HttpTarget | None) -> None:
        self._api = api
        self._caller = AsyncJsonCaller(api)
        self._target = target
        self._http: dict[asyncio.AbstractEventLoop, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make the call of a request."""
        response = await self._caller.call(_to_json_request(request, await request.aread()))
        if isinstance(response, tuple):
            _set_credentials(request, response)
            return await self._find_http(request).handle_async_request(request)
        if isinstance(response.body, bytes):
            return httpx.Response(response.status, headers=_JSON, content=response.body)
        return httpx.Response(response.status, headers=_EVENTS, stream=_AsyncEvents(response, response.body))

    def _find_http(self, request: httpx.Request) -> httpx.AsyncHTTPTransport:
        """Return the HTTP connections of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._http:
            self._http = {owner: http for owner, http in self._http.items() if not owner.is_closed()}
            self._http[loop] = httpx.AsyncHTTPTransport(**_find_arguments(self._target, request))
        return self._http[loop]

    async def aclose(self) -> None:
        """End all calls, and the connections of the running loop."""
        await self._api.close()
        if http := self._http.pop(asyncio.get_running_loop(), None):
            await http.aclose()


class _Events(httpx.SyncByteStream):
    def __init__(self, response: JsonResponse, events: Iterator[bytes]) -> None:
        self._response = response
        self._events = events

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        self._response.cancel()


class _AsyncEvents(httpx.AsyncByteStream):
    def __init__(self, response: AsyncJsonResponse, events: AsyncIterator[bytes]) -> None:
        self._response = response
        self._events = events

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._events

    async def aclose(self) -> None:
        self._response.cancel()


def _to_json_request(request: httpx.Request, body: bytes) -> JsonRequest:
    query, headers = request.url.params.multi_items(), request.headers.multi_items()
    timeout = request.extensions.get("timeout", {}).get("read")
    return JsonRequest(request.method, request.url.path, query, headers, body, timeout)


def _set_credentials(request: httpx.Request, credentials: Pairs) -> None:
    """Replace google-genai's key by the credentials of the client."""
    request.headers.pop("x-goog-api-key", None)
    request.headers.update(credentials)


def _find_arguments(target: HttpTarget | None, request: httpx.Request) -> _Arguments:
    if target is None:
        raise ValueError(
            f"{request.method} {request.url.path}: goes over HTTP, but this client has gRPC only: its "
            "transport is 'grpc', or its emulator has no HTTP address"
        )
    proxy = target.proxy()
    passed = None if proxy is None else httpx.Proxy(proxy.url, headers=dict(proxy.headers))
    return {"verify": target.tls() or False, "proxy": passed}
