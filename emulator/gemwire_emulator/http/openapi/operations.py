"""RPCs as operations: each rule of ``google.api.http`` is a verb of a path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gemwire_emulator.http.openapi import comments
from gemwire_emulator.http.openapi.schemas import Schema, Schemas, behaviors
from gemwire_emulator.http.router import RpcRoute
from gemwire_runtime.method import HttpBinding, Kind, Method

_VARIABLE = re.compile(r"\{([\w.]+)=([^}]+)\}")
_IRREGULAR = {"corpora": "corpus"}
_ALT = {
    "name": "alt",
    "in": "query",
    "description": "How the messages come: `json` for an array, `sse` for server-sent events.",
    "schema": {"type": "string", "enum": ["json", "sse"], "default": "json"},
}


def build_path(version: str, route: RpcRoute) -> str:
    """The path of a binding: ``/v1beta/models/{model}:generateContent``."""
    return f"/{version}/{_VARIABLE.sub(lambda found: _plain(found[2]), _rest(route.binding))}"


def iter_path_fields(method: Method[Any, Any]) -> Iterator[str]:
    """Full names of the fields that are in a method's paths."""
    for binding in method.http:
        for name, _ in _VARIABLE.findall(binding.template):
            descriptor = method.request.DESCRIPTOR
            *parents, last = name.split(".")
            for parent in parents:
                descriptor = descriptor.fields_by_name[parent].message_type
            yield descriptor.fields_by_name[last].full_name


def build_operation(route: RpcRoute, schemas: Schemas, siblings: int) -> Schema:
    """A binding as an operation.

    Args:
        route: The binding.
        schemas: Where the schemas of its messages go.
        siblings: How many bindings its RPC has; one alone needs no resource in its name.
    """
    method, binding = route.endpoint.method, route.binding
    service = method.service.rpartition(".")[2]
    operation: Schema = {
        "operationId": f"{_snake(service)}_{_verb(method, binding, siblings)}",
        "tags": [service],
    }
    if about := comments.get_comment(method.service, method.name):
        operation["description"] = about
    if parameters := [*_path_parameters(binding), *_query_parameters(method, binding, schemas)]:
        operation["parameters"] = parameters
    if binding.body:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _body(method, binding, schemas)}},
        }
    operation["responses"] = {
        "200": {"description": _about(method), "content": _content(method, schemas)},
        "default": {
            "description": "The call failed.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}},
        },
    }
    return operation


def _rest(binding: HttpBinding) -> str:
    """A template without its version."""
    return binding.template.lstrip("/").partition("/")[2]


def _singular(collection: str) -> str:
    return _IRREGULAR.get(collection, collection.removesuffix("s"))


def _plain(pattern: str) -> str:
    """``corpora/*/documents/*`` as ``corpora/{corpus}/documents/{document}``."""
    return re.sub(r"(\w+)/\*+", lambda found: f"{found[1]}/{{{_singular(found[1])}}}", pattern)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _verb(method: Method[Any, Any], binding: HttpBinding, siblings: int) -> str:
    """``generate_tuned_model_content`` for the tuned models' binding of ``generate_content``."""
    collection = _rest(binding).partition("=")[2].partition("/")[0]
    if siblings == 1 or collection.rstrip("}") == "operations":
        return method.snake
    verb, _, last = method.snake.rpartition("_")
    return f"{verb}_{_snake(_singular(collection))}_{last}"


def _path_parameters(binding: HttpBinding) -> Iterator[Schema]:
    for _, pattern in _VARIABLE.findall(binding.template):
        shown = _plain(pattern)
        for name in re.findall(r"\{(\w+)\}", shown):
            yield {
                "name": name,
                "in": "path",
                "required": True,
                "description": f"Its part of `{shown}`.",
                "schema": {"type": "string", "minLength": 1},
            }


def _query_parameters(method: Method[Any, Any], binding: HttpBinding, schemas: Schemas) -> Iterator[Schema]:
    if method.kind is Kind.SERVER_STREAM:
        yield _ALT
    if binding.body == "*":
        return
    elsewhere = {binding.body, *(name for name, _ in _VARIABLE.findall(binding.template))}
    for field in method.request.DESCRIPTOR.fields:
        if field.name in elsewhere:
            continue
        parameter: Schema = {"name": field.json_name, "in": "query", "schema": schemas.field(field)}
        if about := comments.get_comment(field.containing_type.full_name, field.name):
            parameter["description"] = about
        # What a PATCH changes can be told from what it brings.
        if "REQUIRED" in behaviors(field) and field.name != "update_mask":
            parameter["required"] = True
        if field.GetOptions().deprecated:
            parameter["deprecated"] = True
        yield parameter


def _body(method: Method[Any, Any], binding: HttpBinding, schemas: Schemas) -> Schema:
    descriptor = method.request.DESCRIPTOR
    if binding.body == "*":
        return schemas.message(descriptor)
    message = descriptor.fields_by_name[binding.body].message_type
    return schemas.patch(message) if binding.verb == "patch" else schemas.message(message)


def _about(method: Method[Any, Any]) -> str:
    if method.result is None or method.progress is None:
        return "The messages, as they come." if method.kind is Kind.SERVER_STREAM else "The answer."
    names = (method.result.DESCRIPTOR.name, method.progress.DESCRIPTOR.name)
    return "The operation: its `response` will be a `{}`, its `metadata` are a `{}`.".format(*names)


def _content(method: Method[Any, Any], schemas: Schemas) -> Schema:
    for later in (method.result, method.progress):
        if later is not None:
            schemas.message(later.DESCRIPTOR)
    schema = schemas.message(method.response.DESCRIPTOR)
    if method.kind is not Kind.SERVER_STREAM:
        return {"application/json": {"schema": schema}}
    event = "`data: ` and a message as JSON, an empty line after each."
    return {
        "application/json": {"schema": {"type": "array", "items": schema}},
        "text/event-stream": {"schema": {"type": "string", "description": event}},
    }
