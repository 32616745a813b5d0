"""Views: messages as objects, as programs written for google-genai use them."""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
import pickle
import struct
from typing import Any

import pydantic
import pytest
from present import present

from gemwire import genai, v1beta
from gemwire.genai import types
from gemwire_runtime.view_fields import _round_float


def content(*texts: str) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=text) for text in texts])


# What is not set -------------------------------------------------------------------------------------


def test_what_is_not_set_is_none() -> None:
    part = types.Part()
    assert {name: getattr(part, name) for name in types.Part._fields} == dict.fromkeys(types.Part._fields)
    response = types.GenerateContentResponse()
    assert response.candidates is None
    assert response.usage_metadata is None
    assert response.model_version is None


def test_what_is_set_to_zero_is_zero_where_the_field_can_tell() -> None:
    config = types.GenerationConfig(temperature=0, candidate_count=0)
    assert (config.temperature, config.candidate_count, config.top_p) == (0.0, 0, None)
    assert types.Part(text="").text == ""
    assert config.model_fields_set == {"temperature", "candidate_count"}


def test_none_sets_nothing_and_clears() -> None:
    part = types.Part(text=None)
    assert part == types.Part()
    part = types.Part(text="a", thought=True)
    part.text = None
    assert part == types.Part(thought=True)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (types.GroundingChunkWeb, "domain", "a.com"),
        (types.SafetyRating, "severity", "HARM_SEVERITY_LOW"),
        (types.Citation, "title", "t"),
        (types.CachedContentUsageMetadata, "image_count", 3),
        (types.GenerateContentResponse, "sdk_http_response", types.HttpResponse(headers={"a": "b"})),
    ],
)
def test_fields_that_the_api_does_not_bring_are_none_until_set(kind: Any, name: str, value: object) -> None:
    assert getattr(kind(), name) is None
    made = kind(**{name: value})
    assert getattr(made, name) == value
    for other in (
        made.model_copy(),
        pickle.loads(pickle.dumps(made)),
        kind.model_validate(made.model_dump()),
    ):
        assert getattr(other, name) == value
    assert name in made.model_dump(exclude_none=True)


def test_what_a_client_adds_to_a_response_is_a_field() -> None:
    response: Any = types.GenerateContentResponse()
    assert response.automatic_function_calling_history == []
    response.automatic_function_calling_history.append(content("a"))
    assert response.automatic_function_calling_history == [content("a")]
    assert response.model_dump(exclude_none=True)["automatic_function_calling_history"] == [
        {"parts": [{"text": "a"}], "role": "user"}
    ]
    assert response.parsed is None
    response.parsed = {"a": 1}
    assert response.parsed == {"a": 1}
    assert {"sdk_http_response", "parsed"} <= set(response.model_dump())


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"inline_data": {"display_name": "a"}}, "inline_data.display_name"),
        ({"file_data": {"display_name": "a"}}, "file_data.display_name"),
        ({"function_call": {"will_continue": True}}, "function_call.will_continue"),
    ],
)
def test_what_only_vertex_ai_has_is_refused_before_it_is_sent(part: Any, field: str) -> None:
    with genai.Client(api_key="a-key", http_options={"base_url": "http://127.0.0.1:9"}) as client:
        says = rf"GenerateContentRequest\.contents\[0\]\.parts\[0\]\.{field}: parameter is only supported in"
        with pytest.raises(ValueError, match=says):
            client.models.generate_content(model="m", contents=types.Content(role="user", parts=[part]))


# Making ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        [types.Part(text="a")],
        [v1beta.Part(text="a")],
        [{"text": "a"}],
        (types.Part.from_text(text="a"),),
        iter([{"text": "a"}]),
    ],
    ids=["view", "message", "dict", "tuple", "iterator"],
)
def test_a_field_takes_views_messages_and_dicts(parts: Any) -> None:
    assert types.Content(role="user", parts=parts) == content("a")


def test_names_may_be_in_camel_case() -> None:
    blob = types.Blob(mimeType="image/png", data=b"x")  # type: ignore[call-arg]
    assert blob.mime_type == "image/png"
    part = types.Part(inlineData={"mimeType": "image/png"})  # type: ignore[call-arg]
    assert present(part.inline_data).mime_type == "image/png"


def test_what_is_given_is_copied() -> None:
    inner = types.Part(text="a")
    outer = types.Content(parts=[inner])
    inner.text = "b"
    assert present(outer.parts)[0].text == "a"


