"""Methods that programs know from pydantic's models, for classes that are none.

pydantic is not imported unless the program did, except by `model_json_schema`, which needs it.
"""

from __future__ import annotations

import base64
import datetime
import enum
import functools
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from gemwire_runtime import pydantic_models
from gemwire_runtime.pydantic_models import Fields

if TYPE_CHECKING:
    from pydantic import BaseModel, GetCoreSchemaHandler
    from pydantic_core.core_schema import CoreSchema

_T = TypeVar("_T")
_M = TypeVar("_M", bound="Model")


class FieldInfo(NamedTuple):
    """A field of a model, as far as programs ask pydantic's of the same name.

    Attributes:
        annotation: Type of the values.
        alias: Name in camelCase.
        default: Value where none was given.
    """

    annotation: object
    alias: str
    default: object = None

    def is_required(self) -> bool:
        """Return whether the field has no default."""
        return self.default is ...

    def get_default(self) -> object:
        """Return the default."""
        return self.default


class _ClassProperty(Generic[_T]):
    """A property of a class, computed once for each."""

    def __init__(self, compute: Callable[[type[Model]], _T]) -> None:
        self._compute = functools.cache(compute)

    def __get__(self, _: object, owner: type) -> _T:
        return self._compute(owner)


def to_camel_case(name: str) -> str:
    """Return the camelCase form of a snake_case name."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


class Format(NamedTuple):
    """Options of a dump; see `Model.model_dump`."""

    mode: str = "python"
    by_alias: bool = False
    exclude_none: bool = False
    exclude_unset: bool = False
    exclude_defaults: bool = False


class Model:
    """Base of objects with named fields that behave as pydantic's models do in programs."""

    __slots__ = ()

    if not TYPE_CHECKING:  # A field of a subclass may have this name: DeployRequest of Vertex AI.
        #: Options that programs read from pydantic's models.
        model_config = {"extra": "forbid", "populate_by_name": True}

    @classmethod
    def describe_fields(cls) -> dict[str, FieldInfo]:
        """Return the fields by their names, in the order of a dump."""
        raise NotImplementedError

    model_fields: ClassVar[_ClassProperty[dict[str, FieldInfo]]] = _ClassProperty(
        lambda cls: cls.describe_fields()
    )

    #: A pydantic model with the same fields.
    pydantic_model: ClassVar[_ClassProperty[type[BaseModel]]] = _ClassProperty(
        lambda cls: pydantic_models.build_model(
            cls,
            {name: (info.annotation, info.default, info.alias) for name, info in cls.model_fields.items()},
        )
    )

    @property
    def model_fields_set(self) -> set[str]:
        """Names of the fields that are set."""
        raise NotImplementedError

    @classmethod
    def model_validate(cls: type[_M], obj: object) -> _M:
        """Convert a dict to an object of this class."""
        raise NotImplementedError

    @classmethod
    def model_validate_json(cls: type[_M], json_data: str | bytes | bytearray) -> _M:
        """Parse JSON.

        Raises:
            ValueError: The text is not valid JSON, or has unknown fields.
        """
        return cls.model_validate(json.loads(json_data))

    @classmethod
    def from_dict(cls: type[_M], obj: object) -> _M:
        """Convert a dict to an object of this class; the same as `model_validate`."""
        return cls.model_validate(obj)

    @classmethod
    def from_json(cls: type[_M], json_data: str | bytes) -> _M:
        """Parse JSON; the same as `model_validate_json`."""
        return cls.model_validate_json(json_data)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in self.model_fields)

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: object = None,
        exclude: object = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        **_: object,
    ) -> Fields:
        """Return the fields as a dict. pydantic's other options are accepted and have no effect.

        Args:
            mode: ``"python"`` keeps bytes, datetimes and enums; ``"json"`` converts them to strings.
            include: Only these fields: a set of names, or a dict whose values say the same of the field's
                value. Items of lists are named by their indexes and ``"__all__"``.
            exclude: All but these fields, written in the same way.
            by_alias: Write names in camelCase.
            exclude_unset: Leave out fields that were not given, at every depth.
            exclude_defaults: Leave out fields that are None, as all are by default.
            exclude_none: Leave out fields that are None, at every depth.
        """
        options = Format(mode, bool(by_alias), exclude_none, exclude_unset, exclude_defaults)
        return self.dump_fields(options, include, exclude)

    def read_field(self, name: str) -> object:
        """Return the value of a field for a dump."""
        value: object = getattr(self, name)
        return value

    def dump_fields(self, options: Format, include: object, exclude: object) -> Fields:
        """Return the fields as a dict; see `model_dump`."""
        made = {}
        fields = self.model_fields
        skip_none = options.exclude_none or options.exclude_defaults
        names: Collection[str] = self.model_fields_set if options.exclude_unset else fields
        for name in (name for name in fields if name in names):
            inner = _select(include, exclude, name)
            if inner is None:
                continue
            value = self.read_field(name)
            if value is not None or not skip_none:
                made[fields[name].alias if options.by_alias else name] = dump(value, options, *inner)
        return made

    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str:
        """Return the fields as JSON; see `model_dump`. What has no JSON form is written as text."""
        made = self.model_dump(mode="json", **options)
        separators = None if indent is not None else (",", ":")
        return json.dumps(made, indent=indent, ensure_ascii=False, separators=separators, default=str)

    def to_dict(self) -> Fields:
        """Return the fields that are set, as a dict."""
        return self.model_dump(exclude_none=True)

    def to_json_dict(self) -> Fields:
        """Return the fields that are set, as a dict for `json.dumps`."""
        return self.model_dump(exclude_none=True, mode="json")

    def to_json(self) -> str:
        """Return the fields that are set, as JSON."""
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def model_construct(cls: type[_M], _fields_set: set[str] | None = None, **values: object) -> _M:
        """Build an object of fields that are known to be valid."""
        return cls(**values)

    @classmethod
    def model_json_schema(
        cls,
        by_alias: bool = True,
        ref_template: str = "#/$defs/{model}",
        mode: Literal["validation", "serialization"] = "validation",
    ) -> Fields:
        """Return the JSON Schema of the fields; see pydantic's method. Requires pydantic."""
        return pydantic_models.build_json_schema(cls, by_alias, ref_template, mode)

    @classmethod
    def model_rebuild(cls, **_: object) -> None:
        """Do nothing: fields need no rebuilding."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return how pydantic validates and writes fields of this type."""
        return pydantic_models.build_core_schema(cls, handler.generate_schema(cls.pydantic_model))


