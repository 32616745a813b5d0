"""HTTP on the wire: malformed requests, limits, timeouts, disconnects and faults that break connections."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from eventually import comes_in_loop
from json_http import Json

from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.http import protocol, request_body
from gemwire_emulator.latency import LatencyProfile
from gemwire_emulator.server import Emulator, Settings

MODEL = "/v1beta/models/gemini-2.5-flash"
ASK = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Why?"}]}]}).encode()
CHUNKED = f"POST {MODEL}:countTokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
GET = f"GET {MODEL} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def post(verb: str, content: bytes = ASK, *headers: str, query: str = "") -> bytes:
    lines = [f"POST {MODEL}:{verb}{query} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Wire:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read_head(self) -> tuple[int, dict[str, str]]:
        raw = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)).decode()
        first, *lines = raw.strip().split("\r\n")
        return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines)

    async def read_response(self) -> tuple[int, Json]:
        """Read a complete response; return its status and JSON."""
        status, headers = await self.read_head()
        content = await self.reader.readexactly(int(headers["content-length"]))
        assert headers["content-type"] == "application/json; charset=utf-8"
        return status, json.loads(content)

    async def read_error(self) -> int:
        """Read an error in the API's format; return its status."""
        status, answer = await self.read_response()
        assert answer["error"]["code"] == status
        assert set(answer["error"]) >= {"code", "message", "status"}
        return status

    async def is_closed(self) -> bool:
        """Return True if the server closes the connection without further bytes."""
        try:
            return await asyncio.wait_for(self.reader.read(), 20) == b""
        except ConnectionError:
            return True


@asynccontextmanager
async def connect(running: Emulator) -> AsyncIterator[Wire]:
    host, _, port = running.http.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**24)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def emulator(**settings: Any) -> AsyncIterator[Emulator]:
    """Start an emulator that must still answer after the test."""
    async with Emulator(Settings(http_port=0, **settings)) as running:
        yield running
        running.admission.rules.clear()
        async with connect(running) as wire:
            await wire.send(GET)
            assert (await wire.read_response())[0] == 200


def run(test: Coroutine[object, None, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


@pytest.fixture(autouse=True)
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Errors of clients are not logged."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def wait_for_calls(running: Emulator, calls: int) -> None:
    """Wait until a number of calls has begun."""
    with running.journal.watch() as news:
        while len(running.journal.calls()) < calls:
            await news.get()


async def wait_for_statuses(running: Emulator, calls: int = 1) -> list[str | None]:
    """Wait until all calls have ended; return their statuses."""

    def have_ended() -> bool:
        found = running.journal.calls()
        return len(found) == calls and all(entry.status for entry in found)

    assert await comes_in_loop(have_ended), running.journal.calls()
    return [entry.status for entry in running.journal.calls()]


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET nothing HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: one\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    ],
)
def test_malformed_requests(sent: bytes) -> None:
    async def test() -> None:
        async with emulator() as running, connect(running) as wire:
            await wire.send(sent)
            assert await wire.read_error() in {400, 403, 404}
            assert await wire.is_closed()

    run(test())


def test_malformed_chunks() -> None:
    async def test() -> None:
        async with emulator() as running:
            for chunks in (b"xyz\r\n", b"5\r\n{}\r\n\r\nzzz", b"-1\r\n", b"f" * 40 + b"\r\n"):
                async with connect(running) as wire:
                    await wire.send(CHUNKED + chunks)
                    assert await wire.read_error() == 400
                    assert await wire.is_closed()
                # Also in the middle of a body, and where the chunk comes alone.
                async with connect(running) as wire:
                    await wire.send(CHUNKED + b'5\r\n{"con\r\n')
                    await wire.send(chunks)
                    assert await wire.read_error() == 400
            # And those that are.
            async with connect(running) as wire:
                parts = [ASK[i : i + 7] for i in range(0, len(ASK), 7)]
                chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
                await wire.send(CHUNKED + chunked + b"0\r\nTrailer: " + b"x" * 99 + b"\r\n\r\n")
                assert (await wire.read_response())[0] == 200
            assert [entry.status for entry in running.journal.calls()] == ["OK"]

    run(test())


