"""Our objects and those of pydantic in each other's place. pydantic is imported for those who ask only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core.core_schema import CoreSchema, SerializationInfo

#: Fields by name. What they hold, each class says.
Fields = dict[str, Any]


class _Model(Protocol):
    """Our objects, as far as pydantic needs them; see `gemwire_runtime.models.Model`."""

    @classmethod
    def model_validate(cls, obj: object) -> object: ...
    def model_dump(
        self,
        *,
        mode: str,
        include: object,
        exclude: object,
        by_alias: bool | None,
        exclude_unset: bool,
        exclude_defaults: bool,
        exclude_none: bool,
    ) -> object: ...


def unwrap(value: object) -> object:
    """Return the fields of a pydantic model that are set, as a dict; return any other value as it is.

    Values are not converted, so that functions and types among them stay what they are. pydantic is not
    imported: a program that has such an object has done that.
    """
    kind = type(value)
    names = getattr(kind, "__pydantic_fields__", None)
    if names is None:
        return value
    extra = getattr(value, "__pydantic_extra__", None) or {}
    # Not by attribute: reading a field that is deprecated warns.
    held = vars(value)
    fields = {name: held.get(name) for name in names} | extra
    return {name: item for name, item in fields.items() if item is not None}


def build_model(kind: type, fields: Mapping[str, tuple[object, object, str]]) -> type[BaseModel]:
    """Build a pydantic model: pydantic makes the JSON Schema from it.

    Args:
        kind: The class that it describes.
        fields: Annotation, default and alias of each field.
    """
    import pydantic

    made: Fields = {
        name: (annotation, pydantic.Field(default, alias=alias))
        for name, (annotation, default, alias) in fields.items()
    }
    config = pydantic.ConfigDict(
        populate_by_name=True, arbitrary_types_allowed=True, protected_namespaces=(), defer_build=True
    )
    return pydantic.create_model(kind.__name__, __config__=config, __module__=kind.__module__, **made)


def build_json_schema(
    kind: type, by_alias: bool, ref_template: str, mode: Literal["validation", "serialization"]
) -> Fields:
    """Return the JSON Schema of a class with a core schema; see `pydantic.TypeAdapter.json_schema`."""
    import pydantic

    return pydantic.TypeAdapter(kind).json_schema(by_alias=by_alias, ref_template=ref_template, mode=mode)


def build_core_schema(kind: type[_Model], described: CoreSchema) -> CoreSchema:
    """Build how pydantic validates and writes objects of a class.

    Args:
        kind: The class.
        described: Schema of its `build_model`, for the JSON Schema.
    """
    from pydantic_core import core_schema

    def validate(value: object, _: object) -> object:
        if isinstance(value, kind):
            return value
        try:
            return kind.model_validate(value)
        except TypeError as error:
            raise ValueError(str(error)) from None  # pydantic catches no other error

    def serialize(value: object, info: SerializationInfo) -> object:
        if not isinstance(value, kind):
            return value
        return value.model_dump(
            mode=info.mode,
            include=info.include,
            exclude=info.exclude,
            by_alias=info.by_alias,
            exclude_unset=info.exclude_unset,
            exclude_defaults=info.exclude_defaults,
            exclude_none=info.exclude_none,
        )

    return core_schema.no_info_wrap_validator_function(
        validate,
        described,
        serialization=core_schema.plain_serializer_function_ser_schema(serialize, info_arg=True),
    )
