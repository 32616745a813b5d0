"""Which labels Vertex AI takes."""

from __future__ import annotations

from typing import Any

import pytest
from asynchronous import awaited
from emulator_calls import emulator

_REQUEST: dict[str, Any] = {
    "model": "projects/my-project/locations/us-central1/publishers/google/models/gemini-2.5-flash",
    "contents": [{"role": "user", "parts": [{"text": "Why?"}]}],
}
#: A letter without case beyond the basic plane.
_FAR = "\U00020000"


@pytest.mark.parametrize(
    "labels",
    [
        {"a": "b"},
        {"team-1_x": "9-_z"},
        {"a": ""},
        {"a": "-"},
        {"a": "5"},
        {"ß": "中"},
        {_FAR: _FAR},
        {"a" * 63: _FAR * 63},
        {"aⅷ": "½"},
    ],
)
@awaited
async def test_labels_that_are_taken(labels: dict[str, str]) -> None:
    async with emulator() as (running, call):
        await call("aiplatform.GenerateContent", **_REQUEST, labels=labels)
        (entry,) = running.journal.entries
    assert dict(entry.requests[0].labels) == labels


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"": "x"}, "the key '' must begin with a lowercase letter"),
        ({"1a": "x"}, "the key '1a' must begin with a lowercase letter"),
        ({"_a": "x"}, "the key '_a' must begin with a lowercase letter"),
        ({"A": "x"}, "the key 'A' must begin with a lowercase letter"),
        ({"aB": "x"}, "'aB' may have only lowercase letters"),
        ({"a": "ǅ"}, "'ǅ' may have only lowercase letters"),
        ({"a": "e\u0301"}, "may have only lowercase letters"),
        ({"a": "b c"}, "'b c' may have only lowercase letters"),
        ({"a" * 64: "x"}, "has 64 characters; at most 63 are allowed"),
        ({"a": _FAR * 64}, "has 64 characters; at most 63 are allowed"),
        ({f"k{n}": "" for n in range(65)}, "has 65 entries; at most 64 are allowed"),
    ],
)
@awaited
async def test_labels_that_are_refused(labels: dict[str, str], words: str) -> None:
    async with emulator() as (_, call):
        refusal = await call.refused("aiplatform.GenerateContent", **_REQUEST, labels=labels)
    assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", ["labels"])
    assert words in refusal.message
