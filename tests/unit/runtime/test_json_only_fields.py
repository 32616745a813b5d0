"""Fields that the API has in JSON alone are fields like all others, and are found by three bytes."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import random_messages
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

from gemwire._transport.rest.transcode import from_json
from gemwire.genai import types
from gemwire.genai._convert import requests as requests
from gemwire.genai._convert.function_calls import find_functions
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._types.family import GEMINI
from gemwire_proto import POOL, v1beta
from gemwire_runtime import json_only
from gemwire_runtime.varint import varint

CONFIG = types.GenerateContentConfig(labels={"team": "blue"})
RANGE = range(json_only.FIRST_NUMBER, json_only.LAST_NUMBER + 1)
#: Varint, 64 bits, length-delimited, start and end of a group, 32 bits.
WIRE_TYPES = range(6)


def test_the_mark_is_in_every_tag_of_the_range() -> None:
    assert (RANGE[0], RANGE[-1], len(RANGE)) == (2**29 - 2048, 2**29 - 1, 2048)
    for number in RANGE:
        for wire_type in WIRE_TYPES:
            tag = varint(number << 3 | wire_type)
            assert len(tag) == 5
            assert tag.endswith(b"\xff\xff\x0f")
            assert json_only.suspect(b"\x08\x01" + tag)


def test_the_range_could_not_begin_lower() -> None:
    """What is in front of it has tags of another end, whose messages would be searched in vain."""
    tag = varint((RANGE[0] - 1) << 3 | 7)
    assert not json_only.suspect(tag)


@pytest.mark.parametrize("number", [RANGE[0], RANGE[0] + 1, 2**29 - 1024, RANGE[-1] - 1, RANGE[-1]])
def test_protobuf_writes_such_tags(number: int) -> None:
    """Of every type of field, single and packed, as the protobuf of this environment writes them."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name=f"marks{number}.proto", syntax="proto3", package="marks")
    scalars = [kind for name, kind in kinds.Type.items() if name not in _NOT_SCALAR]
    for kind in scalars:
        for label in (kinds.LABEL_OPTIONAL, kinds.LABEL_REPEATED):
            message = file.message_type.add(name=f"M{number}X{kind}X{label}")
            message.field.add(name="f", number=number, type=kind, label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    for message in file.message_type:
        made: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"marks.{message.name}"))()
        value: Any = {"TYPE_STRING": "x", "TYPE_BYTES": b"x"}.get(kinds.Type.Name(message.field[0].type), 1)
        if message.field[0].label == kinds.LABEL_REPEATED:
            made.f.append(value)
        else:
            made.f = value
        assert json_only.suspect(made.SerializeToString()), message.name
        assert json_only.paths(made) == ["f"]


_NOT_SCALAR = frozenset({"TYPE_GROUP", "TYPE_MESSAGE", "TYPE_ENUM"})


def test_all_of_the_api_are_in_the_range() -> None:
    found = {
        f"{message.name}.{field.name}"
        for file in ("content", "generative_service")
        for message in POOL.FindFileByName(
            f"google/ai/generativelanguage/v1beta/{file}.proto"
        ).message_types_by_name.values()
        for field in message.fields
        if field.number > 2**15
    }
    assert {"ThinkingConfig.thinking_level", "GenerateContentRequest.labels", "Part.tool_call"} <= found
    for name in found:
        message, _, field = name.partition(".")
        assert getattr(v1beta, message).DESCRIPTOR.fields_by_name[field].number in RANGE


def test_paths_say_where_they_are() -> None:
    request = v1beta.GenerateContentRequest(
        model="models/m",
        contents=[
            {"parts": [{"text": "a"}]},
            {"parts": [{"text": "a"}, {"text": "b", "media_resolution": {"num_tokens": 3}}]},
        ],
        generation_config={"thinking_config": {"thinking_level": "HIGH"}, "temperature": 1.0},
        labels={"a": "b"},
    )
    assert json_only.paths(request) == [
        "contents[1].parts[1].media_resolution",
        "generation_config.thinking_config.thinking_level",
        "labels",
    ]
    assert json_only.suspect(request.SerializeToString())


def test_a_message_without_them_has_none() -> None:
    request = v1beta.GenerateContentRequest(
        contents=[{"parts": [{"text": "a", "part_metadata": {"fields": {}}}]}],
        tools=[{"function_declarations": [{"name": "f", "parameters": {"properties": {"a": {"type": 1}}}}]}],
    )
    assert json_only.paths(request) == []
    assert not json_only.suspect(request.SerializeToString())


def test_bytes_of_a_user_are_suspect_and_no_more() -> None:
    blob = {"data": b"..\xff\xff\x0f..", "mime_type": "image/png"}
    request = v1beta.GenerateContentRequest(contents=[{"parts": [{"inline_data": blob}]}])
    assert json_only.suspect(request.SerializeToString())
    assert json_only.paths(request) == []


# JSON ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["serviceTier", "service_tier"])
def test_json_has_them_under_either_name(name: str) -> None:
    request = from_json(v1beta.GenerateContentRequest, {"model": "models/m", name: "flex"})
    assert json_only.paths(request) == ["service_tier"]
    tree = json_format.MessageToDict(request, descriptor_pool=POOL)
    assert tree == {"model": "models/m", "serviceTier": "flex"}


