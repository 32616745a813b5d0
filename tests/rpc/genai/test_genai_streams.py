"""Streams of responses as iterators, and errors with their details as JSON; with threads and asyncio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api

from gemwire import genai
from gemwire.genai import errors
from gemwire.testing import RunningEmulator, emulator

MODEL = "gemini-2.5-flash"


@pytest.fixture(scope="module")
def _running() -> Iterator[RunningEmulator]:
    with emulator() as running:
        yield running


@pytest.fixture
def gemini(_running: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> RunningEmulator:
    _running.reset()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", _running.address)
    return _running


@pytest.fixture
def client(api: Api, gemini: RunningEmulator) -> Iterator[Any]:
    made = genai.Client(api_key="a-key", http_options={"retry_options": {"attempts": 1}})
    yield made.aio if api.is_async else made
    api(made.aio.close()) if api.is_async else made.close()


def open_streams(client: Any) -> dict[str, Any]:
    """Return what opens a stream of each kind."""

    def look(city: str) -> str:
        """Look at a city."""
        return city

    models, chat = client.models, client.chats.create(model=MODEL)
    return {
        "models": lambda: models.generate_content_stream(model=MODEL, contents="Hello"),
        "chats": lambda: chat.send_message_stream("Hello"),
        "functions": lambda: models.generate_content_stream(
            model=MODEL, contents="Hello", config={"tools": [look]}
        ),
    }


@pytest.mark.parametrize("kind", ["models", "chats", "functions"])
def test_streams_are_iterators(api: Api, client: Any, kind: str) -> None:
    opened = open_streams(client)[kind]

    if api.is_async:

        async def read() -> tuple[Any, list[Any], list[Any]]:
            stream = await opened()
            first = await stream.__anext__()
            return first, [item async for item in stream], [item async for item in stream]

        first, rest, after = api(read())
    else:
        stream = opened()
        first, rest, after = next(stream), list(stream), list(stream)
    assert first.candidates
    assert len(rest) >= (0 if kind == "functions" else 1)
    assert after == []


@pytest.mark.parametrize("kind", ["models", "chats", "functions"])
def test_streams_can_be_closed(api: Api, client: Any, kind: str) -> None:
    opened = open_streams(client)[kind]

    if api.is_async:

        async def read() -> None:
            stream = await opened()
            await stream.__anext__()
            await stream.aclose()

        api(read())
    else:
        stream = opened()
        next(stream)
        stream.close()
    # The chat, if it is one, takes another message.
    api(client.models.generate_content(model=MODEL, contents="Hello"))


def read_all(api: Api, opening: Any) -> None:
    stream = api(opening)
    if api.is_async:

        async def read() -> None:
            async for _ in stream:
                pass

        api(read())
    else:
        for _ in stream:
            pass


@pytest.mark.parametrize("call", ["generate", "stream", "within a stream", "get", "chat"])
def test_errors_have_json_as_details(api: Api, client: Any, gemini: RunningEmulator, call: str) -> None:
    after = {"after_messages": 1} if call == "within a stream" else {}
    gemini.fail("RESOURCE_EXHAUSTED", retry_delay=30, **after)
    models = client.models
    with pytest.raises(errors.ClientError) as caught:  # noqa: PT012
        if call == "generate":
            api(models.generate_content(model=MODEL, contents="Hello"))
        elif call == "get":
            api(models.get(model=MODEL))
        elif call == "chat":
            api(client.chats.create(model=MODEL).send_message("Hello"))
        else:
            read_all(api, models.generate_content_stream(model=MODEL, contents="Hello"))
    error = caught.value
    assert error.details["error"]["code"] == error.code == 429
    types = [detail["@type"].rpartition(".")[2] for detail in error.details["error"]["details"]]
    assert "RetryInfo" in types
    assert error.retry_delay == 30
    assert [message.DESCRIPTOR.name for message in error.messages] == types