#: Type checkers would refuse the calls, too.
wrong: Any = types


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: wrong.Part(txt="a"), ValueError, "Part has no field 'txt'; did you mean 'text'?"),
        (lambda: wrong.Part(text=3), TypeError, "text"),
        (lambda: wrong.Content(parts="ab"), TypeError, "parts: expected a list, got str"),
        (lambda: wrong.Content(parts={"text": "a"}), TypeError, "parts: expected a list, got dict"),
        (lambda: wrong.Content(parts=[3]), TypeError, "parts[0]: expected Part or a dict, got int"),
        (lambda: wrong.Content(parts=[{"txt": 1}]), ValueError, "parts[0] has no field 'txt'"),
        (lambda: wrong.Part(inline_data=types.FileData()), TypeError, "expected Blob, got FileData"),
        (lambda: wrong.GenerationConfig(max_output_tokens=2**40), ValueError, "max_output_tokens"),
        (lambda: wrong.GenerationConfig(top_k=1.5), TypeError, "top_k"),
        (lambda: wrong.Blob(data="no base64!"), ValueError, "data"),
        (lambda: wrong.Blob(data=3), TypeError, "data: expected bytes or base64, got int"),
        (lambda: wrong.FunctionCall(args=[1]), TypeError, "args: expected a dict, got list"),
        (lambda: wrong.FunctionCall(args={"a": object()}), TypeError, "args: expected JSON, got object"),
        (lambda: wrong.Schema(properties=[1]), TypeError, "properties: expected a dict, got list"),
        (lambda: wrong.CachedContent(expire_time=3), TypeError, "expire_time: expected a datetime"),
        (lambda: wrong.CachedContent(ttl=[]), TypeError, "ttl: expected seconds"),
        (lambda: types.Content.model_validate("a"), TypeError, "dict, a message or a view, got str"),
        (lambda: types.Content.model_validate_json("{"), ValueError, ""),
        (lambda: setattr(types.Part(), "text", 3), TypeError, "text"),
    ],
)
def test_what_cannot_be_is_refused_by_name(make: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert says in str(caught.value)


# Identity --------------------------------------------------------------------------------------------


def test_equality_is_that_of_the_messages() -> None:
    assert content("a") == content("a")
    assert content("a") != content("b")
    assert content("a") == v1beta.Content(role="user", parts=[{"text": "a"}])
    assert types.UserContent("a") == content("a")
    assert content("a") != "a"
    with pytest.raises(TypeError, match="unhashable"):
        hash(content("a"))


def test_isinstance() -> None:
    response = types.GenerateContentResponse(
        candidates=[{"content": {"parts": [{"function_call": {"name": "f", "args": {}}}]}}]
    )
    candidate = present(response.candidates)[0]
    assert isinstance(candidate, types.Candidate)
    assert isinstance(candidate.content, types.Content)
    assert isinstance(present(candidate.content.parts)[0], types.Part)
    assert isinstance(present(response.function_calls)[0], types.FunctionCall)
    assert isinstance(types.UserContent("a"), types.Content)
    assert not isinstance(candidate.content, types.UserContent)


def test_repr_shows_what_is_set() -> None:
    assert repr(content("a")) == "Content(parts=[Part(text='a')], role='user')"


# Mutation --------------------------------------------------------------------------------------------


def test_writing_goes_to_the_message() -> None:
    message = v1beta.Content()
    # Dicts may be written where views are read.
    view: Any = types.Content.of(message)
    view.role = "model"
    view.parts = [{"text": "a"}]
    parts: Any = view.parts
    parts[0].text = "b"
    view.parts.append({"text": "c"})
    assert message == v1beta.Content(role="model", parts=[{"text": "b"}, {"text": "c"}])


def test_a_list_of_a_view_is_a_list() -> None:
    made = content("a", "b", "c")
    parts: Any = made.parts
    assert isinstance(parts, list)
    assert [part.text for part in parts] == ["a", "b", "c"]
    assert (len(parts), parts[-1].text, [p.text for p in parts[1:]]) == (3, "c", ["b", "c"])
    parts.insert(0, {"text": "0"})
    del parts[1]
    parts[1] = types.Part(text="B")
    assert [part.text for part in present(made.parts)] == ["0", "B", "c"]
    assert parts.pop().text == "c"
    assert parts == [types.Part(text="0"), types.Part(text="B")]
    more = [types.Part(text="z")]
    assert [part.text for part in parts + more] == ["0", "B", "z"]
    assert [part.text for part in more + parts] == ["z", "0", "B"]
    with pytest.raises(IndexError):
        parts[5]
    with pytest.raises(TypeError, match="expected Part"):
        parts.append(3)


# Copies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [copy.copy, copy.deepcopy, lambda v: v.model_copy(), lambda v: pickle.loads(pickle.dumps(v))],
    ids=["copy", "deepcopy", "model_copy", "pickle"],
)
@pytest.mark.parametrize("given", [content("a"), types.UserContent("a")], ids=["Content", "UserContent"])
def test_copies_are_equal_and_their_own(how: Any, given: types.Content) -> None:
    made = how(given)
    assert made == given
    assert type(made) is type(given)
    present(made.parts)[0].text = "b"
    assert present(given.parts)[0].text == "a"


