"""The parser of JSON: what Google's servers take beyond RFC 8259, and their errors."""

from __future__ import annotations

import json
import random
import re

import pytest
from json_http import Json

from gemwire_emulator.json_codec.parser import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2,]", [1, 2]),
        ("{'a': [true,], b: {c: null,},}", {"a": [True], "b": {"c": None}}),
        ("'single \"quotes\"'", 'single "quotes"'),
        ('"it\'s"', "it's"),
        ("{$a_1: 1, truely: 2, nulls: 3}", {"$a_1": 1, "truely": 2, "nulls": 3}),
        ('"two\nlines"', "two\nlines"),
        ('"\\v\\/\\q\\x"', "\v/qx"),
        ('"\\u0041\\ud83d\\ude00"', "A\U0001f600"),
        ("\v\f[]\t", []),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775808", -(2**63)),
        ("1.", 1.0),
        ("-0", 0),
    ],
)
def test_what_servers_take(text: str, expected: Json) -> None:
    found = parse(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Unexpected end of string. Expected a value."),
        ("{", "Unexpected end of string. Expected an object key or }."),
        ("{a", "Unexpected end of string. Expected : between key:value pair."),
        ("{a:", "Unexpected end of string. Expected a value."),
        ("{a: 1", "Unexpected end of string. Expected , or } after key:value pair."),
        ("[", "Unexpected end of string. Expected a value or ] within an array."),
        ("[1", "Unexpected end of string. Expected , or ] after array value."),
        ("{'a': 1,,}", "Expected an object key or }."),
        ("[1,,2]", "Unexpected token."),
        ("{true: 1}", "Expected an object key or }."),
        ("{1: 1}", "Expected an object key or }."),
        ("{a-b: 1}", "Expected : between key:value pair."),
        ("{a: }", "Unexpected token."),
        ("{a: BARE}", "Unexpected token."),
        ("[NaN]", "Unexpected token."),
        ("{a: *}", "Expected a value."),
        ("[*]", "Expected a value or ] within an array."),
        ("[1}", "Expected , or ] after array value."),
        ("{a: 1 b: 2}", "Expected , or } after key:value pair."),
        ("{} x", "Parsing terminated before end of input."),
        ("truee", "Parsing terminated before end of input."),
        ("\ufeff{}", "Expected a value."),
        ("'open", "Closing quote expected in string."),
        ('"open\\', "Closing quote expected in string."),
        ('"\\u12', "Illegal hex string."),
        ('"\\u12$4"', "Invalid escape sequence."),
        ('"\\ud800"', "Missing low surrogate."),
        ('"\\ud800\\u0041"', "Invalid low surrogate."),
        ('"\\ude00"', "Invalid unicode code point."),
        ("012", "Octal/hex numbers are not valid JSON values."),
        ("-0x1", "Octal/hex numbers are not valid JSON values."),
        ("1x2", "Unable to parse number."),
        ("-", "Unable to parse number."),
        ("1e999", "Number exceeds the range of double."),
        ('{"a":' * 101 + "1" + "}" * 101, "Message too deep. Max recursion depth reached for key 'a'"),
        ("[" * 100_000, "Message too deep."),
        ("[" + "[]," * 50_000 + "]", "more than 50000 objects and arrays"),
    ],
)
def test_errors(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)) as caught:
        parse(text)
    assert str(caught.value).startswith(error)


def test_errors_show_the_place() -> None:
    with pytest.raises(ValueError, match="Expected , or ] after array value") as caught:
        parse('{"contents": [{"parts": [{"text": "x"} {"text": "y"}]}]}')
    _, shown, mark = str(caught.value).split("\n")
    assert shown == 'ts": [{"text": "x"} {"text": "y"}]}]}'
    assert shown[len(mark) - 1 :].startswith('{"text": "y"}')


def test_it_agrees_with_the_standard_library() -> None:
    chance = random.Random(7)

    def build(depth: int) -> Json:
        kind = chance.randrange(7 if depth else 5)
        if kind == 5:
            return [build(depth - 1) for _ in range(chance.randrange(4))]
        if kind == 6:
            return {chance.choice(["a", "é\n", '"', "\\u", ""]): build(depth - 1) for _ in range(3)}
        return (
            None,
            True,
            chance.randrange(-(2**63), 2**64),
            chance.uniform(-1e9, 1e9),
            "\u2028\t\"'\\\x7f😀",
        )[kind]

    for _ in range(300):
        value = build(5)
        for ascii_only in (True, False):
            text = json.dumps(value, ensure_ascii=ascii_only, indent=chance.choice([None, 2]))
            assert parse(text) == value
