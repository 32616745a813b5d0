"""Vectors cut out of bytes are those that protobuf reads, and requests put together of bytes are its own."""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from gemwire.genai._convert import embedding_vectors
from gemwire.genai._convert import requests as requests
from gemwire.genai._convert.embedding_vectors import FORMS, SerializedEmbeddings, find_spans
from gemwire.genai._convert.embeddings import EmbedRequestSerializer
from gemwire.genai._types.embed_content import EmbedContentConfig
from gemwire_proto import v1beta

RESPONSE = v1beta.BatchEmbedContentsResponse


def varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def tagged(number: int, kind: int, payload: bytes) -> bytes:
    return varint(number << 3 | kind) + payload


def field(number: int, payload: bytes) -> bytes:
    return tagged(number, 2, varint(len(payload)) + payload)


def floats(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


numbers = st.lists(st.floats(width=32), max_size=20)
#: Fields that this version has no name for; 2 is what later ones call the shape of an embedding.
numbers_of_others = st.sampled_from([2, 3, 15, 16, 2047, 2048, (1 << 29) - 1])
strangers = st.one_of(
    st.builds(lambda n, v: tagged(n, 0, varint(v)), numbers_of_others, st.integers(0, (1 << 64) - 1)),
    st.builds(lambda n, v: tagged(n, 1, v), numbers_of_others, st.binary(min_size=8, max_size=8)),
    st.builds(field, numbers_of_others, st.binary(max_size=200)),
    st.builds(lambda n, v: tagged(n, 5, v), numbers_of_others, st.binary(min_size=4, max_size=4)),
    st.builds(lambda n: tagged(n, 3, b"\x08\x01") + varint(n << 3 | 4), numbers_of_others),
    st.just(tagged(1, 0, b"\x07")),  # The number of a field that is known, of another type.
)
packed = st.builds(lambda values: field(1, floats(values)), numbers)
unpacked = st.builds(lambda values: b"".join(tagged(1, 5, floats([v])) for v in values), numbers)
embeddings = st.builds(b"".join, st.lists(st.one_of(packed, packed, unpacked, strangers), max_size=4))
responses = st.builds(
    b"".join, st.lists(st.one_of(st.builds(lambda e: field(1, e), embeddings), strangers), max_size=6)
)


def read(kind: Callable[[bytes], Any], data: bytes) -> list[list[str]] | None:
    """The vectors as text, so that NaN equals itself and -0.0 is not 0.0; None where they are damaged."""
    try:
        response = kind(data)
    except DecodeError:
        return None
    return [[repr(value) for value in vector] for vector in FORMS["list"](response)]


def same(data: bytes) -> None:
    assert read(SerializedEmbeddings.FromString, data) == read(RESPONSE.FromString, data)


@given(responses)
def test_responses(data: bytes) -> None:
    same(data)
    assert read(RESPONSE.FromString, data) is not None


@given(responses, st.data())
def test_truncated_responses(data: bytes, draw: st.DataObject) -> None:
    same(data[: draw.draw(st.integers(0, len(data)))])


@given(responses, st.data())
def test_damaged_responses(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    for at in draw.draw(st.lists(st.integers(0, max(len(data) - 1, 0)), max_size=3)) if data else ():
        damaged[at] = draw.draw(st.integers(0, 255))
    same(bytes(damaged))


@given(st.binary(max_size=60))
@example(b"\x0a\x80\x80\x80\x80\x10")
@example(b"\x0a\x81\x80\x00\x12\x00")
@example(b"\x8a\x00\x02\x0a\x00")
@example(b"\x0a\x06\x0a\x04\x00\x00\x80\x7f")
@example(b"\x00\x00")
@example(b"\x0b\x0c")
@example(b"\x0a\x02\x12\x7f" + bytes(0x7F))
def test_any_bytes(data: bytes) -> None:
    same(data)


def plain(*several: list[float]) -> bytes:
    return RESPONSE(embeddings=[{"values": values} for values in several]).SerializeToString()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (plain([]), [(2, 2)]),
        (plain([1.0]), [(4, 8)]),
        (plain([0.5] * 9000), [(8, 36_008)]),
        (plain([0.5] * 768) * 2, [(6, 3078), (3084, 6156)]),
        (field(1, field(2, b"\x03") + field(1, floats([1.0, 2.0]))), [(7, 15)]),
        (field(7, b"seven") + plain([1.0]), [(11, 15)]),
        (field(1, field(1, floats([1.0])) * 2), None),
        (field(1, tagged(1, 5, floats([1.0]))), None),
        (field(1, field(1, b"\x00\x00\x80")), None),
        (plain([1.0])[:-1], None),
    ],
    ids=lambda value: "",
)
def test_what_is_plain(data: bytes, expected: Any) -> None:
    """Lest everything is left to protobuf, and nobody notices."""
    assert find_spans(data) == expected


