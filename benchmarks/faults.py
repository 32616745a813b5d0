"""What callers see when servers and networks fail, and how long until calls succeed again.

    python benchmarks/faults.py [--short] [--only NAME] [--transport NAME]

Real servers in processes of their own and a TCP proxy, all on loopback; clients of every transport, each
with the options it has by default. The server speaks gRPC, and on a second port the same as JSON over
HTTP/1.1. The rows of `answer_faults.py` follow, of bad answers, certificates and credentials. HTTP/1.1
has no pings, so the two rows that need them are left out there. ``--short`` makes fewer calls. The table says
of each fault what the caller saw, after how many seconds (``took``), how long it was from the fault, or
from its end where the server itself was away, to the next good call (``back``), how often the call
was tried, and what was left behind. A line that ends in FAIL is not what gemwire promises.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import gc
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from aiohttp import web
from google.protobuf import json_format

from gemwire import errors, v1beta
from gemwire_proto import POOL
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs

HOST = "127.0.0.1"
#: As clients name them.
TRANSPORTS = ("grpc_asyncio", "grpc", "h2_asyncio", "h2", "rest_asyncio", "rest")
CHUNK = pb.GenerateContentResponse(
    candidates=[{"content": {"role": "model", "parts": [{"text": "a few words "}]}}]
)


# The server: what it does with a call stands in the call, as JSON.


class Aborted(Exception):
    """The error that a call asks for."""

    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__(spec)
        self.code = grpc.StatusCode[spec.get("code", "UNAVAILABLE")]
        self.message: str = spec.get("message", "as told")
        self.retry_after: float | None = spec.get("retry_after")
        self.garbage: bool = spec.get("garbage", False)

    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        """Return the details as gRPC has them."""
        if self.garbage:
            return (("grpc-status-details-bin", b"\xff\xfe garbage \x00\x01"),)
        if self.retry_after is None:
            return ()
        from google.protobuf.any_pb2 import Any as AnyMessage
        from google.rpc import error_details_pb2, status_pb2

        detail, info = AnyMessage(), error_details_pb2.RetryInfo()
        info.retry_delay.FromMilliseconds(int(self.retry_after * 1000))
        detail.Pack(info)
        status = status_pb2.Status(code=self.code.value[0], message=self.message, details=[detail])
        return (("grpc-status-details-bin", status.SerializeToString()),)

    def response(self) -> web.Response:
        """Return the error as JSON over HTTP."""
        numbers = {"INVALID_ARGUMENT": 400, "CANCELLED": 499, "RESOURCE_EXHAUSTED": 429, "UNAVAILABLE": 503}
        number = numbers.get(self.code.name, 500)
        details: list[Any] = [7, {"@type": ["garbage"]}, "garbage"] if self.garbage else []
        if self.retry_after is not None:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            details.append({"@type": kind, "retryDelay": f"{self.retry_after}s"})
        error = {"code": number, "status": self.code.name, "message": self.message, "details": details}
        return web.json_response({"error": error}, status=number)


class Servicer(stubs.GenerativeServiceServicer):
    """Fails as it is told."""

    def __init__(self) -> None:
        self.open = self.peak = 0
        self.seen: collections.Counter[str] = collections.Counter()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            yield
        finally:
            self.open -= 1

    async def _begin(self, spec: dict[str, Any]) -> None:
        """Wait, and raise `Aborted`, as the call asks."""
        self.seen[spec.get("key", "")] += 1
        await asyncio.sleep(spec.get("before", 0))
        if self.seen[spec.get("key", "")] <= spec.get("fails", 0):
            raise Aborted(spec)

    async def over_http(self, request: web.Request) -> web.StreamResponse:
        """Answer ``generateContent`` and ``streamGenerateContent`` over HTTP, as the gRPC methods do."""
        with self._counted():
            body = await request.json()
            spec = json.loads(body["contents"][0]["parts"][0]["text"])
            try:
                await self._begin(spec)
            except Aborted as aborted:
                return aborted.response()
            chunk = json_format.MessageToDict(CHUNK, descriptor_pool=POOL)
            if request.match_info["method"] == "generateContent":
                return web.json_response(chunk)
            response = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await response.prepare(request)
            for number in range(spec.get("chunks", 1)):
                if number:
                    await asyncio.sleep(spec.get("every", 0))
                await response.write(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n")
            return response

    async def GenerateContent(self, request: Any, context: Any) -> Any:  # noqa: N802 - as in the proto
        """One answer."""
        with self._counted():
            try:
                await self._begin(json.loads(request.contents[0].parts[0].text))
            except Aborted as aborted:
                await context.abort(aborted.code, aborted.message, aborted.trailers())
            return CHUNK

    async def StreamGenerateContent(self, request: Any, context: Any) -> Any:  # noqa: N802
        """``chunks`` answers, ``every`` so many seconds."""
        with self._counted():
            spec = json.loads(request.contents[0].parts[0].text)
            try:
                await self._begin(spec)
            except Aborted as aborted:
                await context.abort(aborted.code, aborted.message, aborted.trailers())
            for number in range(spec.get("chunks", 1)):
                if number:
                    await asyncio.sleep(spec.get("every", 0))
                yield CHUNK


async def serve(port: int, http_port: int, most_streams: int) -> None:
    """Serve until told to stop; commands come on standard input, answers go to standard output."""
    options = [("grpc.max_concurrent_streams", most_streams)] if most_streams else []
    server, servicer = grpc.aio.server(options=options), Servicer()
    stubs.add_GenerativeServiceServicer_to_server(servicer, server)
    server.add_insecure_port(f"{HOST}:{port}")
    await server.start()
    application = web.Application()
    application.router.add_post("/v1beta/models/faulty:{method}", servicer.over_http)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, HOST, http_port, reuse_port=True)
    await site.start()
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command, _, argument = line.strip().partition(" ")
        if command == "open":
            print(servicer.open, flush=True)
        elif command == "peak":
            print(servicer.peak, flush=True)
        elif command == "seen":
            print(servicer.seen[argument], flush=True)
        elif command == "stop":
            await asyncio.gather(server.stop(float(argument)), site.stop())
            break
    await server.stop(None)
    await runner.cleanup()


class Server:
    """A server process that can be killed, stopped and started again at the same ports.

    Attributes:
        port: Where clients of its transport go.
    """

    def __init__(self, transport: str = "grpc", most_streams: int = 0) -> None:
        # Bound and never listening, they keep the ports from others while the server is away.
        self._reserved = [socket.socket(), socket.socket()]
        for each in self._reserved:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            each.bind((HOST, 0))
        self._ports = [int(each.getsockname()[1]) for each in self._reserved]
        self.port = self._ports[transport.startswith("rest")]
        self._most_streams = most_streams
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start it; returns when it listens."""
        command = [
            sys.executable,
            str(Path(__file__).resolve()),
            "--serve",
            ",".join(map(str, (*self._ports, self._most_streams))),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError("the server did not start")

    def _tell(self, command: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def ask(self, command: str) -> int:
        """Ask for a number.

        Args:
            command: ``open``, the calls under way; ``peak``, the most streams that there were at a
                time; ``seen KEY``, how often a call with that key came.
        """
        self._tell(command)
        assert self._process is not None
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self.gone()

    def stop(self, grace: float) -> None:
        """Say GOAWAY, and go when the calls have ended."""
        self.go_away(grace)
        self.gone()

    def go_away(self, grace: float) -> None:
        """Say GOAWAY without waiting for the end."""
        self._tell(f"stop {grace}")

    def gone(self) -> None:
        """Wait for the end of the process."""
        process, self._process = self._process, None
        assert process is not None
        process.wait(30)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def close(self) -> None:
        """End everything."""
        if self._process is not None:
            self.kill()
        for each in self._reserved:
            each.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


# The network.


class Link:
    """One connection through the proxy."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.writers = list(writers)
        self.silent = False


class Proxy:
    """Passes TCP connections on to a port, or fails to, in a thread of its own.

    Attributes:
        port: Where it listens.
        stalls: Accept new connections and never say anything.
        delay: Seconds by which each piece of data comes late.
    """

    def __init__(self, upstream: int) -> None:
        self.port = 0
        self.stalls = False
        self.delay = 0.0
        self._upstream = upstream
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="proxy", daemon=True)
        self._thread.start()
        ready.wait(10)

    def _run(self, ready: threading.Event) -> None:
        async def main() -> None:
            server = await asyncio.start_server(self._accept, HOST, 0, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            self._stop = asyncio.Event()
            ready.set()
            await self._stop.wait()
            server.close()
            self._reset()
            await asyncio.sleep(0.05)

        self._loop.run_until_complete(main())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer)
        self._links.add(link)
        try:
            if self.stalls:
                await self._pump(reader, None, link)
                return
            far_reader, far = await asyncio.open_connection(HOST, self._upstream)
            link.writers.append(far)
            await asyncio.gather(self._pump(reader, far, link), self._pump(far_reader, writer, link))
        except OSError:
            pass
        finally:
            self._links.discard(link)
            for each in link.writers:
                each.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None, link: Link
    ) -> None:
        # What a silent link still gets is acknowledged by the kernel and thrown away: it looks alive.
        while data := await reader.read(65536):
            if self.delay:
                await asyncio.sleep(self.delay)
            if writer is not None and not link.silent:
                writer.write(data)
                await writer.drain()
        if writer is not None and not (link.silent and writer is link.writers[0]):
            writer.close()

    def silence(self) -> None:
        """The connections there are carry nothing any more; new ones do."""
        for link in list(self._links):
            link.silent = True

    def reset(self) -> None:
        """RST on all connections."""
        self._loop.call_soon_threadsafe(self._reset)

    def _reset(self) -> None:
        for link in list(self._links):
            for writer in link.writers:
                sock = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()

    def close(self) -> None:
        """End everything."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


# The clients, behind one face.


@dataclass
class Ended:
    """How a call ended.

    Attributes:
        saw: ``result``, or the class of the error.
        seconds: How long it took.
        messages: How many came.
        attempts: As the error says; 0 where there was none.
        message: Of the error.
        typed: Whether it was a result or an error of gemwire.
    """

    saw: str
    seconds: float
    messages: int
    attempts: int = 0
    message: str = ""
    typed: bool = True
    details: int = 0


class Call:
    """A call under way."""

    def __init__(self, spec: dict[str, Any], timeout: float | None, idle: float | None) -> None:
        self.spec = spec
        self.messages = 0
        self.timeout = timeout
        self.idle = idle
        self.leave = 0
        self.began = time.monotonic()
        self.future: Future[Ended]

    @property
    def request(self) -> pb.GenerateContentRequest:
        """The request, with the instructions to the server in it."""
        text = json.dumps(self.spec)
        return pb.GenerateContentRequest(model="models/faulty", contents=[{"parts": [{"text": text}]}])

    def ended(self, error: BaseException | None) -> Ended:
        """What there is to say of its end."""
        took = time.monotonic() - self.began
        if error is None:
            return Ended("result", took, self.messages)
        typed = isinstance(error, errors.GemwireError)
        attempts, details = getattr(error, "attempts", 0), len(getattr(error, "details", ())) if typed else 0
        return Ended(type(error).__name__, took, self.messages, attempts, str(error), typed, details)

    def reached(self, messages: int, limit: float = 20.0) -> None:
        """Wait until so many messages have come."""
        until = time.monotonic() + limit
        while self.messages < messages and not self.future.done():
            if time.monotonic() > until:
                raise TimeoutError(f"{self.messages} of {messages} messages in {limit} s")
            time.sleep(0.005)

    def result(self, limit: float = 120.0) -> Ended:
        """How it ended; ``HUNG`` if it has not within the limit."""
        try:
            return self.future.result(limit)
        except TimeoutError:
            return Ended("HUNG", time.monotonic() - self.began, self.messages, typed=False)


def made(client: Callable[..., Any], port: int, transport: str | None = None) -> Any:
    """Make a client that goes to a port of this machine."""
    rest = transport is not None and transport.startswith("rest")
    name = "GEMINI_EMULATOR_HTTP_HOST" if rest else "GEMINI_EMULATOR_HOST"
    before = os.environ.get(name)
    os.environ[name] = f"{HOST}:{port}"
    try:
        return client(transport=transport) if transport else client()
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class AsyncFace:
    """The asyncio client, on a loop in a thread of its own."""

    def __init__(self, port: int, threads: int = 0, transport: str = "grpc_asyncio") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="face", daemon=True)
        self._thread.start()
        self.client = made(v1beta.GenerativeServiceAsyncClient, port, transport)

    def unary(self, spec: dict[str, Any], timeout: float | None = 10.0) -> Call:
        """Begin a call with one answer."""
        return self._submit(self._unary, Call(spec, timeout, None))

    def stream(
        self, spec: dict[str, Any], timeout: float | None = 60.0, idle: float | None = None, leave: int = 0
    ) -> Call:
        """Begin a call with many answers, to be left after so many."""
        call = Call(spec, timeout, idle)
        call.leave = leave
        return self._submit(self._stream, call)

    def _submit(self, work: Callable[[Call], Any], call: Call) -> Call:
        call.future = asyncio.run_coroutine_threadsafe(work(call), self._loop)
        return call

    async def _unary(self, call: Call) -> Ended:
        try:
            await self.client.generate_content(call.request, timeout=call.timeout)
            call.messages += 1
        except Exception as error:
            return call.ended(error)
        return call.ended(None)

    async def _stream(self, call: Call) -> Ended:
        try:
            stream = await self.client.stream_generate_content(
                call.request, timeout=call.timeout, **({"idle_timeout": call.idle} if call.idle else {})
            )
            async for _ in stream:
                call.messages += 1
                if call.messages == call.leave:
                    break
        except Exception as error:
            return call.ended(error)
        return call.ended(None)

    def close(self) -> None:
        """End everything."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _finish(self) -> None:
        await self.client.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=5)


class SyncFace:
    """The sync client, on threads."""

    def __init__(self, port: int, threads: int = 64, transport: str = "grpc") -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="face")
        self.client = made(v1beta.GenerativeServiceClient, port, transport)

    def unary(self, spec: dict[str, Any], timeout: float | None = 10.0) -> Call:
        """Begin a call with one answer."""
        return self._submit(self._unary, Call(spec, timeout, None))

    def stream(
        self, spec: dict[str, Any], timeout: float | None = 60.0, idle: float | None = None, leave: int = 0
    ) -> Call:
        """Begin a call with many answers, to be left after so many."""
        call = Call(spec, timeout, idle)
        call.leave = leave
        return self._submit(self._stream, call)

    def _submit(self, work: Callable[[Call], Any], call: Call) -> Call:
        call.future = self._pool.submit(work, call)
        return call

    def _unary(self, call: Call) -> Ended:
        try:
            self.client.generate_content(call.request, timeout=call.timeout)
            call.messages += 1
        except Exception as error:
            return call.ended(error)
        return call.ended(None)

    def _stream(self, call: Call) -> Ended:
        try:
            stream = self.client.stream_generate_content(
                call.request, timeout=call.timeout, **({"idle_timeout": call.idle} if call.idle else {})
            )
            for _ in stream:
                call.messages += 1
                if call.messages == call.leave:
                    break
        except Exception as error:
            return call.ended(error)
        return call.ended(None)

    def close(self) -> None:
        """End everything."""
        self.client.close()
        self._pool.shutdown()


Face = AsyncFace | SyncFace


# What is left behind.


def descriptors() -> int:
    """Open file descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path would open one more


def resident() -> float:
    """Resident memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Audit:
    """Descriptors and threads before and after; they get some seconds to go away."""

    def __init__(self) -> None:
        self._descriptors = descriptors()
        self._threads = {t.ident for t in threading.enumerate()}

    def left(self, server: Server | None = None, patience: float = 5.0) -> str:
        """What was left behind, in words; empty for nothing. A server is asked for its open calls."""
        gc.collect()
        until = time.monotonic() + patience
        while True:
            more = descriptors() - self._descriptors
            threads = [t.name for t in threading.enumerate() if t.ident not in self._threads]
            calls = server.ask("open") if server else 0
            found = [f"{more} descriptors"] if more > 0 else []
            found += [f"threads {threads}"] if threads else []
            found += [f"{calls} calls"] if calls else []
            if not found or time.monotonic() > until:
                return ", ".join(found)
            time.sleep(0.05)


@dataclass
class Outcome:
    """One line of the table."""

    fault: str
    transport: str
    saw: str
    took: float
    back: float | None = None
    attempts: int | None = None
    left: str = ""
    ok: bool = True
    note: str = ""
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, what: str) -> Outcome:
        """Note what is not as it should be."""
        if not holds:
            self.wrong.append(what)
            self.ok = False
        return self

    def row(self) -> str:
        """The line as text."""
        back = "" if self.back is None else f"{self.back:.2f}"
        tries = "" if self.attempts is None else str(self.attempts)
        verdict = "" if self.ok else f"  FAIL: {'; '.join(self.wrong)}"
        return (
            f"{self.fault:22} {self.transport:12} {self.saw:34} {self.took:6.2f} {back:>6} {tries:>5} "
            f"{self.left or '-':10} {self.note}{verdict}"
        )


HEADER = f"{'fault':22} {'':12} {'the caller saw':34} {'took':>6} {'back':>6} {'tries':>5} {'left':10}"


@contextlib.contextmanager
def face_to(transport: str, port: int, threads: int = 64) -> Iterator[Face]:
    face = (AsyncFace if transport.endswith("asyncio") else SyncFace)(port, threads, transport)
    try:
        yield face
    finally:
        face.close()


def warm_up() -> None:
    """What grpc opens once in a process does not count as left behind."""
    for transports in (TRANSPORTS[:4], TRANSPORTS[4:]):
        with Server(transports[0]) as server:
            for transport in transports:
                with face_to(transport, server.port) as face:
                    face.unary({}).result()
                    face.stream({"chunks": 3}).result()


def until_good(face: Face, since: float, limit: float = 60.0, timeout: float = 2.0) -> float:
    """Seconds since a moment until a call succeeds; calls have short deadlines and follow each other."""
    while True:
        ended = face.unary({}, timeout).result(timeout + 10)
        took = time.monotonic() - since
        if ended.saw == "result" or took > limit:
            return took
        if ended.seconds < 0.05:
            time.sleep(0.05)


# The faults. Each takes a transport and how much of it to do, and gives one line.

SLOW = {"chunks": 30, "every": 0.05}


def killed(transport: str, short: bool) -> Outcome:
    """The server is killed in the middle of a stream."""
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port) as face:
            call = face.stream(SLOW)
            call.reached(5)
            at = time.monotonic()
            server.kill()
            ended, took = call.result(), time.monotonic() - at
            server.start()
            back = until_good(face, time.monotonic())
        outcome = Outcome(
            "killed mid-stream", transport, ended.saw, took, back, ended.attempts, audit.left(server)
        )
    outcome.expect(ended.saw == "Unavailable", "not Unavailable").expect(took < 1, "noticed late")
    return outcome.expect(back < 10, "back late").expect(not outcome.left, "leak")


def reset(transport: str, short: bool) -> Outcome:
    """The connection is reset in the middle of a stream."""
    with Server(transport) as server, Proxy(server.port) as proxy:
        audit = Audit()
        with face_to(transport, proxy.port) as face:
            call = face.stream(SLOW)
            call.reached(5)
            at = time.monotonic()
            proxy.reset()
            ended, took = call.result(), time.monotonic() - at
            back = until_good(face, at)
        outcome = Outcome(
            "RST mid-stream", transport, ended.saw, took, back, ended.attempts, audit.left(server)
        )
    outcome.expect(ended.saw == "Unavailable", "not Unavailable").expect(took < 1, "noticed late")
    return outcome.expect(back < 5, "back late").expect(not outcome.left, "leak")


def goaway(transport: str, short: bool) -> Outcome:
    """The server goes away gracefully with a stream in flight."""
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port) as face:
            call = face.stream(SLOW)
            call.reached(5)
            server.go_away(10)
            # A busy machine takes long to start the server again.
            meanwhile = face.unary({}, 60)
            ended = call.result()
            server.gone()
            server.start()
            at = time.monotonic()
            back, between = until_good(face, at), meanwhile.result()
            late = time.monotonic() - at
        left = audit.left(server)
    saw = f"{ended.saw}, {ended.messages} of 30 messages"
    outcome = Outcome("GOAWAY mid-stream", transport, saw, ended.seconds, back, None, left)
    outcome.note = f"a call in between: {between.saw} {late:.1f} s after the end of the fault"
    outcome.expect(ended.messages == 30, "messages lost").expect(
        between.saw == "result" and late < 10, "the call in between"
    )
    return outcome.expect(back < 10, "back late").expect(not left, "leak")


def black_hole_stream(transport: str, short: bool) -> Outcome:
    """The connection of a stream goes silent; new connections work."""
    with Server(transport) as server, Proxy(server.port) as proxy:
        audit = Audit()
        with face_to(transport, proxy.port) as face:
            call = face.stream({"chunks": 3000, "every": 0.05}, timeout=150)
            call.reached(20)
            at = time.monotonic()
            proxy.silence()
            ended, took = call.result(), time.monotonic() - at
            back = until_good(face, at)
        proxy.reset()
        outcome = Outcome(
            "black hole, stream", transport, ended.saw, took, back, ended.attempts, audit.left(server)
        )
    outcome.expect(ended.saw == "Unavailable", "not Unavailable").expect(took < 20, "noticed late")
    return outcome.expect(back < 20, "back late").expect(not outcome.left, "leak")


def black_hole_quiet(transport: str, short: bool) -> Outcome:
    """The same where nothing has come on the stream for some seconds: a model that thinks."""
    with Server(transport) as server, Proxy(server.port) as proxy:
        audit = Audit()
        with face_to(transport, proxy.port) as face:
            call = face.stream({"chunks": 4, "every": 120}, timeout=150)
            call.reached(1)
            time.sleep(5)
            at = time.monotonic()
            proxy.silence()
            ended, took = call.result(), time.monotonic() - at
            back = until_good(face, at)
        proxy.reset()
        outcome = Outcome(
            "black hole, quiet", transport, ended.saw, took, back, ended.attempts, audit.left(server)
        )
    return outcome.expect(ended.saw == "Unavailable", "not Unavailable").expect(not outcome.left, "leak")


def black_hole_idle(transport: str, short: bool) -> Outcome:
    """The same with ``idle_timeout=2``."""
    with Server(transport) as server, Proxy(server.port) as proxy:
        audit = Audit()
        with face_to(transport, proxy.port) as face:
            call = face.stream({"chunks": 3000, "every": 0.05}, timeout=150, idle=2)
            call.reached(20)
            at = time.monotonic()
            proxy.silence()
            ended, took = call.result(), time.monotonic() - at
            back = until_good(face, at)
        proxy.reset()
        outcome = Outcome(
            "black hole, idle 2 s", transport, ended.saw, took, back, ended.attempts, audit.left(server)
        )
    outcome.expect(ended.saw == "DeadlineExceeded", "not DeadlineExceeded").expect(took < 4, "noticed late")
    return outcome.expect(back < 20, "back late").expect(not outcome.left, "leak")


def black_hole_unary(transport: str, short: bool) -> Outcome:
    """The connection goes silent under calls with deadlines of 2 s; new connections work."""
    with Server(transport) as server, Proxy(server.port) as proxy:
        audit = Audit()
        with face_to(transport, proxy.port) as face:
            for _ in range(20):
                face.unary({}).result()
            time.sleep(1)
            at = time.monotonic()
            proxy.silence()
            ended = face.unary({}, 2).result()
            back = until_good(face, at)
            good = sum(face.unary({}, 2).result().saw == "result" for _ in range(20))
        proxy.reset()
        left = audit.left(server)
    outcome = Outcome("black hole, unary", transport, ended.saw, ended.seconds, back, ended.attempts, left)
    outcome.expect(ended.saw == "DeadlineExceeded", "not DeadlineExceeded").expect(back < 20, "back late")
    return outcome.expect(good == 20, f"then {20 - good} of 20 failed").expect(not left, "leak")


def stalled_handshake(transport: str, short: bool) -> Outcome:
    """Connections are accepted and never answered; after 1 s new ones are."""
    with Server(transport) as server, Proxy(server.port) as proxy:
        proxy.stalls = True
        audit = Audit()
        with face_to(transport, proxy.port) as face:
            ended = face.unary({}, 3).result()
            at = time.monotonic()
            proxy.stalls = False
            back = until_good(face, at)
        proxy.reset()
        left = audit.left(server)
    outcome = Outcome("handshake never ends", transport, ended.saw, ended.seconds, back, ended.attempts, left)
    outcome.expect(ended.typed and ended.seconds < 4, "not within its deadline")
    return outcome.expect(back < 10, "back late").expect(not left, "leak")


def refused_streams(transport: str, short: bool, streams: int | None = None) -> Outcome:
    """Ten times as many slow streams as one connection to the server carries."""
    count = streams or (300 if short else 1000)
    with Server(transport, most_streams=100) as server:
        audit = Audit()
        with face_to(transport, server.port, threads=count) as face:
            face.unary({}).result()
            began = time.monotonic()
            calls = [face.stream({"chunks": 20, "every": 0.05}) for _ in range(count)]
            ends = [call.result() for call in calls]
            took = time.monotonic() - began
        left, peak = audit.left(server), server.ask("peak")
    whole = sum(e.messages == 20 for e in ends)
    seen = collections.Counter(e.saw for e in ends)
    saw = ", ".join(f"{number} {what}" for what, number in seen.most_common())
    outcome = Outcome("REFUSED_STREAM storm", transport, saw, took, None, None, left)
    outcome.note = f"{took / 0.95:.2f} of the ideal, up to {peak} at a time"
    # One connection carries 100: without more of them there would not be so many at once.
    outcome.expect(peak > count / 2, "not at once")
    return outcome.expect(whole == count, "streams failed").expect(not left, "leak")


def unavailable(transport: str, short: bool) -> Outcome:
    """UNAVAILABLE three times, then an answer."""
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port) as face:
            begun = face.stream({"key": "s", "fails": 3, "chunks": 3}, 30)
            ended = face.unary({"key": "u", "fails": 3}, 30).result()
            tries = server.ask("seen u")
            stream = begun.result()
        left = audit.left(server)
    outcome = Outcome(
        "UNAVAILABLE x 3", transport, f"{ended.saw}, stream: {stream.saw}", ended.seconds, None, tries, left
    )
    outcome.expect(ended.saw == stream.saw == "result", "no result").expect(tries == 4, "not 4 attempts")
    return outcome.expect(not left, "leak")


def unavailable_always(transport: str, short: bool) -> Outcome:
    """UNAVAILABLE until the deadline."""
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port) as face:
            ended = face.unary({"key": "u", "fails": 10**6}, 3).result()
            tries = server.ask("seen u")
        left = audit.left(server)
    outcome = Outcome("UNAVAILABLE always", transport, ended.saw, ended.seconds, None, ended.attempts, left)
    outcome.expect(ended.saw == "Unavailable", "not Unavailable").expect(
        ended.seconds < 6, "after its deadline"
    )
    return outcome.expect(tries == ended.attempts > 1, f"the server saw {tries}").expect(not left, "leak")


def slow_headers(transport: str, short: bool) -> Outcome:
    """The first sign of the server comes after the deadline of one call and before that of another."""
    before = 1.0 if short else 2.0
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port) as face:
            short_, long_ = face.stream({"before": before}, before / 2), face.stream({"before": before}, 10)
            ends = [short_.result(), long_.result()]
        left = audit.left(server)
    saw = f"{ends[0].saw}, {ends[1].saw}"
    outcome = Outcome("slow headers", transport, saw, ends[1].seconds, None, ends[0].attempts, left)
    outcome.note = f"the short one ended after {ends[0].seconds:.2f} s"
    outcome.expect([e.saw for e in ends] == ["DeadlineExceeded", "result"], "not as asked")
    return outcome.expect(ends[0].seconds < before, "after its deadline").expect(not left, "leak")


def slow_link(transport: str, short: bool) -> Outcome:
    """Everything comes late, both ways."""
    with Server(transport) as server, Proxy(server.port) as proxy:
        proxy.delay = 0.1 if short else 0.3
        audit = Audit()
        with face_to(transport, proxy.port) as face:
            ended = face.stream({"chunks": 20, "every": 0.05}, 20).result()
            again = face.unary({}, 20).result()
        left = audit.left(server)
    outcome = Outcome(
        f"link {proxy.delay} s late", transport, f"{ended.saw}, {again.saw}", ended.seconds, None, None, left
    )
    outcome.note = f"a call on the open connection: {again.seconds:.2f} s"
    return outcome.expect(ended.messages == 20 and again.saw == "result", "lost").expect(not left, "leak")


def retry_info(transport: str, short: bool) -> Outcome:
    """429 with RetryInfo of 0.5 s twice, then an answer; then one of 60 s and a deadline of 5 s."""
    with Server(transport) as server:
        audit = Audit()
        told = {"fails": 2, "code": "RESOURCE_EXHAUSTED", "retry_after": 0.5, "key": "u"}
        with face_to(transport, server.port) as face:
            ended = face.unary(told, 20).result()
            tries = server.ask("seen u")
            late = face.unary({**told, "key": "v", "retry_after": 60}, 5).result()
        left = audit.left(server)
    outcome = Outcome(
        "429 with RetryInfo", transport, f"{ended.saw}, {late.saw}", ended.seconds, None, tries, left
    )
    outcome.note = f"asked to wait 60 s, gave up after {late.seconds:.2f} s"
    outcome.expect(ended.saw == "result" and ended.seconds >= 1 and tries == 3, "not as asked")
    outcome.expect(
        late.saw == "ResourceExhausted" and late.seconds < 1 and late.details == 1, "waited in vain"
    )
    return outcome.expect(not left, "leak")


def garbage_details(transport: str, short: bool) -> Outcome:
    """The details of an error are garbage."""
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port) as face:
            told = {"fails": 9, "code": "INVALID_ARGUMENT", "garbage": True}
            ended, stream = face.unary(told).result(), face.stream(told).result()
        left = audit.left(server)
    outcome = Outcome(
        "garbage details", transport, f"{ended.saw}, {stream.saw}", ended.seconds, None, ended.attempts, left
    )
    outcome.expect(ended.saw == stream.saw == "InvalidArgument", "not InvalidArgument")
    return outcome.expect("as told" in ended.message, "message lost").expect(not left, "leak")


def restarts(
    transport: str, short: bool, calls: int | None = None, times: int | None = None, deadline: float = 10.0
) -> Outcome:
    """Calls, half of them streams, across restarts of the server, by force and gracefully in turn."""
    calls, times = calls or (1000 if short else 10_000), times or (3 if short else 20)
    between = calls // (times + 1)
    ends: collections.Counter[str] = collections.Counter()
    untyped: list[str] = []
    slowest = grown = 0.0
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port, threads=32) as face:
            room = threading.Semaphore(32)
            pending: list[Call] = []

            def collect(all_of_them: bool = False) -> None:
                nonlocal slowest
                for call in list(pending):
                    if all_of_them or call.future.done():
                        ended = call.result(deadline + 20)
                        ends[ended.saw] += 1
                        slowest = max(slowest, ended.seconds)
                        if not ended.typed:
                            untyped.append(f"{ended.saw} {ended.message}")
                        pending.remove(call)

            began = time.monotonic()
            restarting: threading.Thread | None = None
            for number in range(calls):
                room.acquire()
                begin = face.stream if number % 2 else face.unary
                call = begin({"chunks": 5, "every": 0.002, "before": 0.002}, deadline)
                call.future.add_done_callback(lambda _: room.release())
                pending.append(call)
                if len(pending) >= 64:
                    collect()
                if number == between // 2:
                    warm = resident()
                if number and number % between == 0 and number // between <= times:
                    if restarting:
                        restarting.join(60)
                    forced = (number // between) % 2 == 1
                    restarting = threading.Thread(target=_restart, args=(server, forced), name="restart")
                    restarting.start()
            if restarting:
                restarting.join(60)
            collect(all_of_them=True)
            took = time.monotonic() - began
            back = until_good(face, time.monotonic())
            grown = resident() - warm
        left = audit.left(server)
    saw = ", ".join(f"{number} {what}" for what, number in ends.most_common())
    outcome = Outcome(f"{times} restarts", transport, saw, took, back, None, left)
    outcome.note = f"slowest call {slowest:.1f} s of {deadline:g}, memory {grown:+.1f} MB"
    outcome.expect(sum(ends.values()) == calls, "calls lost").expect(not untyped, f"untyped: {untyped[:3]}")
    outcome.expect(slowest < deadline + 2, "after its deadline").expect(
        ends["result"] > 0.8 * calls, "few results"
    )
    return outcome.expect(grown < 20, "memory").expect(not left, "leak").expect(back < 10, "back late")


def abandoned(transport: str, short: bool, streams: int | None = None) -> Outcome:
    """Streams that are left after their first message, one after the other."""
    count = streams or (500 if short else 3000)
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port, threads=1) as face:
            for _ in range(200):
                face.stream({"chunks": 50, "every": 0.01}, leave=1).result()
            gc.collect()
            before, began = resident(), time.monotonic()
            ends = {face.stream({"chunks": 50, "every": 0.01}, leave=1).result().saw for _ in range(count)}
            gc.collect()
            took, each = time.monotonic() - began, (resident() - before) * 1e6 / count
        left = audit.left(server)
    outcome = Outcome(f"{count} streams left", transport, ", ".join(ends), took, None, None, left)
    outcome.note = f"memory {each:+.0f} B a stream"
    return outcome.expect(ends == {"result"}, "errors").expect(each < 4000, "memory").expect(not left, "leak")


def slow_server(transport: str, short: bool) -> Outcome:
    """A server slower than the deadlines of all calls, which is not silent: a stream goes on meanwhile."""
    with Server(transport) as server:
        audit = Audit()
        with face_to(transport, server.port) as face:
            face.unary({}).result()
            before = descriptors()
            stream, began = face.stream({"chunks": 100, "every": 0.1}), time.monotonic()
            most = 0
            while time.monotonic() - began < 9:
                ended = face.unary({"before": 1}, 0.3).result()
                most = max(most, descriptors() - before)
            back = until_good(face, time.monotonic())
            whole = stream.result()
        left = audit.left(server)
    saw = f"{ended.saw}, stream: {whole.messages} of 100"
    outcome = Outcome("slow server", transport, saw, ended.seconds, back, ended.attempts, left)
    outcome.note = f"up to {most} more connections"
    outcome.expect(ended.saw == "DeadlineExceeded", "not DeadlineExceeded").expect(most <= 3, "connections")
    return outcome.expect(whole.messages == 100, "the stream was cut").expect(not left, "leak")


def _restart(server: Server, forced: bool) -> None:
    if forced:
        server.kill()
    else:
        server.stop(5)
    server.start()


FAULTS: dict[str, Callable[[str, bool], Outcome]] = {
    "killed": killed,
    "reset": reset,
    "goaway": goaway,
    "black_hole_stream": black_hole_stream,
    "black_hole_quiet": black_hole_quiet,
    "black_hole_idle": black_hole_idle,
    "black_hole_unary": black_hole_unary,
    "stalled_handshake": stalled_handshake,
    "refused_streams": refused_streams,
    "unavailable": unavailable,
    "unavailable_always": unavailable_always,
    "slow_headers": slow_headers,
    "slow_link": slow_link,
    "retry_info": retry_info,
    "garbage_details": garbage_details,
    "abandoned": abandoned,
    "slow_server": slow_server,
    "restarts": restarts,
}


def transports_of(name: str) -> Sequence[str]:
    """Return the transports that have a row.

    Over HTTP/1.1, which has no pings, only ``idle_timeout`` and the deadline end a stream that went silent.
    """
    return TRANSPORTS[:4] if name in {"black_hole_stream", "black_hole_quiet"} else TRANSPORTS


def main() -> int:
    # It needs this module.
    import answer_faults

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*FAULTS, *answer_faults.FAULTS]
    parser.add_argument("--short", action="store_true", help="fewer calls and restarts, no quiet black hole")
    parser.add_argument("--only", metavar="NAME", action="append", choices=names, help="may be repeated")
    parser.add_argument("--transport", choices=TRANSPORTS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(*map(int, options.serve.split(","))))
        return 0
    rows = [
        (name, transport, run)
        for name, run in {**FAULTS, **answer_faults.FAULTS}.items()
        for transport in transports_of(name)
    ]
    warm_up()
    print(f"grpcio {grpc.__version__}; seconds\n{HEADER}", flush=True)
    failed = 0
    for name, transport, run in rows:
        if (options.only and name not in options.only) or options.transport not in {None, transport}:
            continue
        if options.short and name == "black_hole_quiet" and not options.only:
            continue
        outcome = run(transport, options.short)
        failed += not outcome.ok
        print(outcome.row(), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
