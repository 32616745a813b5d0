"""What a user may do with the messages: find, build, copy, store and misuse them.

Runs against every supported protobuf (``scripts/matrix``), so it needs gemwire and pytest only, beside the
hypothesis of the tests' common settings.
"""

from __future__ import annotations

import copy
import datetime as dt
import importlib
import pickle
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import random_messages
from google.protobuf import (
    any_pb2,
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    json_format,
    message_factory,
    struct_pb2,
    text_format,
    timestamp_pb2,
)
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

import gemwire_proto
import gemwire_runtime
from gemwire import v1, v1beta
from gemwire_proto import DESCRIPTOR_SET, POOL
from gemwire_proto.google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor

_PACKAGE = "google.ai.generativelanguage"
_VERSIONS: dict[str, ModuleType] = {"v1beta": v1beta, "v1": v1}
_DESCRIPTORS = {version: random_messages.descriptors(POOL, f"{_PACKAGE}.{version}") for version in _VERSIONS}
_UTC = dt.timezone.utc


def _class(descriptor: Descriptor) -> type[Message]:
    """The class, found the way a user names it: front, then attributes."""
    version, *names = descriptor.full_name.removeprefix(f"{_PACKAGE}.").split(".")
    found: Any = _VERSIONS[version]
    for name in names:
        found = getattr(found, name)
    assert isinstance(found, type)
    return found


_CLASSES = {d.full_name: _class(d) for version in _DESCRIPTORS.values() for d in version}


@pytest.fixture(params=_CLASSES.values(), ids=list(_CLASSES))
def filled(request: pytest.FixtureRequest) -> list[Message]:
    """Messages of one type that together set every field."""
    return list(random_messages.samples(request.param))


