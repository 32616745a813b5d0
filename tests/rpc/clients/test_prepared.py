"""Prepared prompts on the service clients and on `gemwire.genai`: what is sent, by whichever way."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from scripted_grpc_server import Api, Fail, Loopback
from scripted_http_server import WebServer, reply, stream

from gemwire import Retry, errors, genai, v1, v1beta
from gemwire.genai import types
from gemwire.genai.errors import UnsupportedFunctionError
from gemwire.testing import RunningEmulator

MODEL = "models/m"
FIELDS: dict[str, Any] = {
    "model": MODEL,
    "contents": [{"role": "user", "parts": [{"text": "big"}]}],
    "system_instruction": {"parts": [{"text": "s"}]},
    "generation_config": {"temperature": 0.5, "stop_sequences": ["a"]},
}
QUICK = Retry(initial=0.001, maximum=0.001)


def answer(text: str = "", finish: int = 1, **part: Any) -> Any:
    parts = [{"text": text}] if text else [part]
    content = {"role": "model", "parts": parts}
    return v1beta.GenerateContentResponse(candidates=[{"content": content, "finish_reason": finish}])


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


def whole(*more: Any, **fields: Any) -> Any:
    """The request that is meant."""
    return v1beta.GenerateContentRequest(**{**FIELDS, "contents": [*FIELDS["contents"], *more], **fields})


# Service clients -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fields", "dict", "message"])
def test_what_is_sent(api: Api, server: Loopback, how: str) -> None:
    server.on("GenerateContent", answer("a"))
    client = api.client()
    if how == "fields":
        prepared = client.prepare(**FIELDS)
    else:
        request = v1beta.GenerateContentRequest(**FIELDS)
        prepared = client.prepare(copy.deepcopy(FIELDS) if how == "dict" else request)
        request.contents[0].parts[0].text = "changed"
    response = api(prepared.generate("q", metadata=[("x-mine", "1")]))
    assert type(response) is v1beta.GenerateContentResponse
    assert response == answer("a")
    [call] = server.journal
    assert call.request == whole(user("q"))
    assert call.values("x-goog-request-params") == ["model=models/m"]
    assert call.values("x-mine") == ["1"]
    assert (prepared.model, prepared.size) == (MODEL, v1beta.GenerateContentRequest(**FIELDS).ByteSize())


@pytest.mark.parametrize(
    ("given", "added"),
    [
        (None, []),
        ("q", [user("q")]),
        (user("q"), [user("q")]),
        (v1beta.Content(**user("q")), [user("q")]),
        ([user("q"), v1beta.Content(role="model")], [user("q"), {"role": "model"}]),
    ],
    ids=["nothing", "text", "dict", "message", "list"],
)
def test_what_may_vary(api: Api, server: Loopback, given: Any, added: list[Any]) -> None:
    prepared = api.client().prepare(**FIELDS)
    api(prepared.generate(given))
    assert api.list(api(prepared.generate_stream(given))) == [v1beta.GenerateContentResponse()]
    assert [call.request for call in server.journal] == [whole(*added)] * 2


def test_fields_of_the_call(api: Api, server: Loopback) -> None:
    prepared = api.client().prepare(**FIELDS)
    api(prepared.generate("q", generation_config={"top_k": 3}, model="models/other"))
    api(prepared.generate("q", system_instruction=None, tools=[{"code_execution": {}}]))
    api(prepared.generate("q"))
    other, without, last = server.journal
    assert other.request == whole(user("q"), generation_config={"top_k": 3}, model="models/other")
    assert other.values("x-goog-request-params") == ["model=models/other"]
    assert without.request == whole(user("q"), system_instruction=None, tools=[{"code_execution": {}}])
    assert last.request == whole(user("q"))


def test_failures_are_those_of_other_calls(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", Fail("UNAVAILABLE"), answer("a"), Fail("NOT_FOUND", "gone"), 5)
    prepared = api.client().prepare(**FIELDS)
    assert api(prepared.generate("q", retry=QUICK)) == answer("a")
    assert server.journal[0].request == server.journal[1].request == whole(user("q"))
    with pytest.raises(errors.NotFound, match="gone"):
        api(prepared.generate("q"))
    with pytest.raises(errors.DeadlineExceeded):
        api(prepared.generate("q", timeout=0.2))
    server.on("StreamGenerateContent", [answer("a"), 5])
    stream = api(prepared.generate_stream("q", idle_timeout=0.2))
    with pytest.raises(errors.DeadlineExceeded, match="no message"):
        api.list(stream)


def test_v1_has_it_too(api: Api, server: Loopback) -> None:
    prepared = api.client(version="v1").prepare(model=MODEL, contents=FIELDS["contents"])
    assert type(api(prepared.generate("q"))) is v1.GenerateContentResponse
    [call] = server.journal
    assert call.method.service.endswith("v1.GenerativeService")
    assert call.request == v1.GenerateContentRequest(model=MODEL, contents=[*FIELDS["contents"], user("q")])


def test_it_is_shared_and_pickles(server: Loopback) -> None:
    """By tasks, loops, threads, and processes, to whom it goes as bytes."""
    prepared = v1beta.GenerativeServiceAsyncClient().prepare(**FIELDS)

    async def together() -> None:
        again = pickle.loads(pickle.dumps(prepared))
        await asyncio.gather(*(one.generate(str(n)) for n in range(5) for one in (prepared, again)))

    with ThreadPoolExecutor(3) as threads:
        for work in [threads.submit(asyncio.run, together()) for _ in range(3)]:
            work.result()
    assert len(server.journal) == 30
    assert {call.request.contents[1].parts[0].text for call in server.journal} == set("01234")
    assert all(call.request == whole(user(call.request.contents[1].parts[0].text)) for call in server.journal)


@pytest.mark.parametrize(
    ("arguments", "fields", "error", "says"),
    [
        ((), {"contents": ["x"]}, TypeError, "contents"),
        ((), {"model": MODEL, "content": []}, ValueError, "GenerateContentRequest has no field 'content'"),
        ((), {"contents": []}, ValueError, "model: it is missing"),
        (
            ({"model": MODEL},),
            {"contents": []},
            ValueError,
            "request: the fields contents were given as well",
        ),
        ((3,), {}, TypeError, "request: expected GenerateContentRequest or a dict"),
    ],
)
def test_what_cannot_be_prepared(
    api: Api,
    server: Loopback,
    arguments: tuple[Any, ...],
    fields: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=re.escape(says)):
        api.client().prepare(*arguments, **fields)
    assert not server.journal


def test_what_cannot_be_sent(api: Api, server: Loopback) -> None:
    client = api.client()
    prepared = client.prepare(**FIELDS)
    with pytest.raises(ValueError, match="contents: neither the prepared prompt nor the call has any"):
        api(client.prepare(model=MODEL).generate())
    with pytest.raises(TypeError, match="contents"):
        api(prepared.generate(3))
    with pytest.raises(ValueError, match="has no field 'temperature'"):
        api(prepared.generate("q", temperature=1))
    with pytest.raises(ValueError, match="model: it is missing"):
        api(prepared.generate("q", model=""))
    assert not server.journal


# genai -----------------------------------------------------------------------------------------------


def prepared_of(api: Api, **more: Any) -> Any:
    arguments = {"model": "m", "contents": ["big"], "system_instruction": "s", **more}
    return api.genai().prepare(**arguments)


def test_generating(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", answer("whole"))
    server.on("StreamGenerateContent", [answer("in ", 0), answer("pieces")])
    prepared = prepared_of(api, config={"temperature": 0.5, "stop_sequences": ["a"]})
    response = api(prepared.generate("q"))
    assert (type(response), response.text) == (types.GenerateContentResponse, "whole")
    assert [chunk.text for chunk in api.list(api(prepared.generate_stream(["q"])))] == ["in ", "pieces"]
    assert api(api(prepared.generate_stream("q")).get_final_response()).text == "in pieces"
    instruction = {"role": "user", "parts": [{"text": "s"}]}
    for call in server.journal:
        assert call.request == whole(user("q"), system_instruction=instruction)
        assert call.values("x-goog-request-params") == ["model=models/m"]


def test_a_config_of_the_call(api: Api, server: Loopback) -> None:
    prepared = prepared_of(api, config={"temperature": 0.5, "stop_sequences": ["a"], "top_k": 2})
    api(prepared.generate("q", {"stop_sequences": ["b"], "top_k": 3, "system_instruction": "t"}))
    api.list(api(prepared.generate_stream("q", config=types.GenerateContentConfig(seed=1))))
    first, second = (call.request for call in server.journal)
    assert first.generation_config == v1beta.GenerationConfig(temperature=0.5, stop_sequences=["b"], top_k=3)
    assert [part.text for part in first.system_instruction.parts] == ["t"]
    assert second.generation_config == v1beta.GenerationConfig(
        temperature=0.5, stop_sequences=["a"], top_k=2, seed=1
    )
    with pytest.raises(ValueError, match="has no field 'x'"):
        api(prepared.generate("q", {"x": 1}))


def test_counting(api: Api, gemini_emulator: RunningEmulator) -> None:
    resources = api.genai()
    prepared = resources.prepare(model="gemini-2.5-flash", contents="big", system_instruction="one two three")
    counted = api(prepared.count_tokens("a question"))
    assert type(counted) is types.CountTokensResponse
    config = {"system_instruction": "one two three"}
    assert counted == api(
        resources.models.count_tokens(model="gemini-2.5-flash", contents=["big", "a question"], config=config)
    )
    [mine, other] = gemini_emulator.calls("CountTokens")
    assert mine.request.generate_content_request.system_instruction.parts
    assert mine.metadata["x-goog-request-params"] == other.metadata["x-goog-request-params"]


def test_answers_are_parsed(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", answer('["a", "b"]'), answer("7"))
    prepared = prepared_of(api, config={"response_schema": list[str]})
    assert api(prepared.generate("q")).parsed == ["a", "b"]
    assert api(prepared.generate("q", {"response_schema": int})).parsed == 7
    first, second = (call.request.generation_config for call in server.journal)
    assert first.response_mime_type == second.response_mime_type == "application/json"
    assert first.response_schema.type == v1beta.Type.ARRAY
    assert second.response_schema == v1beta.Schema(type="INTEGER")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("where", ["prepared", "call"])
def test_functions_are_called(api: Api, server: Loopback, streamed: bool, where: str) -> None:
    def weather(place: str) -> str:
        """The weather."""
        return f"sunny in {place}"

    call = answer(function_call={"name": "weather", "args": {"place": "Rome"}})
    server.on(
        "StreamGenerateContent" if streamed else "GenerateContent", call, answer("fine"), call, answer("ok")
    )
    prepared = prepared_of(api, tools=[weather] if where == "prepared" else None)
    config = None if where == "prepared" else {"tools": [weather]}
    for text, last in (("q", "fine"), ("r", "ok")):
        if streamed:
            *_, response = api.list(api(prepared.generate_stream(text, config)))
        else:
            response = api(prepared.generate(text, config))
        assert response.text == last
        history = response.automatic_function_calling_history
        assert [content.parts[0].text for content in history[:2]] == ["big", text]
        assert history[3].parts[0].function_response.response == {"result": "sunny in Rome"}
        history[0].parts[0].text = "changed"
    assert [len(call.request.contents) for call in server.journal] == [2, 4, 2, 4]
    assert [call.request.contents[0].parts[0].text for call in server.journal] == ["big"] * 4
    assert all(call.request.tools[0].function_declarations[0].name == "weather" for call in server.journal)


def test_async_functions_are_refused_by_sync_clients(server: Loopback) -> None:
    async def weather() -> str:
        return ""

    with genai.Client(api_key="k") as client:
        with pytest.raises(UnsupportedFunctionError, match="weather is async"):
            client.prepare(model="m", tools=[weather])
        assert client.aio.prepare(model="m", tools=[weather]).size > 0


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"model": ""}, ValueError, "model: '' is not the name of a model"),
        ({"contents": []}, ValueError, "contents are required"),
        (
            {"contents": [3]},
            TypeError,
            "contents[0]: expected a string, bytes, image, file, part or content, got int",
        ),
        ({"config": {"temprature": 1}}, ValueError, "did you mean 'temperature'"),
        ({"config": {"temperature": "hot"}}, ValueError, "config.temperature: expected a number, got 'hot'"),
        ({"config": {"system_instruction": "t"}}, ValueError, "system_instruction: is set in config as well"),
        ({"tools": [3]}, TypeError, "tools[0]: expected Tool or a dict, got int"),
        ({"config": {"tools": [3]}}, TypeError, "config.tools[0]: expected Tool or a dict, got int"),
        ({"tools": [], "config": {"tools": []}}, ValueError, "tools: is set in config as well"),
        ({"config": {"http_options": {"timeout": -1}}}, ValueError, "http_options.timeout"),
        ({"config": {"automatic_function_calling": {"maximum_remote_calls": 1.5}}}, TypeError, "maximum_rem"),
    ],
)
def test_what_genai_cannot_prepare(
    api: Api, server: Loopback, arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=re.escape(says)):
        prepared_of(api, **arguments)
    assert not server.journal


def test_settings_of_the_call(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", answer("a"), 5)
    prepared = prepared_of(api, config={"http_options": {"headers": {"x-mine": "1"}}})
    api(prepared.generate("q"))
    assert server.journal[0].values("x-mine") == ["1"]
    with pytest.raises(errors.DeadlineExceeded):
        api(prepared.generate("q", {"http_options": {"timeout": 200}}))


@pytest.mark.parametrize("flavour", ["sync", "async"])
def test_genais_pickle_without_a_key(server: Loopback, monkeypatch: pytest.MonkeyPatch, flavour: str) -> None:
    with genai.Client(api_key="a-secret") as client:
        with pytest.raises(TypeError, match="was given a key or credentials and cannot be pickled") as caught:
            pickle.dumps(client.prepare(model="m", contents="big"))
        assert "a-secret" not in str(caught.value)
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    with genai.Client() as client:
        resources = client if flavour == "sync" else client.aio
        again = pickle.loads(pickle.dumps(resources.prepare(model="m", contents="big")))
        if flavour == "sync":
            again.generate("q")
            again._api.close()
        else:

            async def call() -> None:
                await again.generate("q")
                await again._api.close()
                await client.aio.close()

            asyncio.run(call())
    assert [c.parts[0].text for c in server.journal[0].request.contents] == ["big", "q"]


# Other ways ------------------------------------------------------------------------------------------


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    made.on(reply({"candidates": [{"content": {"parts": [{"text": "over HTTP"}]}}]}))
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    yield made
    made.stop()


@pytest.mark.parametrize("where", ["config", "contents", "call"])
def test_what_only_json_has_goes_over_http(api: Api, server: Loopback, web: WebServer, where: str) -> None:
    server.on("GenerateContent", answer("over gRPC"))
    level = {"thinking_config": {"thinking_level": "low"}}
    part = types.Part(text="big", media_resolution={"level": "MEDIA_RESOLUTION_LOW"})
    prepared = prepared_of(
        api,
        config=level if where == "config" else None,
        contents=[part] if where == "contents" else ["big"],
    )
    assert api(prepared.generate("q", level if where == "call" else None)).text == "over HTTP"
    [request] = web.requests
    if where == "contents":
        part = request.json["contents"][0]["parts"][0]
        assert part["mediaResolution"] == {"level": "MEDIA_RESOLUTION_LOW"}
    else:
        assert request.json["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "LOW"}
    assert [content["parts"][0]["text"] for content in request.json["contents"]] == ["big", "q"]
    assert not server.journal
    assert api(prepared_of(api).generate("q")).text == "over gRPC"


@pytest.mark.parametrize("transport", ["rest", "auto"])
def test_over_http(api: Api, web: WebServer, monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:9")  # where nobody listens
    prepared = api.genai(transport=transport).prepare(model="m", contents="big")
    assert api(prepared.generate("q")).text == "over HTTP"
    web.on(stream({"candidates": [{"content": {"parts": [{"text": "a"}]}}]}))
    assert [chunk.text for chunk in api.list(api(prepared.generate_stream("q")))] == ["a"]
    asked = [request.json["contents"] for request in web.requests]
    assert [[content["parts"][0]["text"] for content in contents] for contents in asked] == [["big", "q"]] * 2
    assert all(request.path.startswith("/v1beta/models/m:") for request in web.requests)
    web.on(reply({"totalTokens": 7}))
    assert api(prepared.count_tokens("q")).total_tokens == 7
    assert web.requests[-1].json["generateContentRequest"]["contents"] == asked[0]


def test_service_clients_over_http(api: Api, web: WebServer) -> None:
    client = api.client(transport="rest_asyncio" if api.is_async else "rest")
    response = api(client.prepare(**FIELDS).generate("q"))
    assert response.candidates[0].content.parts[0].text == "over HTTP"
    assert web.requests[0].json["generationConfig"] == {"temperature": 0.5, "stopSequences": ["a"]}


def test_the_log_sees_all_of_it(api: Api, server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    client = api.client(client_options={"log_content": True})
    with caplog.at_level(logging.DEBUG, "gemwire"):
        api(client.prepare(**FIELDS).generate("q"))
    assert f"GenerateContent request {whole(user('q'))}" in [r.getMessage() for r in caplog.records]


def test_it_is_recorded_and_replayed(api: Api, server: Loopback, tmp_path: Path) -> None:
    server.on("GenerateContent", answer("recorded"))
    server.on("StreamGenerateContent", [answer("in ", 0), answer("pieces")])
    heard = []
    for mode in ("record", "replay"):
        debug = {"client_mode": mode, "replays_directory": str(tmp_path), "replay_id": "a"}
        prepared = api.genai(debug_config=debug).prepare(model="m", contents="big")
        heard.append(
            [
                api(prepared.generate("q")).text,
                *[chunk.text for chunk in api.list(api(prepared.generate_stream("q")))],
            ]
        )
    assert heard == [["recorded", "in ", "pieces"]] * 2
    [recording] = tmp_path.rglob("*.json")
    for call in json.loads(recording.read_text("utf-8"))["calls"]:
        assert [c["parts"][0]["text"] for c in call["request"]["contents"]] == ["big", "q"]
    assert len(server.journal) == 2
