"""Conversion between JSON and messages as the REST API does it, with its errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire_emulator.errors import StatusError, bad_request
from gemwire_emulator.json_codec import parser
from gemwire_emulator.json_codec.descriptors import get_descriptor
from gemwire_emulator.json_codec.normalizer import normalize
from gemwire_emulator.json_codec.reader import JsonReader
from gemwire_emulator.json_codec.writer import JsonWriter
from gemwire_proto import POOL, v1beta

_Message = TypeVar("_Message", bound=Message)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


#: Bytes from which JSON is parsed in a thread.
LARGE_BYTES = 128 * 2**10
#: Shared, because `json.loads` creates a decoder for each text.
_DECODER = json.JSONDecoder(parse_constant=_reject_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_WRITER, _INTEGER_ENUM_WRITER = JsonWriter(), JsonWriter(integer_enums=True)
_READER = JsonReader()


def parse_json(body: bytes | str) -> object:
    """Parse JSON.

    Raises:
        StatusError: It is malformed.
    """
    try:
        text = body.decode() if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        raise create_json_error("Encountered non UTF-8 code points.") from None
    if len(text) < LARGE_BYTES:
        with suppress(ValueError, RecursionError):
            data: object = _DECODER.decode(text)
            if "\\u" in text:
                _ENCODER.encode(data).encode()  # Raises for unpaired surrogates.
            return data
    # The decoder above, in C, would stop all other threads until it has read the whole of a large text.
    try:
        return parser.parse(text)
    except ValueError as error:
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
        raise create_json_error('Unknown name "": Root element must be a message.')
    message = _READER.read(kind, data)
    if message is not None:
        return message
    message = kind()
    try:
        normalized, violations = normalize(data, get_descriptor(kind))
        if violations:
            raise bad_request(violations)
        json_format.ParseDict(normalized, message, descriptor_pool=POOL)
    except RecursionError:
        raise create_json_error("Message too deep. Max recursion depth reached.") from None
    except (
        json_format.ParseError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
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


def create_json_error(reason: str) -> StatusError:
    """Create the error of JSON that is malformed or does not fit a message."""
    return bad_request([("", f"Invalid JSON payload received. {reason}")])
