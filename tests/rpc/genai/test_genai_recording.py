"""Calls recorded to a file, and replayed without a server and without a key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gemwire import genai
from gemwire.genai import errors, types
from gemwire.testing import RunningEmulator, environment

MODEL = "gemini-2.5-flash"
KEY = "a-very-secret-key"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningEmulator]:
    running = RunningEmulator(http_port=0)
    yield running
    running.stop()


@pytest.fixture
def folder(server: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    server.reset()
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with environment(server):
        yield tmp_path


def config(folder: Path, mode: str) -> types.DebugConfig:
    return types.DebugConfig(client_mode=mode, replays_directory=str(folder), replay_id="group/a test")


def written(folder: Path) -> list[Any]:
    return list(json.loads((folder / "group" / "a test.json").read_text("utf-8"))["calls"])


def sync_program(client: genai.Client) -> list[Any]:
    """One of each shape of call."""
    told: list[Any] = []
    told.append(client.models.generate_content(model=MODEL, contents="Why is the sky blue?").text)
    told.append([c.text for c in client.models.generate_content_stream(model=MODEL, contents="A tale.")])
    told.append([model.name for model in client.models.list(config={"page_size": 10})])
    with pytest.raises(errors.APIError) as caught:
        client.models.generate_content(model="none", contents="Who?")
    told.append((type(caught.value), caught.value.code, caught.value.message, caught.value.reason))
    chat = client.chats.create(model=MODEL)
    told.append([chat.send_message(text).text for text in ("One.", "Two.")])
    operation = client.models.generate_videos(model="veo-2.0-generate-001", prompt="Waves")
    told.append(client.operations.get(operation).name)
    return told


def http_program(client: genai.Client, folder: Path) -> list[Any]:
    """What goes over HTTP."""
    file = client.files.upload(file=b"High tide is at nine.", config={"mime_type": "text/plain"})
    thinking: types.GenerateContentConfigDict = {"thinking_config": {"thinking_level": "LOW"}}
    answer = client.models.generate_content(model=MODEL, contents=["What?", file], config=thinking)
    job = client.batches.create(model=MODEL, src=[{"contents": "One?"}])
    assert job.name is not None
    return [file.name, file.create_time, answer.text, job.name, client.batches.get(name=job.name).state]


def test_what_was_recorded_is_replayed(server: RunningEmulator, folder: Path) -> None:
    with genai.Client(api_key=KEY, debug_config=config(folder, "record")) as client:
        recorded = [*sync_program(client), *http_program(client, folder)]
    made = len(server.calls())
    with genai.Client(debug_config=config(folder, "replay")) as client:
        assert [*sync_program(client), *http_program(client, folder)] == recorded
    assert len(server.calls()) == made
    assert KEY not in (folder / "group" / "a test.json").read_text("utf-8")


def test_async(server: RunningEmulator, folder: Path) -> None:
    async def program(mode: str) -> list[Any]:
        async with genai.Client(api_key=KEY, debug_config=config(folder, mode)).aio as aio:
            asked = [aio.models.generate_content(model=MODEL, contents=text) for text in "abc"]
            texts = [response.text for response in await asyncio.gather(*asked)]
            stream = await aio.models.generate_content_stream(model=MODEL, contents="A tale.")
            return [texts, [chunk.text async for chunk in stream]]

    recorded = asyncio.run(program("record"))
    made = len(server.calls())
    assert asyncio.run(program("replay")) == recorded
    assert len(server.calls()) == made


def test_what_is_written_can_be_read(folder: Path) -> None:
    with genai.Client(api_key=KEY, debug_config=config(folder, "record")) as client:
        contents = types.Part.from_uri(file_uri="https://youtu.be/x?key=abc&y=1", mime_type="text/plain")
        client.models.count_tokens(model=MODEL, contents=[contents, "What?"])
        for _ in client.models.generate_content_stream(model=MODEL, contents="A tale."):
            pass
    counted, streamed = written(folder)
    assert counted["method"].endswith("GenerativeService/CountTokens")
    [content] = counted["request"]["contents"]
    assert content["parts"][0]["fileData"]["fileUri"] == "https://youtu.be/x?key=REDACTED&y=1"
    assert counted["responses"][0]["message"]["totalTokens"]
    times = [response["at"] for response in streamed["responses"]]
    assert len(times) > 3
    assert times == sorted(times)
    assert streamed["elapsed"] >= times[-1]


def test_calls_given_up_are_not_written(server: RunningEmulator, folder: Path) -> None:
    server.fail(method="GenerateContent", delay=5)

    async def program() -> None:
        async with genai.Client(api_key=KEY, debug_config=config(folder, "record")).aio as aio:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(aio.models.generate_content(model=MODEL, contents="Slow"), 0.05)
            await aio.models.count_tokens(model=MODEL, contents="Hello")

    asyncio.run(program())
    assert [call["method"].rpartition("/")[2] for call in written(folder)] == ["CountTokens"]


def test_many_threads_record_into_one_file(folder: Path) -> None:
    def tell(client: genai.Client, number: int) -> list[Any]:
        stream = client.models.generate_content_stream(model=MODEL, contents=f"Tale {number}")
        return [chunk.text for chunk in stream]

    with (
        genai.Client(api_key=KEY, debug_config=config(folder, "record")) as recorder,
        ThreadPoolExecutor(8) as pool,
    ):
        told = list(pool.map(lambda number: tell(recorder, number), range(24)))
    with genai.Client(debug_config=config(folder, "replay")) as client:
        # In another order.
        assert [tell(client, number) for number in reversed(range(24))] == told[::-1]


def test_streams_that_break(server: RunningEmulator, folder: Path) -> None:
    def read(client: genai.Client) -> list[Any]:
        told: list[Any] = []
        with pytest.raises(errors.ServerError) as caught:
            told.extend(
                chunk.text for chunk in client.models.generate_content_stream(model=MODEL, contents="A tale.")
            )
        return [*told, caught.value.status]

    server.fail("UNAVAILABLE", method="StreamGenerateContent", after_messages=2)
    with genai.Client(api_key=KEY, debug_config=config(folder, "record")) as client:
        recorded = read(client)
    with genai.Client(debug_config=config(folder, "replay")) as client:
        assert read(client) == recorded
    assert recorded[-1] == "UNAVAILABLE"


def test_what_was_not_recorded_is_told(folder: Path) -> None:
    with genai.Client(api_key=KEY, debug_config=config(folder, "record")) as client:
        client.models.count_tokens(model=MODEL, contents="Hello")
    with genai.Client(debug_config=config(folder, "replay")) as client:
        with pytest.raises(
            errors.ReplayError,
            match=r'CountTokens .*contents\[0\].parts\[0\].text: recorded "Hello", given "Goodbye"',
        ):
            client.models.count_tokens(model=MODEL, contents="Goodbye")
        client.models.count_tokens(model=MODEL, contents="Hello")
        with pytest.raises(errors.ReplayError, match="no call of CountTokens is left"):
            client.models.count_tokens(model=MODEL, contents="Hello")
        with (
            pytest.raises(ValueError, match="live sessions are not recorded"),
            client.live.connect(model="m"),
        ):
            pass


def test_auto_records_once(server: RunningEmulator, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_CLIENT_MODE", "auto")
    monkeypatch.setenv("GOOGLE_GENAI_REPLAYS_DIRECTORY", str(folder))
    monkeypatch.setenv("GOOGLE_GENAI_REPLAY_ID", "mine")
    for _ in range(2):
        with genai.Client(api_key=KEY) as client:
            client.models.count_tokens(model=MODEL, contents="Hello")
    assert len(server.calls()) == 1
    assert (folder / "mine.json").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"client_mode": "tape"}, "'tape' is not one of api, record, replay, auto"),
        ({"client_mode": "record", "replay_id": "a"}, "replays_directory: required for client_mode='record'"),
        ({"client_mode": "replay", "replays_directory": "."}, "replay_id: required for client_mode='replay'"),
        ({"mode": "record"}, "did you mean 'client_mode'|has no field 'mode'"),
    ],
)
def test_bad_configs(given: Any, message: str, folder: Path) -> None:
    with pytest.raises(ValueError, match=message):
        genai.Client(api_key=KEY, debug_config=given)


def test_files_that_are_no_recording(folder: Path) -> None:
    asked: types.DebugConfigDict = {
        "client_mode": "replay",
        "replays_directory": str(folder),
        "replay_id": "a",
    }
    with pytest.raises(FileNotFoundError):
        genai.Client(debug_config=asked)
    for text in ("", "[]", '{"version": 2, "calls": []}'):
        (folder / "a.json").write_text(text)
        with pytest.raises(ValueError, match="is not a recording"):
            genai.Client(debug_config=asked)