@pytest.mark.parametrize(
    "data", [plain([1.5, -0.0, math.inf], [0.1], []), field(1, field(1, floats([2.0])) * 2)]
)
def test_forms(data: bytes) -> None:
    numpy = pytest.importorskip("numpy")
    expected = [list(e.values) for e in RESPONSE.FromString(data).embeddings]
    for response in (SerializedEmbeddings.FromString(data), RESPONSE.FromString(data)):
        assert FORMS["list"](response) == expected
        arrays = FORMS["array"](response)
        assert [type(one) for one in arrays] == [array] * len(expected)
        assert [one.typecode for one in arrays] == ["f"] * len(expected)
        assert [one.tolist() for one in arrays] == expected
        made = FORMS["numpy"](response)
        assert [one.dtype for one in made] == [numpy.float32] * len(expected)
        assert [one.tolist() for one in made] == expected
        assert all(one.flags.writeable and one.flags.aligned and one.base is None for one in made)


def test_bytes_of_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (sys.byteorder == "little") is embedding_vectors._LITTLE_ENDIAN
    assert (
        isinstance(SerializedEmbeddings.FromString(plain([1.0])), SerializedEmbeddings)
        is embedding_vectors._LITTLE_ENDIAN
    )
    monkeypatch.setattr(embedding_vectors, "_LITTLE_ENDIAN", False)
    assert type(SerializedEmbeddings.FromString(plain([1.0]))) is RESPONSE


def test_a_response_is_still_the_message_to_whoever_looks() -> None:
    data = plain([1.0], [2.0])
    # It has the attributes of the message, which type checkers do not know.
    response: Any = SerializedEmbeddings.FromString(data)
    message = RESPONSE.FromString(data)
    assert response.ByteSize() == message.ByteSize()
    assert str(response) == str(message)
    assert [list(e.values) for e in response.embeddings] == [[1.0], [2.0]]
    assert response.SerializeToString() == data
    assert not hasattr(response, "usage_metadata_of_none")
    assert type(SerializedEmbeddings()) is RESPONSE


# Requests --------------------------------------------------------------------------------------------------

settings = st.fixed_dictionaries(
    {},
    optional={
        "task_type": st.sampled_from(["RETRIEVAL_DOCUMENT"]),
        "output_dimensionality": st.integers(1, (1 << 31) - 1),
    },
)


@given(st.lists(st.text(min_size=1, max_size=300), max_size=5), settings, st.none() | st.text(max_size=200))
def test_requests(texts: list[str], given_: dict[str, Any], title: str | None) -> None:
    config = dict(given_)
    if "task_type" in config and title is not None:
        config["title"] = title
    entries = EmbedRequestSerializer(
        "m", config.get("task_type"), config.get("title"), config.get("output_dimensionality")
    )
    made = entries.build_batch([entries.serialize(text, "content") for text in texts])
    if not texts:
        assert made == v1beta.BatchEmbedContentsRequest(model="models/m")
        return
    expected = requests.to_embed_content_request("m", texts, EmbedContentConfig(**config))
    assert made == expected
    assert made.SerializeToString() == expected.SerializeToString()


@pytest.mark.parametrize("size", [1, 100, 127, 128, 129, 16_383, 16_384, 2_100_000])
def test_sizes_of_texts(size: int) -> None:
    entries = EmbedRequestSerializer("models/m", None, None, None)
    for text in ("e" * size, "é" * size):
        made = entries.build_batch([entries.serialize(text, "content")] * 2)
        assert [r.content.parts[0].text for r in made.requests] == [text] * 2


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (v1beta.Content(parts=[{"text": "a"}]), "a"),
        ({"parts": [{"text": "b"}]}, "b"),
        (v1beta.Part(text="c"), "c"),
        (["d", "e"], "de"),
        (type("Text", (str,), {})("f"), "f"),
    ],
    ids=["content", "dict", "part", "list", "subclass"],
)
def test_other_contents(content: Any, text: str) -> None:
    entries = EmbedRequestSerializer("models/m", "retrieval_query", None, 3)
    (made,) = entries.build_batch([entries.serialize(content, "content")]).requests
    assert "".join(part.text for part in made.content.parts) == text
    assert (made.task_type, made.output_dimensionality) == (v1beta.TaskType.RETRIEVAL_QUERY, 3)


def test_data_can_be_embedded() -> None:
    entries = EmbedRequestSerializer("models/m", None, None, None)
    png = v1beta.Blob(mime_type="image/png", data=b"png")
    (made,) = entries.build_batch([entries.serialize(png, "content")]).requests
    assert made.content.parts[0].inline_data == png


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", ValueError, "contents[3]: is empty"),
        (None, TypeError, "contents[3]: expected a string or a content, got None"),
        (7, TypeError, "contents[3]: expected a string, bytes, image, file, part or content, got int"),
        ([], ValueError, "contents[3]: is empty"),
        ({"parts": []}, ValueError, "contents[3]: is empty"),
        ({"parts": [{"text": ""}]}, ValueError, "contents[3]: is empty"),
        ("\ud800", ValueError, "contents[3]: is not valid Unicode"),
        (v1beta.FunctionCall(name="f"), ValueError, "contents[3]: a function_call cannot be embedded"),
    ],
    ids=["empty", "None", "number", "list", "no parts", "empty part", "surrogate", "function call"],
)
def test_contents_that_are_refused(content: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        EmbedRequestSerializer("models/m", None, None, None).serialize(content, "contents", 3)
    assert str(caught.value).startswith(message)
