"""Live sessions with the emulator, over gRPC and over a WebSocket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from gemwire import genai
from gemwire.genai import errors, types
from gemwire.testing import RunningEmulator

MODEL = "gemini-2.0-flash-live-001"
LAMP = types.Tool(
    function_declarations=[
        {"name": "lamp", "parameters": {"type": "OBJECT", "properties": {"on": {"type": "BOOLEAN"}}}}
    ]
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningEmulator]:
    running = RunningEmulator(http_port=0)
    yield running
    running.stop()


@pytest.fixture(params=["grpc", "rest"])
def gemini(
    request: pytest.FixtureRequest, server: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> RunningEmulator:
    """The emulator, to which `connect` goes by each transport."""
    server.reset()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", server.address)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", server.http.removeprefix("http://"))
    monkeypatch.setenv("LIVE_TRANSPORT", request.param)
    return server


def connect() -> genai.Client:
    """A client with the transport of the fixture."""
    return genai.Client(api_key="a-key", transport=os.environ["LIVE_TRANSPORT"])


async def heard(session: Any) -> str:
    """Return the text of a turn of the model."""
    return "".join([message.text or "" async for message in session.receive()])


def talking(talk: Callable[[Any], Awaitable[None]], config: Any = None) -> None:
    """Hold a conversation in one session."""

    async def main() -> None:
        client = connect()
        async with client.aio.live.connect(model=MODEL, config=config) as session:
            await talk(session)
        await client.aio.close()
        client.close()

    asyncio.run(main())


def test_turns(gemini: RunningEmulator) -> None:
    async def talk(session: Any) -> None:
        for question in ("Why is the sky blue?", types.UserContent("And the sea?")):
            await session.send_client_content(turns=question)
            assert "Emulated answer" in await heard(session)

    talking(
        talk, types.LiveConnectConfig(response_modalities=["TEXT"], temperature=0.5, system_instruction="x")
    )
    [call] = gemini.calls("BidiGenerateContent")
    assert call.front == {"grpc": "grpc", "rest": "websocket"}[os.environ["LIVE_TRANSPORT"]]
    setup = call.requests[0].setup
    assert setup.model == f"models/{MODEL}"
    assert setup.generation_config.temperature == 0.5
    assert setup.system_instruction.parts[0].text == "x"


def test_realtime_input(gemini: RunningEmulator) -> None:
    async def talk(session: Any) -> None:
        await session.send_realtime_input(text="Hello")
        assert "Hello" in await heard(session)

    talking(talk)


def test_functions(gemini: RunningEmulator) -> None:
    async def talk(session: Any) -> None:
        await session.send_client_content(turns="Switch on the lamp.")
        async for message in session.receive():
            if message.tool_call:
                [call] = message.tool_call.function_calls
                answer = types.FunctionResponse(id=call.id, name=call.name, response={"result": "done"})
                await session.send_tool_response(function_responses=answer)
        assert call.name == "lamp"

    talking(talk, {"tools": [LAMP]})
    assert any(request.HasField("tool_response") for request in gemini.calls()[0].requests)


def test_session_resumes_after_a_broken_connection(gemini: RunningEmulator) -> None:
    gemini.reply("Blue.", pieces=1)

    async def talk(session: Any) -> None:
        await session.send_client_content(turns="My name is Ada.")
        assert await heard(session) == "Blue."
        await session.send_client_content(turns="What is my name?")
        assert await heard(session) == "Blue."

    # Everything of the first turn arrives, the handle included; then the connection is gone.
    gemini.fail(method="BidiGenerateContent", disconnect=True, after_messages=7)
    talking(talk, {"session_resumption": {}})
    first, second = gemini.calls("BidiGenerateContent")
    assert first.status == "DISCONNECTED"
    assert second.requests[0].setup.session_resumption.handle
    assert second.status != "DISCONNECTED"


def test_session_without_resumption_ends(gemini: RunningEmulator) -> None:
    async def talk(session: Any) -> None:
        await session.send_client_content(turns="Hello")
        with pytest.raises(errors.APIError):
            await heard(session)

    gemini.fail(method="BidiGenerateContent", disconnect=True, after_messages=3)
    talking(talk)


def test_sync_sessions(gemini: RunningEmulator) -> None:
    with connect() as client, client.live.connect(model=MODEL) as session:
        session.send_client_content(turns="Hello")
        assert "Hello" in "".join(message.text or "" for message in session.receive())


@pytest.mark.parametrize(
    ("send", "message"),
    [
        (lambda s: s.send_realtime_input(), "takes exactly one argument"),
        (lambda s: s.send_realtime_input(text="a", audio_stream_end=True), "audio_stream_end, text"),
        (
            lambda s: s.send_realtime_input(media={"data": b"x", "mime_type": "text/plain"}),
            "media: expected audio, an image or video, got .text/plain.",
        ),
        (lambda s: s.send_realtime_input(audio={"data": b"x"}), "audio.mime_type is required"),
        (lambda s: s.send_tool_response(function_responses={"name": "lamp"}), r"function_responses\[0\].id"),
        (lambda s: s.send_client_content(turns=[]), "turns are required"),
    ],
)
def test_invalid_input_is_refused_by_name(gemini: RunningEmulator, send: Any, message: str) -> None:
    async def talk(session: Any) -> None:
        with pytest.raises(ValueError, match=message):
            await send(session)

    talking(talk)


def test_invalid_configs_are_refused_before_connecting(gemini: RunningEmulator) -> None:
    with connect() as client:
        with pytest.raises(ValueError, match="did you mean 'temperature'"):
            client.live.connect(model=MODEL, config={"temprature": 1})  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"config\.temperature: expected a number, got 'hot'"):
            client.live.connect(model=MODEL, config={"temperature": "hot"})  # type: ignore[arg-type]
    assert not gemini.calls()


def test_json_only_fields_go_over_a_websocket(
    server: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reset()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", server.address)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", server.http.removeprefix("http://"))
    config = types.LiveConnectConfig(enable_affective_dialog=True)
    with genai.Client(api_key="a-key") as client, client.live.connect(model=MODEL, config=config) as session:
        session.send_client_content(turns="Hello")
        assert list(session.receive())
    [call] = server.calls("BidiGenerateContent")
    assert call.front == "websocket"
    assert call.requests[0].setup.generation_config.enable_affective_dialog
    with (
        genai.Client(api_key="a-key", transport="grpc") as client,
        pytest.raises(ValueError, match="enable_affective_dialog: not available over gRPC"),
        client.live.connect(model=MODEL, config=config),
    ):
        raise AssertionError("it is refused")


# What google-genai has deprecated --------------------------------------------------------------------


def test_send(gemini: RunningEmulator) -> None:
    async def talk(session: Any) -> None:
        with pytest.warns(DeprecationWarning, match="send_client_content"):
            await session.send(input="Hello", end_of_turn=True)
        assert "Hello" in await heard(session)
        with pytest.warns(DeprecationWarning, match="send_client_content"):
            await session.send(input=types.LiveClientRealtimeInput(text="And now?"))
        assert "And now?" in await heard(session)

    talking(talk)


def test_what_send_refuses(gemini: RunningEmulator) -> None:
    async def talk(session: Any) -> None:
        for given, text in (
            ({"name": "clock", "response": {}}, "id is required"),
            ({"data": b"a"}, "input.mime_type is required"),
            (3, "turns: expected a string"),
        ):
            with (
                pytest.warns(DeprecationWarning, match="send"),
                pytest.raises((ValueError, TypeError), match=text),
            ):
                await session.send(input=given)

    talking(talk)


async def _chunks(count: int, done: asyncio.Event | None = None) -> Any:
    for _ in range(count):
        yield b"\x00" * 320
    if done:
        await done.wait()


async def _stream(session: Any, chunks: Any, mime_type: str, done: asyncio.Event | None = None) -> str:
    """Return the texts that arrive while chunks are sent; set ``done`` at the end of the model's turn."""
    texts = []
    async for message in session.start_stream(stream=chunks, mime_type=mime_type):
        texts.append(message.text or "")
        if done and message.server_content and message.server_content.turn_complete:
            done.set()
    return "".join(texts)


