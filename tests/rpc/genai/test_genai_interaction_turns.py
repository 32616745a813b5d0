"""Interactions that end at the limit of one request are continued, and returned as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api
from scripted_http_server import Handler, Request, WebServer, Wire, failure, reply, stream

from gemwire.errors import GemwireError
from gemwire.genai import errors

MODEL = "gemini-2.5-flash"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    yield made
    made.stop()


def hop(name: str, text: str, token: str = "", **fields: Any) -> dict[str, Any]:
    """An interaction that is not complete if it has a token."""
    made = {
        "id": name,
        "status": "requires_continuation" if token else "completed",
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": text}]}],
        "usage": {
            "total_input_tokens": 3,
            "total_output_tokens": len(text),
            "output_tokens_by_modality": [{"modality": "text", "tokens": len(text)}],
        },
        **fields,
    }
    return {**made, "continuation_token": token} if token else made


def sent(web: WebServer, name: str) -> list[Any]:
    return [request.json.get(name) for request in web.requests]


def test_an_interaction_is_completed(api: Api, web: WebServer) -> None:
    again = [{"type": "user_input", "content": [{"type": "text", "text": "Tell."}]}]
    last = hop("c", "blue.", previous_interaction_id="b")
    last["steps"] = again + last["steps"]
    web.on(
        reply(hop("a", "The sea ", "1", previous_interaction_id="z", created="2026-01-01T00:00:00Z")),
        reply(hop("b", "is ", "2", previous_interaction_id="a")),
        reply(last),
    )
    made = api(api.genai().interactions.create(model=MODEL, input="Tell.", previous_interaction_id="z"))
    assert made.output_text == "The sea is blue."
    assert (made.id, made.status, made.continuation_ids) == ("c", "completed", ["a", "b", "c"])
    assert (made.previous_interaction_id, made.created) == ("z", "2026-01-01T00:00:00Z")
    assert (made.usage.total_input_tokens, made.usage.total_output_tokens) == (9, 16)
    assert [(one.modality, one.tokens) for one in made.usage.output_tokens_by_modality] == [("text", 16)]
    assert sent(web, "continuation_token") == [None, "1", "2"]
    assert sent(web, "previous_interaction_id") == ["z", "a", "b"]
    assert [found is not None for found in sent(web, "input")] == [True, False, False]


def test_what_is_not_stored_is_sent_again(api: Api, web: WebServer) -> None:
    web.on(reply(hop("a", "The sea ", "1")), reply(hop("b", "is blue.")))
    made = api(api.genai().interactions.create(model=MODEL, input="Tell.", store=False))
    assert made.output_text == "The sea is blue."
    assert sent(web, "input") == ["Tell.", "Tell."]
    assert sent(web, "previous_interaction_id") == [None, None]


@pytest.mark.parametrize(
    "arguments",
    [
        {"model": MODEL, "automatic_continuation": False},
        {"model": MODEL, "background": True},
        {"agent": "pilot"},
    ],
)
def test_where_nothing_is_continued(api: Api, web: WebServer, arguments: dict[str, Any]) -> None:
    web.on(reply(hop("a", "The sea ", "1")))
    made = api(api.genai().interactions.create(input="Tell.", **arguments))
    assert (made.status, made.continuation_token) == ("requires_continuation", "1")
    assert len(web.requests) == 1


def test_the_same_token_again_ends_it(api: Api, web: WebServer) -> None:
    web.on(reply(hop("a", "The sea ", "1")), reply(hop("b", "is ", "1")))
    made = api(api.genai().interactions.create(model=MODEL, input="Tell."))
    assert (made.output_text, made.continuation_token) == ("The sea is ", "1")


def test_a_failure_keeps_what_there_was(api: Api, web: WebServer) -> None:
    web.on(reply(hop("a", "The sea ", "1")), failure(400, "INVALID_ARGUMENT", "no"))
    with pytest.raises(errors.ContinuationInterruptedError, match=r"interrupted: .*no") as caught:
        api(api.genai().interactions.create(model=MODEL, input="Tell."))
    error = caught.value
    assert error.partial_interaction.output_text == "The sea "  # type: ignore[attr-defined]
    assert (error.continuation_token, error.interaction_id, error.continuation_ids) == ("1", "a", ["a"])
    assert isinstance(error.__cause__, errors.ClientError)


def test_background_cannot_turn_it_off(api: Api, web: WebServer) -> None:
    with pytest.raises(ValueError, match="automatic_continuation: must not be False with background"):
        api(
            api.genai().interactions.create(
                model=MODEL, input="Tell.", background=True, automatic_continuation=False
            )
        )
    assert not web.requests


def created(name: str) -> dict[str, Any]:
    return {"event_type": "interaction.created", "interaction": {"id": name, "status": "in_progress"}}


def delta(text: str) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": text}}


def completed(name: str, token: str = "") -> dict[str, Any]:
    return {"event_type": "interaction.completed", "interaction": hop(name, "", token)}


def checkpoint(name: str, token: str) -> dict[str, Any]:
    return {
        "event_type": "interaction.status_update",
        "interaction_id": name,
        "status": "in_progress",
        "continuation_token": token,
    }


def broken(*trees: Any) -> Handler:
    """A stream that breaks after some events."""

    def handle(request: Request, wire: Wire) -> bool:
        stream(*trees)(request, _Unended(wire))
        return False

    return handle


class _Unended(Wire):
    def __init__(self, wire: Wire) -> None:
        super().__init__(wire.sock)

    def end(self) -> None:
        pass


def read(api: Api, **arguments: Any) -> tuple[list[str], BaseException | None]:
    """The texts of a stream, and what it ended with."""
    stream = api(api.genai().interactions.create(model=MODEL, input="Tell.", stream=True, **arguments))
    texts: list[str] = []
    while True:
        try:
            event = api(stream.__anext__() if api.is_async else next(stream))
        except (StopIteration, StopAsyncIteration):
            return texts, None
        except GemwireError as error:
            return texts, error
        if event.event_type == "step.delta":
            texts.append(event.delta.text)


def test_a_stream_is_completed(api: Api, web: WebServer) -> None:
    web.on(
        stream(created("a"), delta("The sea "), completed("a", "1")),
        stream(created("b"), delta("is blue."), completed("b")),
    )
    assert read(api) == (["The sea ", "is blue."], None)
    assert sent(web, "continuation_token") == [None, "1"]
    assert sent(web, "previous_interaction_id") == [None, "a"]


def test_a_stream_that_breaks_goes_on_from_its_checkpoint(api: Api, web: WebServer) -> None:
    web.on(
        broken(created("a"), delta("The sea "), checkpoint("a", "1")),
        stream(created("b"), delta("is blue."), completed("b")),
    )
    assert read(api) == (["The sea ", "is blue."], None)
    assert sent(web, "continuation_token") == [None, "1"]


def test_a_stream_that_breaks_after_its_checkpoint_says_where_to_go_on(api: Api, web: WebServer) -> None:
    web.on(broken(created("a"), checkpoint("a", "1"), delta("The sea ")))
    texts, error = read(api)
    assert texts == ["The sea "]
    assert isinstance(error, errors.ContinuationInterruptedError)
    assert (error.continuation_token, error.interaction_id, error.continuation_ids) == ("1", "a", ["a"])


def test_a_stream_that_breaks_without_a_token_raises_its_error(api: Api, web: WebServer) -> None:
    web.on(broken(created("a"), delta("The sea ")))
    texts, error = read(api)
    assert texts == ["The sea "]
    assert isinstance(error, errors.APIError)


def test_streams_without_automatic_continuation(api: Api, web: WebServer) -> None:
    web.on(stream(created("a"), delta("The sea "), completed("a", "1")))
    assert read(api, automatic_continuation=False) == (["The sea "], None)
    assert len(web.requests) == 1
