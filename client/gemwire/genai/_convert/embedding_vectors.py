"""Embeddings straight from the bytes of a response.

protobuf parses 768 floats in no time, and takes far longer to hand them over one by one. Where the bytes are
of the form that servers write, the vectors are cut out of them instead. All else is parsed by protobuf: bytes
of another form, damaged ones, those of machines that keep numbers the other way round, and JSON.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from typing import Any

from gemwire_proto import v1beta

#: Field 1 with a length: the ``embeddings`` of a BatchEmbedContentsResponse, the ``values`` of each.
_FIELD = 0x0A
_LITTLE_ENDIAN = sys.byteorder == "little"


def spans(data: bytes) -> list[tuple[int, int]] | None:
    """Where the floats of each embedding begin and end in a serialised BatchEmbedContentsResponse.

    Fields without a name here are passed over.

    Args:
        data: The response.

    Returns:
        None where the bytes are not of the plain form: floats in several pieces or not packed, groups, long
        tags, anything damaged. Then protobuf has to look at them.
    """
    found: list[tuple[int, int]] = []
    at, end = 0, len(data)
    try:
        while at < end:
            if data[at] != _FIELD:
                at = _passed(data, at)
                continue
            length, at = _varint(data, at + 1)
            after = at + length
            span = _floats(data, at, after)
            if span is None:
                return None
            found.append(span)
            at = after
    except (IndexError, _NotPlain):
        return None
    return found if at == end else None


class _NotPlain(Exception):
    """The bytes are for protobuf to look at."""


def _floats(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """Where the floats of the ContentEmbedding from ``at`` to ``end`` are; None where that is not plain."""
    span: tuple[int, int] | None = None
    while at < end:
        if data[at] != _FIELD:
            at = _passed(data, at)
            continue
        length, at = _varint(data, at + 1)
        if span is not None or length % 4:
            return None
        span = (at, at + length)
        at += length
    return (span or (end, end)) if at == end else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at ``at``, and where it ends."""
    value = data[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    for shift in (7, 14, 21, 28):
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
    raise _NotPlain


def _passed(data: bytes, at: int) -> int:
    """Where the field at ``at`` ends, which is none of those that are read."""
    tag, at = _varint(data, at)
    number, kind = tag >> 3, tag & 7
    if not 1 < number < 1 << 29:
        raise _NotPlain
    if kind == 2:
        length, at = _varint(data, at)
        return at + length
    if kind == 0:
        return _varint(data, at)[1]
    if kind in (1, 5):
        return at + (8 if kind == 1 else 4)
    raise _NotPlain


class Packed:
    """A BatchEmbedContentsResponse that stays as it came. It stands in the place of the message's class.

    Whoever asks for a field, or wants to print it, gets what the message has.
    """

    __slots__ = ("_message", "data", "spans")

    data: bytes
    spans: list[tuple[int, int]]
    _message: Any
    DESCRIPTOR = v1beta.BatchEmbedContentsResponse.DESCRIPTOR

    def __new__(cls) -> Any:
        """The message itself: JSON is read into one."""
        return v1beta.BatchEmbedContentsResponse()

    @classmethod
    def FromString(cls, data: bytes) -> Any:  # noqa: N802 - as messages have it
        """A response from its bytes: a message where they are not of the plain form.

        Raises:
            google.protobuf.message.DecodeError: They are no such response.
        """
        found = spans(data) if _LITTLE_ENDIAN else None
        if found is None:
            return v1beta.BatchEmbedContentsResponse.FromString(data)
        made: Any = object.__new__(cls)
        made.data, made.spans, made._message = data, found, None
        return made

    def ByteSize(self) -> int:  # noqa: N802 - as messages have it
        """Bytes of it."""
        return len(self.data)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.message(), name)

    def __str__(self) -> str:
        return str(self.message())

    def message(self) -> Any:
        """The message, parsed when it is first asked for."""
        if self._message is None:
            self._message = v1beta.BatchEmbedContentsResponse.FromString(self.data)
        return self._message


def to_lists(response: Any) -> list[list[float]]:
    """The vectors of a response as lists of float."""
    if not isinstance(response, Packed):
        return [list(embedding.values) for embedding in response.embeddings]
    view = memoryview(response.data)
    floats: list[Any] = [view[start:end].cast("f").tolist() for start, end in response.spans]
    return floats


def to_arrays(response: Any) -> list[array[float]]:
    """The vectors of a response as ``array.array('f')``."""
    if not isinstance(response, Packed):
        return [array("f", embedding.values) for embedding in response.embeddings]
    data = response.data
    return [array("f", data[start:end]) for start, end in response.spans]


def to_numpy(response: Any) -> list[Any]:
    """The vectors of a response as arrays of numpy, float32, each with memory of its own."""
    import numpy as np

    if not isinstance(response, Packed):
        return [np.array(embedding.values, np.float32) for embedding in response.embeddings]
    data = response.data
    return [
        np.frombuffer(data, np.float32, (end - start) // 4, start).copy() for start, end in response.spans
    ]


#: What makes the vectors of each kind.
FORMS: dict[str, Callable[[Any], list[Any]]] = {"list": to_lists, "array": to_arrays, "numpy": to_numpy}
