"""Objects of google-genai and of other pydantic models, given in the place of ours."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from gemwire.genai import types
from gemwire.genai._convert.chat_history import History
from gemwire.genai._convert.contents import to_contents
from gemwire.genai._convert.live import to_tool_response
from gemwire.genai._convert.requests import to_generate_content_request
from gemwire.genai._json.json_values import parse_answer
from gemwire.genai._types.family import GEMINI

google = pytest.importorskip("google.genai.types", reason="google-genai 3 needs Python 3.11")
pydantic = pytest.importorskip("pydantic")


def greet(name: str) -> str:
    """Greet someone."""
    return f"Hello, {name}"


def build_config(kinds: Any) -> Any:
    """Build the same config of the types of either package."""
    lake = kinds.Schema(
        type=kinds.Type.OBJECT,
        properties={"zeta": kinds.Schema(type="STRING"), "alpha": kinds.Schema(type="INTEGER")},
        property_ordering=["zeta", "alpha"],
    )
    return kinds.GenerateContentConfig(
        system_instruction=kinds.Content(parts=[kinds.Part(text="Be brief.")]),
        temperature=0.5,
        tools=[
            kinds.Tool(function_declarations=[kinds.FunctionDeclaration(name="f", parameters=lake)]),
            kinds.Tool(google_search=kinds.GoogleSearch()),
            greet,
        ],
        tool_config=kinds.ToolConfig(
            function_calling_config=kinds.FunctionCallingConfig(mode=kinds.FunctionCallingConfigMode.ANY)
        ),
        safety_settings=[
            kinds.SafetySetting(
                category=kinds.HarmCategory.HARM_CATEGORY_HARASSMENT,
                threshold=kinds.HarmBlockThreshold.BLOCK_NONE,
            )
        ],
        thinking_config=kinds.ThinkingConfig(thinking_budget=3, include_thoughts=True),
        speech_config=kinds.SpeechConfig(
            voice_config=kinds.VoiceConfig(prebuilt_voice_config=kinds.PrebuiltVoiceConfig(voice_name="Kore"))
        ),
        response_schema=lake,
        http_options=kinds.HttpOptions(timeout=5000, headers={"a": "b"}),
        automatic_function_calling=kinds.AutomaticFunctionCallingConfig(disable=True),
    )


def build_contents(kinds: Any) -> Any:
    return [
        kinds.Content(role="user", parts=[kinds.Part.from_bytes(data=b"x", mime_type="image/png")]),
        kinds.ModelContent(kinds.Part.from_function_call(name="f", args={"a": 1, "b": None})),
        kinds.UserContent(kinds.Part.from_function_response(name="f", response={"c": [1.5]})),
        kinds.Part(text="hello"),
        kinds.Part(file_data=kinds.FileData(file_uri="https://x/f", mime_type="image/png")),
        kinds.File(name="files/f", uri="https://x/files/f", mime_type="image/png"),
        "and",
    ]


def test_a_request_of_googles_objects_is_that_of_ours() -> None:
    requests = [
        to_generate_content_request(
            "m", build_contents(kinds), types.GenerateContentConfig.of(build_config(kinds))
        )
        for kinds in (types, google)
    ]
    assert requests[0] == requests[1]
    assert requests[0].tools[-1].function_declarations[1].name == "greet"


@pytest.mark.parametrize("kind", ["Blob", "FunctionCall", "FunctionResponse", "ExecutableCode"])
def test_a_part_by_the_name_of_its_class(kind: str) -> None:
    every: dict[str, dict[str, Any]] = {
        "Blob": {"data": b"a", "mime_type": "image/png"},
        "FunctionCall": {"name": "f"},
        "FunctionResponse": {"name": "f", "response": {}},
        "ExecutableCode": {"code": "1", "language": "PYTHON"},
    }
    fields = every[kind]
    assert to_contents([getattr(google, kind)(**fields)]) == to_contents([getattr(types, kind)(**fields)])


def test_inside_our_objects() -> None:
    part = google.Part(text="a")
    assert types.Content(role="user", parts=[part]) == types.Content(role="user", parts=[{"text": "a"}])
    assert types.Content.model_validate(google.Content(parts=[part])).parts == [types.Part(text="a")]
    assert types.GenerateContentConfig.model_validate(google.GenerateContentConfig(seed=3)).seed == 3


def test_a_model_of_the_programs_own_counts_by_its_fields() -> None:
    class Turn(pydantic.BaseModel):  # type: ignore[name-defined,misc]
        role: str
        parts: list[dict[str, str]]

    class Mode(str, enum.Enum):
        NONE = "NONE"

    turn = Turn(role="model", parts=[{"text": "a"}])
    assert to_contents([turn]) == to_contents([types.ModelContent("a")])
    assert types.FunctionCallingConfig(mode=Mode.NONE).mode == "NONE"


def test_history_and_tool_responses() -> None:
    assert History(GEMINI, [google.UserContent("a")]).copy(False) == [types.UserContent("a")]
    answer = google.FunctionResponse(id="1", name="f", response={"a": 1})
    assert to_tool_response(answer).tool_response.function_responses[0].id == "1"
    assert len(to_tool_response([answer, answer]).tool_response.function_responses) == 2


def test_an_answer_by_googles_schema_is_json() -> None:
    assert parse_answer('{"a": 1}', google.Schema(type="OBJECT")) == {"a": 1}


def test_another_model_is_refused_by_its_module() -> None:
    class GenerateContentConfig:
        pass

    with pytest.raises(TypeError, match=r"or a dict, got .*test_google_objects.GenerateContentConfig"):
        types.GenerateContentConfig.of(GenerateContentConfig())


def test_a_message_of_googles_pool() -> None:
    latlng = pytest.importorskip("google.type.latlng_pb2")
    config = types.RetrievalConfig(lat_lng=latlng.LatLng(latitude=1, longitude=2))
    assert config == types.RetrievalConfig(lat_lng={"latitude": 1, "longitude": 2})