def test_a_copy_with_changes() -> None:
    made = content("a").model_copy(update={"role": "model", "parts": None})
    assert made == types.Content(role="model")


def test_responses_copy_and_pickle() -> None:
    given = types.GenerateContentResponse(candidates=[{"content": {"parts": [{"text": "a"}]}}])
    for made in (copy.deepcopy(given), pickle.loads(pickle.dumps(given))):
        assert made == given
        assert made.text == "a"
        assert made.automatic_function_calling_history == []


# Dumps -----------------------------------------------------------------------------------------------

RICH: dict[str, Any] = {
    "role": "model",
    "parts": [
        {"inline_data": {"mime_type": "image/png", "data": b"\xfb\xff\x00"}},
        {"function_call": {"id": "1", "name": "f", "args": {"a": [1, 2.5, None, True, {"b": "c"}]}}},
        {"executable_code": {"language": "PYTHON", "code": "1"}},
    ],
}


def test_dump_and_back() -> None:
    made = types.Content(**RICH)
    assert made.model_dump(exclude_none=True) == RICH
    assert made.to_dict() == RICH
    assert types.Content.model_validate(made.model_dump()) == made
    assert types.Content.from_dict(made.to_dict()) == made
    assert made.model_dump()["parts"][0]["text"] is None


def test_json_and_back() -> None:
    made = types.Content(**RICH)
    shown = json.loads(made.model_dump_json(exclude_none=True))
    assert shown["parts"][0] == {"inline_data": {"mime_type": "image/png", "data": "-_8A"}}
    assert shown["parts"][1]["function_call"]["args"] == {"a": [1, 2.5, None, True, {"b": "c"}]}
    assert shown["parts"][2]["executable_code"]["language"] == "PYTHON"
    assert types.Content.model_validate_json(made.model_dump_json()) == made
    assert types.Content.from_json(made.to_json()) == made
    assert made.to_json_dict() == shown
    assert "\n  " in made.model_dump_json(indent=2)


def test_dumps_in_camel_case() -> None:
    made = types.Part(inline_data={"mime_type": "image/png"})
    assert made.model_dump(exclude_none=True, by_alias=True) == {"inlineData": {"mimeType": "image/png"}}
    assert "mimeType" in made.model_dump_json(by_alias=True)
    assert types.Part.model_validate(made.model_dump(by_alias=True)) == made


def test_a_config_dumps_what_is_in_it() -> None:
    config = types.GenerateContentConfig(
        tools=[types.Tool(google_search=types.GoogleSearch())],
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        temperature=0.5,
    )
    assert config.to_dict() == {
        "tools": [{"google_search": {}}],
        "automatic_function_calling": {"disable": True},
        "temperature": 0.5,
    }
    assert json.loads(config.model_dump_json())["temperature"] == 0.5
    assert json.loads(config.model_dump_json())["seed"] is None


# Enums -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", ["BLOCK_ONLY_HIGH", "block_only_high", 3, types.HarmBlockThreshold.BLOCK_ONLY_HIGH]
)
def test_enums_by_name_number_and_member(given: Any) -> None:
    threshold = present(types.SafetySetting(threshold=given).threshold)
    assert threshold == "BLOCK_ONLY_HIGH"
    assert threshold == 3
    assert int(threshold) == 3
    assert threshold in {"BLOCK_ONLY_HIGH", "OFF"}
    assert threshold != "OFF"
    assert (threshold.name, threshold.value) == ("BLOCK_ONLY_HIGH",) * 2
    assert threshold is types.HarmBlockThreshold.BLOCK_ONLY_HIGH


def test_enums_are_looked_up() -> None:
    assert types.FinishReason("stop") is types.FinishReason.STOP is types.FinishReason(1)
    reasons: type[types.FinishReason] = types.FinishReason
    assert reasons["MAX_TOKENS"] == 2
    assert str(types.FinishReason.STOP) == f"{types.FinishReason.STOP}" == "FinishReason.STOP"
    assert repr(types.FinishReason.STOP) == "<FinishReason.STOP: 'STOP'>"
    assert hash(types.FinishReason.STOP) == hash("STOP")
    with pytest.raises(ValueError, match=r"3\.5"):
        types.FinishReason(3.5)


