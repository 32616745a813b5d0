"""Configs: what they take, what they make of it, and what they refuse at once."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from typing import Any

import pytest

from gemwire.genai import types

#: Type checkers would refuse the calls, too.
wrong: Any = types
Config: Any = types.GenerateContentConfig


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"thinking_config": {"thinking_budget": 5}}, types.ThinkingConfig),
        ({"thinkingConfig": {"thinkingBudget": 5}}, types.ThinkingConfig),
        ({"http_options": {"timeout": 5}}, types.HttpOptions),
        ({"automatic_function_calling": {"disable": True}}, types.AutomaticFunctionCallingConfig),
        ({"audio_transcription_config": {"mode": "SMART"}}, types.AudioTranscriptionConfig),
        ({"image_config": {"aspect_ratio": "1:1"}}, types.ImageConfig),
        ({"tool_config": {"function_calling_config": {"mode": "ANY"}}}, types.ToolConfig),
        ({"system_instruction": {"parts": [{"text": "Be brief."}]}}, types.Content),
        ({"speech_config": {"language_code": "de-DE"}}, types.SpeechConfig),
        ({"media_resolution": "media_resolution_low"}, types.MediaResolution),
        ({"service_tier": "FLEX"}, types.ServiceTier),
    ],
)
def test_a_nested_dict_becomes_its_type_at_once(given: dict[str, Any], kind: type) -> None:
    config = Config(**given)
    [(_, value)] = config.given()
    assert isinstance(value, kind)
    assigned = Config()
    [name] = config.model_fields_set
    setattr(assigned, name, *given.values())
    assert assigned == config


def test_contents_in_a_config_are_contents_and_are_copied() -> None:
    content = types.Content(role="user", parts=[types.Part(text="a")])
    for given in (content, types.UserContent("a")):
        config: Any = types.CreateCachedContentConfig(contents=[given])
        assert isinstance(config.contents[0], types.Content)
        assert copy.deepcopy(config) == config
        with pytest.raises(TypeError, match="expected Part or a dict, got Content"):
            types.Part.model_validate(given)


def test_nested_values_are_attributes() -> None:
    assert Config(thinking_config={"thinking_budget": 5}).thinking_config.thinking_budget == 5
    config = Config(http_options={"retry_options": {"attempts": "3"}}, safety_settings=[{"threshold": "OFF"}])
    assert config.http_options.retry_options.attempts == 3
    assert config.safety_settings[0].threshold is types.HarmBlockThreshold.OFF
    assert Config(response_modalities=["TEXT"]).response_modalities[0] is types.Modality.TEXT
    assert Config(tools=[{"google_search": {}}]).tools[0].google_search == types.GoogleSearch()
    request = types.InlinedRequest(contents="a", config=wrong.GenerateContentConfig(temperature=1))
    assert request.config == types.GenerateContentConfig(temperature=1)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"temperature": "0.5"}, 0.5),
        ({"temperature": 1}, 1),
        ({"top_k": "20"}, 20.0),
        ({"max_output_tokens": 20.0}, 20),
        ({"max_output_tokens": "20"}, 20),
        ({"response_logprobs": "true"}, True),
        ({"response_logprobs": 0}, False),
        ({"response_logprobs": "off"}, False),
        ({"stop_sequences": ("a", "b")}, ["a", "b"]),
        ({"labels": {"a": "b"}}, {"a": "b"}),
    ],
)
def test_what_google_genai_coerces_is_coerced(given: dict[str, Any], value: object) -> None:
    theirs = pytest.importorskip("google.genai.types").GenerateContentConfig(**given)
    [name] = given
    made = getattr(Config(**given), name)
    assert made == value == getattr(theirs, name)
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("HttpOptions", {"timeout": "5000"}, 5000),
        ("GenerationConfig", {"temperature": "0.5"}, 0.5),
        ("GenerationConfig", {"max_output_tokens": "7"}, 7),
        ("GenerationConfig", {"response_logprobs": "yes"}, True),
        ("Schema", {"min_items": "3"}, 3),
        ("CreateCachedContentConfig", {"expire_time": "2030-01-02T03:04:05Z"}, None),
    ],
)
def test_messages_and_other_configs_coerce_the_same(kind: str, given: dict[str, Any], value: object) -> None:
    theirs = getattr(pytest.importorskip("google.genai.types"), kind)(**given)
    [name] = given
    made = getattr(getattr(types, kind)(**given), name)
    assert made == getattr(theirs, name)
    assert value is None or made == value


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"temperature": "hot"}, ValueError, "temperature: expected a number, got 'hot'"),
        ({"temperature": []}, TypeError, "temperature: expected a number, got list"),
        ({"temprature": 1}, ValueError, "has no field 'temprature'; did you mean 'temperature'?"),
        ({"max_output_tokens": 1.5}, TypeError, "max_output_tokens: expected a whole number, got 1.5"),
        ({"max_output_tokens": "many"}, ValueError, "max_output_tokens: expected a whole number, got 'many'"),
        ({"response_logprobs": "perhaps"}, ValueError, "response_logprobs: expected True or False"),
        ({"response_logprobs": 2}, TypeError, "response_logprobs: expected True or False, got 2"),
        ({"stop_sequences": "a"}, TypeError, "stop_sequences: expected a list, got str"),
        ({"stop_sequences": [1]}, TypeError, "stop_sequences[0]: expected a string, got int"),
        ({"labels": ["a"]}, TypeError, "labels: expected a dict, got list"),
        ({"thinking_config": 3}, TypeError, "thinking_config: expected ThinkingConfig or a dict, got int"),
        (
            {"thinking_config": {"budget": 3}},
            ValueError,
            "thinking_config has no field 'budget'; did you mean 'thinking_budget'?",
        ),
        (
            {"safety_settings": [{"treshold": "OFF"}]},
            ValueError,
            "safety_settings[0] has no field 'treshold'; did you mean 'threshold'?",
        ),
        ({"http_options": {"time_out": 1}}, ValueError, "did you mean 'timeout'?"),
        ({"tools": "search"}, TypeError, "tools: expected a list, got str"),
        ({"tools": [3]}, TypeError, "tools[0]: expected Tool"),
        ({"cached_content": 3}, TypeError, "cached_content: "),
    ],
)
def test_what_is_wrong_is_refused_at_once(given: dict[str, Any], error: type[Exception], says: str) -> None:
    [(name, value)] = given.items()
    for make in (lambda: Config(**given), lambda: Config.model_validate(given)):
        with pytest.raises(error) as caught:
            make()
        assert type(caught.value) is error
        assert says in str(caught.value)
    if name != "temprature":
        config = Config()
        with pytest.raises(error, match=name):
            setattr(config, name, value)
        assert config == Config()


def test_an_unknown_attribute_is_refused() -> None:
    config = Config(temperature=1)
    with pytest.raises(AttributeError, match="has no field 'temprature'; did you mean 'temperature'"):
        config.temprature = 1
    with pytest.raises(AttributeError):
        types.Part().txt = "a"  # type: ignore[attr-defined]
    job: Any = types.BatchJob()
    with pytest.raises(AttributeError):
        job.done = True


def test_lists_are_the_configs_own() -> None:
    tools = [len]
    config = Config(tools=tools, stop_sequences=[])
    config.tools.append(max)
    config.stop_sequences.append("a")
    assert tools == [len]
    assert config.tools == [len, max]
    assert config.stop_sequences == ["a"]


class Mine(types.GenerateContentConfig):
    """A config with fields of a program's own."""

    team: str = "blue"
    weight: float | None = None
    part: types.Part | None = None


