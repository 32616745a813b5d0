"""Messages and enums as JSON schemas, by protobuf's JSON mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor

from gemwire_emulator.http.json_writer import is_repeated
from gemwire_emulator.http.openapi import comments

Schema = dict[str, Any]

_FIELD = FieldDescriptor
# Whole numbers of 64 bits are strings in JSON, as JavaScript's numbers cannot hold them.
_LONG = {"type": "string", "format": "int64", "pattern": r"^-?\d+$"}
_LONG_UNSIGNED = {"type": "string", "format": "uint64", "pattern": r"^\d+$"}
_INT = {"type": "integer", "format": "int32"}
_UNSIGNED = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**32 - 1}
_SCALARS: dict[int, Schema] = {
    _FIELD.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _FIELD.TYPE_FLOAT: {"type": "number", "format": "float"},
    _FIELD.TYPE_BOOL: {"type": "boolean"},
    _FIELD.TYPE_STRING: {"type": "string"},
    _FIELD.TYPE_BYTES: {"type": "string", "format": "byte"},
    _FIELD.TYPE_INT32: _INT,
    _FIELD.TYPE_SINT32: _INT,
    _FIELD.TYPE_SFIXED32: _INT,
    _FIELD.TYPE_UINT32: _UNSIGNED,
    _FIELD.TYPE_FIXED32: _UNSIGNED,
    _FIELD.TYPE_INT64: _LONG,
    _FIELD.TYPE_SINT64: _LONG,
    _FIELD.TYPE_SFIXED64: _LONG,
    _FIELD.TYPE_UINT64: _LONG_UNSIGNED,
    _FIELD.TYPE_FIXED64: _LONG_UNSIGNED,
}
_WELL_KNOWN: dict[str, Schema] = {
    "Any": {
        "type": "object",
        "properties": {"@type": {"type": "string", "description": "URL that ends with the message's name."}},
        "additionalProperties": True,
    },
    "Duration": {"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$", "example": "1.5s"},
    "Empty": {"type": "object"},
    "FieldMask": {"type": "string", "example": "displayName,description"},
    "ListValue": {"type": "array", "items": {}},
    "Struct": {"type": "object", "additionalProperties": True},
    "Timestamp": {"type": "string", "format": "date-time"},
    "Value": {},
}
#: Errors as the REST API has them: no message of the protos.
_ERRORS: dict[str, Schema] = {
    "ErrorResponse": {
        "type": "object",
        "description": "What every call that fails is answered with.",
        "required": ["error"],
        "properties": {"error": {"$ref": "#/components/schemas/Error"}},
    },
    "Error": {
        "type": "object",
        "description": "`google.rpc.Status`, with the HTTP status beside the name of the canonical code.",
        "required": ["code", "message", "status"],
        "properties": {
            "code": {**_INT, "description": "The HTTP status."},
            "message": {"type": "string", "description": "What went wrong, for developers."},
            "status": {"type": "string", "description": "Name of the canonical code: `NOT_FOUND`."},
            "details": {
                "type": "array",
                "description": "Messages of `google.rpc`: `BadRequest`, `RetryInfo`, `QuotaFailure`.",
                "items": _WELL_KNOWN["Any"],
            },
        },
    },
}
_PROTOBUF = "google.protobuf."


class Schemas:
    """The schemas of a document.

    Attributes:
        components: Those that others refer to, by name.
    """

    def __init__(self, path_fields: Collection[str]) -> None:
        """Only errors so far: a message gets its schema when it is first referred to.

        Args:
            path_fields: Full names of the fields that paths hold. No body needs them, unless it holds such
                a request inside, so they are required nowhere.
        """
        self.components: dict[str, Schema] = dict(_ERRORS)
        self._owners = dict.fromkeys(_ERRORS, "")
        self._path_fields = path_fields

    def message(self, descriptor: Any) -> Schema:
        """The schema of a message: a reference, unless JSON has a form of its own for it."""
        if descriptor.full_name.startswith(_PROTOBUF):
            return _WELL_KNOWN[descriptor.name]
        return self._reference(descriptor, _name(descriptor), self._object)

    def patch(self, descriptor: Any) -> Schema:
        """The schema of what a PATCH brings of a message: any part of it."""
        if not self._required(descriptor):
            return self.message(descriptor)

        def optional(descriptor: Any) -> Schema:
            schema = self._object(descriptor)
            del schema["required"]
            return schema

        return self._reference(descriptor, f"{_name(descriptor)}Patch", optional)

    def field(self, field: Any) -> Schema:
        """The schema of a field's value."""
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return {
                "type": "object",
                "additionalProperties": self._item(field.message_type.fields_by_name["value"]),
            }
        item = self._item(field)
        return {"type": "array", "items": item} if is_repeated(field) else item

    def _item(self, field: Any) -> Schema:
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            return self._reference(field.enum_type, _name(field.enum_type), _enum)
        return _SCALARS[field.type]

    def _reference(self, descriptor: Any, name: str, make: Any) -> Schema:
        owner = self._owners.setdefault(name, descriptor.full_name)
        if owner != descriptor.full_name:
            raise ValueError(f"{owner or 'the error'} and {descriptor.full_name} are both {name}")
        if name not in self.components:
            self.components[name] = {}  # a message may hold itself
            self.components[name] = make(descriptor)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, descriptor: Any) -> Schema:
        about = "\n\n".join([comments.describe(descriptor), *_oneofs(descriptor)]).strip()
        schema: Schema = {"type": "object", **_described(about)}
        if required := self._required(descriptor):
            schema["required"] = required
        schema["properties"] = {field.json_name: self._property(field) for field in descriptor.fields}
        return schema

    def _required(self, descriptor: Any) -> list[str]:
        # What is only ever sent is not required: it would be missing in answers, which have the same schema.
        return [
            field.json_name
            for field in descriptor.fields
            if "REQUIRED" in (kinds := behaviors(field))
            and not kinds & {"INPUT_ONLY", "OUTPUT_ONLY"}
            and field.full_name not in self._path_fields
        ]

    def _property(self, field: Any) -> Schema:
        schema = self.field(field)
        about = _described(comments.get_comment(field.containing_type.full_name, field.name))
        if "OUTPUT_ONLY" in behaviors(field):
            about["readOnly"] = True
        if "INPUT_ONLY" in behaviors(field):
            about["writeOnly"] = True
        if field.GetOptions().deprecated:
            about["deprecated"] = True
        if about and "$ref" in schema:
            # OpenAPI 3.0 has no eyes for what stands beside a $ref.
            return {"allOf": [schema], **about}
        return {**schema, **about}


def behaviors(field: Any) -> set[str]:
    """What ``google.api.field_behavior`` says of a field."""
    found = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return {field_behavior_pb2.FieldBehavior.Name(number) for number in found}


def _name(descriptor: Any) -> str:
    """``Candidate.FinishReason`` of some package as ``CandidateFinishReason``."""
    path: str = descriptor.full_name.removeprefix(f"{descriptor.file.package}.")
    return path.replace(".", "")


def _oneofs(descriptor: Any) -> Iterator[str]:
    for oneof in descriptor.oneofs:
        # A field that is optional is alone in one that is nowhere written.
        if len(oneof.fields) > 1:
            yield f"At most one of {', '.join(f'`{field.json_name}`' for field in oneof.fields)} is set."


def _enum(descriptor: Any) -> Schema:
    names = [value.name for value in descriptor.values]
    said = {name: " ".join(comments.get_comment(descriptor.full_name, name).split()) for name in names}
    values = [f"* `{name}`: {about}" for name, about in said.items() if about]
    return {
        "type": "string",
        **_described("\n".join([comments.describe(descriptor), *values]).strip()),
        "enum": names,
    }


def _described(text: str) -> Schema:
    return {"description": text} if text else {}
