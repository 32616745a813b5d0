"""Options of single calls of the resources whose methods take no config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from gemwire.genai._types.http_options import HttpOptions


class CallOptions(TypedDict, total=False):
    """Options of one call, beside the arguments of its method.

    Attributes:
        api_version: ``v1``, ``v1beta`` or ``v1alpha``; all three call v1beta.
        extra_headers: Headers to send.
        extra_query: Must be empty: calls have no other query parameters than their arguments.
        extra_body: Further fields of the request, as JSON; they override those of the arguments.
        timeout: Seconds for the whole call, retries included. Default: that of the client.
    """

    api_version: str | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, object] | None
    extra_body: Mapping[str, object] | None
    timeout: float | None


_NAMES = frozenset(CallOptions.__annotations__)
_VERSIONS = frozenset({None, "v1", "v1beta", "v1alpha"})


def split_options(
    arguments: Mapping[str, object], body: str = ""
) -> tuple[dict[str, object], HttpOptions | None]:
    """Split keyword arguments into fields of the request, without those that are None, and options.

    An underscore at the end of a name is left out: google-genai has ``type_`` and ``filter_``.

    Args:
        arguments: What a method was called with.
        body: Field of the request that holds the fields; empty if the request has them itself.

    Raises:
        ValueError: An option is out of range or cannot be honoured.
        TypeError: An option is of a wrong type.
    """
    given = {name.rstrip("_"): value for name, value in arguments.items() if value is not None}
    fields = {name: value for name, value in given.items() if name not in _NAMES}
    options = {name: value for name, value in given.items() if name in _NAMES and value != {}}
    if "extra_query" in options:
        raise ValueError("extra_query: query parameters are not supported; use arguments or extra_body")
    version = options.pop("api_version", None)
    if version not in _VERSIONS:
        raise ValueError(f"api_version: {version!r} is not one of v1, v1beta and v1alpha")
    made: dict[str, object] = {}
    if "timeout" in options:
        seconds = options["timeout"]
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise TypeError(f"timeout: expected seconds, got {type(seconds).__name__}")
        if not seconds > 0:
            raise ValueError(f"timeout: {seconds} is not a positive number of seconds")
        made["timeout"] = max(1, round(seconds * 1000))
    if "extra_headers" in options:
        made["headers"] = options["extra_headers"]
    if "extra_body" in options:
        made["extra_body"] = {body: options["extra_body"]} if body else options["extra_body"]
    return fields, HttpOptions.of(made, "options") if made else None
