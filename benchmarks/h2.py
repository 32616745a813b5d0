"""Connections of our own (``transport="h2"``) beside grpcio's in four conditions.

    python benchmarks/h2.py [--check]

What becomes of calls where a program is busy, does not read, leaves streams, or a connection goes silent. The
table of all faults is that of `faults.py`; what calls cost is in that of `bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import functools
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import faults
import grpc
import grpc.aio
import overhead

from gemwire import errors, v1beta
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb

TRANSPORTS = ("grpc_asyncio", "h2_asyncio")
REQUEST = pb.GenerateContentRequest(**overhead.REQUEST)

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
    port = server.add_insecure_port("127.0.0.1:0")
    print(port, flush=True)
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
    parser.add_argument("--check", action="store_true", help="fail where one of the transports does")
    options = parser.parse_args()
    os.environ["GRPC_VERBOSITY"] = "NONE"
    print(f"grpcio {grpc.__version__}")
    wrong = count_faults()
    return int(options.check and bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