def _run(code: str, *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter; with ``path``, that directory comes before the checkout."""
    prefix = f"import sys; sys.path.insert(0, {str(path)!r})\n" if path else ""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", prefix + code], capture_output=True, text=True, check=False
    )


# Names ---------------------------------------------------------------------------------------------


def test_every_type_is_counted() -> None:
    public = random_messages.public(_DESCRIPTORS["v1beta"])
    assert len(public) == 210
    assert sum(d.containing_type is None for d in public) == 189
    assert len(_DESCRIPTORS["v1beta"]) >= len(public) + 101, "the messages of the overlay"
    assert len(_DESCRIPTORS["v1"]) == 38
    assert sum(d.containing_type is None for d in _DESCRIPTORS["v1"]) == 33


@pytest.mark.parametrize("version", _VERSIONS)
def test_every_name_of_the_protos_is_a_name_of_the_front(version: str) -> None:
    front = _VERSIONS[version]
    files = FileDescriptorSet.FromString(DESCRIPTOR_SET.read_bytes()).file
    expected = {
        name
        for file in files
        if file.package == f"{_PACKAGE}.{version}"
        for name in (*(m.name for m in file.message_type), *(e.name for e in file.enum_type))
    }
    assert expected <= set(front.__all__)
    assert expected <= set(dir(front))
    for name in expected:
        assert getattr(front, name).DESCRIPTOR.full_name == f"{_PACKAGE}.{version}.{name}"


def test_front_and_pb2_module_give_the_same_class() -> None:
    module = importlib.import_module("gemwire_proto.google.ai.generativelanguage.v1beta.content_pb2")
    assert v1beta.Content is module.Content
    assert v1beta.GenerateContentRequest().contents.add().__class__ is v1beta.Content
    assert message_factory.GetMessageClass(v1beta.Content.DESCRIPTOR) is v1beta.Content


def test_classes_say_where_they_live() -> None:
    for name, made in _CLASSES.items():
        assert made.DESCRIPTOR.full_name == name
        found: Any = sys.modules[made.__module__]
        for part in made.__qualname__.split("."):
            found = getattr(found, part)
        assert found is made


@pytest.mark.parametrize("version", _VERSIONS)
def test_unknown_name_is_an_attribute_error(version: str) -> None:
    with pytest.raises(AttributeError, match="Contentt"):
        _ = _VERSIONS[version].Contentt


@pytest.mark.parametrize("version", _VERSIONS)
def test_front_loads_no_messages(version: str) -> None:
    done = _run(
        f"from gemwire import {version}\n"
        "import sys\n"
        "ours = lambda name: name.startswith('gemwire_proto') and name.endswith('_pb2')\n"
        "pb2 = lambda: {name.split('.')[-1] for name in sys.modules if ours(name)}\n"
        "assert not pb2(), pb2()\n"
        f"{version}.Content\n"
        "assert 'content_pb2' in pb2() and 'model_service_pb2' not in pb2(), pb2()\n"
    )
    assert done.returncode == 0, done.stderr


def test_enum_by_name_number_and_constant() -> None:
    assert v1beta.TaskType.Value("RETRIEVAL_QUERY") == v1beta.TaskType.RETRIEVAL_QUERY == 1
    assert v1beta.Candidate.FinishReason.Name(v1beta.Candidate.STOP) == "STOP"
    assert v1beta.HarmCategory.keys()[0] == "HARM_CATEGORY_UNSPECIFIED"


# Building ------------------------------------------------------------------------------------------


def test_dicts_lists_and_enums() -> None:
    request = v1beta.GenerateContentRequest(
        model="models/m",
        contents=[{"role": "user", "parts": ({"text": "hi"}, v1beta.Part(text="there"))}, v1beta.Content()],
        safety_settings=[
            {"category": "HARM_CATEGORY_HARASSMENT", "threshold": 3},
            v1beta.SafetySetting(category=7, threshold="BLOCK_NONE"),
        ],
        generation_config={"stop_sequences": ["a", "b"], "response_modalities": ["TEXT", 2]},
        tools=[
            {
                "function_declarations": [
                    {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {}}}}
                ]
            }
        ],
        cached_content=None,
    )
    assert [part.text for part in request.contents[0].parts] == ["hi", "there"]
    assert len(request.contents) == 2
    assert [s.category for s in request.safety_settings] == [7, 7]
    assert [s.threshold for s in request.safety_settings] == [3, 4]
    assert list(request.generation_config.response_modalities) == [1, 2]
    assert "a" in request.tools[0].function_declarations[0].parameters.properties
    assert not request.HasField("cached_content")


def test_any_iterable_suits_a_repeated_field_and_any_mapping_a_message() -> None:
    request = v1beta.GenerateContentRequest(
        contents=({"role": str(n)} for n in range(2)),
        tools={"a": v1beta.Tool()}.values(),
    )
    assert [content.role for content in request.contents] == ["0", "1"]
    assert len(request.tools) == 1
    frozen = MappingProxyType({"parts": [MappingProxyType({"text": "x"})]})
    request = v1beta.GenerateContentRequest(system_instruction=frozen)
    assert request.system_instruction.parts[0].text == "x"
    schema = v1beta.Schema(properties=MappingProxyType({"a": MappingProxyType({"type": "STRING"})}))
    assert schema.properties["a"].type == v1beta.Type.STRING


def test_map_values_may_be_dicts_at_any_depth() -> None:
    inner = {"type": "OBJECT", "properties": {"deep": {"type": "STRING"}}}
    expected = v1beta.Schema()
    expected.properties["a"].type = v1beta.Type.OBJECT
    expected.properties["a"].properties["deep"].type = v1beta.Type.STRING
    assert v1beta.Schema(properties={"a": inner}) == expected
    assert v1beta.Schema(items={"properties": {"a": inner}}).items == expected
    assert v1beta.FunctionDeclaration(parameters={"properties": {"a": inner}}).parameters == expected
    assert v1beta.Schema(any_of=[{"properties": {"a": inner}}]).any_of[0] == expected


def _struct(**fields: Any) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(fields)
    return made


def _packed() -> any_pb2.Any:
    made = any_pb2.Any()
    made.Pack(_struct(a=1))
    return made


def test_struct_is_a_dict_of_anything() -> None:
    given = {"n": 1.0, "s": "x", "t": True, "none": None, "list": [1.0, {"deep": []}]}
    from_dict = v1beta.FunctionCall(name="f", args=given)
    from_twin = v1beta.FunctionCall(name="f", args=_struct(**given))
    assert from_dict == from_twin
    assert json_format.MessageToDict(from_dict.args) == given
    deep = v1beta.GenerateContentRequest(contents=[{"parts": [{"function_call": {"args": given}}]}])
    assert deep.contents[0].parts[0].function_call.args == from_dict.args


_TIME = timestamp_pb2.Timestamp(seconds=5)
_SPAN = duration_pb2.Duration(seconds=9)
_MASK = field_mask_pb2.FieldMask(paths=["data"])
_VALUE = struct_pb2.Value(string_value="x")
_STRUCT = _struct(a=1)
_ANY = _packed()
_IN_PART = v1beta.Part(function_response={"response": _STRUCT})
_TWINS: list[tuple[str, dict[str, Any], str, Message]] = [
    ("FunctionCall", {"args": _STRUCT}, "args", _STRUCT),
    ("Part", {"function_call": {"args": _STRUCT}}, "function_call.args", _STRUCT),
    ("Content", {"parts": [{}, {"function_call": {"args": _STRUCT}}]}, "parts.1.function_call.args", _STRUCT),
    ("Content", {"parts": ({"function_call": {"args": _STRUCT}},)}, "parts.0.function_call.args", _STRUCT),
    ("Content", {"parts": [_IN_PART]}, "parts.0.function_response.response", _STRUCT),
    (
        "GenerateContentRequest",
        {"contents": [{"parts": [{}]}, {"parts": [{"function_call": {"args": _STRUCT}}]}]},
        "contents.1.parts.0.function_call.args",
        _STRUCT,
    ),
    ("File", {"create_time": _TIME}, "create_time", _TIME),
    ("ListFilesResponse", {"files": [{"create_time": _TIME}]}, "files.0.create_time", _TIME),
    ("CachedContent", {"ttl": _SPAN}, "ttl", _SPAN),
    ("CreateCachedContentRequest", {"cached_content": {"ttl": _SPAN}}, "cached_content.ttl", _SPAN),
    ("UpdateChunkRequest", {"update_mask": _MASK}, "update_mask", _MASK),
    ("BatchUpdateChunksRequest", {"requests": [{"update_mask": _MASK}]}, "requests.0.update_mask", _MASK),
    ("Schema", {"example": _VALUE}, "example", _VALUE),
    ("Schema", {"properties": {"k": {"example": _VALUE}}}, "properties.k.example", _VALUE),
    ("Schema", {"any_of": [{"items": {"example": _VALUE}}]}, "any_of.0.items.example", _VALUE),
    ("PredictRequest", {"instances": [_VALUE, {"bool_value": True}]}, "instances.0", _VALUE),
    ("File", {"error": {"details": (_ANY,)}}, "error.details.0", _ANY),
    ("File", {"error": status_pb2.Status(details=[_ANY])}, "error.details.0", _ANY),
]


def _at(message: Any, path: str) -> Any:
    for step in path.split("."):
        if step.isdecimal():
            message = message[int(step)]
        else:
            message = message[step] if step == "k" else getattr(message, step)
    return message


@pytest.mark.parametrize(("name", "fields", "path", "twin"), _TWINS)
def test_protobufs_own_well_known_types_in_constructors(
    name: str, fields: dict[str, Any], path: str, twin: Message
) -> None:
    found = _at(getattr(v1beta, name)(**fields), path)
    assert type(found) is not type(twin)
    assert found.DESCRIPTOR.full_name == twin.DESCRIPTOR.full_name
    assert found.SerializeToString(deterministic=True) == twin.SerializeToString(deterministic=True)


def test_protobufs_own_well_known_types_by_copy_and_merge() -> None:
    call = v1beta.FunctionCall()
    call.args.CopyFrom(_struct(a=1))
    call.args.MergeFrom(_struct(b=2))
    assert json_format.MessageToDict(call.args) == {"a": 1, "b": 2}
    call.args.CopyFrom(_struct(c=3))
    assert dict(call.args) == {"c": 3}
    file = v1beta.File()
    file.create_time.CopyFrom(timestamp_pb2.Timestamp(seconds=5))
    file.create_time.MergeFrom(timestamp_pb2.Timestamp(nanos=1))
    assert (file.create_time.seconds, file.create_time.nanos) == (5, 1)
    content = v1beta.CachedContent()
    content.ttl.MergeFrom(duration_pb2.Duration(seconds=7))
    assert content.ttl.seconds == 7
    chunk = v1beta.UpdateChunkRequest()
    chunk.update_mask.MergeFrom(field_mask_pb2.FieldMask(paths=["a"]))
    assert list(chunk.update_mask.paths) == ["a"]
    schema = v1beta.Schema()
    schema.example.CopyFrom(struct_pb2.Value(number_value=2))
    assert schema.example.number_value == 2
    status = status_pb2.Status()
    packed: Any = _packed()
    status.details.add().CopyFrom(packed)
    assert status.details[0].type_url == "type.googleapis.com/google.protobuf.Struct"
    # Our own class, and none that only resembles it.
    call.args.CopyFrom(v1beta.FunctionCall(args={"d": 4}).args)
    assert dict(call.args) == {"d": 4}
    with pytest.raises(TypeError, match="Struct"):
        call.args.CopyFrom(timestamp_pb2.Timestamp())


def test_well_known_types_keep_their_methods() -> None:
    moment = dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=_UTC)
    file = v1beta.File()
    file.create_time.FromDatetime(moment)
    assert file.create_time.ToDatetime(tzinfo=_UTC) == moment
    call = v1beta.FunctionCall()
    call.args.update({"a": [1, 2]})
    call.args["b"] = "x"
    assert list(call.args["a"]) == [1, 2]
    status = status_pb2.Status()
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="R"))
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Is(random_messages.descriptor_of(error_details_pb2.ErrorInfo))
    assert status.details[0].Unpack(info)
    assert info.reason == "R"
    foreign = struct_pb2.Struct()
    assert v1beta.File(error={"details": [_packed()]}).error.details[0].Unpack(foreign)
    assert dict(foreign) == {"a": 1}


def test_datetime_and_timedelta() -> None:
    moment = dt.datetime(2024, 1, 1, 12, tzinfo=_UTC)
    hour = dt.timedelta(hours=1, microseconds=5)
    assert v1beta.File(create_time=moment).create_time.seconds == 1704110400
    assert (
        v1beta.ListFilesResponse(files=[{"create_time": moment}]).files[0].create_time.seconds == 1704110400
    )
    assert v1beta.CreateFileRequest(file={"create_time": moment}).file.create_time.seconds == 1704110400
    content = v1beta.CachedContent(ttl=hour)
    assert (content.ttl.seconds, content.ttl.nanos) == (3600, 5000)
    nested = v1beta.CreateCachedContentRequest(cached_content={"ttl": hour, "model": "m"})
    assert nested.cached_content.ttl.ToTimedelta() == hour
    elsewhere = moment.astimezone(dt.timezone(dt.timedelta(hours=-7)))
    assert v1beta.File(create_time=elsewhere) == v1beta.File(create_time=moment)


@pytest.fixture(scope="module")
def stranger() -> Callable[[str], type[Message]]:
    """Classes of v1beta from another pool, as those of Google's package are."""
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(DESCRIPTOR_SET.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())

    def made(name: str) -> type[Message]:
        found = message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.v1beta.{name}"))
        assert found is not _CLASSES[f"{_PACKAGE}.v1beta.{name}"]
        return found

    return made


def test_messages_of_another_pool_as_field_values(stranger: Callable[[str], Any]) -> None:
    content = stranger("Content")(role="user", parts=[{"text": "hi"}])
    ours = v1beta.Content(role="user", parts=[{"text": "hi"}])
    schema = stranger("Schema")(title="t")
    schema.properties["p"].type = 1
    whole = stranger("GenerateContentRequest")(contents=[content, content])
    assert v1beta.GenerateContentRequest(system_instruction=content).system_instruction == ours
    assert list(v1beta.GenerateContentRequest(contents=[content, {"role": "x"}, ours]).contents) == [
        ours, v1beta.Content(role="x"), ours,
    ]  # fmt: skip
    assert list(v1beta.GenerateContentRequest(contents=whole.contents).contents) == [ours, ours]
    nested = v1beta.CountTokensRequest(generate_content_request={"contents": (content,)})
    assert nested.generate_content_request.contents[0] == ours
    assert v1beta.Schema(properties={"a": schema}).properties["a"].title == "t"
    assert v1beta.Schema(properties=schema.properties).properties["p"].type == v1beta.Type.STRING
    assert v1beta.Schema(properties={"a": {"items": schema}}).properties["a"].items.title == "t"
    with pytest.raises(TypeError, match=r"GenerateContentRequest\.contents\[1\]"):
        v1beta.GenerateContentRequest(contents=[content, stranger("Part")(text="x")])


# Copies and encodings ------------------------------------------------------------------------------


def test_bytes_pickle_and_copy(filled: list[Message]) -> None:
    for message in filled:
        made = type(message)
        assert made.FromString(message.SerializeToString()) == message
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(message, protocol))
            assert type(again) is made
            assert again == message
        for duplicate in (copy.copy(message), copy.deepcopy(message)):
            assert type(duplicate) is made
            assert duplicate is not message
            assert duplicate == message
            assert isinstance(duplicate, made)
            assert isinstance(duplicate, Message)
        assert pickle.loads(pickle.dumps(made)) is made


