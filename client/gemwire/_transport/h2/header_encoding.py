"""Encoding of request header fields by HPACK (RFC 7541), without a dynamic table.

A block that refers to no earlier one can be built once and sent on any connection. Static names are
indexed, strings are not Huffman-coded: they cost bytes, not time.
"""

from __future__ import annotations

from gemwire._transport.h2.static_table import STATIC_TABLE

_NAMES: dict[bytes, int] = {}
_PAIRS: dict[tuple[bytes, bytes], int] = {}
for _index, (_name, _value) in enumerate(STATIC_TABLE, 1):
    _NAMES.setdefault(_name.encode(), _index)
    _PAIRS[_name.encode(), _value.encode()] = _index

_INDEXED, _NOT_INDEXED, _NEVER_INDEXED = 0x80, 0x00, 0x10


def encode_field(name: bytes, value: bytes, *, secret: bool = False) -> bytes:
    """Encode one field.

    Args:
        name: Name, in lower case.
        value: Value.
        secret: Whether intermediaries must not put it in their tables (RFC 7541, section 7.1.3).
    """
    if not secret and (found := _PAIRS.get((name, value))):
        return _encode_integer(found, 7, _INDEXED)
    form = _NEVER_INDEXED if secret else _NOT_INDEXED
    index = _NAMES.get(name, 0)
    encoded = _encode_integer(index, 4, form)
    if not index:
        encoded += _encode_string(name)
    return encoded + _encode_string(value)


def _encode_integer(number: int, bits: int, form: int) -> bytes:
    """Encode an integer with a prefix of so many bits (RFC 7541, section 5.1)."""
    most = (1 << bits) - 1
    if number < most:
        return bytes((form | number,))
    encoded = bytearray((form | most,))
    number -= most
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _encode_string(text: bytes) -> bytes:
    return _encode_integer(len(text), 7, 0) + text
