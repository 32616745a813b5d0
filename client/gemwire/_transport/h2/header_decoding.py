"""Decoding of response header blocks by HPACK (RFC 7541) with a header table of size 0.

The client announces SETTINGS_HEADER_TABLE_SIZE 0, so that no block depends on an earlier one. Equal blocks
then have equal fields: most responses differ in few fields or none, which are found in a dict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from gemwire._transport.h2.errors import ErrorCode, ProtocolError
from gemwire._transport.h2.static_table import STATIC_TABLE

Field = tuple[str, str]
#: Name, value, and the rule that the field breaks.
_CheckedField = tuple[str, str, str]

#: What RFC 9113, section 6.5.2, counts for a field besides its name and value.
FIELD_OVERHEAD: Final = 32
#: Bounds of the caches: entries, and bytes of a block or field that is kept.
_MAX_ENTRIES, _MAX_ENTRY_SIZE = 512, 1024
_MAX_INTEGER: Final = 1 << 28

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")
_BAD_VALUE = re.compile(r"[\0\r\n]|^[ \t]|[ \t]$")
#: Fields that have no meaning in HTTP/2 (RFC 9113, section 8.2.2).
_OF_CONNECTION: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
)


@dataclass(slots=True)
class HeaderBlock:
    """A decoded header block. Equal blocks are one object, as long as it is kept.

    Attributes:
        status: Value of ``:status``; None in trailers.
        fields: The other fields in their order.
        malformed: Rule that the block breaks (RFC 9113, section 8.1.1); empty for none.
        meaning: Meaning of the block to the protocol above, which keeps it here.
    """

    status: int | None
    fields: tuple[Field, ...]
    malformed: str = ""
    meaning: object = field(default=None, compare=False, repr=False)


class HeaderDecoder:
    """Decodes the header blocks of one connection."""

    __slots__ = ("_blocks", "_fields", "_max_size")

    def __init__(self, max_size: int) -> None:
        """``max_size``: the announced SETTINGS_MAX_HEADER_LIST_SIZE, in bytes."""
        self._max_size = max_size
        self._blocks: dict[bytes, HeaderBlock] = {}
        self._fields: dict[bytes, _CheckedField] = {}

    def decode(self, block: bytes) -> HeaderBlock:
        """Decode a block.

        Raises:
            ProtocolError: The block is not HPACK, or uses the header table.
        """
        found = self._blocks.get(block)
        if found is None:
            found = _build(self._decode_fields(block))
            if len(block) <= _MAX_ENTRY_SIZE:
                if len(self._blocks) >= _MAX_ENTRIES:
                    self._blocks.clear()
                self._blocks[block] = found
        return found

    def _decode_fields(self, block: bytes) -> list[_CheckedField]:
        fields: list[_CheckedField] = []
        at, end = 0, len(block)
        size = 0
        while at < end:
            first = block[at]
            if first & 0x80:
                index, at = _decode_integer(block, at, 7)
                if not 0 < index <= len(_STATIC):
                    raise _error(f"index {index} is not in the header table")
                decoded = _STATIC[index - 1]
            elif first & 0xE0 == 0x20:
                # Section 4.2: the table's size is announced in front of the first field.
                table_size, at = _decode_integer(block, at, 5)
                if table_size or fields:
                    raise _error(f"size update to {table_size} bytes, {len(fields)} fields into a block")
                continue
            else:
                # With and without indexing: nothing fits into a table of size 0 (section 4.4).
                start = at
                index, name_at = _decode_integer(block, at, 6 if first & 0x40 else 4)
                value_at = name_at if index else _skip_string(block, name_at)
                at = _skip_string(block, value_at)
                raw = block[start:at]
                found = self._fields.get(raw)
                decoded = found or self._decode_literal(raw, index, name_at - start, value_at - start)
            size += len(decoded[0]) + len(decoded[1]) + FIELD_OVERHEAD
            if size > self._max_size:
                # No state is lost with the rest, as there is no table.
                return [(":status", "", f"header fields of more than {self._max_size} bytes")]
            fields.append(decoded)
        return fields

    def _decode_literal(self, raw: bytes, index: int, name_at: int, value_at: int) -> _CheckedField:
        if index > len(_STATIC):
            raise _error(f"index {index} is not in the header table")
        name = _STATIC[index - 1][0] if index else _decode_string(raw, name_at)
        value = _decode_string(raw, value_at)
        decoded = name, value, _check(name, value)
        if len(raw) <= _MAX_ENTRY_SIZE:
            if len(self._fields) >= _MAX_ENTRIES:
                self._fields.clear()
            self._fields[raw] = decoded
        return decoded


def _check(name: str, value: str) -> str:
    """Return the rule of RFC 9113, sections 8.2 and 8.3, that a field breaks; empty for none."""
    if name == ":status":
        is_valid = len(value) == 3 and value.isascii() and value.isdecimal()
        return "" if is_valid else f"invalid :status {value[:20]!r}"
    if name.startswith(":"):
        return f"pseudo-header field {name[:40]!r} in a response"
    if not _TOKEN.fullmatch(name):
        return f"invalid field name {name[:40]!r}"
    if _BAD_VALUE.search(value):
        return f"invalid value of {name[:40]}"
    return f"field {name} of HTTP/1.1" if name in _OF_CONNECTION else ""


def _build(fields: list[_CheckedField]) -> HeaderBlock:
    """Tell the status from the other fields."""
    status: int | None = None
    regular: list[Field] = []
    for name, value, fault in fields:
        if fault:
            return HeaderBlock(None, (), fault)
        if name != ":status":
            regular.append((name, value))
        elif status is not None or regular:
            return HeaderBlock(None, (), ":status out of place")
        else:
            status = int(value)
    return HeaderBlock(status, tuple(regular))


def _decode_integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """Decode an integer with a prefix of so many bits; return it and where it ends (RFC 7541, 5.1)."""
    most = (1 << bits) - 1
    try:
        number = block[at] & most
        at += 1
        if number != most:
            return number, at
        shift = 0
        while True:
            octet = block[at]
            at += 1
            number += (octet & 0x7F) << shift
            if octet < 0x80:
                return number, at
            shift += 7
            if number > _MAX_INTEGER or shift > 28:
                raise _error("integer too large")
    except IndexError:
        raise _error("block ends inside an integer") from None


def _skip_string(block: bytes, at: int) -> int:
    size, at = _decode_integer(block, at, 7)
    at += size
    if at > len(block):
        raise _error("block ends inside a string")
    return at


def _decode_string(block: bytes, at: int) -> str:
    is_huffman = block[at] & 0x80
    size, at = _decode_integer(block, at, 7)
    text = block[at : at + size]
    if is_huffman:
        # Its tables take longer to import than all other modules of the core; few programs need them at once.
        from hpack.exceptions import HPACKError
        from hpack.huffman_table import decode_huffman

        try:
            text = decode_huffman(text)
        except HPACKError as error:
            raise _error(str(error)) from None
    return text.decode("latin-1")


#: Requests' pseudo-header fields break a rule here too.
_STATIC: Final[tuple[_CheckedField, ...]] = tuple(
    (name, value, _check(name, value)) for name, value in STATIC_TABLE
)


def _error(message: str) -> ProtocolError:
    """Build a decoding error (RFC 9113, section 4.3)."""
    return ProtocolError(ErrorCode.COMPRESSION_ERROR, f"header block: {message}")
