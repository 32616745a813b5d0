"""Which RPC a verb and a path mean: the ``google.api.http`` rules of the method tables, as a router."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from gemwire_emulator.dispatch import Endpoint
from gemwire_runtime.method import HttpBinding, Method

#: The versions that are served, all with what v1beta has: Google's SDKs differ in which they call.
VERSIONS = ("v1", "v1beta", "v1alpha")
#: Operations live below the resources that they work on; the method table has Google's general rule only.
_OPERATIONS = {
    "/google.longrunning.Operations/ListOperations": (
        HttpBinding("get", "/v1beta/{name=tunedModels/*/operations}"),
        HttpBinding("get", "/v1beta/{name=models/*/operations}"),
        HttpBinding("get", "/v1beta/{name=batches}"),
    ),
    "/google.longrunning.Operations/GetOperation": (
        HttpBinding("get", "/v1beta/{name=tunedModels/*/operations/*}"),
        HttpBinding("get", "/v1beta/{name=models/*/operations/*}"),
        HttpBinding("get", "/v1beta/{name=batches/*}"),
    ),
    "/google.longrunning.Operations/DeleteOperation": (
        HttpBinding("delete", "/v1beta/{name=tunedModels/*/operations/*}"),
        HttpBinding("delete", "/v1beta/{name=models/*/operations/*}"),
        HttpBinding("delete", "/v1beta/{name=batches/*}"),
    ),
    "/google.longrunning.Operations/CancelOperation": (
        HttpBinding("post", "/v1beta/{name=batches/*}:cancel", body="*"),
    ),
}
_VARIABLE = re.compile(r"\{([\w.]+)(?:=([^}]+))?\}")


@dataclass(frozen=True)
class RpcRoute:
    """One binding of an RPC.

    Attributes:
        endpoint: The RPC.
        binding: Its rule.
        pattern: The path without version and slash, percent-decoded; groups capture the variables.
        variables: Request fields, dotted, in the order of the groups.
    """

    endpoint: Endpoint
    binding: HttpBinding
    pattern: re.Pattern[str]
    variables: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """What a path means.

    Attributes:
        route: The binding.
        values: Request fields, dotted, and their values.
    """

    route: RpcRoute
    values: dict[str, str]


def bindings_of(method: Method[Any, Any]) -> tuple[HttpBinding, ...]:
    """All bindings of an RPC."""
    return (*method.http, *_OPERATIONS.get(method.path, ()))


class Router:
    """All bindings of some endpoints."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        """``endpoints``: those of one version, whose bindings serve all."""
        self._routes: dict[tuple[str, str, str], list[RpcRoute]] = defaultdict(list)
        self.routes: list[RpcRoute] = []
        for endpoint in endpoints:
            for binding in bindings_of(endpoint.method):
                self.add(endpoint, binding)

    def add(self, endpoint: Endpoint, binding: HttpBinding) -> None:
        """Serve a further binding."""
        template = binding.template.lstrip("/").partition("/")[2]
        pattern, variables = _compiled(template)
        route = RpcRoute(endpoint, binding, pattern, variables)
        self.routes.append(route)
        plain = _VARIABLE.sub(lambda found: found[2] or "*", template)
        first, custom = _key(plain)
        self._routes[binding.verb.upper(), first, custom].append(route)

    def match(self, verb: str, raw_path: str) -> Match | None:
        """What a verb and a path mean; None for nothing.

        Args:
            verb: ``GET``.
            raw_path: The path as it was sent, with its version.
        """
        version, _, rest = raw_path.strip("/").partition("/")
        if version not in VERSIONS:
            return None
        path = _decoded(rest)
        first, custom = _key(path)
        for route in self._routes.get((verb, first, custom), ()):
            if found := route.pattern.fullmatch(path):
                return Match(route, dict(zip(route.variables, found.groups(), strict=True)))
        return None

    def verbs(self, raw_path: str) -> list[str]:
        """The verbs that a path has."""
        known = sorted({verb for verb, _, _ in self._routes})
        return [verb for verb in known if self.match(verb, raw_path)]


def _decoded(path: str) -> str:
    # A slash that was sent as %2F is none of the path's own; that it is no part of a name either is
    # for the handlers to say. The same for what is no UTF-8.
    if "%" not in path:
        return path
    return "/".join(unquote(segment).replace("/", "\\") for segment in path.split("/"))


def _key(path: str) -> tuple[str, str]:
    """First segment and custom verb: few routes share both."""
    first = path.partition("/")[0]
    last = path.rpartition("/")[2]
    return first.partition(":")[0], last.rpartition(":")[2] if ":" in last else ""


def _compiled(template: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    pattern, variables, end = "", [], 0
    for found in _VARIABLE.finditer(template):
        variables.append(found[1])
        pattern += re.escape(template[end : found.start()]) + f"({_wild(found[2] or '*')})"
        end = found.end()
    return re.compile(pattern + re.escape(template[end:])), tuple(variables)


def _wild(template: str) -> str:
    return re.escape(template).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
