"""gRPC over another HTTP/2 stack: a transport over pyqwest (Rust: hyper and h2) beside grpcio's.

    python benchmarks/h2.py [--figures | --faults | --table] [--rounds N] [--check]

gemwire has no such transport; docs/h2.md says why, and this prints what it says. The transport on
trial is here: framing, status, deadlines, cancellation and streams, as gemwire's callers want them.
Needs pyqwest 0.12 and uvloop.

``--figures``: client CPU (all threads, getrusage) in microseconds, medians, beside the raw stub; the
variants take turns within each round, one server process, loopback. ``--faults``: what becomes of
calls where a program is busy, does not read, leaves streams, or a connection goes silent, over
grpcio and over the one on trial. ``--table``: the table of benchmarks/faults.py over the one on trial.
Default: figures and faults. ``--check``: as ``--faults``, and fails where grpcio did, or where the one
on trial did not: a reason less not to have it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import collections
import contextlib
import functools
import importlib.metadata
import os
import struct
import subprocess
import sys
import time
import urllib.parse
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any
from unittest import mock

import faults
import grpc
import grpc.aio
import overhead
import pyqwest
import uvloop
from pyqwest import Headers, HTTPTransport, HTTPVersion, Request, StreamErrorCode

from gemwire import errors, v1beta
from gemwire._transport import fork
from gemwire._transport.aio.concurrency import is_task_cancelling
from gemwire._transport.aio.transport import AsyncTransport
from gemwire._transport.connection_health import ConnectionHealth
from gemwire._transport.credentials import ApiKey
from gemwire._transport.metadata import build_user_agent
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs
from gemwire_proto.v1beta.generative_service import GENERATE_CONTENT, STREAM_GENERATE_CONTENT
from gemwire_runtime.method import Kind, Method

# ruff: noqa: D102 - what the methods do is what those of grpc and of gemwire's own transports do

# The transport on trial.

Pairs = list[tuple[str, "str | bytes"]]

_CODES = {code.value[0]: code for code in grpc.StatusCode}
#: What gRPC makes of an HTTP status where there is none of its own.
_OF_HTTP = {
    400: "INTERNAL",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "UNIMPLEMENTED",
    429: "UNAVAILABLE",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "UNAVAILABLE",
}
_OF_RESET = {
    StreamErrorCode.REFUSED_STREAM: "UNAVAILABLE",
    StreamErrorCode.CANCEL: "CANCELLED",
    StreamErrorCode.ENHANCE_YOUR_CALM: "RESOURCE_EXHAUSTED",
}
#: A RuntimeError is what pyqwest makes of whatever it does not know.
_FAILURES = (
    pyqwest.ReadError,
    pyqwest.WriteError,
    pyqwest.RemoteProtocolError,
    ConnectionError,
    TimeoutError,
    RuntimeError,
)


class H2Error(grpc.RpcError):
    """A failed call, read as grpc's errors are."""

    def __init__(self, code: str, details: str, trailers: Pairs | None = None) -> None:
        super().__init__(details)
        self._code = grpc.StatusCode[code]
        self._details = details
        self._trailers = trailers or []

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> tuple[Any, ...]:
        return tuple(self._trailers)


def broken(error: Exception) -> H2Error:
    """What pyqwest raised, as a status."""
    if isinstance(error, pyqwest.StreamError):
        return H2Error(_OF_RESET.get(error.code, "INTERNAL"), f"Stream removed ({error})")
    if isinstance(error, ConnectionError):
        return H2Error("UNAVAILABLE", f"failed to connect to all addresses: {error}")
    return H2Error("UNAVAILABLE", f"the connection broke: {type(error).__name__} {error}")


def metadata_of(headers: Headers) -> Pairs:
    pairs: Pairs = []
    for name, value in headers.items():
        if not name.endswith("-bin"):
            pairs.append((name, value))
            continue
        for part in value.split(","):
            with contextlib.suppress(ValueError):
                pairs.append((name, base64.b64decode(part + "=" * (-len(part) % 4))))
    return pairs


