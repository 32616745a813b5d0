"""The JSON writer against json_format: the output is the same."""

from __future__ import annotations

import json

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


@pytest.mark.parametrize("numbers", [False, True])
def test_output_equals_json_format(numbers: bool) -> None:
    writer, written = JsonWriter(integer_enums=numbers), 0
    for kind in _KINDS:
        for message in (kind(), *random_messages.samples(kind)):
            expected = json_format.MessageToDict(
                message, use_integers_for_enums=numbers, descriptor_pool=POOL
            )
            text = json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
            assert writer.write(message) == text
            written += len(text)
    assert written > 100_000