@pytest.mark.parametrize(
    "kind",
    [
        types.FinishReason,
        types.JobState,
        types.PersonGeneration,
        types.ServiceTier,
        types.ImagePromptLanguage,
    ],
)
def test_a_name_of_a_later_version_is_a_member_of_its_own(kind: Any) -> None:
    says = f"'BRAND_NEW' is not a valid {kind.__name__} that this version knows"
    with pytest.warns(UserWarning, match=says) as caught:
        made = kind("BRAND_NEW")
    assert caught[0].filename == __file__
    assert isinstance(made, kind)
    assert (made.name, made.value, str(made)) == ("BRAND_NEW", "BRAND_NEW", f"{kind.__name__}.BRAND_NEW")
    assert made == "BRAND_NEW"
    assert made not in set(kind)


def test_a_name_of_a_later_version_cannot_be_written_to_a_message() -> None:
    with pytest.warns(UserWarning, match="ULTRA"):
        level = types.ThinkingLevel("ULTRA")
    with pytest.raises(ValueError, match=r"thinking_level: .*'ULTRA'> is not one of .*HIGH"):
        types.ThinkingConfig(thinking_level=level)
    with pytest.raises(ValueError, match="no number"):
        int(level)


def test_a_number_of_a_later_version_is_a_member_of_its_own() -> None:
    message = v1beta.Candidate()
    message.MergeFromString(bytes([2 << 3, 77]))  # field 2, as a varint
    candidate = types.Candidate.of(message)
    reason = present(candidate.finish_reason)
    assert reason == 77
    assert (reason.name, reason.number) == ("UNKNOWN_77", 77)
    assert reason is types.Candidate.of(message).finish_reason
    assert candidate.to_dict() == {"finish_reason": reason}
    assert types.Candidate(finish_reason=reason) == candidate


def test_an_enum_that_there_is_not() -> None:
    with pytest.raises(ValueError, match=r"category: 'HARM' is not one of .*HARM_CATEGORY_HATE_SPEECH"):
        types.SafetySetting(category="HARM")


# Well-known types ------------------------------------------------------------------------------------


def test_structs_are_dicts() -> None:
    args: dict[str, Any] = {
        "whole": 1,
        "part": 0.5,
        "no": None,
        "yes": True,
        "text": "a",
        "list": [1, [2]],
        "d": {"e": {}},
    }
    call = types.FunctionCall(name="f", args=args)
    assert call.args == args
    assert call.args is not None
    assert type(call.args["whole"]) is int
    assert types.FunctionCall.model_validate_json(call.to_json()) == call
    assert types.FunctionCall(args={"a": (1, 2), "e": types.Type.STRING}).args == {"a": [1, 2], "e": "STRING"}


def test_values_are_what_they_hold() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert types.FunctionDeclaration(parameters_json_schema=schema).parameters_json_schema == schema


@pytest.mark.parametrize(
    "given",
    [
        dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc),
        "2030-01-02T03:04:05Z",
        dt.datetime(2030, 1, 2, 4, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    ],
)
def test_timestamps(given: Any) -> None:
    cache = types.CachedContent(expire_time=given)
    assert cache.expire_time == dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
    assert cache.to_json_dict() == {"expire_time": "2030-01-02T03:04:05Z"}
    assert types.CachedContent.from_json(cache.to_json()) == cache


@pytest.mark.parametrize(
    ("given", "shown"),
    [("3600s", "3600s"), (90, "90s"), (1.5, "1.500s"), (dt.timedelta(minutes=2), "120s")],
)
def test_durations(given: Any, shown: str) -> None:
    cache = types.CachedContent(ttl=given)
    assert cache.ttl == shown
    assert types.CachedContent.from_json(cache.to_json()) == cache


def test_bytes_may_be_base64() -> None:
    for text in ("-_8A", "+/8A"):
        assert types.Blob(data=text).data == b"\xfb\xff\x00"  # type: ignore[arg-type, unused-ignore]


# Floats ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.95, 0.1, 1e-7, 3.4028235e38, 16777216.0, -0.3, 0.0, 123456.79, math.inf])
def test_a_float_of_32_bits_is_shown_as_it_was_written(value: float) -> None:
    assert types.GenerationConfig(temperature=value).temperature == value


def test_the_shown_float_is_the_same_in_32_bits() -> None:
    for bits in range(1, 2**31, 104_729 * 64):
        (value,) = struct.unpack("<f", struct.pack("<I", bits))
        if math.isfinite(value):
            shown = _round_float(value)
            assert struct.pack("<f", shown) == struct.pack("<f", value)
            assert len(repr(shown)) <= len(repr(value))