def failure(answer: Any) -> H2Error | None:
    """The error that an answer ended with; in its headers where it is nothing but an error."""
    fields = answer.trailers if "grpc-status" in answer.trailers else answer.headers
    status = fields.get("grpc-status")
    if status == "0":
        return None
    if status is None and answer.status != 200:
        return H2Error(_OF_HTTP.get(answer.status, "UNKNOWN"), f"HTTP {answer.status}, and no status of gRPC")
    if status is None:
        return H2Error("INTERNAL", "the answer ended without a status")
    code = _CODES.get(int(status), grpc.StatusCode.UNKNOWN) if status.isdecimal() else grpc.StatusCode.UNKNOWN
    message = urllib.parse.unquote(fields.get("grpc-message", ""))
    trailers = [pair for pair in metadata_of(fields) if pair[0] not in ("grpc-status", "grpc-message")]
    return H2Error(code.name, message, trailers)


def headers_of(metadata: Any, timeout: float | None) -> Headers:
    pairs = [("te", "trailers"), ("content-type", "application/grpc")]
    for name, value in metadata or ():
        text = base64.b64encode(value).decode().rstrip("=") if isinstance(value, bytes) else value
        pairs.append((name, text))
    if timeout is not None:
        pairs.append(("grpc-timeout", f"{min(max(int(timeout * 1000), 1), 99_999_999)}m"))
    return Headers(pairs)


def framed(message: bytes) -> bytes:
    return struct.pack(">BI", 0, len(message)) + message


class Unary:
    """Makes calls with one answer: one future of pyqwest's."""

    def __init__(self, binding: Binding, method: Method[Any, Any]) -> None:
        self._loop = binding.loop
        self._post = pyqwest._pyqwest.Client(binding.transport).post  # the one without a coroutine around
        self._url = binding.origin + method.path
        self._parse = method.response.FromString

    async def __call__(self, request: Any, *, timeout: float | None = None, metadata: Any = ()) -> Any:
        body = framed(request.SerializeToString())
        answering: Any = self._post(self._url, headers_of(metadata, timeout), body)
        timer = self._loop.call_later(timeout, answering.cancel) if timeout is not None else None
        try:
            answer = await answering
        except asyncio.CancelledError:
            if timer is None or self._loop.time() < timer.when() or is_task_cancelling():
                raise
            raise H2Error("DEADLINE_EXCEEDED", "Deadline Exceeded") from None
        except _FAILURES as error:
            raise broken(error) from None
        finally:
            if timer:
                timer.cancel()
        if failed := failure(answer):
            raise failed
        content = answer.content
        if len(content) < 5 or struct.unpack_from(">BI", content) != (0, len(content) - 5):
            raise H2Error("INTERNAL", "the answer is not one message")
        return self._parse(content[5:])