def test_header_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADER_TIMEOUT", 5.0)

    async def test() -> None:
        async with emulator() as running:
            for endless in (b"x: " + b"y" * 5000, b"y" * 5000, b"x: y\r\n" * 1000):
                async with connect(running) as wire:
                    with pytest.raises((ConnectionError, AssertionError)):  # noqa: PT012
                        await wire.send(b"GET /v1beta/models HTTP/1.1\r\nHost: x\r\n")
                        for _ in range(300):
                            await wire.send(endless)
                            await asyncio.sleep(0)
                            if wire.reader._buffer:  # type: ignore[attr-defined]
                                assert await wire.read_error() == 431
                                raise ConnectionError
            async with connect(running) as wire:
                await wire.send(b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n")
                assert await wire.read_error() == 431

    run(test())


def test_header_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADER_TIMEOUT", 1.0)

    async def test() -> None:
        async with (
            emulator() as running,
            connect(running) as silent,
            connect(running) as slow,
            connect(running) as later,
        ):
            await later.send(GET)
            assert (await later.read_response())[0] == 200
            for byte in b"GET":
                await slow.send(bytes([byte]))
                await asyncio.sleep(0.05)
            assert await slow.read_error() == 408
            assert await silent.read_error() == 408
            # A connection that was used may rest; the next request has to come as quickly as the first.
            await later.send(GET)
            assert (await later.read_response())[0] == 200
            await later.send(GET[:-3])
            assert await later.read_error() == 408
            assert all([await wire.is_closed() for wire in (silent, slow, later)])

    run(test())


def test_body_idle_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "IDLE_TIMEOUT", 1.5)

    async def test() -> None:
        async with emulator() as running, connect(running) as wire:
            request = post("generateContent")[:-1]
            for at in range(0, len(request), 10):
                await wire.send(request[at : at + 10])
                await asyncio.sleep(0.1)
            # As long as something comes it is waited for.
            assert await wire.read_error() == 408
            assert await wire.is_closed()
            assert not running.journal.calls()

    run(test())


def test_body_size_limit() -> None:
    async def test() -> None:
        async with emulator() as running:
            large = b'{"x": "' + b"y" * request_body.MAX_BODY_BYTES + b'"}'
            async with connect(running) as wire:
                await wire.send(post("generateContent", large))
                assert await wire.read_error() == 413
                assert await wire.is_closed()
            async with connect(running) as wire:
                await wire.send(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large))
                assert await wire.read_error() == 413
            async with connect(running) as wire:
                bomb = gzip.compress(bytes(500 * 2**20), 9)
                await wire.send(post("generateContent", bomb, "Content-Encoding: gzip"))
                assert await wire.read_error() == 413
            halves = gzip.compress(ASK[:9]) + gzip.compress(ASK[9:])
            for content, status in (
                (gzip.compress(ASK), 200),
                (halves, 200),
                (b"".join(gzip.compress(ASK[i : i + 1]) for i in range(len(ASK))), 200),
                (gzip.compress(ASK) + bytes(50), 200),
                (halves[:-9], 400),
                (halves + b"x", 400),
                (gzip.compress(ASK)[:-9], 400),
                (ASK, 400),
            ):
                async with connect(running) as wire:
                    await wire.send(post("generateContent", content, "Content-Encoding: gzip"))
                    assert (await wire.read_response())[0] == status
            async with connect(running) as wire:
                await wire.send(post("generateContent", ASK, "Content-Encoding: br"))
                assert await wire.read_error() == 415

    run(test())


def test_pipelined_requests() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(latency=0.05)) as running:
            async with connect(running) as wire:
                await wire.send(post("countTokens") + GET + post("countTokens", b"{") + GET)
                assert (await wire.read_response())[1]["totalTokens"] == 2
                assert (await wire.read_response())[1]["name"] == "models/gemini-2.5-flash"
                assert await wire.read_error() == 400
                assert (await wire.read_response())[0] == 200
            async with connect(running) as wire:
                await wire.send(GET + b"NONSENSE\r\n\r\n")
                await wire.is_closed()
            async with connect(running) as wire:
                await wire.send(post("countTokens", ASK, "Expect: 100-continue"))
                assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
                assert (await wire.read_response())[0] == 200
            for ending in (
                b"GET / HTTP/1.0\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            ):
                async with connect(running) as wire:
                    await wire.send(ending.replace(b"/ ", MODEL.encode() + b" "))
                    assert (await wire.read_response())[0] == 200
                    assert await wire.is_closed()

    run(test())


@pytest.mark.parametrize("verb", ["HEAD", "OPTIONS", "PUT", "TRACE", "PATCH"])
def test_unsupported_verbs(verb: str) -> None:
    async def test() -> None:
        async with emulator() as running, connect(running) as wire:
            await wire.send(GET.replace(b"GET", verb.encode()))
            if verb == "HEAD":
                status, headers = await wire.read_head()
                assert status == 404
                assert int(headers["content-length"]) > 0
            else:
                assert await wire.read_error() == 404
            await wire.send(GET)
            assert (await wire.read_response())[0] == 200

    run(test())


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta/models/../../etc:generateContent",
        "/v1beta/models/..%2f..%2fetc:generateContent",
        "/v1beta/models/%2e%2e/x:generateContent",
        "/v1beta/models/%00:generateContent",
        "/v1beta/models/%ff",
        "/v1beta/models/a%0d%0aSet-Cookie:x",
        "/v1beta/../v1beta/models",
        "/v1beta/files/..%2f..%2f..%2fetc%2fpasswd",
        "/v1beta/files/%2e%2e:download?alt=media",
        "/v1beta/corpora/a/documents/../chunks",
        "/v1beta/tunedModels/" + "x" * 60_000,
        "//etc/passwd",
        "/%2e%2e/",
        "/v1beta/%",
        "/%zz",
        "/v3/models",
        "/v1beta",
    ],
    ids=lambda path: path[:40],
)
def test_unknown_paths(path: str) -> None:
    async def test() -> None:
        async with emulator() as running, connect(running) as wire:
            verb = "POST" if ":generate" in path else "GET"
            sent = f"{verb} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(ASK)}\r\n\r\n"
            await wire.send(sent.encode() + ASK)
            assert await wire.read_error() in {400, 403, 404}

    run(test())


