"""Calls of any protocol as curl commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import grpc
from google.protobuf import json_format

from gemwire_emulator.errors import StatusError
from gemwire_emulator.http.router import RpcRoute
from gemwire_emulator.journal_entry import JournalEntry
from gemwire_runtime.method import Kind

_VARIABLE = re.compile(r"\{([\w.]+)[^}]*\}")
_JsonObject = dict[str, Any]


def build_curl_command(entry: JournalEntry, routes: Iterable[RpcRoute], base_url: str) -> str:
    """Build the command that repeats a call.

    Args:
        entry: The call.
        routes: All routes of RPCs.
        base_url: ``http://host:port``.

    Raises:
        StatusError: The call has no request yet, or cannot be made over HTTP.
    """
    # The routes of v1beta serve the RPCs of v1.
    method = "/" + entry.method.replace(".v1.", ".v1beta.")
    for route in routes:
        paths = {endpoint.method.path for endpoint in (route.endpoint, route.streaming) if endpoint}
        if method in paths and entry.request is not None:
            request = json_format.MessageToDict(entry.request)
            if path := _take_path(route, request):
                return _format_command(entry, route, path, request, base_url)
    raise StatusError(
        grpc.StatusCode.FAILED_PRECONDITION, f"{entry.method} has no HTTP route for this request; use gRPC."
    )


def _take_path(route: RpcRoute, request: _JsonObject) -> str:
    """Build the path of a request and remove its fields; empty if the route does not match."""
    template = route.binding.template
    path = _VARIABLE.sub(lambda found: _get_field(request, found[1]), template)
    if not route.pattern.fullmatch(path.lstrip("/").partition("/")[2]):
        return ""
    for found in _VARIABLE.finditer(template):
        _get_field(request, found[1], remove=True)
    return path


def _get_field(request: _JsonObject, path: str, *, remove: bool = False) -> str:
    *parents, last = map(_to_camel_case, path.split("."))
    for name in parents:
        request = request.get(name, {})
    return str((request.pop if remove else request.get)(last, ""))


def _to_camel_case(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def _format_command(
    entry: JournalEntry, route: RpcRoute, path: str, request: _JsonObject, base_url: str
) -> str:
    binding = route.binding
    body: _JsonObject | None = None
    if binding.body:
        body = request if binding.body == "*" else request.pop(_to_camel_case(binding.body), {})
    query = list(_flatten_parameters(request)) if binding.body != "*" else []
    arguments = ["curl", "-sS"]
    if route.endpoint.method.kind is Kind.SERVER_STREAM:
        arguments.append("-N")
        query.append(("alt", "sse"))
    if binding.verb not in {"get", "post"}:
        arguments += ["-X", binding.verb.upper()]
    url = base_url + quote(path, safe="/:") + (f"?{urlencode(query)}" if query else "")
    parts = [shlex.join([*arguments, url])]
    if "x-goog-api-key" in entry.metadata:
        # The key of the call is not kept; the command takes the user's own.
        parts.append('-H "x-goog-api-key: $GEMINI_API_KEY"')
    if body is not None:
        parts += [
            "-H 'content-type: application/json'",
            f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
        ]
    return " \\\n  ".join(parts)


def _flatten_parameters(fields: _JsonObject, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flatten_parameters(value, f"{prefix}{name}.")
        else:
            for item in value if isinstance(value, list) else [value]:
                yield f"{prefix}{name}", item if isinstance(item, str) else json.dumps(item)