class StreamCall:
    """One streaming call, as grpc's is: iterated, cancelled, asked for metadata."""

    def __init__(
        self, binding: Binding, method: Method[Any, Any], request: Any, timeout: float | None, metadata: Any
    ) -> None:
        self._live = binding.live
        self._parse = method.response.FromString
        self._arrived: deque[bytes] = deque()
        self._rest = b""
        self._answer: Any = None
        self._content: Any = None
        self._why: H2Error | None = None
        self._ended = False
        headers, body = headers_of(metadata, timeout), framed(request.SerializeToString())
        self._waiting: Any = binding.transport.execute(
            Request("POST", binding.origin + method.path, headers, body)
        )
        late = H2Error("DEADLINE_EXCEEDED", "Deadline Exceeded")
        self._timer = binding.loop.call_later(timeout, self._stop, late) if timeout is not None else None
        binding.live.add(self)

    def __aiter__(self) -> StreamCall:
        return self

    async def __anext__(self) -> Any:
        if self._why:
            raise self._why
        try:
            if self._content is None:
                self._answer = await self._waiting
                self._content = self._answer.content
            while not self._arrived:
                self._waiting = reading = self._content.__anext__()
                self._take(await reading)
        except StopAsyncIteration:
            self._finish()
            if error := failure(self._answer):
                raise error from None
            if self._rest:
                raise H2Error("INTERNAL", "the answer ended within a message") from None
            raise
        except asyncio.CancelledError:
            if self._why and not is_task_cancelling():
                raise self._why from None
            self.cancel()
            raise
        except _FAILURES as error:
            self._finish()
            raise self._why or broken(error) from None
        return self._parse(self._arrived.popleft())

    def _take(self, piece: memoryview) -> None:
        data = self._rest + bytes(piece)
        at = 0
        while len(data) >= at + 5:
            end = at + 5 + int.from_bytes(data[at + 1 : at + 5], "big")
            if len(data) < end:
                break
            self._arrived.append(data[at + 5 : end])
            at = end
        self._rest = data[at:]

    def _finish(self) -> None:
        self._ended = True
        self._live.discard(self)
        if self._timer:
            self._timer.cancel()

    def _stop(self, why: H2Error) -> None:
        self._why = why
        self._finish()
        self._arrived.clear()
        if self._answer is not None:
            self._answer.aclose()
        if hasattr(self._waiting, "cancel"):
            self._waiting.cancel()

    def cancel(self) -> bool:
        if self._ended:
            return False
        self._stop(H2Error("CANCELLED", "the call was cancelled here"))
        return True

    def done(self) -> bool:
        return self._ended

    async def initial_metadata(self) -> Pairs:
        return metadata_of(self._answer.headers) if self._answer else []

    async def trailing_metadata(self) -> Pairs:
        return metadata_of(self._answer.trailers) if self._answer else []


class Stream:
    """Makes calls with a stream of answers."""

    def __init__(self, binding: Binding, method: Method[Any, Any]) -> None:
        self._binding = binding
        self._method = method

    def __call__(self, request: Any, *, timeout: float | None = None, metadata: Any = ()) -> StreamCall:
        return StreamCall(self._binding, self._method, request, timeout, metadata)


class Binding:
    """What corresponds to a channel on one event loop."""

    def __init__(
        self, origin: str, loop: asyncio.AbstractEventLoop, health: ConnectionHealth | None = None
    ) -> None:
        self.origin = origin
        self.loop = loop
        self.health = health or ConnectionHealth()
        self.generation = fork.generation()
        self.live: set[StreamCall] = set()
        self.transport = HTTPTransport(
            http_version=HTTPVersion.HTTP2,
            connect_timeout=5.0,
            enable_gzip=False,
            enable_brotli=False,
            enable_zstd=False,
            follow_redirects=False,
            enable_otel=False,
        )
        self._calls: dict[Method[Any, Any], Any] = {}

    def callable(self, method: Method[Any, Any]) -> Any:
        found = self._calls.get(method)
        if found is None:
            kind = Stream if method.kind is Kind.SERVER_STREAM else Unary
            found = self._calls[method] = kind(self, method)
        return found


class H2Channels:
    """A binding for each event loop that uses it."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._bindings: dict[asyncio.AbstractEventLoop, Binding] = {}
        self._retired: list[Binding] = []
        self.closed = False

    def current(self) -> Binding:
        loop = asyncio.get_running_loop()
        found = self._bindings.get(loop)
        if found is None:
            found = self._bindings[loop] = Binding(self._origin, loop)
        return found

    def replace(self, binding: Binding) -> None:
        self._retired.append(binding)
        self._bindings[binding.loop] = Binding(self._origin, binding.loop, binding.health.successor())

    async def close(self) -> None:
        self.closed = True
        for binding in (*self._bindings.values(), *self._retired):
            for call in list(binding.live):
                call.cancel()
            await binding.transport.aclose()
        self._bindings.clear()
        self._retired.clear()


class H2Transport(AsyncTransport):
    """For ``transport=H2Transport``; in plaintext, to a server on this machine."""

    kind = "h2"

    def __init__(self, *, host: str, client_info: Any, **_: Any) -> None:
        super().__init__(H2Channels(f"http://{host}"), ApiKey(()), build_user_agent(client_info), host)


TRANSPORTS: dict[str, Any] = {"grpcio": "grpc_asyncio", "pyqwest": H2Transport}

# The server: what it streams is said when it starts.

SERVER = """
import asyncio, sys, grpc.aio
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs
count, every, size = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
CONTENT = {"role": "model", "parts": [{"text": "x" * size}]}
CHUNK = pb.GenerateContentResponse(candidates=[{"content": CONTENT}])

