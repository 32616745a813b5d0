"""The JSON writer against json_format: the output is the same but for whole numbers in JSON values."""

from __future__ import annotations

import json
import re

import pytest
import random_messages
from google.protobuf import json_format, message_factory

from gemwire_emulator.json_codec.writer import JsonWriter
from gemwire_proto import POOL

_PACKAGES = ("google.ai.generativelanguage.v1beta", "google.ai.generativelanguage.v1", "google.longrunning")
_KINDS = [
    message_factory.GetMessageClass(descriptor)
    for package in _PACKAGES
    for descriptor in random_messages.descriptors(POOL, package)
]
#: What json_format writes after a whole number.
_WHOLE = re.compile(r"(?<=\d)\.0(?=[,}\]])")


@pytest.mark.parametrize("numbers", [False, True])
def test_output_equals_json_format(numbers: bool) -> None:
    writer, written = JsonWriter(integer_enums=numbers), 0
    for kind in _KINDS:
        for message in (kind(), *random_messages.samples(kind)):
            expected = json_format.MessageToDict(
                message, use_integers_for_enums=numbers, descriptor_pool=POOL
            )
            text = json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
            found = writer.write(message)
            assert json.loads(found) == expected
            assert _WHOLE.sub("", found) == _WHOLE.sub("", text)
            written += len(text)
    assert written > 100_000