def test_json_and_text(filled: list[Message]) -> None:
    for message in filled:
        made = type(message)
        for preserving in (True, False):
            text = json_format.MessageToJson(
                message, preserving_proto_field_name=preserving, descriptor_pool=POOL
            )
            assert json_format.Parse(text, made(), descriptor_pool=POOL) == message
        text = text_format.MessageToString(message, descriptor_pool=POOL)
        assert text_format.Parse(text, made(), descriptor_pool=POOL) == message


def test_samples_set_every_field(filled: list[Message]) -> None:
    present = {field.name for message in filled for field, _ in message.ListFields()}
    every = {field.name for field in filled[0].DESCRIPTOR.fields}
    # Fields without presence may have drawn their default value in every turn.
    assert {
        name for name in every - present if filled[0].DESCRIPTOR.fields_by_name[name].has_presence
    } == set()


def test_equality() -> None:
    assert v1beta.Content(role="a") == v1beta.Content(role="a")
    assert v1beta.Content(role="a") != v1beta.Content(role="b")
    assert v1beta.Content() != v1.Content()
    assert v1beta.Content(role="a") != {"role": "a"}


def test_a_deep_copy_shares_nothing() -> None:
    original = v1beta.GenerateContentRequest(contents=[{"parts": [{"text": "a"}]}])
    duplicate = copy.deepcopy(original)
    duplicate.contents[0].parts[0].text = "b"
    assert original.contents[0].parts[0].text == "a"


