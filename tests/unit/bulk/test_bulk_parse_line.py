"""What a line of a job may be, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemwire.bulk.generate_task import GenerateTask
from gemwire.bulk.jobs import RETRY
from gemwire.bulk.line_result import failed_result
from gemwire.bulk.lines import Line
from gemwire.bulk.parse_line import InvalidLine, merge_requests, names_resources, parse_line
from gemwire.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from gemwire_proto import v1beta
from gemwire_proto.google.rpc import error_details_pb2
from gemwire_runtime import json_only

CONTENTS = [{"role": "user", "parts": [{"text": "Hello"}]}]
HELLO = v1beta.GenerateContentRequest(contents=CONTENTS)


def ask(value: Any) -> Any:
    return parse_line(Line(1, value if isinstance(value, bytes) else json.dumps(value).encode()))


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("Hello", None),
        ({"prompt": "Hello"}, None),
        ({"prompt": "Hello", "key": 7}, 7),
        ({"contents": CONTENTS}, None),
        ({"contents": CONTENTS, "key": "a"}, "a"),
        ({"key": "a", "request": {"contents": CONTENTS}}, "a"),
        ({"key": "a", "metadata": {"x": 1}, "request": {"contents": CONTENTS}}, "a"),
    ],
)
def test_forms_of_a_line(line: Any, key: Any) -> None:
    assert ask(line) == (key, HELLO)


@pytest.mark.parametrize(
    "names", [("generationConfig", "maxOutputTokens"), ("generation_config", "max_output_tokens")]
)
def test_either_spelling(names: tuple[str, str]) -> None:
    found = ask({"request": {"contents": CONTENTS, names[0]: {names[1]: 5}, "model": "m"}})[1]
    assert found.generation_config.max_output_tokens == 5
    assert found.model == "models/m"


@pytest.mark.parametrize("name", ["thinkingLevel", "thinking_level"])
def test_fields_that_only_json_has(name: str) -> None:
    config = {"thinkingConfig": {name: "LOW", "thinkingBudget": 3}}
    found = ask({"request": {"contents": CONTENTS, "generationConfig": config}})[1]
    assert json_only.paths(found) == ["generation_config.thinking_config.thinking_level"]
    assert found.generation_config.thinking_config.thinking_budget == 3


@pytest.mark.parametrize(
    ("line", "told", "key"),
    [
        (b"{bad", "not JSON: column 2", None),
        (b'"\xff"', "not UTF-8: byte 2", None),
        (b"[" * 100_000, "nested too deeply", None),
        (b'{"prompt": "\\ud800"}', "prompt: ", None),
        ([1], "neither a JSON string nor an object", None),
        ({"key": "a"}, "has none of", "a"),
        ({"key": "a", "prompt": ""}, "a non-empty string", "a"),
        ({"key": "a", "prompt": "x", "system": "y"}, "unknown fields: 'system'", "a"),
        ({"key": "a", "request": 5}, "expected an object", "a"),
        ({"key": "a", "request": {}}, "contents: must not be empty", "a"),
        ({"key": "a", "request": {"contents": "Hello"}}, "request: ", "a"),
        (
            {"key": "a", "request": {"contents": CONTENTS, "generationConfig": {"temprature": 1}}},
            "generationConfig.temprature: GenerationConfig has no such field",
            "a",
        ),
        (
            {"request": {"contents": [{"parts": [{"text": "x"}, {"txt": "x"}]}]}},
            r"contents\[0\].parts\[1\].txt: Part has no such field",
            None,
        ),
        (
            {"request": {"contents": CONTENTS, "model": "a b"}},
            "model: 'a b' is not the name of a model",
            None,
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else "",
)
def test_lines_that_cannot_be_sent(line: Any, told: str, key: Any) -> None:
    with pytest.raises(InvalidLine, match=told) as caught:
        ask(line)
    assert caught.value.key == key


def test_what_a_line_says_counts_more() -> None:
    config = {
        "temperature": 0.5,
        "top_k": 3,
        "stop_sequences": ["a", "b"],
        "system_instruction": "Be brief.",
        "thinking_config": {"thinking_level": "HIGH"},
    }
    task = GenerateTask.from_config("m", config, 60.0, RETRY, {})
    base = v1beta.GenerateContentRequest(model="models/m", contents=CONTENTS)
    base.ClearField("contents")
    base.generation_config.stop_sequences.extend(["a", "b"])
    base.generation_config.top_k = 3
    base.system_instruction.parts.add(text="Be brief.")
    own = {"stopSequences": ["c"], "temperature": 1.0}
    made = merge_requests(base, ask({"contents": CONTENTS, "generationConfig": own})[1])
    assert list(made.generation_config.stop_sequences) == ["c"]
    assert (made.generation_config.top_k, made.generation_config.temperature) == (3, 1.0)
    assert made.system_instruction.parts[0].text == "Be brief."
    assert made.model == "models/m"
    system = {"parts": [{"text": "Be long."}]}
    other = merge_requests(base, ask({"contents": CONTENTS, "systemInstruction": system, "model": "n"})[1])
    assert [part.text for part in other.system_instruction.parts] == ["Be long."]
    assert other.model == "models/n"
    assert not base.contents
    kept = task.manifest()["config"]
    assert isinstance(kept, dict)
    assert kept["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "HIGH"}
    assert kept["systemInstruction"]["parts"] == [{"text": "Be brief."}]


def test_what_ends_a_job() -> None:
    assert failed_result(1, None, PermissionDenied("no")).fatal
    assert failed_result(1, None, Unauthenticated("no")).fatal
    invalid = InvalidArgument("no", details=[error_details_pb2.ErrorInfo(reason="API_KEY_INVALID")])
    assert failed_result(1, None, invalid).fatal
    assert not failed_result(1, None, InvalidArgument("no")).fatal
    assert not failed_result(1, None, NotFound("no")).fatal
    # A file may be somebody else's, which says nothing about other lines.
    file = {"contents": [{"parts": [{"fileData": {"fileUri": "files/a"}}]}]}
    assert names_resources(ask(file)[1])
    assert not names_resources(HELLO)
    told = failed_result(1, "a", PermissionDenied("no", attempts=2), names_resources=True)
    assert json.loads(told.record) == {
        "line": 1,
        "key": "a",
        "error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no", "details": [], "attempts": 2},
    }


def test_details_of_errors_are_kept() -> None:
    info = error_details_pb2.ErrorInfo(reason="WHY", domain="here")
    told = json.loads(failed_result(1, None, InvalidArgument("no", details=[info])).record)
    assert told["error"]["details"] == [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "WHY", "domain": "here"}
    ]
