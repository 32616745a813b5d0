"""JSON values in the forms that json_format takes, and what the service says about those that do not fit.

The service takes more forms than json_format: a single value for a repeated field, names of enum values in
lower case. What it does not take, it reports all at once, each with its path.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gemwire_emulator.errors import shorten
from gemwire_emulator.json_codec.descriptors import find_field, is_map, is_repeated, is_well_known
from gemwire_emulator.json_codec.key_order import ORDERED_SCHEMAS, note_order

#: Violations that are reported; further ones are not looked for.
_MAX_VIOLATIONS = 100
#: Characters of base64 that are checked at a time, so that other threads can run.
_BASE64_CHARACTERS = 2**18
_BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]*")
_SNAKE_CASE = re.compile(r"_([a-z0-9])")
_STRUCT = "google.protobuf.Struct"
_LISTS = frozenset({"google.protobuf.ListValue", "google.protobuf.Value"})
_TYPES = {
    getattr(FieldDescriptor, name): name
    for name in dir(FieldDescriptor)
    if name.startswith("TYPE_") and isinstance(getattr(FieldDescriptor, name), int)
}
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_INTEGER = re.compile(r"-?[0-9]+")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_MAX_FLOAT = (2 - 2**-23) * 2.0**127


class Violation(NamedTuple):
    """Something in a request that does not fit its message.

    Attributes:
        field: Path of the field; empty for the request itself.
        description: What is wrong.
    """

    field: str
    description: str


class _Unfit(ValueError):
    """A value that its field does not take."""


def normalize(data: dict[str, object], descriptor: Descriptor) -> tuple[dict[str, object], list[Violation]]:
    """Return an object in the form that json_format takes, and what does not fit the message.

    Args:
        data: The object.
        descriptor: Type of the message.
    """
    normalizer = _Normalizer()
    return normalizer.read_object(data, descriptor, ""), normalizer.violations


class _Normalizer:
    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def read_object(self, data: dict[str, object], descriptor: Descriptor, path: str) -> dict[str, object]:
        normalized: dict[str, object] = {}
        oneofs: dict[str, str] = {}
        for key, value in data.items():
            if len(self.violations) >= _MAX_VIOLATIONS:
                break
            field = find_field(descriptor, key)
            if field is None:
                self._report_name(path, key, "Cannot find field.")
                continue
            if value is None and not _is_value(field):
                continue
            oneof = field.containing_oneof.name if field.containing_oneof is not None else ""
            if oneof and oneofs.setdefault(oneof, field.name) != field.name:
                self._report_value(path, "oneof", f"oneof field '{oneof}' is already set. Cannot set '{key}'")
                continue
            normalized[field.name] = self._read_field(value, field, path, key)
        return normalized

    def _read_field(self, value: object, field: FieldDescriptor, path: str, key: str) -> object:
        inner = f"{path}.{field.name}" if path else field.name
        if field.message_type is not None and is_map(field):
            return self._read_map(value, field, field.message_type.fields_by_name["value"], path, key)
        if is_repeated(field):
            items = value if isinstance(value, list) else [value]
            return [
                self._read_single(item, field, f"{inner}[{i}]", inner, key)
                for i, item in enumerate(items)
                if item is not None or _is_value(field)
            ]
        return self._read_single(value, field, inner, path, key)

    def _read_map(
        self, value: object, field: FieldDescriptor, item: FieldDescriptor, path: str, key: str
    ) -> object:
        if not isinstance(value, dict):
            self._report_name(path, key, "Proto field is a map, it must be an object.")
            return None
        inner = f"{path}.{field.name}" if path else field.name
        return {
            name: self._read_field(one, item, f"{inner}[{i}]", name)
            for i, (name, one) in enumerate(value.items())
            if one is not None or _is_value(item)
        }

    def _read_single(self, value: object, field: FieldDescriptor, path: str, parent: str, key: str) -> object:
        nested = field.message_type
        if isinstance(value, list) and not _takes_list(field):
            self._report_name(parent, key, "Proto field is not repeating, cannot start list.")
            return None
        if nested is None:
            if isinstance(value, dict):
                self._report_value(parent, field.name, "Starting an object on a scalar field")
                return None
            try:
                return _read_scalar(value, field)
            except _Unfit as error:
                self._report_value(path, _name_type(field), str(error) or _quote(value))
                return None
        if nested.full_name == "google.protobuf.FieldMask" and isinstance(value, str):
            return _SNAKE_CASE.sub(lambda found: found[1].upper(), value)
        if isinstance(value, dict) and not is_well_known(nested):
            return self.read_object(value, nested, path)
        if is_well_known(nested) and (isinstance(value, dict) or nested.full_name != _STRUCT):
            return note_order(value) if field.name in ORDERED_SCHEMAS else value
        self._report_value(path, _name_type(field), _quote(value))
        return None

    def _report_name(self, path: str, name: str, why: str) -> None:
        at = f" at '{path}'" if path else ""
        text = f'Invalid JSON payload received. Unknown name "{shorten(name)}"{at}: {why}'
        self.violations.append(Violation(path, text))

    def _report_value(self, path: str, kind: str, value: str) -> None:
        at = f" at '{path}'" if path else ""
        self.violations.append(Violation(path, f"Invalid value{at} ({kind}), {value}"))


def _read_scalar(value: object, field: FieldDescriptor) -> object:
    if field.enum_type is not None:
        return _read_enum(value, field.enum_type)
    if field.cpp_type in _INTEGERS:
        return _read_integer(value, *_INTEGERS[field.cpp_type])
    return _READERS[field.type](value)


def _read_enum(value: object, enum: EnumDescriptor) -> object:
    if isinstance(value, str):
        names = enum.values_by_name
        for name in (value, value.upper().replace("-", "_")):
            if name in names:
                return name
    return _read_integer(value, *_INTEGERS[FieldDescriptor.CPPTYPE_INT32])


def _read_integer(value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _Unfit
    try:
        # A float that is large has lost digits, so only text that is no integer is read as one.
        number = int(value) if isinstance(value, int) or _INTEGER.fullmatch(str(value)) else float(value)
    except (ValueError, OverflowError):
        raise _Unfit from None
    if not low <= number <= high or number != int(number):
        raise _Unfit
    return int(number)


def _read_double(value: object, most: float = math.inf) -> object:
    if value in _NOT_FINITE:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _Unfit
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise _Unfit from None
    if not math.isfinite(number) or abs(number) > most:
        raise _Unfit
    return number


def _read_bool(value: object) -> bool:
    if isinstance(value, bool) or value in ("true", "false"):
        return value in (True, "true")
    raise _Unfit


def _read_string(value: object) -> str:
    if not isinstance(value, str):
        raise _Unfit
    return value


def _read_bytes(value: object) -> str:
    if not isinstance(value, str):
        raise _Unfit
    for at in range(0, len(value), _BASE64_CHARACTERS):
        if not _BASE64.fullmatch(value, at, at + _BASE64_CHARACTERS):
            raise _Unfit(f"Base64 decoding failed for {_quote(value)}")
    return value


_READERS: dict[int, Callable[[object], object]] = {
    FieldDescriptor.TYPE_STRING: _read_string,
    FieldDescriptor.TYPE_BYTES: _read_bytes,
    FieldDescriptor.TYPE_BOOL: _read_bool,
    FieldDescriptor.TYPE_FLOAT: lambda value: _read_double(value, _MAX_FLOAT),
    FieldDescriptor.TYPE_DOUBLE: _read_double,
}


def _is_value(field: FieldDescriptor) -> bool:
    """Return whether null is a value of a field, and does not mean that it is not set."""
    return field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"


def _takes_list(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name in _LISTS


def _name_type(field: FieldDescriptor) -> str:
    nested = field.message_type if field.message_type is not None else field.enum_type
    return _TYPES[field.type] if nested is None else f"type.googleapis.com/{nested.full_name}"


def _quote(value: object) -> str:
    return shorten(json.dumps(value, ensure_ascii=False))
