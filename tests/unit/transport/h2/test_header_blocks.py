"""Header blocks against hpack, the Python implementation of RFC 7541."""

from __future__ import annotations

import hpack
import hpack.table
import pytest
from h2_peer import block
from hypothesis import given
from hypothesis import strategies as st

from gemwire._transport.h2.errors import ErrorCode, ProtocolError
from gemwire._transport.h2.grpc_request import encode_metadata, encode_request, encode_timeout
from gemwire._transport.h2.header_decoding import HeaderDecoder
from gemwire._transport.h2.header_encoding import encode_field
from gemwire._transport.h2.static_table import STATIC_TABLE

_NAMES = st.from_regex(r"[a-z0-9_.-]{1,40}", fullmatch=True)
_VALUES = st.from_regex(r"[!-~]([ -~]{0,300}[!-~])?", fullmatch=True) | st.just("")


def _by_hpack(data: bytes) -> list[tuple[str, str]]:
    """Decode a block as hpack does."""
    decoded = hpack.Decoder(max_header_list_size=1 << 20).decode(data, raw=True)
    return [(bytes(name).decode(), bytes(value).decode()) for name, value in decoded]


def _decode(data: bytes) -> tuple[tuple[str, str], ...]:
    decoded = HeaderDecoder(1 << 20).decode(data)
    assert not decoded.malformed
    return decoded.fields


@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=20), st.booleans())
def test_blocks_of_hpack_are_decoded(fields: list[tuple[str, str]], huffman: bool) -> None:
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    decoder = HeaderDecoder(1 << 20)
    regular = [(name, value) for name, value in fields if name not in _HTTP1_FIELDS]
    # The second block comes without the size update, the third from the cache.
    for _ in range(3):
        encoded = bytes(encoder.encode(regular, huffman=huffman))
        assert decoder.decode(encoded).fields == tuple(regular)


_HTTP1_FIELDS = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}


@given(st.lists(st.tuples(_NAMES, _VALUES, st.booleans()), max_size=20))
def test_hpack_decodes_our_fields(fields: list[tuple[str, str, bool]]) -> None:
    encoded = b"".join(
        encode_field(name.encode(), value.encode(), secret=secret) for name, value, secret in fields
    )
    assert _by_hpack(encoded) == [(name, value) for name, value, _ in fields]


def test_the_static_table_is_that_of_hpack() -> None:
    assert [(name.encode(), value.encode()) for name, value in STATIC_TABLE] == [
        *hpack.table.HeaderTable.STATIC_TABLE
    ]


@pytest.mark.parametrize("size", [126, 127, 254, 255, 16_510, 16_511, 300_000])
def test_long_values(size: int) -> None:
    encoded = encode_field(b"name", b"v" * size)
    assert _by_hpack(encoded) == [("name", "v" * size)]


@pytest.mark.parametrize("key", ["te", "content-type", "host", "grpc-timeout"])
def test_keys_of_grpc_are_named(key: str) -> None:
    with pytest.raises(ValueError, match=f"metadata: '{key}' is set by gRPC"):
        encode_metadata([(key, "v")])


def test_secrets_are_never_indexed() -> None:
    encoded = encode_metadata([("authorization", "Bearer x"), ("x-goog-api-key", "k"), ("x-other", "o")])
    decoded = hpack.Decoder().decode(encoded)
    assert [type(field) for field in decoded] == [
        hpack.NeverIndexedHeaderTuple,
        hpack.NeverIndexedHeaderTuple,
        hpack.HeaderTuple,
    ]


def test_a_request() -> None:
    encoded = encode_request("/a.B/C", "host:443", "https", "agent/1") + encode_timeout(1.5)
    assert _by_hpack(encoded) == [
        (":method", "POST"),
        (":scheme", "https"),
        (":path", "/a.B/C"),
        (":authority", "host:443"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "agent/1"),
        ("grpc-accept-encoding", "identity,gzip"),
        ("grpc-timeout", "1500000u"),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1u"),
        (1e-9, "1u"),
        (0.0000015, "2u"),
        (99.999999, "99999999u"),
        (100, "100000m"),
        (600, "600000m"),
        (100_000, "100000S"),
        (1e8, "1666667M"),
        (1e10, "2777778H"),
        (1e30, "99999999H"),
    ],
)
def test_timeouts_are_rounded_up_to_eight_digits(seconds: float, text: str) -> None:
    assert _by_hpack(encode_timeout(seconds)) == [("grpc-timeout", text)]


