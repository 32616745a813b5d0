"""Conversion between JSON and messages as the REST API does it.

Unknown fields are ignored, because Google's SDKs send more than the protos define.
"""

from __future__ import annotations

import json
import json.scanner
import re
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.json_codec.descriptors import find_field, get_descriptor, is_map, is_well_known
from gemwire_emulator.json_codec.reader import JsonReader
from gemwire_emulator.json_codec.writer import JsonWriter
from gemwire_proto import POOL, v1beta

_Message = TypeVar("_Message", bound=Message)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _LargeDecoder(json.JSONDecoder):
    """Decoder in Python: that in C would stop all other threads until it has read the whole text."""

    def __init__(self) -> None:
        super().__init__(parse_constant=_reject_constant)
        self._count = 0
        for name in ("parse_object", "parse_array"):
            setattr(self, name, self._counted(getattr(self, name)))
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined] # not in its stub

    def _counted(self, parse: Callable[..., object]) -> Callable[..., object]:
        def parse_counted(*arguments: object) -> object:
            self._count += 1
            if self._count > _MAX_CONTAINERS:
                raise ValueError(f"more than {_MAX_CONTAINERS} objects and arrays")
            return parse(*arguments)

        return parse_counted


#: Bytes from which JSON is parsed in a thread.
LARGE_BYTES = 128 * 2**10
#: Maximum number of objects and arrays in a large text: more would occupy the emulator for seconds.
_MAX_CONTAINERS = 50_000
#: Shared, because `json.loads` creates a decoder for each text.
_DECODER = json.JSONDecoder(parse_constant=_reject_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_SNAKE_CASE = re.compile(r"_([a-z0-9])")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_WRITER, _INTEGER_ENUM_WRITER = JsonWriter(), JsonWriter(integer_enums=True)
_READER = JsonReader()


def parse_json(body: bytes | str) -> object:
    """Parse JSON.

    Raises:
        StatusError: It is malformed.
    """
    try:
        text = body.decode() if isinstance(body, bytes) else body
        data: object = (_DECODER if len(text) < LARGE_BYTES else _LargeDecoder()).decode(text)
        if _SURROGATE.search(text):
            for piece in _ENCODER.iterencode(data):
                piece.encode()  # Raises for unpaired surrogates.
        return data
    except (ValueError, RecursionError) as error:
        raise create_json_error(str(error)) from None


def parse_message(kind: type[_Message], data: object) -> _Message:
    """Convert a JSON object to a message.

    Args:
        kind: Class of the message.
        data: The object.

    Raises:
        StatusError: It does not fit the message.
    """
    if not isinstance(data, dict):
        raise create_json_error("the root element must be an object")
    message = _READER.read(kind, data)
    if message is not None:
        return message
    message = kind()
    try:
        normalized = _normalize(data, get_descriptor(kind))
        json_format.ParseDict(normalized, message, ignore_unknown_fields=True, descriptor_pool=POOL)
    except (
        json_format.ParseError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise create_json_error(str(error)) from None
    return message


def to_json(message: Message, *, integer_enums: bool = False) -> str:
    """Convert a message to JSON: camelCase names, without fields that are not set.

    Args:
        message: The message.
        integer_enums: Write enums as numbers, as ``$alt=json;enum-encoding=int`` requests.
    """
    write = _SPECIAL_WRITERS.get(type(message))
    if write:
        return write(message)
    return (_INTEGER_ENUM_WRITER if integer_enums else _WRITER).write(message)


def _write_floats(values: Iterable[float]) -> str:
    # Nine digits identify a 32-bit float; json_format's search for fewer takes 1 µs a number.
    return '{"values":[' + ",".join(map("%.9g".__mod__, values)) + "]}"


def _write_embedding(message: v1beta.EmbedContentResponse) -> str:
    tokens = f',"tokenCount":"{message.token_count}"' if message.token_count else ""
    return '{"embedding":' + _write_floats(message.embedding.values) + tokens + "}"


def _write_embeddings(message: v1beta.BatchEmbedContentsResponse) -> str:
    return '{"embeddings":[' + ",".join(_write_floats(e.values) for e in message.embeddings) + "]}"


_SPECIAL_WRITERS: dict[type[Message], Callable[..., str]] = {
    v1beta.EmbedContentResponse: _write_embedding,
    v1beta.BatchEmbedContentsResponse: _write_embeddings,
}


def _normalize(value: Any, descriptor: Descriptor) -> Any:
    """Drop unknown keys, and correct the case of enum names and of paths: the service accepts all of them."""
    if isinstance(value, str) and descriptor.full_name == "google.protobuf.FieldMask":
        return _SNAKE_CASE.sub(lambda found: found[1].upper(), value)
    if is_well_known(descriptor) or not isinstance(value, dict):
        return value
    normalized: dict[str, object] = {}
    for key, item in value.items():
        field = find_field(descriptor, key) if isinstance(key, str) else None
        if field is None:
            continue
        nested = field.message_type
        if nested is None:
            normalized[key] = (
                [_normalize_enum(i, field) for i in item]
                if isinstance(item, list)
                else _normalize_enum(item, field)
            )
        elif not is_map(field):
            normalized[key] = (
                [_normalize(i, nested) for i in item] if isinstance(item, list) else _normalize(item, nested)
            )
        elif isinstance(item, dict) and (entry := nested.fields_by_name["value"].message_type) is not None:
            normalized[key] = {k: _normalize(v, entry) for k, v in item.items()}
        else:
            normalized[key] = item
    return normalized


def _normalize_enum(value: object, field: FieldDescriptor) -> object:
    if not isinstance(value, str) or field.enum_type is None:
        return value
    names = field.enum_type.values_by_name
    if value in names:
        return value
    if value.upper() in names:
        return value.upper()
    try:
        return int(value)
    except ValueError:
        raise invalid_argument(field.name, f"{value!r} is not one of {', '.join(names)}") from None


def create_json_error(reason: str) -> StatusError:
    """Create the error of JSON that is malformed or does not fit a message."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, f"Invalid JSON payload received. {reason}")