_Selection = tuple[object, object]


def _select(include: object, exclude: object, key: str | int) -> _Selection | None:
    """Return what is included and excluded of a field or item; None if it is left out."""
    wanted = _look_up(include, key)
    unwanted = _look_up(exclude, key)
    if (include is not None and wanted is False) or unwanted is True:
        return None
    return (None if wanted in (True, False) else wanted, None if unwanted is False else unwanted)


def _look_up(selection: object, key: str | int) -> object:
    """Return what a selection says of a key: True, False, or a selection of the key's value."""
    if isinstance(selection, Mapping):
        found = selection.get(key, selection.get("__all__", False))
        return found is not None and (True if found is ... else found)
    return isinstance(selection, Collection) and (key in selection or "__all__" in selection)


def dump(value: object, options: Format, include: object = None, exclude: object = None) -> object:
    """Convert the value of a field to dicts, lists and scalars; see `Model.model_dump`."""
    if isinstance(value, Model):
        return value.dump_fields(options, include, exclude)
    if isinstance(value, Mapping):
        return {
            key: dump(item, options, *inner)
            for key, item in value.items()
            if (inner := _select(include, exclude, key)) is not None
        }
    if isinstance(value, (list, tuple)):
        return [
            dump(item, options, *inner)
            for at, item in enumerate(value)
            if (inner := _select(include, exclude, at)) is not None
        ]
    if not isinstance(value, type) and (dump_model := getattr(value, "model_dump", None)):
        return dump_model(**options._asdict())
    if options.mode == "json":
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, bytes):
            return base64.urlsafe_b64encode(value).decode()
        if isinstance(value, datetime.datetime):
            return value.isoformat().replace("+00:00", "Z")
    return value
