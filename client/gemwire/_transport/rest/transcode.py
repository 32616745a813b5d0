"""Transcoding between messages and HTTP requests, by the ``google.api.http`` rules of the method tables.

Pure functions: the path comes from the templates, the body from the rule, and everything else becomes query
parameters. Requests are those of Google's generated REST clients, except that enums are sent by name where
those send numbers.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar, cast
from urllib.parse import quote, urlencode

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gemwire._transport.serialized_message import SerializedMessage
from gemwire_runtime import json_only, large_integers
from gemwire_runtime.method import AnyMethod, HttpBinding, Kind
from gemwire_runtime.pool import POOL

_Message = TypeVar("_Message", bound=Message)

#: Asks for enums as numbers, so that those without a name in this release are kept. Streams ask for SSE by
#: another value of the same parameter, so their enums come by name.
_UNARY = ("$alt", "json;enum-encoding=int")
_STREAM = ("alt", "sse")

_VARIABLE = re.compile(r"\{([^=}]+)(?:=([^}]+))?\}")


@dataclass(frozen=True)
class HttpRequest:
    """The HTTP request of a call.

    Attributes:
        verb: ``GET``, ``POST``…
        target: Path and query, percent-encoded.
        body: JSON; None where there is no body.
    """

    verb: str
    target: str
    body: bytes | None


@dataclass(frozen=True)
class _Rule:
    """A parsed binding.

    Attributes:
        verb: Verb, in capitals.
        literals: The text before, between and after the variables; one more than there are variables.
        variables: The field path of each variable, and the pattern of its value.
        body: JSON name of the field that is the body; ``*`` for all remaining fields; empty for none.
        template: The path template, for errors.
    """

    verb: str
    literals: tuple[str, ...]
    variables: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]
    body: str
    template: str


def bindings(method: AnyMethod) -> tuple[HttpBinding, ...]:
    """Return the HTTP bindings of a method; none if it has no HTTP form."""
    return () if method.kind in (Kind.BIDI, Kind.CLIENT_STREAM) else method.http


@functools.cache
def _rules(method: AnyMethod) -> tuple[_Rule, ...]:
    return tuple(_parse_rule(binding, method.request.DESCRIPTOR) for binding in bindings(method))


def _parse_rule(binding: HttpBinding, request: Descriptor) -> _Rule:
    parts = _VARIABLE.split(binding.template)
    variables = tuple(
        (tuple(field.split(".")), re.compile(_pattern(shape or "*")))
        for field, shape in zip(parts[1::3], parts[2::3], strict=True)
    )
    body = binding.body
    if body and body != "*":
        body = request.fields_by_name[body].json_name
    return _Rule(binding.verb.upper(), tuple(parts[::3]), variables, body, binding.template)


def _pattern(shape: str) -> str:
    known = {"*": "[^/]+", "**": ".+"}
    return "/".join(known.get(segment) or re.escape(segment) for segment in shape.split("/")) + r"\Z"


def to_http(method: AnyMethod, message: Message | SerializedMessage) -> HttpRequest:
    """Convert the request of a call to HTTP.

    Args:
        method: The RPC; it must have a binding.
        message: The request.

    Raises:
        ValueError: No path template matches the names in the request, a value has no JSON form, or a field is
            Vertex AI's alone.
    """
    request: Message = message.parse() if isinstance(message, SerializedMessage) else message
    if json_only.may_be_in(request, request.SerializeToString()):
        json_only.refuse_vertex_fields(request)
    for rule in _rules(method):
        path = _fill_path(rule, request)
        if path is not None:
            return _build_request(rule, path, method, request)
    raise ValueError(_describe_mismatch(method, request))


def _fill_path(rule: _Rule, message: Message) -> str | None:
    path = rule.literals[0]
    for (field, pattern), literal in zip(rule.variables, rule.literals[1:], strict=True):
        value = _value(message, field)
        # Servers and proxies normalize dots, which would change the path.
        if not pattern.match(value) or not {".", ".."}.isdisjoint(value.split("/")):
            return None
        path += quote(value, safe="/") + literal
    return path


def _value(message: Message, field: tuple[str, ...]) -> str:
    value: object = message
    for name in field:
        value = getattr(value, name)
    return str(value)


def _describe_mismatch(method: AnyMethod, message: Message) -> str:
    rules = _rules(method)
    field = rules[0].variables[0][0]
    shapes = [_VARIABLE.findall(rule.template)[0][1] for rule in rules]
    wanted = " or ".join(dict.fromkeys(repr(shape) for shape in shapes))
    return f"{method.name}: {'.'.join(field)} must look like {wanted}, got {_value(message, field)!r}"


def _build_request(rule: _Rule, path: str, method: AnyMethod, message: Message) -> HttpRequest:
    try:
        left = to_dict(message)
    except json_format.Error as error:
        raise ValueError(f"{method.name}: the request has no JSON form: {error}") from None
    for field, _ in rule.variables:
        _remove(left, cast("Descriptor", message.DESCRIPTOR), field)
    system = _STREAM if method.kind is Kind.SERVER_STREAM else _UNARY
    content: object = None
    query: list[tuple[str, str]] = []
    if rule.body == "*":
        content = left
    else:
        if rule.body:
            content = left.pop(rule.body, {})
        query = list(_to_parameters(left))
    body = None if content is None else _to_bytes(content)
    return HttpRequest(rule.verb, f"{path}?{urlencode([*query, system])}", body)


def to_json(message: Message) -> str:
    """Return a message as JSON. Raises ValueError if a value has no JSON form."""
    try:
        tree = to_dict(message)
    except json_format.Error as error:
        raise ValueError(f"{message.DESCRIPTOR.name}: it has no JSON form: {error}") from None
    return _to_bytes(tree).decode()


def to_dict(message: Message) -> dict[str, object]:
    """Return the JSON of a message, with whole numbers of any size as they are. Raises json_format.Error."""
    tree: dict[str, object] = json_format.MessageToDict(message, descriptor_pool=POOL)
    if json_only.may_be_in(message, message.SerializeToString()):
        large_integers.restore(tree, message)
    return tree


def _to_bytes(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _remove(tree: dict[str, object], descriptor: Descriptor, field: tuple[str, ...]) -> None:
    """Remove a field that is part of the path."""
    for name in field[:-1]:
        described = descriptor.fields_by_name[name]
        tree = cast("dict[str, object]", tree[described.json_name])
        descriptor = cast("Descriptor", described.message_type)
    tree.pop(descriptor.fields_by_name[field[-1]].json_name, None)


def _to_parameters(tree: dict[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the query parameters of fields: ``a.b`` for nested ones, one per value for repeated ones."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _to_parameters(value, f"{prefix}{name}.")
        else:
            for one in value if isinstance(value, list) else (value,):
                if isinstance(one, (dict, list)):
                    raise ValueError(f"{prefix}{name}: a repeated message cannot be sent in a URL; use gRPC")  # noqa: TRY004
                yield f"{prefix}{name}", str(one).lower() if isinstance(one, bool) else str(one)


def from_json(kind: type[_Message], tree: object) -> _Message:
    """Convert decoded JSON to a message; unknown fields are ignored.

    Raises:
        ValueError: The JSON is not such a message.
    """
    if not isinstance(tree, dict):
        raise ValueError(f"the JSON is not a {kind.DESCRIPTOR.name} but a {type(tree).__name__}")  # noqa: TRY004
    try:
        return _parse(kind, tree)
    except _UNPARSABLE as error:
        named = cast("dict[str, object]", _with_public_types(tree))
        # JSON-only fields are in no public proto: a response must not fail if one has another type.
        for other in (named, json_only.prune(named, kind)):
            with contextlib.suppress(*_UNPARSABLE):
                return _parse(kind, other)
        raise ValueError(f"the JSON is not a {kind.DESCRIPTOR.name}: {error}") from None


#: The service names the metadata and results of batches after its internal version.
_INTERNAL_VERSION = "google.ai.generativelanguage.v1main."


def _with_public_types(tree: object) -> object:
    """Return JSON in which each ``google.protobuf.Any`` has the type of the public protos."""
    if isinstance(tree, list):
        return [_with_public_types(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    renamed = {name: _with_public_types(value) for name, value in tree.items()}
    if isinstance(named := tree.get("@type"), str):
        renamed["@type"] = named.replace(_INTERNAL_VERSION, _INTERNAL_VERSION.replace("v1main", "v1beta"))
    return renamed


#: json_format raises the latter two where a number or a string is in place of an object.
_UNPARSABLE = (json_format.Error, AttributeError, TypeError)


def _parse(kind: type[_Message], tree: dict[str, object]) -> _Message:
    return json_format.ParseDict(tree, kind(), ignore_unknown_fields=True, descriptor_pool=POOL)
