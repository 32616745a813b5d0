"""Broken connections and GOAWAY, as clients see them and on the wire."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Coroutine
from functools import partial
from typing import Any

import grpc
import pytest
from emulator_calls import Caller, calling, emulator
from eventually import comes, comes_in_loop

from gemwire import errors, v1beta
from gemwire import testing as gemwire_testing
from gemwire_emulator.admission import FAULT_HEADER
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import LatencyProfile
from gemwire_emulator.server import Emulator

MODEL = "models/gemini-2.5-flash"
GOAWAY, RST_STREAM = 7, 3
#: A channel with connections of its own.
LOCAL = [("grpc.use_local_subchannel_pool", 1)]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 100))


def fields(text: str = "one two three") -> dict[str, Any]:
    return {"model": MODEL, "contents": [{"parts": [{"text": text}]}]}


async def outcome(call: Caller, **more: Any) -> str:
    try:
        await call("CountTokens", **fields(), **more)
    except grpc.aio.AioRpcError as error:
        await call.leave_broken()
        return error.code().name
    return "OK"


async def begun(running: Emulator, count: int) -> None:
    """Wait until a number of streams has begun."""
    with running.journal.watch() as news:
        while len(running.journal.calls("StreamGenerateContent")) < count:
            await news.get()


async def streamed(call: Caller, **more: Any) -> tuple[int, str]:
    """Return the number of messages of a stream and its outcome."""
    count = 0
    try:
        async for _ in call.stream("StreamGenerateContent", **more, **fields()):
            count += 1
    except grpc.aio.AioRpcError as error:
        await call.leave_broken()
        return count, error.code().name
    return count, "OK"


class Relay:
    """A TCP relay that reads the HTTP/2 frames of the server.

    Attributes:
        address: Where it listens.
        frames: For each connection, types of the frames and their payloads.
        ended: For each connection, whether the server has ended it.
        told: Set when there was a GOAWAY.
        passed: Bytes of the server.
    """

    def __init__(self, target: str, *, slow: bool = False) -> None:
        self._target = target
        self._slow = slow
        self.frames: list[list[tuple[int, bytes]]] = []
        self.ended: list[bool] = []
        self.told = asyncio.Event()
        self.passed = 0
        self._serving: set[asyncio.Task[None]] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._target.rpartition(":")
        connection = socket.socket()
        if self._slow:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
        upstream, upwriter = await asyncio.open_connection(sock=connection)
        number = len(self.frames)
        self.frames.append([])
        self.ended.append(False)

        async def up() -> None:
            with contextlib.suppress(OSError):
                while data := await reader.read(65536):
                    upwriter.write(data)
                    await upwriter.drain()
            upwriter.close()

        async def down() -> None:
            pending = b""
            with contextlib.suppress(OSError):
                while data := await upstream.read(65536):
                    await asyncio.sleep(0.001 if self._slow else 0)
                    self.passed += len(data)
                    pending = self._parse(number, pending + data)
                    writer.write(data)
                    await writer.drain()
                self.ended[number] = True
            writer.close()

        try:
            await asyncio.gather(up(), down())
        finally:
            for end in (writer, upwriter):
                end.close()

    def _parse(self, number: int, data: bytes) -> bytes:
        """Remove complete frames from the front of the buffer."""
        while len(data) >= 9:
            length = int.from_bytes(data[:3], "big")
            if len(data) < 9 + length:
                break
            self.frames[number].append((data[3], data[9 : 9 + length]))
            if data[3] == GOAWAY:
                self.told.set()
            data = data[9 + length :]
        return data

    async def finish(self) -> None:
        """Wait until every connection has ended, and all of its frames have been read."""
        assert await comes_in_loop(lambda: all(task.done() for task in self._serving))

    def has_passed(self, count: int) -> bool:
        return self.passed >= count

    def types(self) -> list[list[int]]:
        return [[kind for kind, _ in frames] for frames in self.frames]

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Relay]:
        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._serving.add(asyncio.ensure_future(self._serve(reader, writer)))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            # What was closed is closed in the next turn.
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def watched(**settings: Any) -> AsyncIterator[tuple[Any, Caller, Relay]]:
    """Start an emulator that is called through a relay."""
    async with emulator(**settings) as (running, _), Relay(running.address).listening() as relay:
        async with calling(relay.address) as call:
            yield running, call, relay
        await relay.finish()


def test_a_disconnect_breaks_the_connection() -> None:
    async def test() -> None:
        rules = [
            FaultRule.from_json({"method": "CountTokens", "disconnect": True, "nth": 2}),
            FaultRule.from_json({"method": "Stream", "disconnect": True, "after_messages": 3}),
        ]
        async with watched(faults=rules) as (running, call, relay):
            assert [await outcome(call) for _ in range(3)] == ["OK", "UNAVAILABLE", "OK"]
            assert await streamed(call) == (3, "UNAVAILABLE")
            assert await outcome(call) == "OK"
            assert [e.status for e in running.journal.calls()] == [
                *("OK", "DISCONNECTED", "OK", "DISCONNECTED", "OK"),
            ]
            # It was the server that ended two of three connections, and with no word.
            assert relay.ended[:2] == [True, True]
            assert [RST_STREAM in types or GOAWAY in types for types in relay.types()] == [False] * 3

    run(test())


def test_other_connections_are_left_alone() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(between=0.02)) as (running, call):
            others = [grpc.aio.insecure_channel(running.address, LOCAL) for _ in range(3)]
            streams = [asyncio.ensure_future(streamed(Caller(channel))) for channel in others]
            await begun(running, 3)
            fault = ((FAULT_HEADER, '{"disconnect": true, "times": 0}'),)
            assert [await outcome(call, metadata=fault) for _ in range(5)] == ["UNAVAILABLE"] * 5
            assert {end for _, end in await asyncio.gather(*streams)} == {"OK"}
            for channel in others:
                await channel.close()

    run(test())


def test_what_was_sent_before_is_read() -> None:
    async def test() -> None:
        fault = ((FAULT_HEADER, json.dumps({"disconnect": True, "after_messages": 5, "times": 0})),)
        async with emulator() as (running, _):
            for _ in range(20):
                async with grpc.aio.insecure_channel(running.address, LOCAL) as channel:
                    assert await streamed(Caller(channel), metadata=fault) == (5, "UNAVAILABLE")

    run(test())


def test_live_sessions_break() -> None:
    async def test() -> None:
        rule = FaultRule.from_json(
            {"method": "Bidi", "model": "flash$", "disconnect": True, "after_messages": 2}
        )
        async with watched(faults=[rule]) as (running, call, relay):
            session = call.bidi("BidiGenerateContent")
            message = v1beta.BidiGenerateContentClientMessage
            await session.write(message(setup={"model": MODEL}))
            await session.write(
                message(client_content={"turns": fields()["contents"], "turn_complete": True})
            )
            assert await session.read()
            assert await session.read()
            with pytest.raises(grpc.aio.AioRpcError) as broken:
                await session.read()
            assert broken.value.code().name == "UNAVAILABLE"
            assert running.journal.calls()[0].status == "DISCONNECTED"
            assert relay.ended == [True]

    run(test())


def test_the_client_recovers() -> None:
    with gemwire_testing.emulator() as gemini:
        gemini.fail(method="CountTokens", disconnect=True, times=2)
        gemini.fail(method="/Stream", disconnect=True, after_messages=2)
        with v1beta.GenerativeServiceClient() as client:
            contents = fields()["contents"]
            assert client.count_tokens(model=MODEL, contents=contents).total_tokens > 0
            stream = iter(client.stream_generate_content(model=MODEL, contents=contents))
            with pytest.raises(errors.Unavailable):
                assert len(list(stream)) == 2
            assert list(client.stream_generate_content(model=MODEL, contents=contents))
        assert [e.status for e in gemini.calls("CountTokens")] == ["DISCONNECTED", "DISCONNECTED", "OK"]


def test_googles_client_sees_it() -> None:
    glm = pytest.importorskip("google.ai.generativelanguage_v1beta")
    from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
        GenerativeServiceGrpcTransport,
    )
    from google.api_core.exceptions import ServiceUnavailable

    with gemwire_testing.emulator() as gemini, grpc.insecure_channel(gemini.address) as channel:
        client = glm.GenerativeServiceClient(transport=GenerativeServiceGrpcTransport(channel=channel))
        request = {"model": MODEL, "contents": fields()["contents"]}
        gemini.fail(disconnect=True)
        with pytest.raises(ServiceUnavailable):
            client.count_tokens(request, retry=None)

        def counted() -> int:
            # For a moment the client says of every call that the connection is gone.
            with contextlib.suppress(ServiceUnavailable):
                return int(client.count_tokens(request, retry=None).total_tokens)
            return 0

        assert comes(counted)
        gemini.fail(goaway=True)
        for _ in range(2):
            assert client.count_tokens(request, retry=None).total_tokens > 0
        peers = [entry.peer for entry in gemini.calls()]
        assert [peers.index(peer) for peer in peers] == [0, 1, 1, 3]


def test_goaway_is_sent_and_the_call_goes_on() -> None:
    async def test() -> None:
        rules = [
            FaultRule.from_json({"method": "CountTokens", "goaway": True, "nth": 2}),
            FaultRule.from_json({"method": "Stream", "goaway": True, "after_messages": 3}),
        ]
        async with watched(faults=rules) as (running, call, relay):
            assert [await outcome(call) for _ in range(3)] == ["OK"] * 3
            whole, end = await streamed(call)
            assert (whole > 5, end) == (True, "OK")
            assert await outcome(call) == "OK"
            peers = [e.peer for e in running.journal.calls()]
            # One, one with GOAWAY, and both that follow it on the next; the last after the stream's.
            assert [peers.index(peer) for peer in peers] == [0, 0, 2, 2, 4]
            assert len(relay.frames) == 3
            assert {e.status for e in running.journal.calls()} == {"OK"}
        said = [[payload for kind, payload in frames if kind == GOAWAY] for frames in relay.frames]
        assert said[0] == said[1] == [struct.pack(">II", 2**31 - 1, 0)]
        # What the server says when it ends is grpc's own.
        assert said[2] in ([], said[2][:2])

    run(test())


def test_no_call_fails_because_of_goaway() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(between=0.02)) as (running, call):
            found: collections.Counter[Any] = collections.Counter()
            over = asyncio.Event()

            async def stream() -> None:
                while not over.is_set():
                    found["stream", await streamed(call)] += 1

            async def unary() -> None:
                while not over.is_set():
                    found["unary", await outcome(call)] += 1

            def have_ended(count: int) -> bool:
                return found.total() >= count

            work = [asyncio.ensure_future(one()) for one in [stream] * 50 + [unary] * 2]
            for number in range(20):
                assert await comes_in_loop(partial(have_ended, found.total() + 25))
                # From outside, and by a call.
                if number % 2:
                    await running.go_away()
                else:
                    fault = ((FAULT_HEADER, '{"goaway": true, "times": 0}'),)
                    assert await outcome(call, metadata=fault) == "OK"
            over.set()
            await asyncio.gather(*work)
            ends = {(kind, end if kind == "unary" else end[1]) for kind, end in found}
            assert ends == {("unary", "OK"), ("stream", "OK")}
            assert len({count for (kind, count) in found if kind == "stream"}) == 1
            assert len({e.peer for e in running.journal.calls()}) > 10

    run(test())


def test_goaway_between_large_messages() -> None:
    """The frame is never inside another one, even if the socket is full and half a message waits."""
    # Flow control would keep the socket from being full.
    eager = [*LOCAL, ("grpc.http2.lookahead_bytes", 50_000_000), ("grpc.http2.bdp_probe", 0)]
    text = "many words " * 400_000

    async def test() -> None:
        async with emulator(replies=[Reply(text, pieces=3)]) as (running, _):
            for number in range(3):
                relay = Relay(running.address, slow=True)
                async with relay.listening(), grpc.aio.insecure_channel(relay.address, eager) as channel:
                    streams = [asyncio.ensure_future(said(Caller(channel))) for _ in range(3)]
                    await begun(running, 3 * (number + 1))
                    # In the middle of messages of a megabyte and more.
                    middle = partial(relay.has_passed, (number + 1) * 300_000)
                    assert await comes_in_loop(middle)
                    await running.go_away()
                    assert {len(await stream) for stream in streams} == {len(text)}
                    await relay.told.wait()

    run(test())


async def said(call: Caller) -> str:
    stream = call.stream("StreamGenerateContent", timeout=60, **fields())
    return "".join([message.candidates[0].content.parts[0].text async for message in stream])


def test_health_and_reflection_stay() -> None:
    health_pb2 = pytest.importorskip("grpc_health.v1.health_pb2")
    health_grpc = pytest.importorskip("grpc_health.v1.health_pb2_grpc")
    with gemwire_testing.emulator() as gemini, grpc.insecure_channel(gemini.address) as channel:
        health = health_grpc.HealthStub(channel)
        watching = health.Watch(health_pb2.HealthCheckRequest(), timeout=20)
        for _ in range(3):
            answer = health.Check(health_pb2.HealthCheckRequest(), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            gemini.goaway()
        assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
        watching.cancel()


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")

    async def test() -> None:
        rules = [FaultRule.from_json({"disconnect": True}), FaultRule.from_json({"goaway": True, "nth": 2})]
        async with emulator(host="::1", faults=rules) as (running, call):
            assert [await outcome(call) for _ in range(3)] == ["UNAVAILABLE", "OK", "OK"]
            assert len({e.peer for e in running.journal.calls()}) == 3

    run(test())
