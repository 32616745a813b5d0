"""`HttpOptions` as the address of a client and the arguments of its calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypedDict, TypeVar

from gemwire._secret import hide_address, hide_header, show_address, type_name
from gemwire._transport import endpoint
from gemwire.errors import BY_STATUS
from gemwire.genai._types.http_options import HttpOptions, HttpRetryOptions
from gemwire.options import Retry

_Value = TypeVar("_Value")

#: All are served by v1beta, a superset of the others.
_VERSIONS = frozenset({None, "v1", "v1beta", "v1alpha"})


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
    for given in options:
        if given is None:
            continue
        option = HttpOptions.of(given, "http_options")
        if option.timeout is not None:
            made["timeout"] = _to_seconds(option.timeout)
        if option.retry_options is not None:
            made["retry"] = _to_retry(HttpRetryOptions.of(option.retry_options, "http_options.retry_options"))
        headers |= _to_headers(option.headers)
    if headers:
        made["metadata"] = tuple(headers.items())
    return made


def resolve_address(options: HttpOptions, variable: str) -> tuple[str | None, bool]:
    """Return host and port of ``base_url``, and whether they are unencrypted."""
    if options.api_version not in _VERSIONS:
        raise ValueError(
            f"http_options.api_version: {options.api_version!r} is none of v1, v1beta and v1alpha"
        )
    given, named = hide_address(options.base_url), "http_options.base_url"
    if not given and not endpoint.is_emulated():
        given, named = hide_address(os.environ.get(variable)), variable
    if not given:
        return None, False
    if not isinstance(given, str):
        raise TypeError(f"{named}: expected a string, got {type(given).__name__}")
    shown = show_address(given)
    scheme, _, rest = map(hide_address, given.rpartition("://"))
    host, _, path = map(hide_address, rest.partition("/"))
    if path.strip("/"):
        raise ValueError(f"{named}: {shown!r} is followed by a path; give a host and a port alone")
    if scheme.lower() not in {"", "https", "http"}:
        raise ValueError(f"{named}: {shown!r} begins with neither https:// nor http://")
    endpoint.check_host(host, named)
    plaintext = scheme.lower() == "http"
    if plaintext and not endpoint.is_loopback(host):
        raise ValueError(
            f"{named}: {shown!r} is another machine, to which calls must be encrypted; begin it with https://"
        )
    return host, plaintext


def _to_seconds(milliseconds: object) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        raise TypeError(f"http_options.timeout: expected milliseconds, got {type(milliseconds).__name__}")
    if not milliseconds > 0:
        raise ValueError(f"http_options.timeout: {milliseconds} is not a positive number of milliseconds")
    return milliseconds / 1000


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
        raise type(error)(f"http_options.retry_options: {error}") from None


def _default(value: _Value | None, default: _Value) -> _Value:
    return default if value is None else value


def _to_headers(headers: object) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError(f"http_options.headers: expected a dict, got {type_name(headers)}")
    # Keys of gRPC are in lower case, and it sets these two itself.
    lower = {str(name).lower(): hide_header(str(name), str(value)) for name, value in headers.items()}
    return {name: value for name, value in lower.items() if name not in {"content-type", "user-agent"}}
