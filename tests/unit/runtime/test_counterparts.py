"""Views and translation of messages of which another API family has counterparts."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from gemwire.genai import types
from gemwire_proto import aiplatform_v1, v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.counterparts import find_counterpart
from gemwire_runtime.field_errors import MissingFieldError
from gemwire_runtime.translation import translate
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.view_fields import message_of
from gemwire_runtime.views import View

REQUEST: Any = find_counterpart(
    views.GenerateContentRequest, descriptor_of(aiplatform_v1.GenerateContentRequest)
)
RESPONSE: Any = find_counterpart(
    types.GenerateContentResponse, descriptor_of(aiplatform_v1.GenerateContentResponse)
)
CALL = {"name": "f", "args": {"a": 1}}
CANDIDATE = {
    "content": {
        "role": "model",
        "parts": [{"text": "Hi"}, {"function_call": {"name": "f", "args": {"a": 1}}}],
    },
    "finish_reason": aiplatform_v1.Candidate.FinishReason.MALFORMED_FUNCTION_CALL,
    "citation_metadata": {"citations": [{"uri": "https://a", "publication_date": {"year": 2026}}]},
    "score": 0.5,
}
CALLED: Any = {"tool_call": {"id": "1"}}
#: Enums whose numbers differ: a field of a request or a response that holds one, and the names they share.
ENUMS: list[tuple[type[View], Any, str]] = [
    (types.SafetySetting, aiplatform_v1.SafetySetting, "category"),
    (types.Candidate, aiplatform_v1.Candidate, "finish_reason"),
    (types.FunctionCallingConfig, aiplatform_v1.FunctionCallingConfig, "mode"),
    (types.ThinkingConfig, aiplatform_v1.GenerationConfig.ThinkingConfig, "thinking_level"),
    (views.Schema, aiplatform_v1.Schema, "type"),
    (
        views.GenerateContentResponsePromptFeedback,
        aiplatform_v1.GenerateContentResponse.PromptFeedback,
        "block_reason",
    ),
    (
        views.GenerateContentResponseUsageMetadata,
        aiplatform_v1.GenerateContentResponse.UsageMetadata,
        "traffic_type",
    ),
]


def respond(**fields: Any) -> Any:
    return RESPONSE.of(aiplatform_v1.GenerateContentResponse(**{"candidates": [CANDIDATE], **fields}))


def test_views_read_their_own_message() -> None:
    response = respond(create_time={"seconds": 1})
    candidate = response.candidates[0]
    for view, kind in (
        (response, types.GenerateContentResponse),
        (candidate, types.Candidate),
        (candidate.content, types.Content),
        (candidate.content.parts[0], types.Part),
    ):
        assert isinstance(view, kind)
    assert candidate.finish_reason is types.FinishReason.MALFORMED_FUNCTION_CALL
    assert candidate.content.parts[1].function_call.args == {"a": 1}
    assert response.function_calls[0].name == "f"
    assert candidate.citation_metadata.citations[0].publication_date.year == 2026
    assert (candidate.token_count, response.model_status) == (None, None)
    assert response.create_time.timestamp() == 1
    assert message_of(candidate).score == 0.5
    assert response.model_dump(exclude_none=True)["candidates"][0]["content"]["role"] == "model"
    assert "MALFORMED_FUNCTION_CALL" in repr(response)


def test_views_write_into_their_own_message() -> None:
    request = REQUEST(
        contents=[types.Content(role="user", parts=[types.Part(text="a")]), {"parts": [{"text": "b"}]}],
        safety_settings=[
            types.SafetySetting(category=8),
            {"category": "HARM_CATEGORY_HATE_SPEECH"},
        ],
        generation_config={"top_k": 2.5, "image_config": {"person_generation": "ALLOW_ALL"}},
    )
    message = message_of(request)
    assert isinstance(message, aiplatform_v1.GenerateContentRequest)
    assert [content.parts[0].text for content in message.contents] == ["a", "b"]
    assert [setting.category for setting in message.safety_settings] == [1, 1]
    assert request.safety_settings[0].category == types.HarmCategory.HARM_CATEGORY_HATE_SPEECH
    assert request.generation_config.top_k == 2.5
    assert request.generation_config.image_config.person_generation == "ALLOW_ALL"
    request.contents[0].parts.append(types.Part(text="c"))
    assert message.contents[0].parts[1].text == "c"
    assert request.contents[0] == types.Content(role="user", parts=[{"text": "a"}, {"text": "c"}])
    assert types.Content(role="user", parts=[{"text": "b"}]) != request.contents[1]


def test_views_are_copied_and_pickled() -> None:
    response = respond()
    response.parsed = 5
    for made in (copy.copy(response), copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
        assert type(made) is type(response)
        assert made == response
        assert made.parsed == 5


@pytest.mark.parametrize(("shown", "kind", "name"), ENUMS, ids=[name for *_, name in ENUMS])
def test_enums_keep_their_names_in_both_directions(shown: type[View], kind: Any, name: str) -> None:
    twin = find_counterpart(shown, kind.DESCRIPTOR)
    numbers = {value.name: value.number for value in kind.DESCRIPTOR.fields_by_name[name].enum_type.values}
    own = descriptor_of(message_of(shown())).fields_by_name[name].enum_type
    assert own is not None
    shared = [
        value for value in own.values if value.name in numbers and not value.name.endswith("UNSPECIFIED")
    ]
    assert shared
    for value in shared:
        for given in (
            value.name,
            value.name.lower(),
            value.number,
            getattr(shown(**{name: value.name}), name),
        ):
            written = twin(**{name: given})
            assert getattr(message_of(written), name) == numbers[value.name]
        assert getattr(twin.of(kind(**{name: numbers[value.name]})), name).value == value.name
        there = translate(message_of(shown(**{name: value.name})), kind)
        assert getattr(there, name) == numbers[value.name]
        assert getattr(translate(there, type(message_of(shown()))), name) == value.number


def test_enum_values_that_one_family_lacks() -> None:
    armored = respond(candidates=[{"finish_reason": 10}, {"finish_reason": 99}])
    first, second = (candidate.finish_reason for candidate in armored.candidates)
    assert first is types.FinishReason.MODEL_ARMOR
    assert (second, armored.candidates[1].finish_reason is second) == ("UNKNOWN_99", True)
    with pytest.raises(ValueError, match="'LANGUAGE' is not one of"):
        find_counterpart(types.Candidate, descriptor_of(aiplatform_v1.Candidate))(finish_reason="LANGUAGE")
    with pytest.raises(ValueError, match=r"candidates\[0\]\.finish_reason: 'MODEL_ARMOR' is not one of"):
        translate(message_of(armored), v1beta.GenerateContentResponse)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"store": True}, "store"),
        (
            {"contents": [types.Content(parts=[{"text": "a"}, {"tool_call": {"id": "1"}}])]},
            "contents[0].parts[1].tool_call",
        ),
        ({"contents": [{"parts": [{"tool_call": {"id": "1"}}]}]}, "contents[0].parts[0].tool_call"),
        ({"tools": [types.Tool(file_search={})]}, "tools[0].file_search"),
    ],
)
def test_fields_that_one_family_lacks(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(MissingFieldError) as caught:
        REQUEST(**fields)
    assert str(caught.value) == f"{path} belongs to the Gemini API; Vertex AI does not have it"


def test_messages_of_either_family_go_into_the_other() -> None:
    content = respond().candidates[0].content
    ours = types.Content(role="model", parts=content.parts)
    assert ours == content
    assert isinstance(message_of(ours), v1beta.Content)
    assert v1beta.GenerateContentRequest(contents=[message_of(ours)]).contents[0].parts[0].text == "Hi"
    assert content != types.Content(role="user", parts=content.parts)
