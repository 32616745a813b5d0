"""`HttpOptions` as the address of a client and the arguments of its calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple, TypedDict, TypeVar

from gemwire._secret import hide_address, hide_header, show_address, type_name
from gemwire._transport import endpoint
from gemwire._transport.rest.given_clients import GivenClient, GivenClients, create_client
from gemwire.errors import BY_STATUS
from gemwire.genai._types.http_options import HttpOptions, HttpRetryOptions
from gemwire.options import Retry
from gemwire_runtime.field_errors import locate

_Value = TypeVar("_Value")


class CallSettings(TypedDict, total=False):
    """Arguments of a service client's method.

    Attributes:
        timeout: Seconds for the whole call, all attempts included.
        retry: When to retry; None for never.
        metadata: Pairs to send.
    """

    timeout: float
    retry: Retry | None
    metadata: tuple[tuple[str, str], ...]


def to_call_settings(*options: HttpOptions | Mapping[str, object] | None) -> CallSettings:
    """Convert HTTP options to the arguments of a service client's method."""
    made: CallSettings = {}
    headers: dict[str, str] = {}
    for at, given in enumerate(options):
        if given is None:
            continue
        option = HttpOptions.of(given, "http_options")
        for name in _CLIENTS:
            if at and _is_set(option, name):
                raise ValueError(
                    f"http_options.{name}: is for all calls; set it in the options of the client"
                )
        for name in ("client_args", "async_client_args"):
            arguments = getattr(option, name) or {}
            headers |= _to_headers(arguments.get("headers"), f"http_options.{name}.headers")
            if arguments.get("timeout") is not None:
                made["timeout"] = _to_seconds(arguments["timeout"], f"http_options.{name}.timeout", 1)
        if option.timeout is not None:
            made["timeout"] = _to_seconds(option.timeout, "http_options.timeout", 1000)
        if option.retry_options is not None:
            made["retry"] = _to_retry(HttpRetryOptions.of(option.retry_options, "http_options.retry_options"))
        headers |= _to_headers(option.headers, "http_options.headers")
    if headers:
        made["metadata"] = tuple(headers.items())
    return made


class BaseUrl(NamedTuple):
    """The parts of a ``base_url``.

    Attributes:
        host: Host and port; None for those of the service.
        plaintext: Whether connections are unencrypted.
        path: Path before that of a call, as gateways have it; only HTTP has paths.
        elsewhere: Whether it is another machine that is called unencrypted, because the program said so.
    """

    host: str | None = None
    plaintext: bool = False
    path: str = ""
    elsewhere: bool = False


def resolve_address(
    options: HttpOptions, variable: str, versions: tuple[str, ...] = ("v1", "v1beta", "v1alpha")
) -> BaseUrl:
    """Return the address of ``base_url``, else of the environment ``variable``; check the version."""
    if options.api_version not in {None, *versions}:
        raise ValueError(
            f"http_options.api_version: {options.api_version!r} is not one of {', '.join(versions)}"
        )
    given, named = hide_address(options.base_url), "http_options.base_url"
    if not given and not endpoint.is_emulated():
        given, named = hide_address(os.environ.get(variable)), variable
    if not given:
        return BaseUrl()
    if not isinstance(given, str):
        raise TypeError(f"{named}: expected a string, got {type(given).__name__}")
    shown = show_address(given)
    scheme, _, rest = map(hide_address, given.rpartition("://"))
    host, _, path = map(hide_address, rest.partition("/"))
    if scheme.lower() not in {"", "https", "http"}:
        raise ValueError(f"{named}: {shown!r} begins with neither https:// nor http://")
    endpoint.check_host(host, named)
    if "?" in path or "#" in path:
        raise ValueError(f"{named}: {shown!r} is followed by a query; leave it out, and put keys in api_key")
    plaintext = scheme.lower() == "http"
    elsewhere = plaintext and not endpoint.is_loopback(host)
    if elsewhere and named == variable:
        raise ValueError(
            f"{named}: {shown!r} is another machine, to which calls must be encrypted; begin it with "
            "https://, or set http_options.base_url instead"
        )
    return BaseUrl(host, plaintext, f"/{path}".rstrip("/"), elsewhere)


