"""What gRPC cannot carry goes over HTTP, request by request; with threads and asyncio."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api, Loopback
from scripted_http_server import WebServer, failure, reply, stream

from gemwire import genai, v1beta
from gemwire.genai import errors, types
from gemwire.testing import RunningEmulator, emulator

MODEL = "gemini-3-pro-preview"
THINKING: types.GenerateContentConfigDict = {"thinking_config": {"thinking_level": "low"}}
ANSWER: dict[str, Any] = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Blue."}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "serviceTier": "flex", "trafficType": "ON_DEMAND"},
    "modelStatus": {"modelStage": "PREVIEW"},
    "whatever": 1,
}


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """The HTTP side, beside the gRPC side."""
    made = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    made.on(reply(ANSWER))
    yield made
    made.stop()


def generate(api: Api, contents: Any = "Why?", config: Any = None, **arguments: Any) -> Any:
    models = api.genai(**arguments).models
    return api(models.generate_content(model=MODEL, contents=contents, config=config))


# Requests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("audio", {"start_offset": "1.5s"}, {"startOffset": "1.500s"}),
        ("document", {"end_page": 0, "content_layers": ["PAGE_TEXT"]}, None),
        ("speech", {"speaker": "a"}, {"speaker": "a"}),
        ("spreadsheet", {"sheet_index": 0, "visible_cells": "A1:B2"}, None),
    ],
)
def test_what_is_said_of_a_part(
    api: Api, server: Loopback, web: WebServer, name: str, value: Any, wanted: Any
) -> None:
    generate(api, types.Part(text="a", **{f"{name}_metadata": value}))
    [request] = web.requests
    [content] = request.json["contents"]
    camel = {"".join(map(str.capitalize, key.split("_"))): one for key, one in value.items()}
    wanted = wanted or {key[0].lower() + key[1:]: one for key, one in camel.items()}
    assert content["parts"] == [{"text": "a", f"{name}Metadata": wanted}]
    assert not server.journal


@pytest.mark.parametrize("value", [{"what": "it is"}, 5])
def test_what_cannot_be_said_of_a_part(value: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"^audio_metadata(: | has no field)"):
        types.Part(text="a", audio_metadata=value)


@pytest.mark.parametrize(
    ("tool", "wanted"),
    [
        ({"google_maps": {"auth_config": {"api_key": "b"}}}, {"googleMaps": {"authConfig": {"apiKey": "b"}}}),
        (
            {"computer_use": {"enable_prompt_injection_detection": True}},
            {"computerUse": {"enablePromptInjectionDetection": True}},
        ),
    ],
)
def test_what_is_said_of_a_tool(api: Api, server: Loopback, web: WebServer, tool: Any, wanted: Any) -> None:
    generate(api, config={"tools": [tool]})
    assert web.requests[0].json["tools"] == [wanted]


HIGH = types.PartMediaResolution(level="MEDIA_RESOLUTION_HIGH")


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (THINKING, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}),
        (
            {"thinking_config": types.ThinkingConfig(thinking_level=types.ThinkingLevel.HIGH)},
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH"}}},
        ),
        (
            {"thinkingConfig": {"thinkingLevel": "minimal", "includeThoughts": True}, "temperature": 0.5},
            {
                "generationConfig": {
                    "temperature": 0.5,
                    "thinkingConfig": {"thinkingLevel": "MINIMAL", "includeThoughts": True},
                }
            },
        ),
        (
            {"image_config": types.ImageConfig(image_size="2K", aspect_ratio="1:1")},
            {"generationConfig": {"imageConfig": {"imageSize": "2K", "aspectRatio": "1:1"}}},
        ),
        ({"labels": {"cost_center": "a"}}, {"labels": {"cost_center": "a"}}),
        ({"service_tier": "FLEX"}, {"serviceTier": "flex"}),
        ({"service_tier": types.ServiceTier.PRIORITY}, {"serviceTier": "priority"}),
        ({"store": True}, {"store": True}),
        (
            {"tools": [{"google_search": {"search_types": {"web_search": {}}}}]},
            {"tools": [{"googleSearch": {"searchTypes": {"webSearch": {}}}}]},
        ),
        (
            {"tools": [types.Tool(file_search=types.FileSearch(file_search_store_names=["s"], top_k=3))]},
            {"tools": [{"fileSearch": {"fileSearchStoreNames": ["s"], "topK": 3}}]},
        ),
        ({"tools": [{"mcp_servers": [{"name": "m"}]}]}, {"tools": [{"mcpServers": [{"name": "m"}]}]}),
    ],
)
def test_fields_that_only_json_has(
    api: Api, server: Loopback, web: WebServer, config: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert generate(api, config=config).text == "Blue."
    [request] = web.requests
    assert request.path == f"/v1beta/models/{MODEL}:generateContent"
    assert request.headers["x-goog-api-key"] == "a-key"
    assert request.json == {"contents": [{"role": "user", "parts": [{"text": "Why?"}]}], **wanted}
    assert not server.journal


def test_fields_of_parts(api: Api, server: Loopback, web: WebServer) -> None:
    part = types.Part.from_uri(file_uri="https://x/a.png", media_resolution="MEDIA_RESOLUTION_HIGH")
    contents: list[types.PartUnion] = ["a", part, types.Part(text="b", media_resolution={"num_tokens": 7})]
    generate(api, [types.UserContent(contents), {"text": "c", "mediaResolution": {"level": 2}}])
    [first, second] = web.requests[0].json["contents"]
    assert [one.get("mediaResolution") for one in first["parts"]] == [
        None,
        {"level": "MEDIA_RESOLUTION_HIGH"},
        {"numTokens": 7},
    ]
    assert second["parts"][0]["mediaResolution"] == {"level": "MEDIA_RESOLUTION_MEDIUM"}
    assert not server.journal


def test_they_stay_with_the_part() -> None:
    part = types.Part(text="a", media_resolution=HIGH)
    content, turn = types.Content(parts=[part]), types.UserContent([part])
    assert content.parts is not None
    assert turn.parts is not None
    for same in (
        part.model_copy(),
        copy.deepcopy(part),
        pickle.loads(pickle.dumps(part)),
        content.parts[0],
        turn.parts[0],
        types.Part.model_validate_json(part.to_json()),
    ):
        assert same.media_resolution == HIGH
        assert same == part
        assert "media_resolution" in repr(same)
        assert same.to_dict() == {"text": "a", "media_resolution": {"level": "MEDIA_RESOLUTION_HIGH"}}
    assert part != types.Part(text="a")
    part.media_resolution = None
    assert (part.media_resolution, part.to_dict()) == (None, {"text": "a"})


def test_all_else_goes_over_grpc(api: Api, server: Loopback, web: WebServer) -> None:
    part = types.Part(text="a", media_resolution=HIGH)
    part.media_resolution = None
    generate(api, ["a"], {"thinking_config": {"thinking_budget": 3}, "temperature": 1})
    generate(api, part)
    assert len(server.calls("GenerateContent")) == 2
    assert not web.requests


def test_streams(api: Api, server: Loopback, web: WebServer) -> None:
    web.on(stream(ANSWER, ANSWER))
    models = api.genai().models
    begun = api(models.generate_content_stream(model=MODEL, contents="Why?", config=THINKING))
    answers = api.list(begun)
    assert [(one.text, one.usage_metadata.service_tier) for one in answers] == [("Blue.", "flex")] * 2
    assert web.requests[0].path == f"/v1beta/models/{MODEL}:streamGenerateContent"
    assert not server.journal


def test_chats_and_functions(api: Api, server: Loopback, web: WebServer) -> None:
    def weather(city: str) -> str:
        """The weather."""
        return "sunny"

    call = {"functionCall": {"name": "weather", "args": {"city": "Rome"}}}
    asked = {"candidates": [{"content": {"role": "model", "parts": [call]}}]}
    web.on(reply(asked), reply(ANSWER))
    chat = api.genai().chats.create(model=MODEL, config={**THINKING, "tools": [weather]})
    assert api(chat.send_message("Rome?")).text == "Blue."
    assert [len(request.json["contents"]) for request in web.requests] == [1, 3]
    assert not server.journal


def test_other_calls(api: Api, server: Loopback, web: WebServer) -> None:
    part = types.Part(text="a", media_resolution=HIGH)
    resources = api.genai()
    web.on(reply({"totalTokens": 7}))
    assert api(resources.models.count_tokens(model=MODEL, contents=part)).total_tokens == 7
    web.on(reply({"name": "cachedContents/c"}))
    config = {"contents": [part], "ttl": "60s"}
    assert api(resources.caches.create(model=MODEL, config=config)).name == "cachedContents/c"
    for request in web.requests:
        assert request.json["contents"][0]["parts"][0]["mediaResolution"]
    assert not server.journal


def test_live_sessions_over_grpc_refuse_them(api: Api, server: Loopback) -> None:
    session = api.genai(transport="grpc").live.connect(model=MODEL, config=THINKING)
    with pytest.raises(ValueError, match=r"thinking_config.thinking_level"):
        api(session.__aenter__()) if api.is_async else session.__enter__()


# Answers ---------------------------------------------------------------------------------------------


def test_what_an_answer_has_in_json_alone(api: Api, server: Loopback, web: WebServer) -> None:
    answer = generate(api, config=THINKING)
    assert answer.usage_metadata.service_tier is types.ServiceTier.FLEX
    assert answer.usage_metadata.traffic_type == "ON_DEMAND"
    assert answer.model_status.model_stage is types.ModelStage.PREVIEW
    assert "whatever" not in answer.to_dict()
    assert generate(api).model_status is None


def test_errors_and_retries_are_the_same(api: Api, server: Loopback, web: WebServer) -> None:
    web.on(failure(400, "INVALID_ARGUMENT", "thinkingLevel: no"))
    with pytest.raises(errors.ClientError) as caught:
        generate(api, config=THINKING)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    web.on(failure(503, "UNAVAILABLE"), reply(ANSWER))
    config = {**THINKING, "http_options": {"retry_options": {"initial_delay": 0.01}, "headers": {"x-a": "b"}}}
    assert generate(api, config=config).text == "Blue."
    assert web.requests[-1].headers["x-a"] == "b"


# Where it cannot -------------------------------------------------------------------------------------


def test_grpc_alone(api: Api, server: Loopback, web: WebServer) -> None:
    with pytest.raises(
        ValueError,
        match=r"^GenerateContentRequest\.generation_config\.thinking_config\.thinking_level, "
        r"GenerateContentRequest\.labels: not available over gRPC; use a client with transport='rest'",
    ):
        generate(api, config={**THINKING, "labels": {"a": "b"}}, transport="grpc")
    assert not server.journal
    assert not web.requests


def test_without_an_http_client(api: Api, server: Loopback, web: WebServer, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "gemwire._transport.rest.session", None)
    with pytest.raises(ImportError, match=r"thinking_level: goes over HTTP.*pip install 'gemwire\[http\]'"):
        generate(api, config=THINKING)
    generate(api)


def test_without_the_emulators_http_address(api: Api, server: Loopback) -> None:
    with pytest.raises(ValueError, match="set GEMINI_EMULATOR_HTTP_HOST"):
        generate(api, config=THINKING)


def test_without_the_emulators_grpc_address(api: Api, web: WebServer) -> None:
    with pytest.raises(ValueError, match="set GEMINI_EMULATOR_HOST"):
        api.genai()
    assert generate(api, config=THINKING, transport="rest").text == "Blue."


def test_rest_alone(api: Api, web: WebServer) -> None:
    generate(api, config=THINKING, transport="rest")
    assert web.requests[0].json["generationConfig"] == {"thinkingConfig": {"thinkingLevel": "LOW"}}


def test_the_emulator_takes_both(api: Api) -> None:
    with emulator(http_port=0) as gemini:
        resources = api.genai()
        configs: tuple[types.GenerateContentConfigDict, ...] = ({}, THINKING)
        for config in configs:
            answer = api(
                resources.models.generate_content(model="gemini-2.5-flash", contents="a", config=config)
            )
            assert "Emulated answer" in answer.text
        assert [call.front for call in gemini.calls()] == ["grpc", "http"]
        api(resources.close())


# Addresses -------------------------------------------------------------------------------------------


def test_an_address_without_encryption_speaks_http(api: Api) -> None:
    web = WebServer()
    web.on(reply(ANSWER))
    options = {"base_url": f"http://{web.address}/"}
    assert generate(api, http_options=options).text == "Blue."
    assert generate(api, http_options=options, transport="rest").text == "Blue."
    assert [request.headers["x-goog-api-key"] for request in web.requests] == ["a-key"] * 2
    for client in api._clients:
        api(client.close())
    web.stop()


@pytest.mark.parametrize("by_environment", [False, True])
def test_or_grpc_where_that_is_asked_for(api: Api, monkeypatch: Any, by_environment: bool) -> None:
    server = Loopback()
    server.on("GenerateContent", v1beta.GenerateContentResponse(model_version="v"))
    options: types.HttpOptionsDict = {"base_url": f"http://{server.address}"}
    if by_environment:
        monkeypatch.setenv("GEMINI_API_KEY", "a-key")
        client: Any = genai.Client(http_options=options, transport="grpc")
        models = client.aio.models if api.is_async else client.models
        answer = api(models.generate_content(model=MODEL, contents="a"))
        api(client.aio.aclose()) if api.is_async else client.close()
    else:
        answer = generate(api, http_options=options, transport="grpc")
    assert answer.model_version == "v"
    assert server.journal[0].values("x-goog-api-key") == ["a-key"]
    server.stop()


def test_the_emulator_counts_more_than_the_address(api: Api, server: Loopback, web: WebServer) -> None:
    other = {"base_url": "http://localhost:1"}
    generate(api, http_options=other)
    generate(api, config=THINKING, http_options=other)
    assert (len(server.journal), len(web.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.com", "begins with neither"),
        ("https://exa mple", "http_options.base_url"),
    ],
)
def test_bad_addresses(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        genai.Client(api_key="k", http_options={"base_url": url})
    with pytest.raises(ValueError, match="must begin with https://"):
        genai.Client(api_key="k", http_options={"base_url": "http://localhost:1"}, transport="auto")


def test_clients_close_both_sides(server: Loopback, web: WebServer) -> None:
    with genai.Client(api_key="k") as client:
        client.models.generate_content(model=MODEL, contents="a", config=THINKING)
        assert web.open == 1
    assert web.quiet()

    async def main() -> None:
        async with genai.Client(api_key="k").aio as resources:
            await resources.models.generate_content(model=MODEL, contents="a", config=THINKING)
            assert web.open == 1
        assert await asyncio.to_thread(web.quiet)
        other = genai.Client(api_key="k").aio
        await other.models.generate_content(model=MODEL, contents="a", config=THINKING)
        await other.aclose()
        assert await asyncio.to_thread(web.quiet)
        with pytest.raises(RuntimeError, match="this client is closed"):
            await other.models.generate_content(model=MODEL, contents="a", config=THINKING)

    asyncio.run(main())


def test_the_emulator_is_reached_by_its_address(api: Api) -> None:
    gemini = RunningEmulator(http_port=0)
    resources = api.genai(http_options={"base_url": gemini.http})
    assert "Emulated" in api(resources.models.generate_content(model="gemini-2.5-flash", contents="a")).text
    file = api(resources.files.upload(file=b"x", config={"mime_type": "text/plain"}))
    assert api(resources.files.get(name=file.name)) == file
    api(resources.close())
    gemini.stop()
