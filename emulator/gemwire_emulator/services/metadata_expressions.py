"""Conditions on the metadata of documents, written as AIP-160 does: ``author = "Woolf" AND year > 1920``.

OR binds tighter than AND, which may be left out. A document without a key matches no comparison of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from gemwire_emulator.errors import invalid_argument, quote
from gemwire_proto import v1beta

_Stored: TypeAlias = "dict[str, v1beta.CustomMetadata]"
#: Whether the metadata of a document match.
_Test: TypeAlias = Callable[[_Stored], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<sign><=|>=|!=|[=<>:()])"""
    r"""|(?P<minus>-(?=[^\d\s]))"""
    r"""|(?P<word>[^\s"'<>=!:()]+))""",
    re.DOTALL,
)
#: What a value may be, less, equal or greater (-1, 0, 1), by the sign of a comparison.
_ORDERS: dict[str, tuple[int, ...]] = {
    "=": (0,),
    ":": (0,),
    "!=": (-1, 1),
    "<": (-1,),
    "<=": (-1, 0),
    ">": (1,),
    ">=": (0, 1),
}
#: How deep parentheses and negations may be.
_DEPTH = 50


class MetadataExpression:
    """A condition on the metadata of documents."""

    def __init__(self, text: str, field: str) -> None:
        """Parse a condition; empty text accepts everything.

        Args:
            text: The condition.
            field: Path of the condition, for errors.

        Raises:
            StatusError: INVALID_ARGUMENT.
        """
        self._field = field
        self._tokens = list(self._split(text))
        self._at = self._depth = 0
        self._test: _Test = self._parse_all() if self._tokens else lambda _: True
        if self._at < len(self._tokens):
            raise self._error("is not expected there")

    def accept(self, level: str, resource: v1beta.Document | v1beta.Chunk) -> bool:
        """Return whether a document can be searched and matches; chunks do as their documents."""
        if not isinstance(resource, v1beta.Document):
            return True
        stored = {entry.key: entry for entry in resource.custom_metadata}
        return resource.state == v1beta.Document.State.STATE_ACTIVE and self._test(stored)

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at, text = [], 0, text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise invalid_argument(self._field, f"{quote(text[at:].strip())} cannot be read as a filter")
            tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        return tokens

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _error(self, why: str) -> Exception:
        kind, text = self._peek()
        return invalid_argument(self._field, f"{'its end' if kind == 'end' else quote(text)} {why}")

    def _parse_all(self) -> _Test:
        tests = [self._parse_any()]
        while self._peek() not in (("end", ""), ("sign", ")")):
            if self._peek() == ("word", "AND"):
                self._next()
            tests.append(self._parse_any())
        return tests[0] if len(tests) == 1 else lambda stored: all(test(stored) for test in tests)

    def _parse_any(self) -> _Test:
        tests = [self._parse_term()]
        while self._peek() == ("word", "OR"):
            self._next()
            tests.append(self._parse_term())
        return tests[0] if len(tests) == 1 else lambda stored: any(test(stored) for test in tests)

    def _parse_term(self) -> _Test:
        self._depth += 1
        if self._depth > _DEPTH:
            raise invalid_argument(self._field, f"is nested more than {_DEPTH} deep")
        try:
            if self._peek() in (("word", "NOT"), ("minus", "-")):
                self._next()
                inner = self._parse_term()
                return lambda stored: not inner(stored)
            if self._peek() == ("sign", "("):
                self._next()
                grouped = self._parse_all()
                if self._peek() != ("sign", ")"):
                    raise self._error("is where a parenthesis should be closed")
                self._next()
                return grouped
            return self._parse_comparison()
        finally:
            self._depth -= 1

    def _parse_comparison(self) -> _Test:
        kind, key = self._peek()
        if kind not in {"word", "string"} or key in {"AND", "OR", "NOT"}:
            raise self._error("is where a key should be")
        self._next()
        sign, comparator = self._peek()
        if sign != "sign" or comparator not in _ORDERS:
            raise self._error(f'is where a comparison with {key} should be, such as {key} = "a"')
        self._next()
        kind, value = self._peek()
        if kind not in {"word", "string"}:
            raise self._error(f"is where a value of {key} should be")
        self._next()
        name = _unquote(key)
        number = _to_number(value) if kind == "word" else None
        text = _unquote(value)
        return lambda stored: name in stored and _matches(stored[name], comparator, text, number)


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text[:1] in {'"', "'"} else text


def _to_number(text: str) -> float | None:
    try:
        # As it is stored, in 32 bits.
        return v1beta.CustomMetadata(numeric_value=float(text)).numeric_value
    except ValueError:
        return None


def _matches(entry: v1beta.CustomMetadata, sign: str, text: str, number: float | None) -> bool:
    """Return whether a stored value matches; one of another type matches nothing."""
    kind = entry.WhichOneof("value")
    if kind == "numeric_value":
        found = entry.numeric_value
        return number is not None and (found > number) - (found < number) in _ORDERS[sign]
    if kind == "string_value":
        return (entry.string_value > text) - (entry.string_value < text) in _ORDERS[sign]
    return sign in {"=", ":", "!="} and (text in entry.string_list_value.values) is (sign != "!=")