def find_http_clients(options: HttpOptions) -> tuple[str, GivenClients]:
    """Return the HTTP clients of a program, and the name of the option that sets one; empty if there is none.

    Of ``client_args`` and ``async_client_args``, headers and timeout apply to all calls; with further ones, a
    client of httpx is made of them.

    Raises:
        ImportError: Arguments are given, and httpx is not installed.
        ValueError: The options exclude each other, or an argument is unknown.
    """
    if options.httpx_async_client is not None and options.aiohttp_client is not None:
        raise ValueError("http_options.httpx_async_client and aiohttp_client: are mutually exclusive")
    sync = _find_client(options, ("httpx_client",), "client_args")
    aio = _find_client(options, ("httpx_async_client", "aiohttp_client"), "async_client_args")
    named = next((name for name in _CLIENTS if _is_set(options, name)), "")
    return named, GivenClients(sync, aio)


#: Options that are for HTTP alone.
_CLIENTS = ("httpx_client", "httpx_async_client", "aiohttp_client", "client_args", "async_client_args")
#: Arguments of HTTP clients that apply to gRPC as well.
_SHARED = frozenset({"headers", "timeout"})


def _is_set(options: HttpOptions, name: str) -> bool:
    value: object = getattr(options, name)
    return bool(value.keys() - _SHARED) if isinstance(value, Mapping) else value is not None


def _find_client(options: HttpOptions, names: tuple[str, ...], arguments: str) -> GivenClient | None:
    for name in names:
        if (client := getattr(options, name)) is not None:
            if not hasattr(client, "ws_connect" if name == "aiohttp_client" else "build_request"):
                kind = "an aiohttp.ClientSession" if name == "aiohttp_client" else "a client of httpx"
                raise TypeError(f"http_options.{name}: expected {kind}, got {type(client).__name__}")
            return GivenClient(client)
    if not _is_set(options, arguments):
        return None
    given = {name: value for name, value in getattr(options, arguments).items() if name not in _SHARED}
    if "ssl" in given:  # aiohttp's name of the same
        given["verify"] = given.pop("ssl")
    try:
        return create_client(given, is_async=arguments == "async_client_args")
    except ImportError as error:
        raise ImportError(f"http_options.{arguments} needs httpx: pip install httpx ({error})") from None
    except (TypeError, ValueError) as error:
        raise locate(f"http_options.{arguments}", error) from None


def _to_seconds(value: object, place: str, divisor: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{place}: expected a number, got {type_name(value)}")
    if not value > 0:
        unit = "milliseconds" if divisor == 1000 else "seconds"
        raise ValueError(f"{place}: {value} is not a positive number of {unit}")
    return value / divisor


def _to_retry(options: HttpRetryOptions) -> Retry | None:
    codes = {408, 429, 500, 502, 503, 504}
    if options.http_status_codes is not None:
        codes = set(options.http_status_codes)
    # CANCELLED and the like, which have no HTTP code of their own, are not among google-genai's either.
    statuses = [status for status, error in BY_STATUS.items() if error.code in codes]
    if options.attempts in {0, 1}:
        return None
    try:
        return Retry(
            codes=frozenset(statuses),
            max_attempts=_default(options.attempts, 5),
            initial=_default(options.initial_delay, 1.0),
            maximum=_default(options.max_delay, 60.0),
            multiplier=_default(options.exp_base, 2.0),
        )
    except (TypeError, ValueError) as error:
        raise locate("http_options.retry_options", error) from None


def _default(value: _Value | None, default: _Value) -> _Value:
    return default if value is None else value


def _to_headers(headers: object, place: str) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError(f"{place}: expected a dict, got {type_name(headers)}")
    # Keys of gRPC are in lower case, and it sets these two itself.
    lower = {str(name).lower(): hide_header(str(name), str(value)) for name, value in headers.items()}
    return {name: value for name, value in lower.items() if name not in {"content-type", "user-agent"}}
