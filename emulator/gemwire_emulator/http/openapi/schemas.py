"""Messages and enums as JSON schemas, by protobuf's JSON mapping."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gemwire_emulator.http.openapi.comments import find_comment
from gemwire_emulator.json_codec.descriptors import is_map, is_repeated, is_well_known

Schema = dict[str, object]
_Type = TypeVar("_Type", Descriptor, EnumDescriptor)

_FIELD = FieldDescriptor
# 64-bit integers are strings in JSON, because JavaScript's numbers cannot hold them.
_INT64: Schema = {"type": "string", "format": "int64", "pattern": r"^-?\d+$"}
_UINT64: Schema = {"type": "string", "format": "uint64", "pattern": r"^\d+$"}
_INT32: Schema = {"type": "integer", "format": "int32"}
_UINT32: Schema = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**32 - 1}
_SCALARS: dict[int, Schema] = {
    _FIELD.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _FIELD.TYPE_FLOAT: {"type": "number", "format": "float"},
    _FIELD.TYPE_BOOL: {"type": "boolean"},
    _FIELD.TYPE_STRING: {"type": "string"},
    _FIELD.TYPE_BYTES: {"type": "string", "format": "byte"},
    _FIELD.TYPE_INT32: _INT32,
    _FIELD.TYPE_SINT32: _INT32,
    _FIELD.TYPE_SFIXED32: _INT32,
    _FIELD.TYPE_UINT32: _UINT32,
    _FIELD.TYPE_FIXED32: _UINT32,
    _FIELD.TYPE_INT64: _INT64,
    _FIELD.TYPE_SINT64: _INT64,
    _FIELD.TYPE_SFIXED64: _INT64,
    _FIELD.TYPE_UINT64: _UINT64,
    _FIELD.TYPE_FIXED64: _UINT64,
}
_WELL_KNOWN: dict[str, Schema] = {
    "Any": {
        "type": "object",
        "properties": {"@type": {"type": "string", "description": "URL that ends with the message's name."}},
        "additionalProperties": True,
    },
    "BoolValue": {"type": "boolean"},
    "Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$", "example": "1.5s"},
    "Empty": {"type": "object"},
    "FieldMask": {"type": "string", "example": "displayName,description"},
    "ListValue": {"type": "array", "items": {}},
    "Struct": {"type": "object", "additionalProperties": True},
    "Timestamp": {"type": "string", "format": "date-time"},
    "Value": {},
}
#: The error objects of the REST API, which are not messages of the protos.
_ERRORS: dict[str, Schema] = {
    "ErrorResponse": {
        "type": "object",
        "description": "The body of every failed call.",
        "required": ["error"],
        "properties": {"error": {"$ref": "#/components/schemas/Error"}},
    },
    "Error": {
        "type": "object",
        "description": "`google.rpc.Status` with the HTTP status and the name of the canonical code.",
        "required": ["code", "message", "status"],
        "properties": {
            "code": {**_INT32, "description": "The HTTP status."},
            "message": {"type": "string", "description": "A description of the error, for developers."},
            "status": {"type": "string", "description": "Name of the canonical code: `NOT_FOUND`."},
            "details": {
                "type": "array",
                "description": "Messages of `google.rpc`: `BadRequest`, `RetryInfo`, `QuotaFailure`.",
                "items": _WELL_KNOWN["Any"],
            },
        },
    },
}


class Schemas:
    """The schemas of a document.

    Attributes:
        components: Schemas that are referred to by name.
    """

    def __init__(self, path_fields: Collection[str]) -> None:
        """Start with the error objects; a message gets its schema when it is first referred to.

        Args:
            path_fields: Full names of the fields that are part of a path. They are optional in bodies.
        """
        self.components: dict[str, Schema] = dict(_ERRORS)
        self._owners = dict.fromkeys(_ERRORS, "")
        self._path_fields = path_fields

    def get_message_schema(self, descriptor: Descriptor) -> Schema:
        """Return the schema of a message: a reference, or the JSON form of a well-known type."""
        if is_well_known(descriptor):
            return _WELL_KNOWN[descriptor.name]
        return self._refer(descriptor, _get_name(descriptor), self._build_object)

    def get_patch_schema(self, descriptor: Descriptor) -> Schema:
        """Return the schema of the body of a PATCH: the message with every field optional."""
        if not self._get_required(descriptor):
            return self.get_message_schema(descriptor)

        def build_optional(descriptor: Descriptor) -> Schema:
            schema = self._build_object(descriptor)
            del schema["required"]
            return schema

        return self._refer(descriptor, f"{_get_name(descriptor)}Patch", build_optional)

    def get_field_schema(self, field: FieldDescriptor) -> Schema:
        """Return the schema of a field's value."""
        if field.message_type is not None and is_map(field):
            value = self._get_item_schema(field.message_type.fields_by_name["value"])
            return {"type": "object", "additionalProperties": value}
        item = self._get_item_schema(field)
        return {"type": "array", "items": item} if is_repeated(field) else item

    def _get_item_schema(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return self.get_message_schema(field.message_type)
        if field.enum_type is not None:
            return self._refer(field.enum_type, _get_name(field.enum_type), _build_enum)
        return _SCALARS[field.type]

    def _refer(self, descriptor: _Type, name: str, build: Callable[[_Type], Schema]) -> Schema:
        owner = self._owners.setdefault(name, descriptor.full_name)
        if owner != descriptor.full_name:
            raise ValueError(f"{owner or 'the error'} and {descriptor.full_name} are both {name}")
        if name not in self.components:
            self.components[name] = {}  # Ends the recursion: a message may contain itself.
            self.components[name] = build(descriptor)
        return {"$ref": f"#/components/schemas/{name}"}

    def _build_object(self, descriptor: Descriptor) -> Schema:
        comment = "\n\n".join([find_comment(descriptor.full_name), *_describe_oneofs(descriptor)]).strip()
        schema: Schema = {"type": "object", **_describe(comment)}
        if required := self._get_required(descriptor):
            schema["required"] = required
        schema["properties"] = {field.json_name: self._build_property(field) for field in descriptor.fields}
        return schema

    def _get_required(self, descriptor: Descriptor) -> list[str]:
        # Requests and responses share a schema, so a field that occurs in one of them only is optional.
        return [
            field.json_name
            for field in descriptor.fields
            if "REQUIRED" in (behaviors := get_behaviors(field))
            and not behaviors & {"INPUT_ONLY", "OUTPUT_ONLY"}
            and field.full_name not in self._path_fields
        ]

    def _build_property(self, field: FieldDescriptor) -> Schema:
        schema = self.get_field_schema(field)
        annotations = _describe(get_field_comment(field))
        if "OUTPUT_ONLY" in get_behaviors(field):
            annotations["readOnly"] = True
        if "INPUT_ONLY" in get_behaviors(field):
            annotations["writeOnly"] = True
        if field.GetOptions().deprecated:
            annotations["deprecated"] = True
        if annotations and "$ref" in schema:
            # OpenAPI 3.0 ignores everything beside a $ref.
            return {"allOf": [schema], **annotations}
        return {**schema, **annotations}


def get_behaviors(field: FieldDescriptor) -> set[str]:
    """Return the names in a field's ``google.api.field_behavior``."""
    numbers = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return {field_behavior_pb2.FieldBehavior.Name(number) for number in numbers}


def get_field_comment(field: FieldDescriptor) -> str:
    """Return the comment of a field in the protos."""
    return find_comment(field.full_name.rpartition(".")[0], field.name)


def _get_name(descriptor: Descriptor | EnumDescriptor) -> str:
    """Convert ``package.Candidate.FinishReason`` to ``CandidateFinishReason``."""
    return descriptor.full_name.removeprefix(f"{descriptor.file.package}.").replace(".", "")


def _describe_oneofs(descriptor: Descriptor) -> Iterator[str]:
    for oneof in descriptor.oneofs:
        # An optional field is alone in a synthetic oneof.
        if len(oneof.fields) > 1:
            yield f"At most one of {', '.join(f'`{field.json_name}`' for field in oneof.fields)} is set."


def _build_enum(descriptor: EnumDescriptor) -> Schema:
    names = [value.name for value in descriptor.values]
    comments = {name: " ".join(find_comment(descriptor.full_name, name).split()) for name in names}
    values = [f"* `{name}`: {comment}" for name, comment in comments.items() if comment]
    description = "\n".join([find_comment(descriptor.full_name), *values]).strip()
    return {"type": "string", **_describe(description), "enum": names}


def _describe(text: str) -> Schema:
    return {"description": text} if text else {}