def test_whole_floats_are_taken_for_ints() -> None:
    assert types.GenerationConfig(top_k=20.0).top_k == 20  # type: ignore[arg-type, unused-ignore]


# Other names -----------------------------------------------------------------------------------------


def test_fields_have_the_names_of_google_genai_too() -> None:
    model = types.Model.of(v1beta.Model(supported_generation_methods=["generateContent"]))
    assert list(present(model.supported_actions)) == ["generateContent"]
    assert list(present(model.supported_generation_methods)) == ["generateContent"]
    metadata = types.CitationMetadata(citations=[{"uri": "u"}])  # type: ignore[call-arg, unused-ignore]
    assert metadata.citation_sources == metadata.citations == [types.Citation(uri="u")]
    assert metadata.model_dump() == {"citations": [types.Citation(uri="u").model_dump()]}
    assert list(types.CitationMetadata.model_fields) == ["citations"]
    assert model.model_dump(exclude_none=True) == {"supported_actions": ["generateContent"]}
    assert repr(model) == "Model(supported_actions=['generateContent'])"
    assert isinstance(present(metadata.citations)[0], types.Citation)
    metadata.citations = None
    assert metadata == types.CitationMetadata()


def test_a_response_shows_the_subclasses() -> None:
    response = types.GenerateContentResponse(candidates=[{"citation_metadata": {"citation_sources": [{}]}}])
    assert isinstance(present(response.candidates)[0].citation_metadata, types.CitationMetadata)


def test_typed_dicts_are_dicts_and_other_names_are_refused() -> None:
    made: Any = types.ContentDict
    assert made(role="user") == {"role": "user"}
    with pytest.raises(AttributeError, match=r"'DistillationSpec'.*Vertex"):
        _ = types.DistillationSpec  # type: ignore[attr-defined, unused-ignore]


def test_a_view_in_a_message_is_one_value_although_it_can_be_iterated() -> None:
    config: Any = {"thinking_config": types.ThinkingConfig(thinking_budget=5)}
    made = v1beta.GenerateContentRequest(generation_config=config)
    assert made.generation_config.thinking_config.thinking_budget == 5


# Factories -------------------------------------------------------------------------------------------


def test_parts_of_anything_that_is_accepted_as_one() -> None:
    make: Any = types.Part
    assert make("hi") == types.Part(text="hi")
    assert make(b"\x89PNG\r\n\x1a\n").inline_data.mime_type == "image/png"
    assert make(types.FunctionCall(name="f"), thought=True).thought
    with pytest.raises(TypeError, match="value: expected a string"):
        make(3)


def test_results_of_functions_with_media() -> None:
    media = types.FunctionResponsePart.from_bytes(data=b"a", mime_type="image/png")
    part = types.Part.from_function_response(name="f", response={"a": 1}, parts=[media])
    response = present(part.function_response)
    assert present(response.parts)[0].inline_data == types.FunctionResponseBlob(
        data=b"a", mime_type="image/png"
    )
    by_uri = types.FunctionResponsePart.from_uri(file_uri="gs://b/a.pdf")
    assert present(by_uri.file_data).mime_type == "application/pdf"
    with pytest.raises(ValueError, match="mime_type: Failed to determine mime type"):
        types.FunctionResponsePart.from_uri(file_uri="gs://b/a")


class _Text(pydantic.BaseModel):
    """As ``mcp.types.TextContent``."""

    type: str
    text: str


class _Result(pydantic.BaseModel):
    """As ``mcp.types.CallToolResult``."""

    content: list[_Text]
    isError: bool = False  # noqa: N815 - its name


def test_results_of_mcp_servers() -> None:
    for failed, key in ((False, "result"), (True, "error")):
        result = _Result(content=[_Text(type="text", text="12 m")], isError=failed)
        made = types.FunctionResponse.from_mcp_response(name="f", response=result)
        assert made.response == {key: [{"type": "text", "text": "12 m"}]}


def test_images_of_parts() -> None:
    part = types.Part.from_bytes(data=b"a", mime_type="image/png")
    assert part.as_image() == types.Image(image_bytes=b"a", mime_type="image/png")
    assert types.Part(text="a").as_image() is None
    assert types.Blob(data=b"a", mime_type="audio/wav").as_image() is None


def test_unknown_apis_of_declarations_are_refused() -> None:
    with pytest.raises(ValueError, match="api_option: 'BAD'"):
        types.FunctionDeclaration.from_callable_with_api_option(callable=len, api_option="BAD")
