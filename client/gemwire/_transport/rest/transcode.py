"""Between a message and its HTTP form, by the ``google.api.http`` rules of the method tables.

Pure functions: the path from the templates, the body as the rule says, everything else as query
parameters; and back from JSON. The forms are those of Google's generated REST clients, except that
enums are sent by name where those send numbers.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire._transport.json_method import JsonRequest
from gemwire._transport.serialized_message import SerializedMessage
from gemwire_runtime import json_only
from gemwire_runtime.method import HttpBinding, Kind, Method
from gemwire_runtime.pool import POOL

_Message = TypeVar("_Message", bound=Message)

#: Enums come as numbers, so that one this release has no name for is kept. A stream's form is SSE, which
#: the service tells from another value of the same parameter: there they come by name.
_UNARY = ("$alt", "json;enum-encoding=int")
_STREAM = ("alt", "sse")

_VARIABLE = re.compile(r"\{([^=}]+)(?:=([^}]+))?\}")


@dataclass(frozen=True)
class HttpRequest:
    """A call as HTTP sees it.

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
    """A binding, taken apart.

    Attributes:
        verb: In capitals.
        literals: What stands before, between and after the variables; one more than those.
        variables: The field each variable takes its value from, and what the value must look like.
        body: The JSON name of the body's field, ``*`` for all that is left, or nothing.
        template: As it was written, for errors.
    """

    verb: str
    literals: tuple[str, ...]
    variables: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]
    body: str
    template: str


def bindings(method: Method[Any, Any]) -> tuple[HttpBinding, ...]:
    """The HTTP bindings of a method; none where it has no HTTP form."""
    return () if method.kind in (Kind.BIDI, Kind.CLIENT_STREAM) else method.http


@functools.cache
def _rules(method: Method[Any, Any]) -> tuple[_Rule, ...]:
    return tuple(_rule(binding, method.request.DESCRIPTOR) for binding in bindings(method))


def _rule(binding: HttpBinding, request: Any) -> _Rule:
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


def to_http(method: Method[Any, Any], message: Message | JsonRequest | SerializedMessage) -> HttpRequest:
    """The HTTP form of a request.

    Args:
        method: The RPC; it must have one.
        message: Its request.

    Raises:
        ValueError: The names in the request fit none of the method's paths, or a value has no JSON form.
    """
    if isinstance(message, JsonRequest):
        return HttpRequest(message.verb, message.target, message.body)
    request: Message = message.parse() if isinstance(message, SerializedMessage) else message
    for rule in _rules(method):
        path = _path(rule, request)
        if path is not None:
            return _filled(rule, path, method, request)
    raise ValueError(_unmatched(method, request))


def _path(rule: _Rule, message: Message) -> str | None:
    path = rule.literals[0]
    for (field, pattern), literal in zip(rule.variables, rule.literals[1:], strict=True):
        value = _value(message, field)
        # A path of dots is another path to every server on the way, which would not be the one meant here.
        if not pattern.match(value) or not {".", ".."}.isdisjoint(value.split("/")):
            return None
        path += quote(value, safe="/") + literal
    return path


def _value(message: Any, field: tuple[str, ...]) -> str:
    for name in field:
        message = getattr(message, name)
    return str(message)


def _unmatched(method: Method[Any, Any], message: Message) -> str:
    rules = _rules(method)
    field = rules[0].variables[0][0]
    shapes = [_VARIABLE.findall(rule.template)[0][1] for rule in rules]
    wanted = " or ".join(dict.fromkeys(repr(shape) for shape in shapes))
    return f"{method.name}: {'.'.join(field)} must look like {wanted}, got {_value(message, field)!r}"


def _filled(rule: _Rule, path: str, method: Method[Any, Any], message: Message) -> HttpRequest:
    try:
        left: dict[str, Any] = json_format.MessageToDict(message, descriptor_pool=POOL)
    except json_format.Error as error:
        raise ValueError(f"{method.name}: the request has no JSON form: {error}") from None
    for field, _ in rule.variables:
        _remove(left, message.DESCRIPTOR, field)
    system = _STREAM if method.kind is Kind.SERVER_STREAM else _UNARY
    content: Any = None
    query: list[tuple[str, str]] = []
    if rule.body == "*":
        content = left
    else:
        if rule.body:
            content = left.pop(rule.body, {})
        query = list(_parameters(left))
    body = None if content is None else _compact(content)
    return HttpRequest(rule.verb, f"{path}?{urlencode([*query, system])}", body)


def _compact(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _remove(tree: dict[str, Any], descriptor: Any, field: tuple[str, ...]) -> None:
    """Take away what the path says already."""
    for name in field[:-1]:
        described = descriptor.fields_by_name[name]
        tree, descriptor = tree[described.json_name], described.message_type
    tree.pop(descriptor.fields_by_name[field[-1]].json_name, None)


def _parameters(tree: dict[str, Any], prefix: str = "") -> Any:
    """The query parameters of what is left: ``a.b`` for nested fields, repeated ones once for each value."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _parameters(value, f"{prefix}{name}.")
        else:
            for one in value if isinstance(value, list) else (value,):
                if isinstance(one, (dict, list)):
                    raise ValueError(f"{prefix}{name}: a repeated message cannot be in a URL; use gRPC")  # noqa: TRY004
                yield f"{prefix}{name}", str(one).lower() if isinstance(one, bool) else str(one)


def from_json(kind: type[_Message], tree: Any) -> _Message:
    """A message from decoded JSON; fields that it does not have are left out.

    Raises:
        ValueError: It is no such message.
    """
    if not isinstance(tree, dict):
        raise ValueError(f"the JSON is no {kind.DESCRIPTOR.name} but a {type(tree).__name__}")  # noqa: TRY004
    try:
        return _parse(kind, tree)
    except _UNPARSABLE as error:
        named = _with_public_types(tree)
        # No public proto has the JSON-only fields: an answer must not fail because one looks different.
        for other in (named, json_only.prune(named, kind)):
            with contextlib.suppress(*_UNPARSABLE):
                return _parse(kind, other)
        raise ValueError(f"the JSON is no {kind.DESCRIPTOR.name}: {error}") from None


#: The service names the metadata and results of batches after its internal version.
_INTERNAL_VERSION = "google.ai.generativelanguage.v1main."


def _with_public_types(tree: Any) -> Any:
    """Return JSON in which each ``google.protobuf.Any`` has the type of the public protos."""
    if isinstance(tree, list):
        return [_with_public_types(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    renamed = {name: _with_public_types(value) for name, value in tree.items()}
    if isinstance(named := tree.get("@type"), str):
        renamed["@type"] = named.replace(_INTERNAL_VERSION, _INTERNAL_VERSION.replace("v1main", "v1beta"))
    return renamed


#: json_format trips over its own feet where a number or a string stands in place of an object.
_UNPARSABLE = (json_format.Error, AttributeError, TypeError)


def _parse(kind: type[_Message], tree: dict[str, Any]) -> _Message:
    return json_format.ParseDict(tree, kind(), ignore_unknown_fields=True, descriptor_pool=POOL)
