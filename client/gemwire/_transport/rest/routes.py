"""RPCs by the HTTP requests that call them: the reverse of `transcode`."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable
from typing import TypeAlias

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire._transport.rest.transcode import bindings
from gemwire_proto.families import PACKAGES
from gemwire_runtime import large_integers
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.pool import POOL

_Tree: TypeAlias = "dict[str, object]"

_PACKAGES = ("google.ai.generativelanguage.v1beta", "google.longrunning")
_VARIABLE = re.compile(r"\{([^=}]+)(?:=([^}]+))?\}")
#: Query parameters of the HTTP layer itself.
_SYSTEM = frozenset({"alt", "$alt", "key", "prettyPrint"})
#: Asks for the contents of a file, which no message holds.
_MEDIA = ("alt", "media")


@dataclasses.dataclass(frozen=True)
class _Route:
    """A binding of an RPC.

    Attributes:
        pattern: Verb and path; its groups are the values of the fields.
        fields: Paths of these fields.
        body: Field that the body is; ``*`` for the whole request, empty for none.
        method: The RPC.
    """

    pattern: re.Pattern[str]
    fields: tuple[str, ...]
    body: str
    method: AnyMethod


@functools.cache
def _routes() -> tuple[_Route, ...]:
    tables = [table for name in _PACKAGES for table in PACKAGES[name].tables()]
    return tuple(
        _build_route(binding.verb, binding.template, binding.body, method)
        for table in tables
        for method in map(_prefer_http, table.methods.values())
        for binding in bindings(method)
    )


def _prefer_http(method: AnyMethod) -> AnyMethod:
    # Over gRPC, the metadata of operations of batch jobs has field numbers that are not public.
    is_operation = method.service == "google.longrunning.Operations"
    return dataclasses.replace(method, http_only=True) if is_operation else method


def _build_route(verb: str, template: str, body: str, method: AnyMethod) -> _Route:
    literals = _VARIABLE.split(template)
    pattern = f"{verb.upper()} {re.escape(literals[0])}"
    for shape, literal in zip(literals[2::3], literals[3::3], strict=True):
        segments = (re.escape(part).replace(r"\*\*", ".+") for part in (shape or "*").split("/"))
        # A colon begins a custom verb, such as ``:download``.
        value = "/".join("[^/:]+" if part == r"\*" else part for part in segments)
        pattern += f"({value}){re.escape(literal)}"
    return _Route(re.compile(pattern), tuple(literals[1::3]), body, method)


def from_http(
    verb: str, path: str, query: Iterable[tuple[str, str]], body: bytes
) -> tuple[AnyMethod, Message] | None:
    """Return the RPC that an HTTP request calls, and its request.

    Args:
        verb: ``GET``, ``POST``…
        path: Path, percent-decoded.
        query: Parameters.
        body: JSON, or nothing.

    Returns:
        None if there is no such RPC, or if its request lacks a field that is given.
    """
    query = [parameter for parameter in query if parameter[0] not in _SYSTEM or parameter == _MEDIA]
    for route in _routes():
        if match := route.pattern.fullmatch(f"{verb} {path}"):
            try:
                content, has_large = large_integers.loads(body) if body else ({}, False)
                tree: _Tree = {route.body: content}
                if route.body in {"", "*"} and isinstance(content, dict):
                    tree = content
                for name, value in [*zip(route.fields, match.groups(), strict=True), *query]:
                    _add(tree, name, value)
                message = json_format.ParseDict(tree, route.method.request(), descriptor_pool=POOL)
                if has_large:
                    large_integers.attach(message, tree)
            except (ValueError, TypeError, AttributeError, json_format.Error):
                return None
            return route.method, message
    return None


def _add(tree: _Tree, name: str, value: str) -> None:
    """Set the field of a dotted path; a second value makes a list."""
    *parents, last = name.split(".")
    for parent in parents:
        inner = tree.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise TypeError(f"{name}: {parent} is not an object")
        tree = inner
    given: object = {"true": True, "false": False}.get(value, value)
    before = tree.get(last)
    if isinstance(before, list):
        before.append(given)
    else:
        tree[last] = given if before is None else [before, given]
