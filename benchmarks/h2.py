"""Connections of our own (``transport="h2"``) beside grpcio's: cost, also with TLS, and four conditions.

    python benchmarks/h2.py [--figures | --faults] [--rounds N] [--check]

``--figures``: client CPU (all threads, getrusage) in microseconds, medians, beside the raw stub of the same
flavour; the variants take turns within each round, one server process, loopback. ``--faults``: what becomes
of calls where a program is busy, does not read, leaves streams, or a connection goes silent. Default: both.
``--check``: as ``--faults``, and fails where one of the transports did. The table of all faults is that of
`faults.py`, the one of all libraries that of `bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import faults
import grpc
import grpc.aio
import overhead

from gemwire import errors, v1beta
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import certificates

TRANSPORTS = ("grpc_asyncio", "h2_asyncio")
ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
REQUEST = pb.GenerateContentRequest(**overhead.REQUEST)

# The server: what it streams, and its certificate, are said when it starts.

SERVER = """
import asyncio, sys, grpc.aio
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs
count, every, size, folder = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
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
    if folder:
        key, chain = (open(f"{folder}/{name}.pem", "rb").read() for name in ("key", "chain"))
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    print(port, flush=True)
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""


@contextlib.contextmanager
def serving(messages: int, every: float = 0.0, size: int = 12, folder: str = "") -> Iterator[int]:
    """A server whose streams have so many messages with texts of so many characters, and its port.

    With a folder it speaks TLS, with the certificate that is in it.
    """
    command = [sys.executable, "-c", SERVER, str(messages), str(every), str(size), folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


@contextlib.contextmanager
def trusted() -> Iterator[str]:
    """A folder with a server's certificate, whose authority this process trusts."""
    with tempfile.TemporaryDirectory() as folder:
        authority = certificates.Authority("benchmarks")
        chain, key = authority.issue("localhost")
        for name, data in (("roots", authority.certificate), ("chain", chain), ("key", key)):
            Path(folder, f"{name}.pem").write_bytes(data)
        # The core reads it once in a process: before the first channel.
        os.environ[ROOTS] = f"{folder}/roots.pem"
        yield folder


@contextlib.asynccontextmanager
async def client_to(port: int, transport: str) -> AsyncIterator[Any]:
    make = functools.partial(v1beta.GenerativeServiceAsyncClient, transport=transport)
    async with faults.made(make, port) as client:
        yield client
    # grpc.aio hears of the calls that this ended, and would complain where its loop is closed by then.
    await asyncio.sleep(0.05)


async def drained(stream: Any) -> int:
    count = 0
    async for _ in stream:
        count += 1
    return count


# What it costs.


def arguments(port: int, secure: bool, transport: str) -> dict[str, Any]:
    """The arguments of a client."""
    if not secure:
        os.environ["GEMINI_EMULATOR_HOST"] = f"127.0.0.1:{port}"
        return {"transport": transport}
    os.environ.pop("GEMINI_EMULATOR_HOST", None)
    return {
        "transport": transport,
        "client_options": {"api_endpoint": f"localhost:{port}", "api_key": "k" * 39},
    }


async def async_figures(port: int, secure: bool, rounds: int) -> dict[str, dict[str, list[float]]]:
    """CPU of a call and of a message, with asyncio."""
    channel = (
        grpc.aio.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials())
        if secure
        else grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    )
    stub = stubs.GenerativeServiceStub(channel)
    clients = {
        name: v1beta.GenerativeServiceAsyncClient(**arguments(port, secure, name)) for name in TRANSPORTS
    }

    async def whole(client: Any) -> int:
        return await drained(await client.stream_generate_content(REQUEST))

    calls: dict[str, Callable[[], Any]] = {"raw stub": lambda: stub.GenerateContent(REQUEST)}
    streams: dict[str, Callable[[], Any]] = {"raw stub": lambda: drained(stub.StreamGenerateContent(REQUEST))}
    for name, client in clients.items():
        calls[name] = functools.partial(client.generate_content, REQUEST)
        streams[name] = functools.partial(whole, client)
    found: dict[str, dict[str, list[float]]] = {"a call, 32 at a time": {}, "a message, dense": {}}
    for round_ in range(rounds + 1):
        for name in (*calls,)[round_ % 3 :] + (*calls,)[: round_ % 3]:
            spent = (
                await overhead.unary_load(calls[name], 1600),
                await overhead.stream_load(streams[name], 6400),
            )
            for row, each in zip(found.values(), spent, strict=True):
                if round_:
                    row.setdefault(name, []).append(each)
    for client in clients.values():
        await client.close()
    await channel.close()
    return found