class Servicer(stubs.GenerativeServiceServicer):
    async def GenerateContent(self, request, context):
        return CHUNK
    async def StreamGenerateContent(self, request, context):
        for number in range(count):
            if every:
                await asyncio.sleep(every)
            yield CHUNK

async def main():
    server = grpc.aio.server()
    stubs.add_GenerativeServiceServicer_to_server(Servicer(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""


@contextlib.contextmanager
def serving(messages: int, every: float = 0.0, size: int = 12) -> Iterator[int]:
    """A server whose streams have so many messages with texts of so many characters, and its port."""
    command = [sys.executable, "-c", SERVER, str(messages), str(every), str(size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


@contextlib.asynccontextmanager
async def client_to(port: int, transport: Any) -> AsyncIterator[Any]:
    make = functools.partial(v1beta.GenerativeServiceAsyncClient, transport=transport)
    async with faults.made(make, port) as client:
        yield client
    # grpc.aio hears of the calls that this ended, and would complain where its loop is closed by then.
    await asyncio.sleep(0.05)


# What it costs.

METADATA = (
    ("x-goog-api-client", "gl-python/3.11 grpc/1.85"),
    ("x-goog-request-params", "model=models/bench"),
    ("x-goog-api-key", "k" * 39),
)
REQUEST = pb.GenerateContentRequest(**overhead.REQUEST)


async def drained(stream: Any) -> int:
    count = 0
    async for _ in stream:
        count += 1
    return count


async def figures(ports: dict[str, int], rounds: int) -> dict[str, dict[str, list[float]]]:
    """The raw stub, the framing alone, and gemwire over either."""
    found: dict[str, dict[str, list[float]]] = {}
    for load, port in ports.items():
        async with (
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
            client_to(port, TRANSPORTS["grpcio"]) as ours,
            client_to(port, TRANSPORTS["pyqwest"]) as on_trial,
        ):
            stub = stubs.GenerativeServiceStub(channel)
            h2 = Binding(f"http://127.0.0.1:{port}", asyncio.get_running_loop())
            variants = VARIANTS[load](stub, h2, ours, on_trial)
            for round_ in range(rounds + 1):
                for name, call in overhead.rotated(variants, round_):
                    spent = await LOADS[load](call)
                    if round_:
                        found.setdefault(load, {}).setdefault(name, []).append(spent)
    return found


def unary_variants(stub: Any, h2: Binding, ours: Any, on_trial: Any) -> dict[str, Any]:
    framing = h2.callable(GENERATE_CONTENT)
    return {
        "raw stub": lambda: stub.GenerateContent(REQUEST, metadata=METADATA),
        "framing alone": lambda: framing(REQUEST, metadata=METADATA),
        "gemwire, grpcio": lambda: ours.generate_content(REQUEST),
        "gemwire, pyqwest": lambda: on_trial.generate_content(REQUEST),
    }


def stream_variants(stub: Any, h2: Binding, ours: Any, on_trial: Any) -> dict[str, Any]:
    framing = h2.callable(STREAM_GENERATE_CONTENT)

    async def whole(client: Any) -> int:
        return await drained(await client.stream_generate_content(REQUEST))

    return {
        "raw stub": lambda: drained(stub.StreamGenerateContent(REQUEST, metadata=METADATA)),
        "framing alone": lambda: drained(framing(REQUEST, metadata=METADATA)),
        "gemwire, grpcio": lambda: whole(ours),
        "gemwire, pyqwest": lambda: whole(on_trial),
    }


async def sparse_load(consume: Callable[[], Awaitable[int]]) -> float:
    """100 streams at a time."""
    before = overhead.cpu()
    got = sum(await asyncio.gather(*(consume() for _ in range(100))))
    return (overhead.cpu() - before) / got * 1e6


UNARY, DENSE, SPARSE = "a call, 32 at a time", "a message, dense", "a message, 50 ms apart"
VARIANTS: dict[str, Callable[..., dict[str, Any]]] = {
    UNARY: unary_variants,
    DENSE: stream_variants,
    SPARSE: stream_variants,
}
LOADS: dict[str, Callable[[Any], Coroutine[Any, Any, float]]] = {
    UNARY: lambda call: overhead.unary_load(call, 1600),
    DENSE: lambda consume: overhead.stream_load(consume, 6400),
    SPARSE: sparse_load,
}


def print_figures(rounds: int) -> None:
    print(f"client CPU in µs, medians of {rounds} rounds; in brackets the ratio to the raw stub")
    with serving(overhead.CHUNKS) as dense, serving(20, every=0.05) as sparse:
        ports = {UNARY: dense, DENSE: dense, SPARSE: sparse}
        for name, run in (("asyncio", asyncio.run), ("uvloop", uvloop.run)):
            for load, spent in run(figures(ports, rounds)).items():
                summary = overhead.summarised(spent)
                row = "   ".join(f"{of} {f['us']:.1f} ({f['ratio']:.2f})" for of, f in summary.items())
                print(f"{name:8} {load:24} {row}", flush=True)


# What becomes of calls. Each gives whether all was well, and what was seen.


async def ends_of(streams: list[Any]) -> collections.Counter[str]:
    async def end(stream: Any) -> str:
        try:
            await drained(stream)
        except errors.APIError as error:
            return f"{type(error).__name__} ({error.message[-48:]})"
        return "whole"

    return collections.Counter(await asyncio.gather(*map(end, streams)))


def told(seen: collections.Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in seen.most_common(3))


async def busy(transport: Any) -> tuple[bool, str]:
    """100 streams of 400 small messages; the program computes for a second while they come."""
    with serving(400) as port:
        async with client_to(port, transport) as client:
            streams = await asyncio.gather(*(client.stream_generate_content(REQUEST) for _ in range(100)))
            until = time.monotonic() + 1
            while time.monotonic() < until:
                sum(range(1000))
            seen = await ends_of(streams)
    return seen["whole"] == 100, told(seen)


async def unread(transport: Any) -> tuple[bool, str]:
    """4 streams of 9 MB that nobody reads for now, and another call."""
    with serving(300, size=30_000) as port:
        async with client_to(port, transport) as client:
            # The deadline is theirs as well: the first message of one may wait for another to be read.
            streams = await asyncio.gather(
                *(client.stream_generate_content(REQUEST, timeout=20) for _ in range(4))
            )
            await asyncio.sleep(1)
            began = time.monotonic()
            try:
                await client.generate_content(REQUEST, timeout=3, retry=None)
                saw = "result"
            except errors.APIError as error:
                saw = type(error).__name__
            took = time.monotonic() - began
            seen = await ends_of(streams)
    good = saw == "result" and seen["whole"] == 4
    return good, f"the call: {saw} after {took:.1f} s; the streams: {told(seen)}"


async def left(transport: Any) -> tuple[bool, str]:
    """3000 streams, 32 at a time, each left after its first message, 30 ms away; one that is read on."""
    with serving(2000, every=0.01) as port, faults.Proxy(port) as proxy:
        proxy.delay = 0.03
        async with client_to(proxy.port, transport) as client:
            going_on = asyncio.ensure_future(ends_of([await client.stream_generate_content(REQUEST)]))
            seen: collections.Counter[str] = collections.Counter()

            async def leave(count: int) -> None:
                for _ in range(count):
                    try:
                        async with await client.stream_generate_content(REQUEST, retry=None) as stream:
                            async for _ in stream:
                                break
                        seen["good"] += 1
                    except errors.APIError as error:
                        seen[type(error).__name__] += 1

            await asyncio.gather(*(leave(3000 // 32) for _ in range(32)))
            other = told(going_on.result()) if going_on.done() else "goes on"
    with contextlib.suppress(asyncio.CancelledError):
        going_on.cancel()
        await going_on
    return other == "goes on" and set(seen) == {"good"}, f"{told(seen)}; the one that is read: {other}"


async def silent(transport: Any) -> tuple[bool, str]:
    """The connection of a stream with 20 messages a second goes silent without an end."""
    with serving(10_000, every=0.05) as port, faults.Proxy(port) as proxy:
        async with client_to(proxy.port, transport) as client:
            stream = await client.stream_generate_content(REQUEST)
            messages = stream.__aiter__()
            for _ in range(20):
                await messages.__anext__()
            proxy.silence()
            began = time.monotonic()
            ending = asyncio.ensure_future(ends_of([messages]))
            done, _ = await asyncio.wait([ending], timeout=30)
            saw = told(ending.result()) if done else "still waiting"
            saw += f" after {time.monotonic() - began:.0f} s"
            stream.cancel()
            await asyncio.wait([ending])
        proxy.reset()
    return bool(done), saw


FAULTS: dict[str, Callable[[Any], Coroutine[Any, Any, tuple[bool, str]]]] = {
    "busy": busy,
    "unread": unread,
    "left": left,
    "silent": silent,
}


def print_faults() -> dict[str, dict[str, bool]]:
    outcomes: dict[str, dict[str, bool]] = {}
    for fault, work in FAULTS.items():
        print(f"{fault}: {work.__doc__}")
        for name, transport in TRANSPORTS.items():
            try:
                good, saw = asyncio.run(work(transport))
            except errors.APIError as error:
                good, saw = False, f"to begin with: {error}"
            outcomes.setdefault(fault, {})[name] = good
            print(f"    {name:8} {'good' if good else 'BAD':5} {saw}", flush=True)
    return outcomes


def checked(outcomes: dict[str, dict[str, bool]]) -> int:
    wrong = 0
    for fault, good in outcomes.items():
        if not good["grpcio"]:
            print(f"{fault}: grpcio fails as well, which docs/h2.md denies")
            wrong = 1
        if good["pyqwest"]:
            print(f"{fault}: pyqwest does not fail any more, look at docs/h2.md again")
            wrong = 1
    return wrong


# The table of benchmarks/faults.py.


class H2Face(faults.AsyncFace):
    """The asyncio client over the transport on trial."""

    def __init__(self, port: int, threads: int = 0, transport: str = "grpc_asyncio") -> None:
        super().__init__(port, threads, transport)
        make = functools.partial(v1beta.GenerativeServiceAsyncClient, transport=H2Transport)
        self.client = faults.made(make, port)


def print_table() -> None:
    with mock.patch.object(faults, "AsyncFace", H2Face):
        faults.warm_up()
        print(faults.HEADER)
        for fault in faults.FAULTS.values():
            print(fault("grpc_asyncio", True).row(), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11)
    for part in ("figures", "faults", "table", "check"):
        parser.add_argument(f"--{part}", action="store_true")
    options = parser.parse_args()
    os.environ["GRPC_VERBOSITY"] = "NONE"
    print(f"grpcio {grpc.__version__}, pyqwest {importlib.metadata.version('pyqwest')}")
    everything = not (options.figures or options.faults or options.table or options.check)
    if options.figures or everything:
        print_figures(options.rounds)
    if options.faults or options.check or everything:
        outcomes = print_faults()
        if options.check:
            return checked(outcomes)
    if options.table:
        print_table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
