"""What `HttpOptions` mean: where calls go, and the arguments of each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gemwire._transport import endpoint
from gemwire.errors import BY_STATUS
from gemwire.genai._types.http_options import HttpOptions, HttpRetryOptions
from gemwire.options import Retry

#: What google-genai looks at too.
_BASE_URL = "GOOGLE_GEMINI_BASE_URL"
#: All are served by v1beta, which has what the others have.
_VERSIONS = frozenset({None, "v1", "v1beta", "v1alpha"})


def settings(*options: Any) -> dict[str, Any]:
    """Arguments of a service client's method.

    Args:
        *options: `HttpOptions`, dicts of them, or None; the later count for more.

    Raises:
        ValueError: A value is out of range.
        TypeError: A value is of a wrong type.
    """
    made: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for given in options:
        if given is None:
            continue
        option = HttpOptions.of(given, "http_options")
        if option.timeout is not None:
            made["timeout"] = _seconds(option.timeout)
        if option.retry_options is not None:
            made["retry"] = _retry(HttpRetryOptions.of(option.retry_options, "http_options.retry_options"))
        headers |= _headers(option.headers)
    if headers:
        made["metadata"] = tuple(headers.items())
    return made


def address(options: HttpOptions) -> tuple[str | None, bool]:
    """Host and port of ``base_url``, and whether they are without encryption.

    Raises:
        ValueError: It is no address that calls can go to, or another version is asked for.
        TypeError: It is no text.
    """
    if options.api_version not in _VERSIONS:
        raise ValueError(
            f"http_options.api_version: {options.api_version!r} is none of v1, v1beta and v1alpha"
        )
    given, named = options.base_url, "http_options.base_url"
    if not given and not endpoint.emulated():
        given, named = os.environ.get(_BASE_URL), _BASE_URL
    if not given:
        return None, False
    if not isinstance(given, str):
        raise TypeError(f"{named}: expected a text, got {type(given).__name__}")
    scheme, _, rest = given.rpartition("://")
    host, _, path = rest.partition("/")
    if path.strip("/"):
        raise ValueError(f"{named}: {given!r} has a path; calls go to a host and a port")
    if scheme.lower() not in {"", "https", "http"}:
        raise ValueError(f"{named}: {given!r} begins with neither https:// nor http://")
    endpoint.check_host(host, named)
    plaintext = scheme.lower() == "http"
    if plaintext and not endpoint.is_loopback(host):
        raise ValueError(
            f"{named}: {given!r} is another machine, and nothing is sent to those without "
            "encryption; it must begin with https://"
        )
    return host, plaintext


def _seconds(milliseconds: Any) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
        raise TypeError(f"http_options.timeout: expected milliseconds, got {type(milliseconds).__name__}")
    if not milliseconds > 0:
        raise ValueError(f"http_options.timeout: {milliseconds} is no number of milliseconds above 0")
    return milliseconds / 1000


def _retry(options: HttpRetryOptions) -> Retry | None:
    codes = {408, 429, 500, 502, 503, 504}
    if options.http_status_codes is not None:
        codes = set(options.http_status_codes)
    # CANCELLED and the like, which have no HTTP code of their own, are not among google-genai's either.
    statuses = [status for status, error in BY_STATUS.items() if error.code in codes]
    made: dict[str, Any] = {
        "codes": frozenset(statuses),
        "max_attempts": 5,
        "maximum": 60.0,
        "multiplier": 2.0,
    }
    given = {
        "max_attempts": options.attempts,
        "initial": options.initial_delay,
        "maximum": options.max_delay,
        "multiplier": options.exp_base,
    }
    made |= {name: value for name, value in given.items() if value is not None}
    if made["max_attempts"] in {0, 1}:
        return None
    try:
        return Retry(**made)
    except (TypeError, ValueError) as error:
        raise type(error)(f"http_options.retry_options: {error}") from None


def _headers(headers: Any) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError(f"http_options.headers: expected a dict, got {type(headers).__name__}")
    # gRPC's keys are in lower case; these two are its own business.
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    return {name: value for name, value in lower.items() if name not in {"content-type", "user-agent"}}
