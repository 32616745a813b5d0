"""A call as a curl command, whichever way it came."""

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


def build_curl_command(entry: JournalEntry, routes: Iterable[RpcRoute], base: str) -> str:
    """The command that makes the same call again.

    Args:
        entry: The call.
        routes: All there are.
        base: ``http://host:port``.

    Raises:
        StatusError: There is no such command: nothing was asked yet, or HTTP has no such call.
    """
    # v1's RPCs are served by the routes of v1beta.
    method = "/" + entry.method.replace(".v1.", ".v1beta.")
    for route in routes:
        if route.endpoint.method.path == method and entry.request is not None:
            request = json_format.MessageToDict(entry.request)
            if path := _path(route, request):
                return _written(entry, route, path, request, base)
    raise StatusError(
        grpc.StatusCode.FAILED_PRECONDITION, f"curl cannot make this call: {entry.method} has no such path."
    )


def _path(route: RpcRoute, request: dict[str, Any]) -> str:
    """The path that the fields of a request make; what is in it is taken out of the request."""
    template = route.binding.template
    path = _VARIABLE.sub(lambda found: _field(request, found[1]), template)
    if not route.pattern.fullmatch(path.lstrip("/").partition("/")[2]):
        return ""
    for found in _VARIABLE.finditer(template):
        _field(request, found[1], take=True)
    return path


def _field(request: dict[str, Any], path: str, *, take: bool = False) -> str:
    *parents, last = map(_camel, path.split("."))
    for name in parents:
        request = request.get(name, {})
    return str((request.pop if take else request.get)(last, ""))


def _camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def _written(entry: JournalEntry, route: RpcRoute, path: str, request: dict[str, Any], base: str) -> str:
    binding = route.binding
    body = request if binding.body == "*" else request.pop(_camel(binding.body), {}) if binding.body else None
    query = list(_parameters(request)) if binding.body != "*" else []
    arguments = ["curl", "-sS"]
    if route.endpoint.method.kind is Kind.SERVER_STREAM:
        arguments.append("-N")
        query.append(("alt", "sse"))
    if binding.verb not in {"get", "post"}:
        arguments += ["-X", binding.verb.upper()]
    target = base + quote(path, safe="/:") + (f"?{urlencode(query)}" if query else "")
    parts = [shlex.join([*arguments, target])]
    if "x-goog-api-key" in entry.metadata:
        # Whoever runs it has a key of his own; the one that was used is not kept.
        parts.append('-H "x-goog-api-key: $GEMINI_API_KEY"')
    if body is not None:
        parts += [
            "-H 'content-type: application/json'",
            f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
        ]
    return " \\\n  ".join(parts)


def _parameters(fields: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _parameters(value, f"{before}{name}.")
        else:
            for one in value if isinstance(value, list) else [value]:
                yield f"{before}{name}", one if isinstance(one, str) else json.dumps(one)