@pytest.mark.parametrize(
    "news",
    [
        {"modelStatus": {"modelStage": "NEWER"}},
        {"modelStatus": "a text"},
        {"modelStatus": ["a list"]},
        {"usageMetadata": {"trafficType": {"an": "object"}, "serviceTier": 5}},
        {"candidates": [{"continuationToken": "not/base64!", "content": {"parts": [{"toolCall": 5}]}}]},
    ],
)
def test_an_answer_that_looks_different_is_read_all_the_same(news: dict[str, Any]) -> None:
    tree: dict[str, Any] = {
        "candidates": [{"content": {"parts": [{"text": "Blue."}]}}],
        "usageMetadata": {"promptTokenCount": 3},
    }
    tree["usageMetadata"] |= news.pop("usageMetadata", {})
    if "candidates" in news:
        tree["candidates"][0] |= {"continuationToken": news["candidates"][0]["continuationToken"]}
        tree["candidates"][0]["content"]["parts"] += news.pop("candidates")[0]["content"]["parts"]
    before = json.dumps(tree | news)
    found = from_json(v1beta.GenerateContentResponse, tree | news)
    assert found.candidates[0].content.parts[0].text == "Blue."
    assert found.usage_metadata.prompt_token_count == 3
    assert json.dumps(tree | news) == before


def test_a_mistake_elsewhere_is_one() -> None:
    tree = {"candidates": 5, "modelStatus": 5}
    with pytest.raises(ValueError, match=r"^the JSON is not a GenerateContentResponse: "):
        from_json(v1beta.GenerateContentResponse, tree)


# Views ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["HIGH", "high", 4, types.ThinkingLevel.HIGH])
def test_enums_are_given_as_all_enums_are(level: Any) -> None:
    made = types.ThinkingConfig(thinking_level=level)
    assert made.thinking_level is types.ThinkingLevel.HIGH
    assert made.to_json_dict() == {"thinking_level": "HIGH"}


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^thinking_level: 'NEWER' is not one of MINIMAL, LOW, MEDIUM, HIGH, X"
    ):
        types.ThinkingConfig(thinking_level="NEWER")
    assert types.ThinkingConfig(thinking_level=99).thinking_level == 99


def test_replacing_one_of_a_oneof() -> None:
    voice = types.VoiceConfig(prebuilt_voice_config={"voice_name": "Kore"})
    voice.replicated_voice_config = {"voice_sample_audio": b"x"}  # type: ignore[assignment]
    assert voice.prebuilt_voice_config is None


# Other processes -----------------------------------------------------------------------------------


def whole(value: bytes) -> str:
    """What another process finds in a pickled message."""
    program = (
        "import pickle, sys\n"
        "from gemwire_runtime import json_only\n"
        "found = pickle.load(sys.stdin.buffer)\n"
        "found = found.draft('more').parse() if hasattr(found, 'draft') else getattr(found, '_pb', found)\n"
        "print(json_only.suspect(found.SerializeToString()), json_only.paths(found))"
    )
    ended = subprocess.run([sys.executable, "-c", program], input=value, capture_output=True, check=True)
    return ended.stdout.decode()


def test_a_pickled_message_keeps_them() -> None:
    request = requests.to_generate_content_request("m", "hello", CONFIG)
    assert whole(pickle.dumps(request)) == "True ['labels']\n"
    assert whole(pickle.dumps(types.Content())) == "False []\n"


def test_a_pickled_prompt_keeps_them() -> None:
    prompt = Prompt.build("m", "hello", CONFIG, find_functions(CONFIG), GEMINI)
    assert whole(pickle.dumps(prompt)) == "True ['labels']\n"


def _big() -> v1beta.GenerateContentRequest:
    """A request with a large picture, and one more part."""
    picture = {"inline_data": {"mime_type": "image/png", "data": b"\xff\xff\x0f" * 50_000}}
    return v1beta.GenerateContentRequest(model="models/m", contents=[{"parts": [picture, {"text": "a"}]}])


def test_of_a_large_message_the_fields_are_looked_at() -> None:
    """The bytes of the picture hold the mark; no field does."""
    request = _big()
    data = request.SerializeToString()
    assert json_only.suspect(data)
    assert not json_only.may_be_in(request, data)


@pytest.mark.parametrize(
    "set_field",
    [
        lambda request: request.contents[0].parts[1].media_resolution.SetInParent(),
        lambda request: request.generation_config.thinking_config.__setattr__("thinking_level", 1),
        lambda request: request.labels.update({"a": "b"}),
        lambda request: request.tools.add().google_search.search_types.SetInParent(),
    ],
)
def test_a_field_in_a_large_message_is_found(set_field: Callable[[Any], object]) -> None:
    request = _big()
    set_field(request)
    assert json_only.paths(request)
    assert json_only.may_be_in(request, request.SerializeToString())


def test_of_a_message_of_many_messages_the_bytes_are_searched() -> None:
    request = _big()
    for _ in range(1000):
        request.contents.add(parts=[{"text": "x" * 100}])
    assert json_only.may_be_in(request, request.SerializeToString())


class _Long(bytes):
    """Bytes that say they are many, so that all messages in a message are looked at."""

    def __len__(self) -> int:
        return 1 << 30


def test_every_message_type_is_looked_at_as_paths_does() -> None:
    """Where `paths` finds a field, so does the quick look, whatever the type and the way there."""
    for name in v1beta.__all__:
        kind = getattr(v1beta, name)
        if not (isinstance(kind, type) and issubclass(kind, Message)):
            continue
        for message in random_messages.samples(kind):
            found = json_only.may_be_in(message, _Long(b"\xff"))
            assert found == bool(json_only.paths(message)), name