def test_unknown_fields_survive() -> None:
    # Field 1999 (bytes) of a newer server, at the top and in a nested message.
    unknown = b"\xfa\x7c\x03abc"
    part = v1beta.Part(text="x").SerializeToString() + unknown
    assert v1beta.Part.FromString(part).SerializeToString() == part
    content = b"\x0a" + bytes([len(part)]) + part + unknown
    parsed = v1beta.Content.FromString(content)
    assert parsed.parts[0].text == "x"
    for again in (parsed, copy.deepcopy(parsed), pickle.loads(pickle.dumps(parsed))):
        assert again.SerializeToString().count(unknown) == 2
    request = v1beta.GenerateContentRequest(contents=[parsed])
    assert request.SerializeToString().count(unknown) == 2


def test_unknown_enum_numbers_survive() -> None:
    candidate = v1beta.Candidate(finish_reason=987)
    again = v1beta.Candidate.FromString(candidate.SerializeToString())
    assert again.finish_reason == 987
    assert json_format.MessageToDict(again) == {"finishReason": 987}
    with pytest.raises(ValueError, match="987"):
        v1beta.Candidate.FinishReason.Name(987)


# Misuse --------------------------------------------------------------------------------------------

_TOOL = {"function_declarations": [{"parameters": {"properties": {"a": {"type": "XX"}}}}]}
_DEEP = {"properties": {"ok": {}, "a": {"properties": {"b": {"titel": "x"}}}}}
_LABEL = {"safety_settings": [{"category": "X"}]}
_DOUBLE = {"contents": [{}, {"parts": [{}, {"text": 3}]}]}
_UNSERIALIZABLE = {"function_call": {"args": {"a": object()}}}
#: Message, arguments, error, and how its text goes on after the message's full name.
_BAD: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    # A field that is not there.
    ("Content", {"rol": "x"}, ValueError, " has no field 'rol'"),
    ("Tool.GoogleSearch", {"x": 1}, ValueError, " has no field 'x'"),
    ("GenerateContentRequest", {"contents": [{}, {"rol": 1}]}, ValueError, ".contents[1] has no field 'rol'"),
    ("Content", {"parts": [{"blob": {}}]}, ValueError, ".parts[0] has no field 'blob'"),
    ("Schema", _DEEP, ValueError, ".properties['a'].properties['b'] has no field 'titel'"),
    # A value of a wrong type.
    ("Content", {"role": 3}, TypeError, ".role: "),
    ("Content", {"role": True}, TypeError, ".role: "),
    ("GenerationConfig", {"top_k": "3"}, TypeError, ".top_k: "),
    ("GenerationConfig", {"top_k": 1.5}, TypeError, ".top_k: "),
    ("Blob", {"data": "x"}, TypeError, ".data: "),
    ("GenerateContentRequest", {"system_instruction": "x"}, TypeError, ".system_instruction: "),
    ("CreateFileRequest", {"file": {"error": {"code": "x"}}}, TypeError, ".file.error.code: "),
    ("GenerateContentRequest", _DOUBLE, TypeError, ".contents[1].parts[1].text: "),
    ("GenerateContentRequest", {"contents": [v1beta.Part()]}, TypeError, ".contents[0]: "),
    ("GenerateContentRequest", {"contents": [v1.Content()]}, TypeError, ".contents[0]: "),
    ("FunctionCall", {"args": timestamp_pb2.Timestamp()}, TypeError, ".args: "),
    ("File", {"create_time": "2024"}, TypeError, ".create_time: "),
    ("Part", _UNSERIALIZABLE, ValueError, ".function_call.args: "),
    # A value out of range.
    ("GenerationConfig", {"top_k": 2**40}, ValueError, ".top_k: "),
    ("GenerationConfig", {"temperature": 10**400}, ValueError, ".temperature: "),
    ("Content", {"role": "\ud800"}, ValueError, ".role: "),
    # Repeated fields.
    ("GenerateContentRequest", {"contents": 3}, TypeError, ".contents: "),
    ("GenerateContentRequest", {"contents": "hi"}, TypeError, ".contents: "),
    ("GenerateContentRequest", {"contents": {"role": "x"}}, TypeError, ".contents: "),
    ("GenerateContentRequest", {"contents": [{}, "hi"]}, TypeError, ".contents[1]: "),
    ("GenerateContentRequest", {"contents": [None]}, TypeError, ".contents[0]: "),
    ("GenerationConfig", {"stop_sequences": 3}, TypeError, ".stop_sequences: "),
    ("GenerationConfig", {"stop_sequences": ["a", 1]}, TypeError, ".stop_sequences[1]: "),
    # Enum labels.
    ("Schema", {"type": "STRNG"}, ValueError, ".type: "),
    ("GenerationConfig", {"response_modalities": ["TEXT", "XX"]}, ValueError, ".response_modalities[1]: "),
    ("GenerateContentRequest", _LABEL, ValueError, ".safety_settings[0].category: "),
    ("Tool", _TOOL, ValueError, ".function_declarations[0].parameters.properties['a'].type: "),
    # Maps.
    ("Schema", {"properties": {"ok": {}, "a": {"type": "XX"}}}, ValueError, ".properties['a'].type: "),
    ("Schema", {"properties": {"a": 3}}, TypeError, ".properties['a']: "),
    ("Schema", {"properties": {1: {}}}, TypeError, ".properties[1]: "),
    ("Schema", {"properties": [{}]}, TypeError, ".properties: "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields", "error", "text"), _BAD)
def test_errors_name_message_and_field(
    name: str, fields: dict[str, Any], error: type[Exception], text: str
) -> None:
    full_name = f"{_PACKAGE}.v1beta.{name}"
    with pytest.raises(error) as caught:
        _CLASSES[full_name](**fields)
    assert str(caught.value).startswith(full_name + text)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__, "protobuf's own error would be printed as well"


def test_positional_argument_names_the_message() -> None:
    with pytest.raises(TypeError, match=r"v1beta\.Content\.__init__\(\) takes 1 positional argument"):
        v1beta.Content("x")


def test_a_second_field_at_fault_hides_no_first() -> None:
    with pytest.raises(TypeError, match=r"Content\.role: "):
        v1beta.Content(role=3, parts=[{"text": 3}])


_MORE: list[dict[str, Any]] = [
    {"system_instruction": {"x": 1}},
    {"cached_content": 3},
    # Taken over in a second try, in which the generator would be empty and the contents lost.
    {"tools": [{"function_declarations": [{"parameters": {"example": _VALUE}}]}]},
]


@pytest.mark.parametrize("more", _MORE)
@pytest.mark.parametrize("wrap", [lambda fields: fields, lambda fields: {"generate_content_request": fields}])
def test_a_spent_generator_is_no_silent_loss(
    wrap: Callable[[dict[str, Any]], dict[str, Any]], more: dict[str, Any]
) -> None:
    fields = wrap({"contents": iter([{"role": "a"}, {"role": "b"}]), **more})
    made = v1beta.GenerateContentRequest if "contents" in fields else v1beta.CountTokensRequest
    with pytest.raises(TypeError, match=r"v1beta\.\w+\.([\w.]+\.)?contents: give a list"):
        made(**fields)


def test_a_failed_constructor_leaves_arguments_alone() -> None:
    given = {"contents": [{"parts": [{"function_call": {"args": _struct(a=1)}}]}], "model": "m"}
    before = copy.deepcopy(given)
    v1beta.GenerateContentRequest(**given)
    assert given == before
    assert type(given["contents"][0]["parts"][0]["function_call"]["args"]) is struct_pb2.Struct  # type: ignore[index]


# The descriptor file -------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of gemwire_proto and its runtime whose descriptors may be harmed."""
    for copied in (gemwire_proto, gemwire_runtime):
        ignored = shutil.ignore_patterns("__pycache__", "*.pyi")
        assert copied.__file__
        shutil.copytree(Path(copied.__file__).parent, tmp_path / copied.__name__, ignore=ignored)
    return tmp_path


_IMPORT = (
    "from gemwire_proto.google.ai.generativelanguage.v1beta import content_pb2; print(content_pb2.__file__)"
)


def _assert_one_clear_sentence(stderr: str, package: Path) -> None:
    lines = stderr.strip().splitlines()
    assert lines[-1].startswith("ImportError: gemwire_proto ")
    assert str(package / "gemwire_proto" / "descriptors.binpb") in lines[-1]
    assert lines[-1].endswith("; reinstall gemwire, or run scripts/generate in a checkout")
    frames = [line for line in lines if line.lstrip().startswith("File ")]
    assert all(str(package) in line or '"<string>"' in line or "<frozen importlib" in line for line in frames)
    assert stderr.count("Traceback") == 1


def test_the_copied_package_is_sound(package: Path) -> None:
    done = _run(_IMPORT, path=package)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(package))


