"""What the service takes beyond json_format, and what it says about the rest; over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from json_http import Http, Json

from gemwire.testing import RunningEmulator, emulator
from gemwire_emulator.json_codec.messages import parse_message
from gemwire_proto import v1beta

_GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent"
_HELLO = {"contents": [{"parts": [{"text": "Hello"}]}]}
_API = "type.googleapis.com/google.ai.generativelanguage.v1beta"


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


@pytest.mark.parametrize(
    "body",
    [
        '{"contents": [{"parts": [{"text": "Hello"}]},]}',
        "{contents: {parts: {text: 'Hello'}}}",
        '{"contents": {"parts": [{"text": "Hello"}, null]}, "tools": null}',
        '{"contents": {"parts": {"text": "Hello"}}, "tools": {"functionDeclarations": {"name": "f"}}}',
        '{"contents": {"parts": {"text": "Hello"}}, "generationConfig": {"stopSequences": "x", "topK": "5"}}',
        '{"contents": {"parts": {"text": "two\nlines"}}, "generationConfig": {"topK": 5.0, "topP": "0.5"}}',
        '{"contents": {"parts": {"text": "a"}}, "generation_config": {"responseLogprobs": "false"}}',
        """{"contents": {"parts": {"text": "a"}}, "safetySettings": [
            {"category": "harm_category_harassment", "threshold": "block-none"}]}""",
        '{"contents": {"parts": {"inlineData": {"mimeType": "text/plain", "data": "YWJj\\nZGVm"}}}}',
    ],
)
def test_what_the_service_takes(gemini: RunningEmulator, body: str) -> None:
    status, answer = Http(gemini.http)("POST", _GENERATE, raw=body.encode())
    assert status == 200, answer


@pytest.mark.parametrize(
    ("more", "field", "description"),
    [
        ({"foo": 1}, "", 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
        (
            {"generationConfig": {"temprature": 1}},
            "generation_config",
            (
                "Invalid JSON payload received. Unknown name \"temprature\" at 'generation_config': "
                "Cannot find field."
            ),
        ),
        (
            {
                "tools": [
                    {
                        "functionDeclarations": [
                            {
                                "name": "f",
                                "parameters": {"type": "OBJECT", "properties": {"a": {}, "b": {"const": 1}}},
                            }
                        ]
                    }
                ]
            },
            "tools[0].function_declarations[0].parameters.properties[1].value",
            (
                'Invalid JSON payload received. Unknown name "const" at '
                "'tools[0].function_declarations[0].parameters.properties[1].value': Cannot find field."
            ),
        ),
        (
            {"generationConfig": {"responseSchema": {"type": ["STRING", "NULL"]}}},
            "generation_config.response_schema",
            (
                'Invalid JSON payload received. Unknown name "type" at '
                "'generation_config.response_schema': Proto field is not repeating, cannot start list."
            ),
        ),
        (
            {"generationConfig": {"responseMimeType": {"type": "json"}}},
            "generation_config",
            "Invalid value at 'generation_config' (response_mime_type), Starting an object on a scalar field",
        ),
        (
            {"generationConfig": {"temperature": "hot"}},
            "generation_config.temperature",
            "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\"",
        ),
        (
            {"generationConfig": {"topK": 1.5}},
            "generation_config.top_k",
            "Invalid value at 'generation_config.top_k' (TYPE_INT32), 1.5",
        ),
        (
            {"safetySettings": [{"category": "HARM"}]},
            "safety_settings[0].category",
            f"Invalid value at 'safety_settings[0].category' ({_API}.HarmCategory), \"HARM\"",
        ),
        (
            {"contents": ["Hello"]},
            "contents[0]",
            f"Invalid value at 'contents[0]' ({_API}.Content), \"Hello\"",
        ),
        (
            {"contents": [{"parts": [{"text": 5}]}]},
            "contents[0].parts[0].text",
            "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING), 5",
        ),
        (
            {"contents": [{"parts": [{"text": "a", "inlineData": {"data": ""}}]}]},
            "contents[0].parts[0]",
            (
                "Invalid value at 'contents[0].parts[0]' (oneof), oneof field 'data' is already set. "
                "Cannot set 'inlineData'"
            ),
        ),
        (
            {"contents": [{"parts": [{"inlineData": {"data": "!!"}}]}]},
            "contents[0].parts[0].inline_data.data",
            (
                "Invalid value at 'contents[0].parts[0].inline_data.data' (TYPE_BYTES), "
                'Base64 decoding failed for "!!"'
            ),
        ),
        (
            {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": ["a"]}}]}]},
            "contents[0].parts[0].function_response",
            (
                'Invalid JSON payload received. Unknown name "response" at '
                "'contents[0].parts[0].function_response': Proto field is not repeating, cannot start list."
            ),
        ),
    ],
)
def test_what_does_not_fit_is_named(
    gemini: RunningEmulator, more: Json, field: str, description: str
) -> None:
    http = Http(gemini.http)
    error = http.error("POST", _GENERATE, {**_HELLO, **more})
    assert (error["message"], error["status"]) == (description, "INVALID_ARGUMENT")
    violation = {"description": description} if not field else {"field": field, "description": description}
    assert error["details"] == [
        {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    ]


def test_all_that_does_not_fit_is_named(gemini: RunningEmulator) -> None:
    error = Http(gemini.http).error("POST", _GENERATE, {**_HELLO, "a": 1, "generationConfig": {"b": 1}})
    assert error["message"] == (
        'Invalid JSON payload received. Unknown name "a": Cannot find field.\n'
        "Invalid JSON payload received. Unknown name \"b\" at 'generation_config': Cannot find field."
    )
    assert len(error["details"][0]["fieldViolations"]) == 2
    error = Http(gemini.http).error("POST", _GENERATE, {f"name{i}": i for i in range(1000)})
    assert len(error["details"][0]["fieldViolations"]) == 100


def test_what_only_json_has_is_known(gemini: RunningEmulator) -> None:
    labelled = {**_HELLO, "labels": {"team": "a"}, "serviceTier": "STANDARD"}
    known = {name: value for name, value in labelled.items() if name == "contents" or _is_known(name)}
    assert len(known) > 1
    Http(gemini.http).ok("POST", _GENERATE, known)


def _is_known(name: str) -> bool:
    return name in v1beta.GenerateContentRequest.DESCRIPTOR.fields_by_camelcase_name


def test_unknown_query_parameters(gemini: RunningEmulator) -> None:
    error = Http(gemini.http).error("GET", "/v1beta/models?page_sise=5")
    told = (
        'Invalid JSON payload received. Unknown name "page_sise": Cannot bind query parameter. '
        "Field 'page_sise' could not be found in request message."
    )
    assert error["message"] == told
    assert error["details"][0]["fieldViolations"] == [{"description": told}]


@pytest.mark.parametrize("body", ["5", "[]", '"text"', "null"])
def test_the_root_is_a_message(gemini: RunningEmulator, body: str) -> None:
    _, answer = Http(gemini.http)("POST", _GENERATE, raw=body.encode())
    assert answer["error"]["message"] == (
        'Invalid JSON payload received. Unknown name "": Root element must be a message.'
    )


def test_the_last_spelling_of_a_name_counts() -> None:
    data = json.loads('{"generationConfig": {"topK": 1, "top_k": 2}}')
    assert parse_message(v1beta.GenerateContentRequest, data).generation_config.top_k == 2
