"""A router from verbs and paths to RPCs, by the ``google.api.http`` rules of the method tables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from gemwire_emulator.dispatch import Endpoint
from gemwire_runtime.method import HttpBinding, Kind

#: Versions in paths. All serve the routes of v1beta, because Google's SDKs differ in which they call.
VERSIONS = ("v1", "v1beta", "v1alpha")
#: Versions of Vertex AI, and how its paths go on after them.
VERTEX_VERSIONS = ("v1", "v1beta1")
_VERTEX_ROOTS = frozenset({"projects", "publishers", "endpoints"})
_VARIABLE = re.compile(r"\{([\w.]+)(?:=([^}]+))?\}")


@dataclass(frozen=True)
class RpcRoute:
    """A binding of an RPC.

    Attributes:
        endpoint: The RPC.
        binding: Its rule.
        pattern: Matches the percent-decoded path after the version; groups capture the variables.
        variables: Request fields, dotted, in the order of the groups.
        streaming: The RPC of the same binding for requests whose field ``stream`` is true, if there is one.
    """

    endpoint: Endpoint
    binding: HttpBinding
    pattern: re.Pattern[str]
    variables: tuple[str, ...]
    streaming: Endpoint | None = None


@dataclass(frozen=True)
class Match:
    """A route that matches a request.

    Attributes:
        route: The route.
        values: Request fields, dotted, and their values in the path.
    """

    route: RpcRoute
    values: dict[str, str]


class Router:
    """The routes of some endpoints.

    Attributes:
        routes: All of them.
    """

    def __init__(self, endpoints: Iterable[Endpoint], *, vertex: bool = False) -> None:
        """Add the bindings of endpoints.

        Args:
            endpoints: The endpoints of one version; their routes serve all versions.
            vertex: Whether to add the bindings that are Vertex AI's, or those that are not.
        """
        self._vertex = vertex
        self._versions = VERTEX_VERSIONS if vertex else VERSIONS
        self.routes: list[RpcRoute] = []
        self._index: dict[tuple[str, str, str], list[RpcRoute]] = defaultdict(list)
        for endpoint in endpoints:
            for binding in endpoint.method.http:
                self._add(endpoint, binding)

    def _add(self, endpoint: Endpoint, binding: HttpBinding) -> None:
        template = binding.template.lstrip("/").partition("/")[2]
        wildcards = _VARIABLE.sub(lambda found: found[2] or "*", template)
        first, custom_verb = _get_index_key(wildcards)
        if (first in _VERTEX_ROOTS) is not self._vertex:
            return
        pattern, variables = _compile(template)
        route = RpcRoute(endpoint, binding, pattern, variables)
        routes = self._index[binding.verb.upper(), first, custom_verb]
        for at, other in enumerate(routes):
            if other.binding == binding and endpoint.method.kind is Kind.SERVER_STREAM:
                route = routes[at] = replace(other, streaming=endpoint)
                self.routes[self.routes.index(other)] = route
                return
        self.routes.append(route)
        routes.append(route)

    def match(self, verb: str, raw_path: str) -> Match | None:
        """Find the route of a request.

        Args:
            verb: The HTTP method, ``GET``.
            raw_path: The path as it was sent, with its version.

        Returns:
            The route and the variables of its path; None if no route matches.
        """
        version, _, rest = raw_path.strip("/").partition("/")
        if version not in self._versions:
            return None
        path = _decode(rest)
        first, custom_verb = _get_index_key(path)
        for route in self._index.get((verb, first, custom_verb), ()):
            if found := route.pattern.fullmatch(path):
                return Match(route, dict(zip(route.variables, found.groups(), strict=True)))
        return None


def _decode(path: str) -> str:
    # %2F does not separate segments. Handlers reject it in names, as they do invalid UTF-8.
    if "%" not in path:
        return path
    return "/".join(unquote(segment).replace("/", "\\") for segment in path.split("/"))


def _get_index_key(path: str) -> tuple[str, str]:
    """Return first segment and custom verb of a path, which few routes share."""
    first = path.partition("/")[0]
    last = path.rpartition("/")[2]
    return first.partition(":")[0], last.rpartition(":")[2] if ":" in last else ""


def _compile(template: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    pattern, variables, end = "", [], 0
    for found in _VARIABLE.finditer(template):
        variables.append(found[1])
        pattern += re.escape(template[end : found.start()]) + f"({_compile_wildcards(found[2] or '*')})"
        end = found.end()
    return re.compile(pattern + re.escape(template[end:])), tuple(variables)


def _compile_wildcards(template: str) -> str:
    return re.escape(template).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