def test_missing_descriptors(package: Path) -> None:
    (package / "gemwire_proto" / "descriptors.binpb").unlink()
    done = _run(_IMPORT, path=package)
    assert done.returncode == 1
    _assert_one_clear_sentence(done.stderr, package)


def _files(data: bytes) -> FileDescriptorSet:
    return FileDescriptorSet.FromString(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"no protobuf at all",
        lambda data: b"version https://git-lfs.github.com/spec/v1\n",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        # Without its last field, the syntax, the last file is sound still, but no proto3.
        lambda data: data.removesuffix(b"\x62\x06proto3"),
        lambda data: data + b"\x0a",
        lambda data: data.replace(b"google/protobuf/struct.proto", b"google/protobuf/strukt.proto"),
        lambda data: FileDescriptorSet(file=_files(data).file[:1]).SerializeToString(),
        lambda data: FileDescriptorSet(file=_files(data).file[1:]).SerializeToString(),
        lambda data: bytes(len(data)),
    ],
    ids=[
        "empty",
        "text",
        "lfs",
        "half",
        "last-byte",
        "last-field",
        "tail",
        "name",
        "first-file",
        "no-first-file",
        "zeros",
    ],
)
def test_damaged_descriptors(package: Path, damage: Callable[[bytes], bytes]) -> None:
    file = package / "gemwire_proto" / "descriptors.binpb"
    file.write_bytes(damage(file.read_bytes()))
    done = _run(_IMPORT, path=package)
    assert done.returncode == 1, done.stdout
    _assert_one_clear_sentence(done.stderr, package)


def test_random_damage_is_an_import_error_or_harmless(package: Path) -> None:
    file = package / "gemwire_proto" / "descriptors.binpb"
    sound = file.read_bytes()
    done = _run(
        "import random\n"
        "from gemwire_proto import DESCRIPTOR_SET\n"
        "from gemwire_runtime import pool\n"
        "sound = DESCRIPTOR_SET.read_bytes()\n"
        f"chance = random.Random({random.Random(7).random()})\n"
        "refused = 0\n"
        "for _ in range(150):\n"
        "    data = bytearray(sound)\n"
        "    for _ in range(chance.choice([1, 1, 4, 64])):\n"
        "        data[chance.randrange(len(data))] = chance.randrange(256)\n"
        "    DESCRIPTOR_SET.write_bytes(data)\n"
        "    pool.POOL = pool.DescriptorPool()\n"
        "    try:\n"
        "        pool.load(DESCRIPTOR_SET)\n"
        "    except ImportError:\n"
        "        refused += 1\n"
        "print(refused)\n",
        path=package,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30
    assert file.read_bytes() != sound
