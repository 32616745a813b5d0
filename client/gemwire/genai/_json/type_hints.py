"""Type annotations, in every way they can be written."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from typing import Any, NamedTuple, TypeAlias

#: A type annotation; Python has no type for all of them.
Annotation: TypeAlias = Any
#: A ``pydantic.TypeAdapter``; pydantic is optional.
PydanticAdapter: TypeAlias = Any

#: Stands for a missing default or annotation; None would be a value.
MISSING: Any = inspect.Parameter.empty
_QUALIFIERS = frozenset({"Required", "NotRequired", "ReadOnly", "Final", "ClassVar"})


class Member(NamedTuple):
    """A field of a dataclass, a TypedDict or a NamedTuple."""

    name: str
    annotation: Annotation
    required: bool
    default: object = MISSING


def get_origin(annotation: object) -> Annotation:
    """Return the class of a generic type, or the special form of another; None for other annotations."""
    return typing.get_origin(annotation)


def unwrap(annotation: Annotation) -> tuple[Annotation, str]:
    """Return the type that an annotation stands for, and the description in it.

    NewType, ``type X = …``, Required and similar are removed. So is Annotated, whose texts are the
    description, unless it has metadata for pydantic.
    """
    description = ""
    while True:
        origin = get_origin(annotation)
        if origin is typing.Annotated:
            if _has_pydantic_metadata(annotation):
                return annotation, description
            notes = (getattr(note, "documentation", note) for note in annotation.__metadata__)
            description = description or " ".join(note for note in notes if isinstance(note, str))
            annotation = annotation.__origin__
        elif getattr(origin, "_name", None) in _QUALIFIERS:
            (annotation,) = typing.get_args(annotation)
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, typing.TypeVar):
            annotation = annotation.__bound__ or object
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif annotation is None:
            return type(None), description
        else:
            return annotation, description


def get_union_members(annotation: Annotation) -> tuple[Annotation, ...]:
    """Return the types of a union; empty if the annotation is not a union."""
    is_union = get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else ()


def is_pydantic_model(annotation: Annotation) -> bool:
    """Return whether an annotation is a pydantic model, without importing pydantic."""
    return isinstance(annotation, type) and hasattr(annotation, "model_json_schema")


def get_type_adapter(annotation: Annotation) -> PydanticAdapter | None:
    """Return pydantic's adapter of an annotation; None if pydantic is not loaded or has none."""
    pydantic: Any = sys.modules.get("pydantic")
    if pydantic is None:
        return None
    try:
        return pydantic.TypeAdapter(annotation)
    except (pydantic.errors.PydanticUserError, pydantic.errors.PydanticUndefinedAnnotation):
        return None


def get_members(kind: Annotation) -> list[Member] | None:
    """Return the fields of a dataclass, a TypedDict or a NamedTuple; None for other types."""
    if not isinstance(kind, type):
        # The arguments of a generic type are not substituted.
        kind = get_origin(kind)
        if not isinstance(kind, type):
            return None
    if hasattr(kind, "__pydantic_core_schema__"):
        return None
    if dataclasses.is_dataclass(kind):
        hints = _get_hints(kind)
        return [_to_member(field, hints[field.name]) for field in dataclasses.fields(kind) if field.init]
    if issubclass(kind, dict) and hasattr(kind, "__total__"):
        required = set(getattr(kind, "__required_keys__", ()))
        return [
            Member(name, hint, _is_required(hint, name in required))
            for name, hint in _get_hints(kind).items()
        ]
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        defaults = getattr(kind, "_field_defaults", {})
        hints = _get_hints(kind)
        names: tuple[str, ...] = getattr(kind, "_fields", ())
        return [
            Member(name, hints.get(name, object), name not in defaults, defaults.get(name, MISSING))
            for name in names
        ]
    return None


def resolve(annotation: Annotation, names: dict[str, Any], place: str) -> Annotation:
    """Replace the forward references in an annotation."""
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, names, names, include_extras=True)["it"]
    except (NameError, SyntaxError, TypeError, AttributeError) as error:
        raise ValueError(f"{place}: the annotation {annotation!r} cannot be resolved: {error}") from None


def format_annotation(annotation: Annotation) -> str:
    """Return an annotation as it is written in source code."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def _get_hints(kind: type) -> dict[str, Annotation]:
    try:
        # The name of a class that is defined in a function is not global, though the class may use it.
        return typing.get_type_hints(kind, localns={kind.__name__: kind}, include_extras=True)
    except NameError as error:
        raise ValueError(
            f"an annotation of {kind.__name__} cannot be resolved: {error}; define the name in its module"
        ) from None


def _to_member(field: dataclasses.Field[Any], annotation: Annotation) -> Member:
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    default = MISSING if field.default is dataclasses.MISSING else field.default
    return Member(field.name, annotation, required, default)


def _is_required(annotation: Annotation, default: bool) -> bool:
    # With postponed annotations a TypedDict does not evaluate its Required and NotRequired.
    name = getattr(get_origin(annotation), "_name", None)
    return name == "Required" if name in {"Required", "NotRequired"} else default


def _has_pydantic_metadata(annotation: Annotation) -> bool:
    packages = {type(note).__module__.partition(".")[0] for note in annotation.__metadata__}
    return "pydantic" in sys.modules and not packages.isdisjoint({"pydantic", "annotated_types"})
