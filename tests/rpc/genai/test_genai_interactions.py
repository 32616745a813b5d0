"""Interactions with models, sync and asyncio."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import comes
from google.protobuf import json_format
from scripted_grpc_server import Api
from scripted_http_server import WebServer, failure, reply

from gemwire.genai import errors, interactions
from gemwire.testing import RunningEmulator, environment

MODEL = "gemini-2.5-flash"
TIDE = {
    "type": "function",
    "name": "tide",
    "description": "Height of the tide in a port",
    "parameters": {"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]},
}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0, frozen_at=1_800_000_000.0)
    yield made
    made.stop()


@pytest.fixture
def gemini(running: RunningEmulator) -> Iterator[RunningEmulator]:
    """An emulator with a frozen clock."""
    running.reset()
    with environment(running):
        yield running


@pytest.fixture
def resource(api: Api, gemini: RunningEmulator) -> Any:
    return api.genai().interactions


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    yield made
    made.stop()


def is_a(value: object, kind: type) -> bool:
    """Whether it is one, without telling the type checker."""
    return isinstance(value, kind)


def test_create_and_get(api: Api, resource: Any) -> None:
    made = api(resource.create(model=MODEL, input="How deep is the sea?", labels={"team": "harbour"}))
    assert is_a(made, interactions.Interaction)
    assert made.status == "completed"
    assert "How deep is the sea?" in made.output_text
    [step] = made.steps
    assert is_a(step, interactions.ModelOutputStep)
    assert not is_a(step, interactions.UserInputStep)
    assert is_a(step.content[0], interactions.TextContent)
    assert made.usage.total_tokens == made.usage.total_input_tokens + made.usage.total_output_tokens > 0
    assert (made.created, made.labels) == ("2027-01-15T08:00:00Z", {"team": "harbour"})
    assert made.output_image is made.output_audio is made.output_video is None
    assert made.input is None
    assert api(resource.get(made.id)) == made
    whole = api(resource.get(f"interactions/{made.id}", include_input=True))
    assert [one.type for one in whole.steps] == ["user_input", "model_output"]
    assert whole.output_text == made.output_text


def test_one_continues_another(api: Api, resource: Any, gemini: RunningEmulator) -> None:
    first = api(resource.create(model=MODEL, input="My boat is Heron.", system_instruction="Be brief."))
    second = api(resource.create(model=MODEL, input="Its name?", previous_interaction_id=first.id))
    third = api(resource.create(model=MODEL, input="Again?", previous_interaction_id=second.id))
    assert first.usage.total_input_tokens < second.usage.total_input_tokens < third.usage.total_input_tokens
    assert third.previous_interaction_id == second.id
    with pytest.raises(errors.ClientError, match=r"interactions/none was not found"):
        api(resource.create(model=MODEL, input="a", previous_interaction_id="none"))


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ({"text": "a"}, ["a"]),
        (interactions.TextContent(text="a"), ["a"]),
        ([interactions.TextContent(text="a"), {"type": "text", "text": "b"}], ["a", "b"]),
        ([interactions.UserInputStep(content=[interactions.TextContent(text="a")])], ["a"]),
        ([{"role": "user", "content": "a"}, {"role": "model", "content": "b"}], ["a", "b"]),
    ],
)
def test_forms_of_the_input(api: Api, resource: Any, given: Any, texts: list[str]) -> None:
    made = api(resource.create(model=MODEL, input=given))
    steps = api(resource.get(made.id, include_input=True)).steps
    assert [content.text for step in steps[:-1] for content in step.content] == texts


def test_bytes_and_files(api: Api, resource: Any, gemini: RunningEmulator, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG")
    encoded = base64.b64encode(b"\x89PNG").decode()
    for data in (b"\x89PNG", path, encoded):
        image = {"type": "image", "data": data, "mime_type": "image/png"}
        api(resource.create(model=MODEL, input=["What is it?", image]))
        sent = json_format.MessageToDict(gemini.calls("CreateInteraction")[-1].requests[0])
        assert sent["input"][0]["content"][1]["data"] == encoded


def test_events(api: Api, resource: Any) -> None:
    stream = api(resource.create(model=MODEL, input="Tell me.", stream=True))
    events = api.list(stream)
    kinds = [event.event_type for event in events]
    assert kinds[:2] == ["interaction.created", "step.start"]
    assert kinds[-2:] == ["step.stop", "interaction.completed"]
    assert [event.event_id for event in events] == [str(at) for at in range(1, len(events) + 1)]
    assert is_a(events[0], interactions.InteractionCreatedEvent)
    assert (events[1].index, events[1].step.type) == (0, "model_output")
    deltas = [event.delta for event in events if is_a(event, interactions.StepDelta)]
    assert all(is_a(delta, interactions.TextDelta) for delta in deltas)
    end = events[-1].interaction
    assert (end.status, end.usage.total_tokens > 0) == ("completed", True)
    made = api(resource.get(end.id))
    assert "".join(delta.text for delta in deltas) == made.output_text
    again = api.list(api(resource.get(end.id, stream=True)))
    assert again == events
    rest = api.list(api(resource.get(end.id, stream=True, last_event_id=events[4].event_id)))
    assert rest == events[5:]


def test_leaving_a_stream_does_not_end_the_interaction(api: Api, resource: Any) -> None:
    stream = api(resource.create(model=MODEL, input="Tell me.", stream=True))
    first = api(stream.__anext__() if api.is_async else next(stream)).interaction
    assert stream.cancel()
    assert comes(lambda: api(resource.get(first.id)).status == "completed")


def test_functions(api: Api, resource: Any) -> None:
    settings = {"tool_choice": "any"}
    asked = api(
        resource.create(model=MODEL, input="How high in Dover?", tools=[TIDE], generation_config=settings)
    )
    assert asked.status == "requires_action"
    [call] = asked.steps
    assert is_a(call, interactions.FunctionCallStep)
    assert (call.name, list(call.arguments)) == ("tide", ["port"])
    result = interactions.FunctionResultStep(call_id=call.id, name="tide", result={"metres": 2})
    told = api(resource.create(model=MODEL, input=[result], tools=[TIDE], previous_interaction_id=asked.id))
    assert told.status == "completed"
    assert told.output_text
    events = api.list(
        api(
            resource.create(
                model=MODEL, input="How high?", tools=[TIDE], generation_config=settings, stream=True
            )
        )
    )
    [delta] = [event.delta for event in events if event.delta]
    assert is_a(delta, interactions.ArgumentsDelta)
    assert is_a(delta.arguments, str)
    assert "port" in delta.arguments


def test_structured_output(api: Api, resource: Any) -> None:
    schema = {"type": "object", "properties": {"depth": {"type": "integer"}}, "required": ["depth"]}
    form = interactions.TextResponseFormat(mime_type="application/json", schema=schema)
    for given in (form, [form], {"type": "text", "schema": schema}):
        made = api(resource.create(model=MODEL, input="How deep?", response_format=given))
        assert '"depth"' in made.output_text


def test_in_the_background(api: Api, resource: Any, gemini: RunningEmulator) -> None:
    made = api(resource.create(model=MODEL, input="Think.", background=True))
    assert (made.status, made.steps) == ("queued", None)
    with pytest.raises(errors.ClientError, match="is in progress"):
        api(resource.create(model=MODEL, input="And?", previous_interaction_id=made.id))
    gemini.advance(1)
    assert comes(lambda: api(resource.get(made.id)).status == "in_progress")
    gemini.advance(1)
    assert comes(lambda: api(resource.get(made.id)).status == "completed")
    assert "Think." in api(resource.get(made.id)).output_text
    kinds = [event.event_type for event in api.list(api(resource.get(made.id, stream=True)))]
    assert kinds[:2] == ["interaction.created", "interaction.status_update"]
    with pytest.raises(errors.ClientError, match="has ended") as caught:
        api(resource.cancel(made.id))
    assert caught.value.status == "FAILED_PRECONDITION"


def test_cancel_and_delete(api: Api, resource: Any, gemini: RunningEmulator) -> None:
    made = api(resource.create(model=MODEL, input="Think.", background=True))
    assert api(resource.cancel(made.id)).status == "cancelled"
    gemini.advance(10)
    assert api(resource.get(made.id)).status == "cancelled"
    assert api(resource.delete(made.id)) == interactions.Empty()
    with pytest.raises(errors.ClientError) as caught:
        api(resource.get(made.id))
    assert caught.value.code == 404


def test_what_is_not_stored_cannot_be_got(api: Api, resource: Any) -> None:
    made = api(resource.create(model=MODEL, input="a", store=False))
    assert made.output_text
    with pytest.raises(errors.ClientError, match="was not found"):
        api(resource.get(made.id))


def test_a_call_that_fails_leaves_nothing(api: Api, resource: Any, gemini: RunningEmulator) -> None:
    with pytest.raises(errors.ClientError, match="models/none is not found"):
        api(resource.create(model="none", input="a"))
    with pytest.raises(errors.ClientError, match="temperature"):
        api(resource.create(model=MODEL, input="a", generation_config={"temperature": 7}))
    with pytest.raises(errors.ClientError, match=r"input\[0\]\.content\[0\]\.data: is not base64"):
        api(resource.create(model=MODEL, input={"type": "image", "data": "!", "mime_type": "image/png"}))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"input": "a"}, "model: is required, or agent"),
        ({"model": MODEL, "agent": "b", "input": "a"}, "model: excludes agent"),
        ({"model": MODEL}, "input: is required"),
        ({"model": MODEL, "input": []}, "input: is empty"),
        ({"model": MODEL, "input": 3}, "input: expected a text"),
        ({"model": MODEL, "input": [3]}, r"input\[0\]: expected a text"),
        ({"model": MODEL, "input": "a", "temprature": 1}, "temprature"),
        ({"model": MODEL, "input": "a", "generation_config": {"top_p": "x"}}, "generation_config.*top_p"),
        ({"model": MODEL, "input": "a", "store": False, "background": True}, "store: must not be False"),
        ({"model": MODEL, "input": "a", "timeout": -1}, "timeout: -1 is not a positive number"),
        ({"model": MODEL, "input": "a", "api_version": "v9"}, "api_version: 'v9'"),
        ({"model": MODEL, "input": "a", "extra_query": {"a": 1}}, "extra_query"),
    ],
)
def test_what_is_refused_before_it_is_sent(
    api: Api, resource: Any, gemini: RunningEmulator, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        api(resource.create(**arguments))
    with pytest.raises(ValueError, match="id: 'a/b' is not an id"):
        api(resource.get("a/b"))
    with pytest.raises(ValueError, match="last_event_id: requires stream=True"):
        api(resource.get("a", last_event_id="1"))
    assert gemini.calls("Interaction") == []


def test_grpc_alone_cannot_carry_them(api: Api, gemini: RunningEmulator) -> None:
    with pytest.raises(ValueError, match="CreateInteraction is not available over gRPC"):
        api(api.genai(transport="grpc").interactions.create(model=MODEL, input="a"))


def test_requests_that_are_sent(api: Api, web: WebServer) -> None:
    web.on(reply({"id": "x", "status": "completed", "brand_new": 1, "steps": [{"type": "brand_new"}]}))
    resource = api.genai().interactions
    made = api(
        resource.create(
            model=MODEL,
            input="a",
            previous_interaction_id="y",
            extra_headers={"x-team": "harbour"},
            extra_body={"service_tier": "flex"},
            timeout=7,
        )
    )
    assert (made.id, made.steps[0].type) == ("x", "brand_new")
    [sent] = web.requests
    assert (sent.verb, sent.path) == ("POST", "/v1beta/interactions")
    assert sent.json == {
        "model": MODEL,
        "input": "a",
        "previous_interaction_id": "y",
        "service_tier": "flex",
    }
    assert sent.headers["x-team"] == "harbour"


def test_errors_of_the_service(api: Api, web: WebServer) -> None:
    web.on(failure(400, "INVALID_ARGUMENT", "no such tool"))
    with pytest.raises(errors.ClientError, match="no such tool"):
        api(api.genai().interactions.create(model=MODEL, input="a"))
