"""Options of the connection and of single calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, overload

from gemwire._secret import hide_address, hide_header, hide_key, hide_text
from gemwire.genai._types.config import Config
from gemwire_runtime.pydantic_models import unwrap

_Default = TypeVar("_Default")


class HttpRetryOptions(Config):
    """Retry policy of a call.

    Attributes:
        attempts: Maximum number of attempts, including the first; 0 or 1 disables retries. Default: 5.
        initial_delay: Upper bound of the delay before the first retry, in seconds.
        max_delay: Upper bound of every delay, in seconds. Default: 60.
        exp_base: Factor by which the bound grows from one retry to the next. Default: 2.
        jitter: Accepted for compatibility and ignored: each delay is random between 0 and its bound.
        http_status_codes: HTTP status codes that are retried. Default: 408, 429, 500, 502, 503, 504.
    """

    attempts: int | None = None
    initial_delay: float | None = None
    max_delay: float | None = None
    exp_base: float | None = None
    jitter: float | None = None
    http_status_codes: list[int] | None = None


class HttpOptions(Config):
    """Address, timeout, headers and retries of calls.

    Attributes:
        base_url: Address of the service: a host, an optional port, and for gateways a path before that of the
            call. With a path, and with ``http://``, calls go over HTTP/1.1. A server on this machine may
            speak gRPC without TLS: with ``transport="grpc"``. ``http://`` to another machine sends the
            credentials unencrypted.
        api_version: ``v1``, ``v1beta`` or ``v1alpha``. All three call v1beta, which includes the others.
        headers: Headers sent with every call, as gRPC metadata.
        timeout: Timeout of a whole call, retries included, in milliseconds.
        retry_options: Retry policy.
        extra_body: Further fields of the request, as JSON; they override those of the arguments.
        client_args: Arguments of ``httpx.Client``. ``headers`` and ``timeout``, in seconds, apply to all
            calls; with others, calls go over HTTP by such a client.
        async_client_args: The same for asyncio, of ``httpx.AsyncClient``.
        httpx_client: The program's own ``httpx.Client``: calls go over HTTP by it. It is not closed.
        httpx_async_client: The same for asyncio, an ``httpx.AsyncClient``.
        aiohttp_client: The same for asyncio, an ``aiohttp.ClientSession`` of the loop that makes the calls.
    """

    base_url: str | None = None
    api_version: str | None = None
    headers: dict[str, str] | None = None
    timeout: int | None = None
    retry_options: HttpRetryOptions | None = None
    extra_body: dict[str, object] | None = None
    client_args: dict[str, object] | None = None
    async_client_args: dict[str, object] | None = None
    httpx_client: object | None = None
    httpx_async_client: object | None = None
    aiohttp_client: object | None = None

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in _hide(dict(self.given())).items())
        return f"{type(self).__name__}({fields})"


def hide_http_options(options: object) -> object:
    """Return what was given as HTTP options with its secrets hidden; nothing is checked."""
    fields = dict(options.given()) if isinstance(options, HttpOptions) else unwrap(options)
    return _hide(fields) if isinstance(fields, Mapping) else hide_text(fields)


def _hide(fields: Mapping[str, object]) -> dict[str, object]:
    # Strings are addresses, of proxies among them, or have a name that tells that they are secret.
    hidden = {name: hide_header(str(name), hide_address(value)) for name, value in fields.items()}
    for name, value in fields.items():
        if isinstance(value, Mapping) and name in {"headers", *_NESTED}:
            hidden[name] = _hide(value)
        elif name == "headers":
            hidden[name] = hide_key(value)
    return hidden


#: Options with headers and addresses of their own.
_NESTED = frozenset({"client_args", "clientArgs", "async_client_args", "asyncClientArgs", "proxies"})


class ResponseHeaders(dict[str, str]):
    """Headers by their names in lower case; names may be asked for in any case, such as ``Content-Type``."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: _Default, /) -> str | _Default: ...
    def get(self, name: str, default: object = None, /) -> object:
        """Return a header."""
        return super().get(name.lower(), default)


class HttpResponse(Config):
    """What HTTP, or gRPC's metadata, brought beside a response.

    Attributes:
        headers: Headers of the response. Their names may be asked for in any case.
        body: The response itself, as JSON text; only where it was asked for.
    """

    headers: dict[str, str] | None = None
    body: str | None = None

    def _convert(self, name: str, value: object) -> object:
        found = super()._convert(name, value)
        return ResponseHeaders(found) if name == "headers" and isinstance(found, dict) else found


class CallConfig(Config):
    """Config of a call without options of its own.

    Attributes:
        http_options: Options of this call; they override those of the client.
    """

    http_options: HttpOptions | None = None


class ListConfig(CallConfig):
    """Config of a call that lists resources.

    Attributes:
        http_options: Options of this call; they override those of the client.
        page_size: Maximum number of items per page. Default: the service decides.
        page_token: Token of the page to begin with. Default: the first page.
        filter: Filter expression; tuning jobs and batches only.
    """

    page_size: int | None = None
    page_token: str | None = None
    filter: str | None = None
