"""Conditions on the metadata of documents, as `FileSearch.metadata_filter` has them."""

from __future__ import annotations

import pytest

from gemwire_emulator.errors import StatusError
from gemwire_emulator.services.metadata_expressions import MetadataExpression
from gemwire_proto import v1beta

BOOK = v1beta.Document(
    state="STATE_ACTIVE",
    custom_metadata=[
        {"key": "author", "string_value": "Virginia Woolf"},
        {"key": "year", "numeric_value": 1931},
        {"key": "score", "numeric_value": 4.3},
        {"key": "tags", "string_list_value": {"values": ["novel", "sea"]}},
        {"key": "two words", "string_value": 'say "no"'},
    ],
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("  ", True),
        ('author = "Virginia Woolf"', True),
        ("author='Virginia Woolf'", True),
        ('author = "Woolf"', False),
        ('author != "Woolf"', True),
        ('author < "W"', True),
        ("year = 1931", True),
        ("year:1931", True),
        ("year>=1931 AND year<1932", True),
        ("year > 1931", False),
        ("year != 1930", True),
        ("score = 4.3", True),
        ("score = 4.30001", False),
        # A text is no number, and no number a text.
        ('year = "1931"', False),
        ("author = 1931", False),
        ("tags = sea", True),
        ('tags:"novel"', True),
        ("tags != sea", False),
        ("tags != lake", True),
        ("tags < sea", False),
        # What a document does not have matches no comparison.
        ("editor = x", False),
        ("editor != x", False),
        ("NOT editor = x", True),
        ("-editor = x", True),
        ("NOT year = 1931", False),
        # OR binds tighter than AND, which may be left out.
        ("year = 1 AND author = a OR tags = sea", False),
        ("(year = 1 AND author = a) OR tags = sea", True),
        ("year = 1931 tags = sea", True),
        ("year = 1931 tags = lake", False),
        ("year = -5 OR year = 1931", True),
        (r'"two words" = "say \"no\""', True),
    ],
)
def test_matches(text: str, expected: bool) -> None:
    assert MetadataExpression(text, "filter").accept("document", BOOK) is expected


def test_only_active_documents_are_searched() -> None:
    pending = v1beta.Document(state="STATE_PENDING")
    assert not MetadataExpression("", "filter").accept("document", pending)
    assert MetadataExpression("year = 1", "filter").accept("chunk", v1beta.Chunk())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("year", "its end is where a comparison with year should be"),
        ("year =", "its end is where a value of year should be"),
        ("= 3", "'=' is where a key should be"),
        ("year = 3 AND", "its end is where a key should be"),
        ("AND year = 3", "'AND' is where a key should be"),
        ("(year = 3", "its end is where a parenthesis should be closed"),
        ("year = 3)", "')' is not expected there"),
        ("year ! 3", "'! 3' cannot be read as a filter"),
        ('author = "open', "cannot be read as a filter"),
        ("year = (3)", "'(' is where a value of year should be"),
        ("(" * 60, "is nested more than 50 deep"),
        ("NOT " * 60, "is nested more than 50 deep"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, words: str) -> None:
    with pytest.raises(StatusError) as caught:
        MetadataExpression(text, "tools[0].file_search.metadata_filter")
    assert caught.value.code.name == "INVALID_ARGUMENT"
    assert caught.value.message.startswith("* tools[0].file_search.metadata_filter: ")
    assert words in caught.value.message
