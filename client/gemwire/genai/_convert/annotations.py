"""What type annotations say, however they are written."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from typing import Any, NamedTuple

#: No default; None is one.
MISSING: Any = inspect.Parameter.empty
_WRAPPERS = frozenset({"Required", "NotRequired", "ReadOnly", "Final", "ClassVar"})


class Member(NamedTuple):
    """A field of a dataclass, a TypedDict or a NamedTuple."""

    name: str
    annotation: Any
    required: bool
    default: Any = MISSING


def core(annotation: Any) -> tuple[Any, str]:
    """What an annotation comes down to, and what it says about it.

    NewType, ``type X = …``, Required and the like are taken off. Annotated is too, with its texts as the
    description, unless it carries what only pydantic understands.
    """
    said = ""
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            if _is_for_pydantic(annotation):
                return annotation, said
            notes = (getattr(note, "documentation", note) for note in annotation.__metadata__)
            said = said or " ".join(note for note in notes if isinstance(note, str))
            annotation = annotation.__origin__
        elif getattr(origin, "_name", None) in _WRAPPERS:
            (annotation,) = typing.get_args(annotation)
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, typing.TypeVar):
            annotation = annotation.__bound__ or Any
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif annotation is None:
            return type(None), said
        else:
            return annotation, said


def union(annotation: Any) -> tuple[Any, ...]:
    """The types of a union; empty where it is none."""
    is_one = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_one else ()


def is_model(annotation: Any) -> bool:
    """Whether it is a pydantic model, told by what it can do."""
    return isinstance(annotation, type) and hasattr(annotation, "model_json_schema")


def adapter(annotation: Any) -> Any:
    """Pydantic's idea of an annotation; None where it is not loaded, or has none."""
    pydantic: Any = sys.modules.get("pydantic")
    if pydantic is None:
        return None
    try:
        return pydantic.TypeAdapter(annotation)
    except (pydantic.errors.PydanticUserError, pydantic.errors.PydanticUndefinedAnnotation):
        return None


def members(kind: Any) -> list[Member] | None:
    """The fields of a dataclass, a TypedDict or a NamedTuple; None where it is none of them.

    Raises:
        ValueError: An annotation is a text that names nothing.
    """
    if not isinstance(kind, type):
        # A generic one: what its variables stand for is not looked at.
        kind = typing.get_origin(kind)
        if not isinstance(kind, type):
            return None
    if hasattr(kind, "__pydantic_core_schema__"):
        return None
    if dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        return [_of_field(field, hints[field.name]) for field in dataclasses.fields(kind) if field.init]
    if issubclass(kind, dict) and hasattr(kind, "__total__"):
        required: Any = getattr(kind, "__required_keys__", ())
        return [
            Member(name, hint, _is_required(hint, name in required)) for name, hint in _hints(kind).items()
        ]
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        defaults = getattr(kind, "_field_defaults", {})
        hints = _hints(kind)
        names: Any = kind._fields  # pyright: ignore[reportAttributeAccessIssue]
        return [
            Member(name, hints.get(name, Any), name not in defaults, defaults.get(name, MISSING))
            for name in names
        ]
    return None


def resolved(annotation: Any, names: dict[str, Any], place: str) -> Any:
    """An annotation whose texts are replaced by what they name.

    Args:
        annotation: It.
        names: What is known where it is written.
        place: What to call it in an error.

    Raises:
        ValueError: A text names nothing.
    """
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, names, names, include_extras=True)["it"]
    except (NameError, SyntaxError, TypeError, AttributeError) as error:
        raise ValueError(f"{place}: the annotation {annotation!r} cannot be resolved: {error}") from None


def named(annotation: Any) -> str:
    """An annotation as one would write it."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def _hints(kind: type[Any]) -> dict[str, Any]:
    try:
        # A class that is defined inside a function is not found by its name, though it may name itself.
        return typing.get_type_hints(kind, localns={kind.__name__: kind}, include_extras=True)
    except NameError as error:
        raise ValueError(
            f"an annotation of {kind.__name__} cannot be resolved: {error}; its module must know the name"
        ) from None


def _of_field(field: dataclasses.Field[Any], annotation: Any) -> Member:
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    default = MISSING if field.default is dataclasses.MISSING else field.default
    return Member(field.name, annotation, required, default)


def _is_required(annotation: Any, otherwise: bool) -> bool:
    # With postponed annotations a TypedDict does not know of its Required and NotRequired.
    name = getattr(typing.get_origin(annotation), "_name", None)
    return name == "Required" if name in {"Required", "NotRequired"} else otherwise


def _is_for_pydantic(annotation: Any) -> bool:
    rooms = {type(note).__module__.partition(".")[0] for note in annotation.__metadata__}
    return "pydantic" in sys.modules and not rooms.isdisjoint({"pydantic", "annotated_types"})