@given(st.binary(max_size=300))
def test_binary_metadata_is_base64_without_padding(value: bytes) -> None:
    ((name, text),) = _by_hpack(encode_metadata([("x-bin", value)]))
    assert name == "x-bin"
    assert not text.endswith("=")


@pytest.mark.parametrize(
    "key", ["", "X-Upper", "a b", "a\n", ":path", "grpc-status", "te", "content-type", "connection", "é"]
)
def test_keys_that_cannot_be_sent(key: str) -> None:
    with pytest.raises(ValueError, match="metadata: "):
        encode_metadata([(key, "v")])


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "\0", "é", "\x7f"])
def test_values_that_cannot_be_sent(value: str) -> None:
    with pytest.raises(ValueError, match="metadata: the value of key is not printable ASCII"):
        encode_metadata([("key", value)])


def test_binary_values_are_bytes() -> None:
    with pytest.raises(TypeError, match="metadata: x-bin needs bytes, got str"):
        encode_metadata([("x-bin", "text")])


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ([("Name", "v")], "invalid field name 'Name'"),
        ([("na me", "v")], "invalid field name"),
        ([("a", "b\nc")], "invalid value of a"),
        ([("a", "b\0")], "invalid value of a"),
        ([("a", " b")], "invalid value of a"),
        ([("connection", "close")], "field connection of HTTP/1.1"),
        ([("transfer-encoding", "chunked")], "field transfer-encoding"),
        ([(":status", "2000")], "invalid :status '2000'"),
        ([(":status", "abc")], "invalid :status 'abc'"),
        ([(":status", "200"), (":status", "200")], ":status out of place"),
        ([("a", "b"), (":status", "200")], ":status out of place"),
        ([(":path", "/")], "pseudo-header field ':path' in a response"),
        ([(":made-up", "/")], "pseudo-header field ':made-up' in a response"),
        ([("a", "b" * 2000)], "header fields of more than 1000 bytes"),
        ([("a", "b")] * 40, "header fields of more than 1000 bytes"),
    ],
)
def test_malformed_blocks(fields: list[tuple[str, str]], rule: str) -> None:
    assert rule in HeaderDecoder(1000).decode(block(*fields)).malformed


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",  # index 0
        b"\xff\x00",  # 127: beyond the static table
        b"\xbe",  # 62: the first of the dynamic table
        b"\x7f\xff\xff\xff\xff\xff\x0f",  # an endless integer
        b"\xff",  # an integer that is cut
        b"\x00\x05ab",  # a string that is cut
        b"\x00\x01a",  # a field without a value
        b"\x3f\xe1\x1f",  # size update to 4096
        b"\x88\x20",  # size update behind a field
        b"\x00\x81\xff\x00",  # padding that is no Huffman code
        b"\x00\x84\xff\xff\xff\xff\x00",  # EOS inside a string
        b"\x3e\x00",  # a size update of 30
        b"\x0f\xff\xff\xff\x7f",
        b"\x7f\x00\x01a",  # a literal whose name is the 63rd: beyond the static table
    ],
)
def test_blocks_that_are_not_hpack_end_the_connection(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="header block: ") as caught:
        HeaderDecoder(1000).decode(data)
    assert caught.value.code is ErrorCode.COMPRESSION_ERROR


def test_caches_are_bounded_and_change_nothing() -> None:
    decoder = HeaderDecoder(1 << 20)
    for number in range(3000):
        assert decoder.decode(block(("n", str(number)), ("k", "v"))).fields == (
            ("n", str(number)),
            ("k", "v"),
        )
    assert _decode(block(("a", "x" * 5000))) == (("a", "x" * 5000),)