def test_headers_have_their_names_in_any_case() -> None:
    headers: Any = types.HttpResponse(headers={"Content-Type": "text/plain", "x-a": "b"}).headers
    assert headers == {"content-type": "text/plain", "x-a": "b"}
    assert (headers["CONTENT-TYPE"], headers.get("X-A"), headers.get("Y", "c")) == ("text/plain", "b", "c")
    assert "Content-type" in headers
    assert "y" not in headers
    assert 7 not in headers
    for made in (copy.deepcopy(headers), pickle.loads(pickle.dumps(headers))):
        assert made["X-A"] == "b"


def test_a_subclass_has_fields_of_its_own() -> None:
    mine: Any = Mine
    made = mine(temperature="0.5", weight="2", part={"text": "a"})
    assert (made.temperature, made.team, made.weight, made.part.text) == (0.5, "blue", 2.0, "a")
    assert {"team", "weight", "temperature"} <= set(mine.model_fields)
    assert mine.model_fields["team"].default == "blue"
    assert mine().model_dump(exclude_none=True) == {"team": "blue"}
    with pytest.raises(TypeError, match="team: expected a string, got int"):
        mine(team=3)
    assert "team" not in types.GenerateContentConfig.model_fields


def test_copies() -> None:
    config = Config(tools=[len], thinking_config={"thinking_budget": 5})
    shallow = config.model_copy(update={"seed": "3"})
    assert (shallow.seed, shallow.tools, config.seed) == (3, [len], None)
    for deep in (config.model_copy(deep=True), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert deep == config
        deep.thinking_config.thinking_budget = 6
        assert config.thinking_config.thinking_budget == 5
    made = Config.model_construct(temperature="hot")
    assert made.temperature == "hot"


def test_dates() -> None:
    made = types.CreateCachedContentConfig(expire_time=dt.datetime(2030, 1, 2, tzinfo=dt.timezone.utc))
    assert made.to_json_dict() == {"expire_time": "2030-01-02T00:00:00Z"}
    for given in ("2030-01-02T00:00:00Z", 1893542400):
        assert wrong.CreateCachedContentConfig(expire_time=given) == made
    with pytest.raises(ValueError, match="expire_time: "):
        wrong.CreateCachedContentConfig(expire_time="tomorrow")