def test_disconnect_before_the_request_is_complete() -> None:
    async def test() -> None:
        async with emulator() as running:
            request = post("generateContent")
            for end in range(1, len(request), 17):
                async with connect(running) as wire:
                    await wire.send(request[:end])
                    wire.writer.write_eof()
                    # The server has read all of it, and closes.
                    await wire.reader.read()
            assert not running.journal.calls()

    run(test())


@pytest.mark.parametrize("query", ["", "?alt=sse"])
def test_disconnect_during_a_stream(query: str) -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(between=0.3)) as running:
            before = asyncio.all_tasks()
            async with connect(running) as wire:
                await wire.send(post("streamGenerateContent", query=query))
                assert (await wire.read_head())[0] == 200
                await wire.reader.read(10)
            assert await wait_for_statuses(running) == ["CANCELLED"]
            # Nothing is left that could produce more.
            assert await comes_in_loop(lambda: asyncio.all_tasks() <= before)
            assert 0 < running.journal.calls()[0].messages < 10

    run(test())


def test_disconnect_before_the_response() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(latency=30)) as running:
            async with connect(running) as wire:
                # The second is never begun.
                await wire.send(post("generateContent") + post("generateContent"))
                await wait_for_calls(running, 1)
            assert await wait_for_statuses(running) == ["CANCELLED"]
            running.admission.pace = LatencyProfile()

    run(test())


def test_deadlines() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(latency=0.1, between=1.5)) as running:
            for unary, timeout in (("generateContent", "0.05"), ("countTokens", "0"), ("countTokens", "-1")):
                async with connect(running) as wire:
                    await wire.send(post(unary, ASK, f"X-Server-Timeout: {timeout}"))
                    assert await wire.read_error() == 504
            async with connect(running) as wire:
                # In the middle of a stream it is the last event.
                await wire.send(post("streamGenerateContent", ASK, "X-Server-Timeout: 2", query="?alt=sse"))
                assert (await wire.read_head())[0] == 200
                told = (await wire.reader.readuntil(b"\r\n0\r\n\r\n")).decode()
                assert '"modelVersion"' in told
                assert '"status": "DEADLINE_EXCEEDED"' in told
            async with connect(running) as wire:
                await wire.send(post("countTokens", ASK, "X-Server-Timeout: soon"))
                assert await wire.read_error() == 400
            assert await wait_for_statuses(running, 4) == ["CANCELLED"] * 4
            running.admission.pace = LatencyProfile()

    run(test())


@pytest.mark.parametrize("query", ["", "?alt=sse"])
@pytest.mark.parametrize("after", [0, 2])
def test_broken_connections(query: str, after: int) -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"disconnect": True, "after_messages": after, "times": 0})
        replies = [Reply("one two three", pieces=3)]
        async with emulator(faults=[rule], replies=replies) as running, connect(running) as wire:
            await wire.send(post("streamGenerateContent", query=query))
            try:
                told = await asyncio.wait_for(wire.reader.read(), 10)
            except ConnectionResetError:
                told = b""
            assert told.count(b'"modelVersion"') == after
            # No end, and no error.
            assert not told.endswith(b"0\r\n\r\n")
            assert b"error" not in told
            assert await wait_for_statuses(running) == ["DISCONNECTED"]

    run(test())


def test_broken_connection_of_a_unary_call() -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"disconnect": True})
        async with emulator(faults=[rule]) as running:
            async with connect(running) as wire:
                await wire.send(post("generateContent"))
                with pytest.raises(ConnectionResetError):
                    await wire.reader.read()
            async with connect(running) as wire:
                await wire.send(post("generateContent"))
                assert (await wire.read_response())[0] == 200
            assert await wait_for_statuses(running, 2) == ["DISCONNECTED", "OK"]

    run(test())


