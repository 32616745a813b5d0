"""Live sessions over a WebSocket: messages, close codes, disconnects and flow control."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from eventually import comes_in_loop
from json_http import Json
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gemwire_emulator.admission import Quota
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.http import live
from gemwire_emulator.latency import LatencyProfile
from gemwire_emulator.server import Emulator, Settings

MODEL = "models/gemini-2.0-flash"
SETUP = {"setup": {"model": MODEL}}
PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def run(test: Coroutine[object, None, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


@asynccontextmanager
async def emulator(**settings: Any) -> AsyncIterator[Emulator]:
    async with Emulator(Settings(http_port=0, **settings)) as running:
        yield running


@asynccontextmanager
async def connect_session(
    running: Emulator, path: str = PATH, **options: Any
) -> AsyncIterator[ClientConnection]:
    async with connect(running.http.replace("http", "ws") + path, **options) as socket:
        yield socket


async def send_json(socket: ClientConnection, message: Json) -> None:
    await socket.send(json.dumps(message))


async def receive_json(socket: ClientConnection) -> Json:
    return json.loads(await socket.recv())


async def begin(socket: ClientConnection, **setup: Json) -> None:
    await send_json(socket, {"setup": {"model": MODEL, **setup}})
    assert await receive_json(socket) == {"setupComplete": {}}


async def until(socket: ClientConnection, what: str) -> list[Json]:
    found = []
    while True:
        message = await receive_json(socket)
        found.append(message)
        if what in message or what in message.get("serverContent", {}):
            return found


async def wait_for_close(socket: ClientConnection) -> tuple[int, str]:
    """Wait until the server closes a session; return code and reason."""
    try:
        while True:
            await socket.recv()
    except ConnectionClosed as error:
        return (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")


async def wait_for_status(running: Emulator) -> str | None:
    """Wait for the status of the only session."""
    [entry] = running.journal.calls("BidiGenerateContent")
    assert await comes_in_loop(lambda: entry.status), "it goes on"
    return entry.status


def question(text: str, *, snake: bool = False) -> Json:
    turns = {"turns": [{"role": "user", "parts": [{"text": text}]}]}
    if snake:
        return {"client_content": {**turns, "turn_complete": True}}
    return {"clientContent": {**turns, "turnComplete": True}}


def join_text(messages: list[Json]) -> str:
    contents = [m.get("serverContent", {}).get("modelTurn", {"parts": []}) for m in messages]
    return "".join(part["text"] for content in contents for part in content["parts"])


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_conversation_in_both_spellings(version: str) -> None:
    async def test() -> None:
        path = f"//{PATH.replace('v1beta', version)}?key=secret"
        async with emulator(replies=[Reply("one two three", pieces=3)]) as running:
            async with connect_session(running, path) as socket:
                await begin(socket)
                await send_json(socket, question("Why?", snake=True))
                said = await until(socket, "turnComplete")
                assert join_text(said) == "one two three"
                assert said[-1]["usageMetadata"]["promptTokenCount"] == 2
                # Binary frames hold the same JSON.
                await socket.send(json.dumps(question("And?")).encode())
                assert join_text(await until(socket, "turnComplete")) == "one two three"
                await send_json(socket, {"realtime_input": {"text": "Really?"}})
                assert join_text(await until(socket, "turnComplete")) == "one two three"
            assert await wait_for_status(running) == "OK"
            [entry] = running.journal.calls("BidiGenerateContent")
            assert (entry.front, entry.peer.partition(":")[0]) == ("websocket", "ipv4")
            assert [r.WhichOneof("message_type") for r in entry.requests] == [
                "setup",
                "client_content",
                "client_content",
                "realtime_input",
            ]

    run(test())


def test_frames_are_binary_and_setup_is_answered_once() -> None:
    async def test() -> None:
        async with emulator() as running, connect_session(running, PATH + "Constrained") as socket:
            await send_json(socket, SETUP)
            assert await socket.recv() == b'{"setupComplete":{}}'
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.1)

    run(test())


def test_tools_and_handles() -> None:
    async def test() -> None:
        tools = [{"functionDeclarations": [{"name": "get_weather", "description": "Weather of a city."}]}]
        async with emulator() as running, connect_session(running) as socket:
            await send_json(socket, {"setup": {"model": MODEL, "tools": tools, "sessionResumption": {}}})
            assert await receive_json(socket) == {"setupComplete": {}}
            handle = (await receive_json(socket))["sessionResumptionUpdate"]["newHandle"]
            await send_json(socket, question("What is the weather in Paris?"))
            [call] = (await until(socket, "toolCall"))[-1]["toolCall"]["functionCalls"]
            assert call["name"] == "get_weather"
            result = {"id": call["id"], "name": call["name"], "response": {"output": "rain"}}
            await send_json(socket, {"tool_response": {"function_responses": [result]}})
            await until(socket, "turnComplete")
            async with connect_session(running) as again:
                await send_json(again, {"setup": {"model": MODEL, "session_resumption": {"handle": handle}}})
                assert await receive_json(again) == {"setupComplete": {}}

    run(test())


@pytest.mark.parametrize(
    ("frames", "code", "said"),
    [
        (["{"], 1007, "Invalid JSON payload received."),
        (["[]"], 1007, "Invalid JSON payload received."),
        ([""], 1007, "Invalid JSON payload received."),
        ([b"\xff\xfe{"], 1007, "Invalid JSON payload received."),
        (["[" * 100_000], 1007, "Invalid JSON payload received."),
        (['{"setup": {"model": 1}}'], 1007, "Invalid value at 'setup.model' (TYPE_STRING), 1"),
        (
            ['{"setup": {"model": "models/none"}, "clientContent": {}}'],
            1007,
            "Invalid value (oneof), oneof field 'message_type' is already set. Cannot set 'clientContent'",
        ),
        (["{}"], 1007, "* setup: must be the first message"),
        ([question("first")], 1007, "* setup: must be the first message"),
        ([SETUP, SETUP], 1007, "* setup: must be sent once, as the first message"),
        ([SETUP, {}], 1007, "* message_type: set one of client_content"),
        (
            [SETUP, {"colour": 1}],
            1007,
            'Invalid JSON payload received. Unknown name "colour": Cannot find field.',
        ),
        ([{"setup": {"model": "models/none"}}], 1008, "models/none is not found, or is not"),
        ([{"setup": {"model": MODEL, "sessionResumption": {"handle": "x.0"}}}], 1008, "setup.session_resum"),
    ],
)
def test_invalid_messages_close_the_session(frames: list[Json], code: int, said: str) -> None:
    async def test() -> None:
        async with emulator() as running:
            async with connect_session(running) as socket:
                for frame in frames:
                    await socket.send(frame if isinstance(frame, (str, bytes)) else json.dumps(frame))
                got, reason = await wait_for_close(socket)
                assert (got, reason[: len(said)]) == (code, said)
            assert await wait_for_status(running) in {"INVALID_ARGUMENT", "NOT_FOUND"}

    run(test())


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("UNAVAILABLE", 1011),
        ("INTERNAL", 1011),
        ("RESOURCE_EXHAUSTED", 1011),
        ("DEADLINE_EXCEEDED", 1011),
        ("PERMISSION_DENIED", 1008),
        ("ABORTED", 1008),
        ("FAILED_PRECONDITION", 1007),
    ],
)
def test_close_codes_and_reasons_of_faults(status: str, code: int) -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"status": status, "message": "ü" * 100})
        async with emulator(faults=[rule]) as running, connect_session(running) as socket:
            await send_json(socket, SETUP)
            # 123 bytes, and no half of a letter.
            assert await wait_for_close(socket) == (code, "ü" * 61)

    run(test())


def test_quota_per_key() -> None:
    async def test() -> None:
        async with emulator(quota=Quota(requests_per_minute=1)) as running:
            async with connect_session(running, PATH + "?key=a") as socket:
                await begin(socket)
            async with connect_session(running, PATH, additional_headers={"x-goog-api-key": "b"}) as socket:
                await begin(socket)
            async with connect_session(running, PATH + "?key=a") as socket:
                await send_json(socket, SETUP)
                code, reason = await wait_for_close(socket)
                assert (code, reason[:23]) == (1011, "You exceeded your quota")

    run(test())


@pytest.mark.parametrize("abruptly", [False, True])
def test_disconnect_stops_the_engine(abruptly: bool) -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(between=0.05)) as running:
            before = asyncio.all_tasks()
            async with connect_session(running, close_timeout=0.5) as socket:
                await begin(socket)
                await send_json(socket, question("Tell me everything"))
                await receive_json(socket)
                if abruptly:
                    socket.transport.abort()
                else:
                    await socket.close()
                assert await wait_for_status(running) == "CANCELLED"
            # Nothing is left that could produce more.
            assert await comes_in_loop(lambda: asyncio.all_tasks() <= before)

    run(test())


def test_disconnect_from_an_idle_session() -> None:
    """A close frame ends a session; a connection that breaks without one cancels it."""

    async def test() -> None:
        for abruptly, status in ((False, "OK"), (True, "CANCELLED")):
            async with emulator() as running, connect_session(running) as socket:
                await begin(socket)
                await send_json(socket, question("Why?"))
                await until(socket, "turnComplete")
                if abruptly:
                    socket.transport.abort()
                else:
                    await socket.close()
                assert await wait_for_status(running) == status

    run(test())


def test_flow_control_suspends_the_engine() -> None:
    async def test() -> None:
        long = Reply("w" * 12_000_000, pieces=120)
        async with emulator(replies=[long]) as running, connect_session(running, max_queue=1) as socket:
            await begin(socket)
            await send_json(socket, question("Everything"))
            [entry] = running.journal.calls()
            held = 0
            while not held or entry.messages > held:
                held = entry.messages
                await asyncio.sleep(0.3)
            assert 0 < held < 100
            assert len(join_text(await until(socket, "turnComplete"))) == 12_000_000

    run(test())


@pytest.mark.parametrize("after", [0, 1, 3])
def test_broken_connection_has_no_close_frame(after: int) -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"disconnect": True, "after_messages": after})
        async with emulator(faults=[rule]) as running, connect_session(running) as socket:
            await send_json(socket, SETUP)
            heard = 0
            try:
                while await socket.recv():
                    heard += 1
                    if heard == 1 < after:
                        await send_json(socket, question("Why?"))
                raise AssertionError("an empty message came")
            except ConnectionClosed as error:
                frame = error.rcvd
            assert (heard, frame) == (after, None)
            assert await wait_for_status(running) == "DISCONNECTED"

    run(test())


def test_frame_size_limit() -> None:
    async def test() -> None:
        async with emulator() as running:
            async with connect_session(running) as socket:
                await begin(socket)
                # As the service's requests: 20 MiB are taken, if they are good for anything.
                with suppress(ConnectionClosed):
                    await send_json(socket, {"setup": {"model": "x" * (20 * 2**20)}})
                assert (await wait_for_close(socket))[0] == 1009
            async with connect_session(running) as socket:
                await begin(socket)

    run(test())


def test_pings_are_answered_and_text_is_utf8() -> None:
    async def test() -> None:
        async with emulator() as running, connect_session(running) as socket:
            await begin(socket)
            await asyncio.wait_for(await socket.ping(b"there?"), 5)
            # A text frame of one byte, which is no UTF-8; the mask is zero.
            socket.transport.write(b"\x81\x81\0\0\0\0\xff")
            assert (await wait_for_close(socket))[0] == 1007

    run(test())


def test_go_away_before_shutdown() -> None:
    async def test() -> None:
        running = Emulator(Settings(http_port=0))
        await running.start()
        async with connect_session(running) as socket, connect_session(running) as silent:
            await begin(socket)
            stopping = asyncio.ensure_future(running.stop(1.0))
            [goodbye] = await until(socket, "goAway")
            assert goodbye == {"goAway": {"timeLeft": "0.900s"}}
            # It may go on for a while.
            await send_json(socket, question("Quickly!"))
            await until(socket, "turnComplete")
            code, reason = await wait_for_close(socket)
            assert (code, reason[:24]) == (1008, "The emulator is stopping")
            # One that never began is told as well.
            assert await wait_for_close(silent) == (1012, "The emulator is shutting down.")
            await stopping

    run(test())


def test_errors_of_the_handshake_are_json() -> None:
    async def test() -> None:
        async with emulator() as running:
            for path in ("/", "/ws", PATH.replace("Bidi", "bidi"), PATH.replace("v1beta", "v2"), PATH + "/x"):
                with pytest.raises(InvalidStatus) as caught:
                    async with connect_session(running, path):
                        pass
                answer = caught.value.response
                assert answer.status_code == 404
                assert json.loads(answer.body)["error"]["status"] == "NOT_FOUND"
            for junk in (
                b"Sec-WebSocket-Version: 1\r\n",
                b"",
                b"Sec-WebSocket-Key: x\r\n",
                b"x: " + b"y" * 9000,
            ):
                answered = await send_raw(running, junk)
                # Older versions of websockets hang up where a line is too long.
                assert answered.startswith(b"HTTP/1.1 4") or (not answered and len(junk) > 8192)
            async with connect_session(running) as socket:
                await begin(socket)

    run(test())


async def send_raw(running: Emulator, headers: bytes) -> bytes:
    """Send a malformed handshake; return the response."""
    host, _, port = running.http.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = b"GET " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    writer.write(head + headers + (b"\r\n" if headers.endswith(b"\r\n") or not headers else b"\r\n\r\n"))
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def test_queue_of_frames_is_bounded() -> None:
    """Send faster than the session reads: this fills the sockets, not memory."""

    async def test() -> None:
        async with emulator(pace=LatencyProfile(latency=0.5)) as running, connect_session(running) as socket:
            frame = json.dumps(question("x" * 100_000))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(_flood(socket, frame), 0.4)

    run(test())
    assert live._MAX_QUEUED_FRAMES < 100


async def _flood(socket: ClientConnection, frame: str) -> None:
    for _ in range(1000):
        await socket.send(frame)