def sync_figures(port: int, secure: bool, rounds: int) -> dict[str, dict[str, list[float]]]:
    """CPU of a call and of a message in one thread."""
    channel = (
        grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials())
        if secure
        else grpc.insecure_channel(f"127.0.0.1:{port}")
    )
    stub = stubs.GenerativeServiceStub(channel)
    calls: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "raw stub": (lambda: stub.GenerateContent(REQUEST), lambda: stub.StreamGenerateContent(REQUEST))
    }
    for name in ("grpc", "h2"):
        client = v1beta.GenerativeServiceClient(**arguments(port, secure, name))
        calls[name] = (
            functools.partial(client.generate_content, REQUEST),
            functools.partial(client.stream_generate_content, REQUEST),
        )
    found: dict[str, dict[str, list[float]]] = {"a call": {}, "a message, dense": {}}
    for round_ in range(rounds + 1):
        for name in (*calls,)[round_ % 3 :] + (*calls,)[: round_ % 3]:
            call, stream = calls[name]
            begun = overhead.cpu()
            for _ in range(400):
                call()
            between = overhead.cpu()
            got = sum(1 for _ in range(16) for _ in stream())
            ended = overhead.cpu()
            if round_:
                found["a call"].setdefault(name, []).append((between - begun) / 400 * 1e6)
                found["a message, dense"].setdefault(name, []).append((ended - between) / got * 1e6)
    return found


def print_figures(rounds: int) -> None:
    print(f"client CPU in µs, medians of {rounds} rounds; in brackets the ratio to the raw stub")
    with trusted() as folder:
        for secure in (False, True):
            with serving(overhead.CHUNKS, folder=folder if secure else "") as port:
                for flavour, found in (
                    ("asyncio", asyncio.run(async_figures(port, secure, rounds))),
                    ("threads", sync_figures(port, secure, rounds)),
                ):
                    for row, spent in found.items():
                        text = "   ".join(
                            f"{name} {statistics.median(each):.1f} ({ratio(each, spent['raw stub']):.2f})"
                            for name, each in spent.items()
                        )
                        print(f"{flavour:8} {'TLS' if secure else 'plain':6} {row:22} {text}", flush=True)
    os.environ.pop(ROOTS, None)


def ratio(samples: list[float], to: list[float]) -> float:
    """The middle of the ratios within rounds."""
    return statistics.median(one / other for one, other in zip(samples, to, strict=True))


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


async def busy(transport: str) -> tuple[bool, str]:
    """100 streams of 400 small messages; the program computes for a second while they come."""
    with serving(400) as port:
        async with client_to(port, transport) as client:
            streams = await asyncio.gather(*(client.stream_generate_content(REQUEST) for _ in range(100)))
            until = time.monotonic() + 1
            while time.monotonic() < until:
                sum(range(1000))
            seen = await ends_of(streams)
    return seen["whole"] == 100, told(seen)


async def unread(transport: str) -> tuple[bool, str]:
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


async def left(transport: str) -> tuple[bool, str]:
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


async def silent(transport: str) -> tuple[bool, str]:
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


FAULTS: dict[str, Callable[[str], Coroutine[Any, Any, tuple[bool, str]]]] = {
    "busy": busy,
    "unread": unread,
    "left": left,
    "silent": silent,
}


def count_faults() -> int:
    """Print what became of the calls; the number of rows that were not as they should be."""
    wrong = 0
    for fault, work in FAULTS.items():
        print(f"{fault}: {work.__doc__}")
        for transport in TRANSPORTS:
            try:
                good, saw = asyncio.run(work(transport))
            except errors.APIError as error:
                good, saw = False, f"to begin with: {error}"
            wrong += not good
            print(f"    {transport:14} {'good' if good else 'BAD':5} {saw}", flush=True)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11)
    for part in ("figures", "faults", "check"):
        parser.add_argument(f"--{part}", action="store_true")
    options = parser.parse_args()
    os.environ["GRPC_VERBOSITY"] = "NONE"
    print(f"grpcio {grpc.__version__}")
    everything = not (options.figures or options.faults or options.check)
    if options.figures or everything:
        print_figures(options.rounds)
    wrong = count_faults() if options.faults or options.check or everything else 0
    return int(options.check and wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
