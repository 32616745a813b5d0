"""A parser of the JSON that Google's servers take, which is more than RFC 8259 allows, and of their errors.

It takes a trailing comma, single quotes, bare keys, and line breaks in strings, as ``JsonStreamParser`` of
protobuf does. Unlike the decoder of the standard library, which is written in C, it lets other threads run.
"""

from __future__ import annotations

import math
import re

#: Maximum number of objects and arrays: more would occupy the emulator for seconds.
_MAX_CONTAINERS = 50_000
#: Maximum depth of objects.
_MAX_DEPTH = 100
#: Characters of the text that an error shows on each side.
_CONTEXT = 20
_MAX_UINT64, _MIN_INT64 = 2**64 - 1, -(2**63)
_SPACE = re.compile(r"[ \t\n\r\v\f]*")
_KEY = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_NUMBER = re.compile(r"[-0-9][-+.0-9eEx]*")
_LITERAL = re.compile(r"true|false|null")
_LITERALS = {"true": True, "false": False, "null": None}
_PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse(text: str) -> object:
    """Parse a text.

    Raises:
        ValueError: It is malformed; the message is that of Google's servers.
    """
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._containers = 0

    def parse(self) -> object:
        try:
            value = self._value("Expected a value.", "", 0)
        except RecursionError:
            raise ValueError("Message too deep. Max recursion depth reached.") from None
        if self._peek():
            raise self._error("Parsing terminated before end of input.")
        return value

    def _value(self, expected: str, key: str, depth: int) -> object:
        start = self._peek()
        if start == "{":
            return self._object(key, depth + 1)
        if start == "[":
            return self._array(key, depth)
        if start in _PLAIN:
            return self._string(start)
        if number := _NUMBER.match(self._text, self._at):
            return self._number(number[0])
        if literal := _LITERAL.match(self._text, self._at):
            self._at = literal.end()
            return _LITERALS[literal[0]]
        if start in {"}", "]", ":", ","} or _KEY.match(self._text, self._at):
            raise self._error("Unexpected token.")
        raise self._error(expected)

    def _object(self, key: str, depth: int) -> dict[str, object]:
        self._count_container()
        if depth > _MAX_DEPTH:
            raise ValueError(f"Message too deep. Max recursion depth reached for key '{key}'")
        members: dict[str, object] = {}
        self._at += 1
        while (start := self._peek()) != "}":
            bare = _KEY.match(self._text, self._at)
            if start in _PLAIN:
                name = self._string(start)
            elif bare and bare[0] not in _LITERALS:
                name, self._at = bare[0], bare.end()
            else:
                raise self._error("Expected an object key or }.")
            if self._peek() != ":":
                raise self._error("Expected : between key:value pair.")
            self._at += 1
            members[name] = self._value("Expected a value.", name, depth)
            if not self._skip_comma("}"):
                raise self._error("Expected , or } after key:value pair.")
        self._at += 1
        return members

    def _array(self, key: str, depth: int) -> list[object]:
        self._count_container()
        items: list[object] = []
        self._at += 1
        while self._peek() != "]":
            items.append(self._value("Expected a value or ] within an array.", key, depth))
            if not self._skip_comma("]"):
                raise self._error("Expected , or ] after array value.")
        self._at += 1
        return items

    def _skip_comma(self, end: str) -> bool:
        """Return whether a comma follows, which is skipped, or the end."""
        found = self._peek()
        self._at += found == ","
        return found in {",", end}

    def _string(self, mark: str) -> str:
        plain, pieces = _PLAIN[mark], []
        self._at += 1
        while True:
            piece = plain.match(self._text, self._at)
            pieces.append(piece[0] if piece else "")
            self._at += len(pieces[-1])
            if self._text[self._at : self._at + 1] == mark:
                self._at += 1
                return "".join(pieces)
            escaped = self._text[self._at + 1 : self._at + 2]
            if not escaped:
                raise self._error("Closing quote expected in string.")
            if escaped == "u":
                pieces.append(self._unicode())
            else:
                pieces.append(_ESCAPES.get(escaped, escaped))
                self._at += 2

    def _unicode(self) -> str:
        code = self._code_unit()
        if 0xD800 <= code < 0xDC00:
            if self._text[self._at : self._at + 2] != "\\u":
                raise self._error("Missing low surrogate.")
            low = self._code_unit()
            if not 0xDC00 <= low < 0xE000:
                raise self._error("Invalid low surrogate.")
            code = 0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00
        elif 0xDC00 <= code < 0xE000:
            raise self._error("Invalid unicode code point.")
        return chr(code)

    def _code_unit(self) -> int:
        digits = self._text[self._at + 2 : self._at + 6]
        if len(digits) < 4:
            raise self._error("Illegal hex string.")
        if not _HEX.fullmatch(digits):
            raise self._error("Invalid escape sequence.")
        self._at += 6
        return int(digits, 16)

    def _number(self, text: str) -> int | float:
        if re.match("-?0[0-9x]", text) and not re.search("[.eE]", text):
            raise self._error("Octal/hex numbers are not valid JSON values.")
        try:
            value = float(text)
        except ValueError:
            raise self._error("Unable to parse number.") from None
        if math.isinf(value):
            raise self._error("Number exceeds the range of double.")
        self._at += len(text)
        if text.lstrip("-").isdecimal() and len(text) <= 20 and _MIN_INT64 <= int(text) <= _MAX_UINT64:
            return int(text)
        return value

    def _peek(self) -> str:
        """Skip white space, and return the next character; empty at the end."""
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def _count_container(self) -> None:
        self._containers += 1
        if self._containers > _MAX_CONTAINERS:
            raise ValueError(f"more than {_MAX_CONTAINERS} objects and arrays")

    def _error(self, why: str) -> ValueError:
        if self._at >= len(self._text) and why.startswith("Expected "):
            why = f"Unexpected end of string. {why}"
        begin = max(0, self._at - _CONTEXT)
        shown = self._text[begin : self._at + _CONTEXT]
        return ValueError(f"{why}\n{shown}\n{' ' * (self._at - begin)}^")