def test_flow_control_suspends_a_stream() -> None:
    async def test() -> None:
        long = Reply("w" * 12_000_000, pieces=120)
        async with emulator(replies=[long]) as running, connect(running) as wire:
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await wire.send(post("streamGenerateContent", query="?alt=sse"))
            await wait_for_calls(running, 1)
            [entry] = running.journal.calls()
            held = 0
            while not held or entry.messages > held:
                held = entry.messages
                await asyncio.sleep(0.3)
            assert 0 < held < 100
            wire.writer.transport.resume_reading()  # type: ignore[attr-defined]
            told = 0
            while told < 12_000_000:
                told += len(await wire.reader.read(2**20))
            assert await wait_for_statuses(running) == ["OK"]

    run(test())


def test_compression_and_cors() -> None:
    async def test() -> None:
        async with emulator(replies=[Reply("word " * 1000)]) as running, connect(running) as wire:
            for origin in ((), ("Origin: https://example.com",)):
                await wire.send(post("generateContent", ASK, "Accept-Encoding: gzip, br", *origin))
                status, headers = await wire.read_head()
                assert (status, headers["content-encoding"]) == (200, "gzip")
                content = await wire.reader.readexactly(int(headers["content-length"]))
                assert json.loads(gzip.decompress(content))["candidates"]
                assert headers.get("access-control-allow-origin") == ("*" if origin else None)
                # What is small or not wanted so comes as it is.
                for verb, accepted in (("countTokens", "gzip"), ("generateContent", "identity")):
                    await wire.send(post(verb, ASK, f"Accept-Encoding: {accepted}", *origin))
                    assert (await wire.read_response())[0] == 200

    run(test())


def test_upgrades_are_declined() -> None:
    async def test() -> None:
        offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
        async with emulator() as running, connect(running) as wire:
            for _ in range(2):
                await wire.send(post("countTokens", ASK, *offer))
                assert (await wire.read_response())[1]["totalTokens"] == 2
            # A body may speak of it.
            spoken = json.dumps({"contents": [{"parts": [{"text": "\r\nUpgrade: h2c\r\n"}]}]}).encode()
            await wire.send(post("countTokens", spoken, *offer))
            assert (await wire.read_response())[0] == 200

    run(test())


def test_large_messages_do_not_block_others() -> None:
    """They are parsed in a thread, because many parts take long."""

    async def test() -> None:
        parts = [{"text": "x"}] * 100_000
        large = json.dumps({"contents": [{"role": "user", "parts": parts}]}).encode()
        loop, gaps = asyncio.get_running_loop(), []

        async def ticking() -> None:
            while True:
                before = loop.time()
                await asyncio.sleep(0.01)
                gaps.append(loop.time() - before)

        async with emulator() as running, connect(running) as wire:
            ticker = asyncio.ensure_future(ticking())
            shares = []
            # The least of several: other work on the machine only ever adds.
            for _ in range(5):
                gaps.clear()
                began = loop.time()
                await wire.send(post("generateContent", large))
                await wire.read_response()
                shares.append(max(gaps) / (loop.time() - began))
            ticker.cancel()
            assert min(shares) < 0.5, shares

    run(test())


def test_go_away_closes_after_the_response() -> None:
    """The counterpart of HTTP/2's GOAWAY."""

    async def test() -> None:
        async with (
            emulator(faults=[FaultRule.from_json({"goaway": True})]) as running,
            connect(running) as wire,
        ):
            await wire.send(post("countTokens"))
            status, headers = await wire.read_head()
            assert (status, headers["connection"]) == (200, "close")
            async with connect(running) as again:
                await again.send(post("countTokens"))
                assert "connection" not in (await again.read_head())[1]

    run(test())


def test_requests_during_shutdown() -> None:
    async def test() -> None:
        running = Emulator(Settings(http_port=0, pace=LatencyProfile(latency=0.3)))
        await running.start()
        async with connect(running) as resting, connect(running) as busy, connect(running) as late:
            await busy.send(GET)
            await late.send(post("generateContent", ASK, "x-emulator-fault: " + '{"delay": 30}'))
            await wait_for_calls(running, 2)
            stopping = asyncio.ensure_future(running.stop(2.0))
            # What was begun is answered, and nothing else waits for that.
            assert await resting.is_closed()
            assert (await busy.read_response())[0] == 200
            assert await busy.is_closed()
            assert not stopping.done()
            with pytest.raises(ConnectionRefusedError):
                async with connect(running):
                    pass
            assert await late.read_error() == 503
            await stopping

    run(test())
