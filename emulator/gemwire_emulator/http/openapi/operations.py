"""RPCs as OpenAPI operations: each rule of ``google.api.http`` is a verb of a path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gemwire_emulator.http.openapi.comments import find_comment
from gemwire_emulator.http.openapi.schemas import Schema, Schemas, get_behaviors, get_field_comment
from gemwire_emulator.http.router import RpcRoute
from gemwire_emulator.json_codec.descriptors import get_descriptor
from gemwire_runtime.method import HttpBinding, Kind, Method

_VARIABLE = re.compile(r"\{([\w.]+)=([^}]+)\}")
_IRREGULAR_PLURALS = {"batches": "batch", "corpora": "corpus"}
_ALT: Schema = {
    "name": "alt",
    "in": "query",
    "description": "Format of the stream: `json` for an array, `sse` for server-sent events.",
    "schema": {"type": "string", "enum": ["json", "sse"], "default": "json"},
}


def build_path(version: str, route: RpcRoute) -> str:
    """Build the path of a binding: ``/v1beta/models/{model}:generateContent``."""
    return (
        f"/{version}/{_VARIABLE.sub(lambda found: _name_wildcards(found[2]), _strip_version(route.binding))}"
    )


def iter_path_fields(method: Method[Message, Message]) -> Iterator[str]:
    """Yield the full names of the fields that are part of a method's paths."""
    for binding in method.http:
        for name, _ in _VARIABLE.findall(binding.template):
            yield _get_field(method, name).full_name


def build_operation(route: RpcRoute, schemas: Schemas, siblings: int) -> Schema:
    """Build the operation of a binding.

    Args:
        route: The binding.
        schemas: Receives the schemas of the messages.
        siblings: Number of bindings of the RPC. A single one needs no resource in its operationId.
    """
    method, binding = route.endpoint.method, route.binding
    service = method.service.rpartition(".")[2]
    operation: Schema = {
        "operationId": f"{_to_snake_case(service)}_{_build_verb(method, binding, siblings)}",
        "tags": [service],
    }
    if comment := find_comment(method.service, method.name):
        operation["description"] = comment
    if parameters := [*_path_parameters(binding), *_query_parameters(method, binding, schemas)]:
        operation["parameters"] = parameters
    if binding.body:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _get_body_schema(method, binding, schemas)}},
        }
    operation["responses"] = {
        "200": {"description": _describe_response(method), "content": _build_content(method, schemas)},
        "default": {
            "description": "The call failed.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}},
        },
    }
    return operation


def _strip_version(binding: HttpBinding) -> str:
    return binding.template.lstrip("/").partition("/")[2]


def _get_field(method: Method[Message, Message], path: str) -> FieldDescriptor:
    message = get_descriptor(method.request)
    *parents, last = path.split(".")
    for parent in parents:
        nested = message.fields_by_name[parent].message_type
        if nested is None:
            raise ValueError(f"{method.path}: {path} is not a field of the request")
        message = nested
    return message.fields_by_name[last]


def _to_singular(collection: str) -> str:
    return _IRREGULAR_PLURALS.get(collection, collection.removesuffix("s"))


def _name_wildcards(pattern: str) -> str:
    """Convert ``corpora/*/documents/*`` to ``corpora/{corpus}/documents/{document}``."""
    return re.sub(r"(\w+)/\*+", lambda found: f"{found[1]}/{{{_to_singular(found[1])}}}", pattern)


def _to_snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _build_verb(method: Method[Message, Message], binding: HttpBinding, siblings: int) -> str:
    """Build ``generate_tuned_model_content`` for the tuned models' binding of ``generate_content``."""
    pattern = _strip_version(binding).partition("=")[2].partition("}")[0]
    literals = [segment for segment in pattern.split("/") if "*" not in segment]
    if siblings == 1 or literals[0] == "operations":
        return method.snake
    verb, _, last = method.snake.rpartition("_")
    # The last collection is the one that the RPC's name ends with; it may follow the variable.
    inner = literals[1:] if "}/" in binding.template else literals[1:-1]
    names = [_to_singular(literals[0]), *inner]
    return "_".join([verb, *map(_to_snake_case, names), last])


def _path_parameters(binding: HttpBinding) -> Iterator[Schema]:
    for _, pattern in _VARIABLE.findall(binding.template):
        path = _name_wildcards(pattern)
        for name in re.findall(r"\{(\w+)\}", path):
            yield {
                "name": name,
                "in": "path",
                "required": True,
                "description": f"Part of `{path}`.",
                "schema": {"type": "string", "minLength": 1},
            }


def _query_parameters(
    method: Method[Message, Message], binding: HttpBinding, schemas: Schemas
) -> Iterator[Schema]:
    if method.kind is Kind.SERVER_STREAM:
        yield _ALT
    if binding.body == "*":
        return
    elsewhere = {binding.body, *(name for name, _ in _VARIABLE.findall(binding.template))}
    for field in get_descriptor(method.request).fields:
        if field.name in elsewhere:
            continue
        parameter: Schema = {
            "name": field.json_name,
            "in": "query",
            "schema": schemas.get_field_schema(field),
        }
        if comment := get_field_comment(field):
            parameter["description"] = comment
        # The update mask of a PATCH defaults to the fields of its body.
        if "REQUIRED" in get_behaviors(field) and field.name != "update_mask":
            parameter["required"] = True
        if field.GetOptions().deprecated:
            parameter["deprecated"] = True
        yield parameter


def _get_body_schema(method: Method[Message, Message], binding: HttpBinding, schemas: Schemas) -> Schema:
    if binding.body == "*":
        return schemas.get_message_schema(get_descriptor(method.request))
    message = _get_field(method, binding.body).message_type
    if message is None:
        raise ValueError(f"{method.path}: the body {binding.body} is not a message")
    return (
        schemas.get_patch_schema(message) if binding.verb == "patch" else schemas.get_message_schema(message)
    )


def _describe_response(method: Method[Message, Message]) -> str:
    if method.result is None or method.progress is None:
        return "The messages of the stream." if method.kind is Kind.SERVER_STREAM else "The response."
    return (
        f"The operation: its `response` will be a `{method.result.DESCRIPTOR.name}`, its `metadata` is a "
        f"`{method.progress.DESCRIPTOR.name}`."
    )


def _build_content(method: Method[Message, Message], schemas: Schemas) -> Schema:
    for packed in (method.result, method.progress):
        if packed is not None:
            schemas.get_message_schema(get_descriptor(packed))
    schema = schemas.get_message_schema(get_descriptor(method.response))
    if method.kind is not Kind.SERVER_STREAM:
        return {"application/json": {"schema": schema}}
    events = "Events of one message each: `data: `, the message as JSON, an empty line."
    return {
        "application/json": {"schema": {"type": "array", "items": schema}},
        "text/event-stream": {"schema": {"type": "string", "description": events}},
    }
