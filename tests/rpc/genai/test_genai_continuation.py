"""Responses that end at the limit of one request, and go on in the next."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api, Loopback
from scripted_http_server import Handler, Request, WebServer, Wire, failure, reply, stream

from gemwire.genai import errors, types

MODEL = "gemini-2.5-flash"


@pytest.fixture
def web() -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.stop()


def part(text: str, token: str = "", reason: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    """A response with a text, and a token if it is not complete."""
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, **fields}
    if token:
        candidate["continuationToken"] = base64.b64encode(token.encode()).decode()
    if reason:
        candidate["finishReason"] = reason
    usage = {
        "promptTokenCount": 3,
        "candidatesTokenCount": len(text),
        "totalTokenCount": 3 + len(text),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
    }
    return {"candidates": [candidate], "usageMetadata": usage}


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


def tokens(web: WebServer) -> list[str | None]:
    found = [request.json.get("continuationToken") for request in web.requests]
    return [token and base64.b64decode(token).decode() for token in found]


def over_http(api: Api, web: WebServer, **options: Any) -> Any:
    return api.genai(http_options={"base_url": f"http://{web.address}", **options})


@pytest.mark.parametrize("reason", ["CONTINUATION", 99, None])
def test_a_response_is_completed(api: Api, web: WebServer, reason: Any) -> None:
    web.on(reply(part("The sea ", "a", reason)), reply(part("is ", "b", reason)), reply(part("blue.")))
    response = api(over_http(api, web).models.generate_content(model=MODEL, contents="Tell."))
    assert tokens(web) == [None, "a", "b"]
    assert [request.json["contents"] for request in web.requests] == [web.requests[0].json["contents"]] * 3
    assert response.text == "The sea is blue."
    assert [piece.text for piece in response.parts] == ["The sea ", "is ", "blue."]
    (candidate,) = response.candidates
    assert candidate.finish_reason == types.FinishReason.STOP
    assert candidate.continuation_token is None
    usage = response.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (9, 16, 25)
    assert [(d.modality, d.token_count) for d in usage.prompt_tokens_details] == [("TEXT", 9)]


def test_what_is_joined(api: Api, web: WebServer) -> None:
    low = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example"}}],
        "groundingSupports": [{"groundingChunkIndices": [0], "segment": {"partIndex": 0}}],
    }
    web.on(
        reply(part("a", "t", "CONTINUATION", safetyRatings=[low], groundingMetadata=grounding, tokenCount=2)),
        reply(
            part(
                "b",
                safetyRatings=[{**low, "probability": "HIGH"}],
                groundingMetadata=grounding,
                tokenCount=3,
                finishMessage="done",
            )
        ),
    )
    response = api(over_http(api, web).models.generate_content(model=MODEL, contents="Tell."))
    (candidate,) = response.candidates
    assert [rating.probability for rating in candidate.safety_ratings] == ["HIGH"]
    assert len(candidate.grounding_metadata.grounding_chunks) == 2
    supports = candidate.grounding_metadata.grounding_supports
    assert [support.grounding_chunk_indices for support in supports] == [[0], [1]]
    assert [support.segment.part_index or 0 for support in supports] == [0, 1]
    assert (candidate.token_count, candidate.finish_message) == (5, "done")


def test_a_prepared_prompt_goes_on(
    api: Api, server: Loopback, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", web.address)
    web.on(reply(part("a", "t", "CONTINUATION")), reply(part("b")))
    config = {"service_tier": "flex", "automatic_continuation": True}
    prompt = api.genai().prepare(model=MODEL, contents="Tell.", config=config)
    assert api(prompt.generate("More.")).text == "ab"
    assert tokens(web) == [None, "t"]
    assert api(prompt.generate("More.")).text == "b"
    assert not server.journal


def test_it_can_be_turned_off(api: Api, web: WebServer) -> None:
    web.on(reply(part("a", "t", "CONTINUATION")))
    config = types.GenerateContentConfig(automatic_continuation=False)
    response = api(over_http(api, web).models.generate_content(model=MODEL, contents="Tell.", config=config))
    assert (response.text, response.candidates[0].continuation_token) == ("a", b"t")
    following = config.model_copy(update={"continuation_token": response.candidates[0].continuation_token})
    api(over_http(api, web).models.generate_content(model=MODEL, contents="Tell.", config=following))
    assert tokens(web) == [None, "t"]


def test_the_same_token_again_is_the_end(api: Api, web: WebServer) -> None:
    web.on(reply(part("a", "t", "CONTINUATION")))
    response = api(over_http(api, web).models.generate_content(model=MODEL, contents="Tell."))
    assert (response.text, tokens(web)) == ("aa", [None, "t"])


def test_a_call_that_fails_in_between(api: Api, web: WebServer) -> None:
    web.on(reply(part("a", "t", "CONTINUATION")), failure(429, "RESOURCE_EXHAUSTED"))
    client = over_http(api, web, retry_options={"attempts": 1})
    with pytest.raises(errors.ClientError, match="automatic_continuation=False") as caught:
        api(client.models.generate_content(model=MODEL, contents="Tell."))
    assert caught.value.code == 429


def test_functions_are_called_after_the_last_part(api: Api, web: WebServer) -> None:
    asked = part("I ask. ", "t", "CONTINUATION")
    call = {
        "content": {"role": "model", "parts": [{"functionCall": {"name": "depth"}}]},
        "finishReason": "STOP",
    }
    web.on(reply(asked), reply({"candidates": [call]}), reply(part("3 m.")))
    config = {"tools": [depth], "service_tier": "flex"}
    response = api(over_http(api, web).models.generate_content(model=MODEL, contents="Deep?", config=config))
    assert response.text == "3 m."
    assert tokens(web) == [None, "t", None]
    said = web.requests[2].json["contents"][1]["parts"]
    assert [piece.get("text") or piece["functionCall"]["name"] for piece in said] == ["I ask. ", "depth"]


def depth() -> str:
    """Tell how deep the sea is."""
    return "3 m"


# Streams ---------------------------------------------------------------------------------------------


def test_a_stream_goes_on(api: Api, web: WebServer) -> None:
    web.on(
        stream(part("The ", reason=None), part("sea ", "a", "CONTINUATION")),
        stream(part("is ", "b", None), part("blue.")),
    )
    chunks = api.list(api(over_http(api, web).models.generate_content_stream(model=MODEL, contents="a")))
    assert [chunk.text for chunk in chunks] == ["The ", "sea ", "is ", "blue."]
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks]
    assert reasons == [None, None, None, types.FinishReason.STOP]
    counts = [chunk.usage_metadata.candidates_token_count for chunk in chunks]
    assert counts == [4, 4, 4 + 3, 4 + 5]
    assert tokens(web) == [None, "a"]


def test_a_stream_that_breaks_is_resumed(api: Api, web: WebServer) -> None:
    web.on(
        broken(part("a", "t", None)),
        broken(part("b", "u", None)),
        broken({"usageMetadata": {"promptTokenCount": 1}}),
        stream(part("c")),
    )
    models = over_http(api, web).models
    response = api(api(models.generate_content_stream(model=MODEL, contents="a")).get_final_response())
    assert response.text == "abc"
    assert tokens(web) == [None, "t", "u", "u"]


def test_a_stream_that_breaks_without_a_token_fails(api: Api, web: WebServer) -> None:
    web.on(broken(part("a", reason=None)))
    with pytest.raises(errors.ServerError):
        api.list(api(over_http(api, web).models.generate_content_stream(model=MODEL, contents="a")))
    assert len(web.requests) == 1


def test_a_stream_without_progress_is_given_up(api: Api, web: WebServer) -> None:
    web.on(broken(part("a", "t", None)), broken({"usageMetadata": {"promptTokenCount": 1}}))
    seen = []
    stream_ = api(over_http(api, web).models.generate_content_stream(model=MODEL, contents="a"))
    with pytest.raises(errors.ServerError):
        seen = api.list(stream_)
    assert not seen
    assert tokens(web) == [None, "t", "t", "t", "t"]


def test_a_stream_ends_with_a_refusal_of_the_next_call(api: Api, web: WebServer) -> None:
    web.on(stream(part("a", "t", "CONTINUATION")), failure(400, "INVALID_ARGUMENT"))
    with pytest.raises(errors.ClientError):
        api.list(api(over_http(api, web).models.generate_content_stream(model=MODEL, contents="a")))


def test_a_stream_that_is_not_continued(api: Api, web: WebServer) -> None:
    web.on(stream(part("a", "t", None)))
    config = {"automatic_continuation": False}
    models = over_http(api, web).models
    (chunk,) = api.list(api(models.generate_content_stream(model=MODEL, contents="a", config=config)))
    assert chunk.candidates[0].continuation_token == b"t"


def test_a_chat_has_one_content_of_a_stream_that_went_on(api: Api, web: WebServer) -> None:
    web.on(stream(part("a", "t", "CONTINUATION")), stream(part("b")))
    chat = over_http(api, web).chats.create(model=MODEL)
    assert [chunk.text for chunk in api.list(api(chat.send_message_stream("Tell.")))] == ["a", "b"]
    assert [content.parts[0].text for content in chat.get_history()] == ["Tell.", "ab"]
