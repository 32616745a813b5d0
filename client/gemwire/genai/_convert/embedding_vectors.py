"""Vectors read directly from the bytes of a response.

protobuf parses a vector fast, but returns its floats one by one, which takes far longer. If the bytes have
the form that servers write, the vectors are sliced out of them instead. protobuf parses everything else:
bytes of another form, damaged ones, all bytes on big-endian machines, and JSON.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from typing import Any, TypeAlias

from gemwire_proto import v1beta

#: Field 1 with a length: the ``embeddings`` of a BatchEmbedContentsResponse, the ``values`` of each.
_FIELD = 0x0A
_LITTLE_ENDIAN = sys.byteorder == "little"


def find_spans(data: bytes) -> list[tuple[int, int]] | None:
    """Find where the floats of each embedding begin and end in a serialised BatchEmbedContentsResponse.

    Other fields are skipped.

    Returns:
        The spans; None if the bytes have another form, with floats that are split or not packed, groups or
        long tags, or are damaged. protobuf has to parse these.
    """
    found: list[tuple[int, int]] = []
    at, end = 0, len(data)
    try:
        while at < end:
            if data[at] != _FIELD:
                at = _skip_field(data, at)
                continue
            length, at = _read_varint(data, at + 1)
            after = at + length
            span = _find_floats(data, at, after)
            if span is None:
                return None
            found.append(span)
            at = after
    except (IndexError, _OtherFormError):
        return None
    return found if at == end else None


class _OtherFormError(Exception):
    """The bytes have a form that only protobuf parses."""


def _find_floats(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """Find the floats of the ContentEmbedding between two offsets; return None for another form."""
    span: tuple[int, int] | None = None
    while at < end:
        if data[at] != _FIELD:
            at = _skip_field(data, at)
            continue
        length, at = _read_varint(data, at + 1)
        if span is not None or length % 4:
            return None
        span = (at, at + length)
        at += length
    return (span or (end, end)) if at == end else None


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read the number at an offset; return it and the offset of its end."""
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
    raise _OtherFormError


def _skip_field(data: bytes, at: int) -> int:
    """Return the end of a field that is not needed."""
    tag, at = _read_varint(data, at)
    number, kind = tag >> 3, tag & 7
    if not 1 < number < 1 << 29:
        raise _OtherFormError
    if kind == 2:
        length, at = _read_varint(data, at)
        return at + length
    if kind == 0:
        return _read_varint(data, at)[1]
    if kind in (1, 5):
        return at + (8 if kind == 1 else 4)
    raise _OtherFormError


class SerializedEmbeddings:
    """A BatchEmbedContentsResponse that is kept serialised, in place of the message.

    Attributes of the message are read from it; it is parsed when first needed.
    """

    __slots__ = ("_message", "data", "spans")

    data: bytes
    spans: list[tuple[int, int]]
    _message: v1beta.BatchEmbedContentsResponse | None
    DESCRIPTOR = v1beta.BatchEmbedContentsResponse.DESCRIPTOR

    def __new__(cls) -> v1beta.BatchEmbedContentsResponse:  # type: ignore[misc]
        """Return an empty message instead, into which JSON is parsed."""
        return v1beta.BatchEmbedContentsResponse()

    @classmethod
    def FromString(cls, data: bytes) -> EmbedResponse:  # noqa: N802 - the name that messages use
        """Return a response for its bytes, or the message if they have another form.

        Raises:
            google.protobuf.message.DecodeError: The bytes are not such a response.
        """
        found = find_spans(data) if _LITTLE_ENDIAN else None
        if found is None:
            return v1beta.BatchEmbedContentsResponse.FromString(data)
        response = object.__new__(cls)
        response.data, response.spans, response._message = data, found, None
        return response

    def ByteSize(self) -> int:  # noqa: N802 - the name that messages use
        """Return the size in bytes."""
        return len(self.data)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.parse(), name)

    def __str__(self) -> str:
        return str(self.parse())

    def parse(self) -> v1beta.BatchEmbedContentsResponse:
        """Return the message, which is parsed once."""
        if self._message is None:
            self._message = v1beta.BatchEmbedContentsResponse.FromString(self.data)
        return self._message


EmbedResponse: TypeAlias = "SerializedEmbeddings | v1beta.BatchEmbedContentsResponse"


def to_lists(response: EmbedResponse) -> list[list[float]]:
    """Return the vectors of a response as lists of floats."""
    if not isinstance(response, SerializedEmbeddings):
        return [list(embedding.values) for embedding in response.embeddings]
    view = memoryview(response.data)
    floats: list[list[float]] = [view[start:end].cast("f").tolist() for start, end in response.spans]  # type: ignore[misc]
    return floats


def to_arrays(response: EmbedResponse) -> list[array[float]]:
    """Return the vectors of a response as ``array.array('f')``."""
    if not isinstance(response, SerializedEmbeddings):
        return [array("f", embedding.values) for embedding in response.embeddings]
    data = response.data
    return [array("f", data[start:end]) for start, end in response.spans]


def to_numpy(response: EmbedResponse) -> list[object]:
    """Return the vectors of a response as NumPy arrays of float32, each with its own memory."""
    import numpy as np

    if not isinstance(response, SerializedEmbeddings):
        return [np.array(embedding.values, np.float32) for embedding in response.embeddings]
    data = response.data
    return [
        np.frombuffer(data, np.float32, (end - start) // 4, start).copy() for start, end in response.spans
    ]


#: Functions that return the vectors of a response, by the name of their form.
FORMS: dict[str, Callable[[EmbedResponse], list[Any]]] = {
    "list": to_lists,
    "array": to_arrays,
    "numpy": to_numpy,
}