_DEPRECATED = pytest.mark.filterwarnings("default:start_stream is deprecated")


@_DEPRECATED
def test_start_stream_yields_what_arrives(gemini: RunningEmulator) -> None:
    async def talk(session: Any) -> None:
        await session.send_client_content(turns="Say something.")
        done = asyncio.Event()
        with pytest.warns(DeprecationWarning, match="start_stream is deprecated"):
            text = await _stream(session, _chunks(3, done), "audio/pcm;rate=16000", done)
        assert "Emulated answer" in text
        # The session goes on, with the read that was begun.
        await session.send_client_content(turns="And now?")
        assert "And now?" in await heard(session)

    talking(talk)
    sent = gemini.calls("BidiGenerateContent")[0].requests
    assert sum(request.realtime_input.HasField("audio") for request in sent) == 3


@_DEPRECATED
def test_start_stream_ends_with_its_input_or_an_error(gemini: RunningEmulator) -> None:
    async def talk(session: Any) -> None:
        assert await _stream(session, _chunks(2), "audio/pcm") == ""
        with pytest.raises(ValueError, match="expected audio"):
            await _stream(session, _chunks(1), "text/plain")
        await session.send_client_content(turns="And now?")
        assert "And now?" in await heard(session)
        assert await _stream(session, _chunks(1), "audio/pcm") == ""

    talking(talk)
