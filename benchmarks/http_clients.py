"""What an HTTP client costs under our use: its CPU for a unary call and for each event of a stream.

    python benchmarks/http_clients.py [--rounds N] [--only NAME ...]

Every client that is installed takes part: httpx, httpx2, pyqwest, aiohttp, urllib3. One server process
(asyncio, canned bytes), one client process, loopback, HTTP/1.1. The variants take turns within each
round; the figures are medians over the rounds of the client's CPU time (all threads, getrusage) in
microseconds, and their ratio to the cheapest of their column. JSON and protobuf are left out: they are
the same for all. "bridge" is a thread's call that an event loop in another thread makes: the price of
one implementation for both flavours.
"""

# ruff: noqa: D101, D102 - the names say it: each client in the same three words

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import resource
import statistics
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

EVENTS = 500
CALLS = 300
BODY = b'{"contents": [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]}'
HEADERS = {"content-type": "application/json", "x-goog-api-key": "k" * 39}

CHUNK = b'{"candidates": [{"content": {"role": "model", "parts": [{"text": "a few words "}]}}]}'
EVENT = b"data: " + CHUNK + b"\r\n\r\n"

SERVER = r"""
import asyncio, sys
CHUNK = sys.argv[2].encode()
UNARY = (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nserver: bench\r\ncontent-length: %d\r\n\r\n"
         % len(CHUNK)) + CHUNK
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b"data: " + CHUNK + b"\r\n\r\n"
EVENT = b"%x\r\n" % len(EVENT) + EVENT + b"\r\n"

async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            if b"/stream" not in head.split(b"\r\n")[0]:
                writer.write(UNARY)
                continue
            writer.write(HEAD)
            for _ in range(int(sys.argv[1])):
                writer.write(EVENT)
                await asyncio.sleep(0)
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Httpx:
    """httpx, or its successor httpx2."""

    def __init__(self, module: Any) -> None:
        self.client = module.AsyncClient(headers=HEADERS, follow_redirects=False)

    async def unary(self, url: str) -> bytes:
        response = await self.client.post(url, content=BODY)
        return bytes(response.content)

    async def stream(self, url: str) -> int:
        got = 0
        async with self.client.stream("POST", url, content=BODY) as response:
            async for chunk in response.aiter_bytes():
                got += len(chunk)
        return got

    async def close(self) -> None:
        await self.client.aclose()


class Pyqwest:
    def __init__(self, module: Any) -> None:
        self.transport = module.HTTPTransport(enable_otel=False, follow_redirects=False)
        self.client = module.Client(self.transport)

    async def unary(self, url: str) -> bytes:
        response = await self.client.post(url, HEADERS, BODY)
        return bytes(response.content)

    async def stream(self, url: str) -> int:
        got = 0
        async with self.client.stream("POST", url, HEADERS, BODY) as response:
            async for chunk in response.content:
                got += len(chunk)
        return got

    async def close(self) -> None:
        await self.transport.aclose()


class Aiohttp:
    def __init__(self, module: Any) -> None:
        self.client = module.ClientSession(headers=HEADERS)

    async def unary(self, url: str) -> bytes:
        async with self.client.post(url, data=BODY, allow_redirects=False) as response:
            body: bytes = await response.read()
        return body

    async def stream(self, url: str) -> int:
        got = 0
        async with self.client.post(url, data=BODY, allow_redirects=False) as response:
            async for chunk in response.content.iter_any():
                got += len(chunk)
        return got

    async def close(self) -> None:
        await self.client.close()


class SyncHttpx:
    def __init__(self, module: Any) -> None:
        self.client = module.Client(headers=HEADERS, follow_redirects=False)

    def unary(self, url: str) -> bytes:
        return bytes(self.client.post(url, content=BODY).content)

    def stream(self, url: str) -> int:
        with self.client.stream("POST", url, content=BODY) as response:
            return sum(len(chunk) for chunk in response.iter_bytes())

    def close(self) -> None:
        self.client.close()


class SyncPyqwest:
    def __init__(self, module: Any) -> None:
        self.transport = module.SyncHTTPTransport(enable_otel=False, follow_redirects=False)
        self.client = module.SyncClient(self.transport)

    def unary(self, url: str) -> bytes:
        return bytes(self.client.post(url, HEADERS, BODY, timeout=60).content)

    def stream(self, url: str) -> int:
        with self.client.stream("POST", url, HEADERS, BODY, timeout=60) as response:
            return sum(len(chunk) for chunk in response.content)

    def close(self) -> None:
        self.transport.close()


class SyncUrllib3:
    def __init__(self, module: Any) -> None:
        self.pool = module.PoolManager(headers=HEADERS)

    def unary(self, url: str) -> bytes:
        return bytes(self.pool.request("POST", url, body=BODY, redirect=False, retries=False).data)

    def stream(self, url: str) -> int:
        response = self.pool.request(
            "POST", url, body=BODY, redirect=False, retries=False, preload_content=False
        )
        got = sum(len(chunk) for chunk in iter(response.read1, b""))
        response.release_conn()
        return got

    def close(self) -> None:
        self.pool.clear()


class Bridge:
    """A sync face of an async client, by way of a loop in a thread."""

    def __init__(self, make: Callable[[Any], Any], module: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

        async def made() -> Any:
            return make(module)

        self.client = self.wait(made())

    def wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def unary(self, url: str) -> bytes:
        body: bytes = self.wait(self.client.unary(url))
        return body

    def stream(self, url: str) -> int:
        got: int = self.wait(self.client.stream(url))
        return got

    def close(self) -> None:
        self.wait(self.client.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


ASYNC = {"httpx": Httpx, "httpx2": Httpx, "pyqwest": Pyqwest, "aiohttp": Aiohttp}
SYNC = {"httpx": SyncHttpx, "httpx2": SyncHttpx, "pyqwest": SyncPyqwest, "urllib3": SyncUrllib3}


async def measure_async(make: Any, module: Any, base: str) -> tuple[float, float]:
    client = make(module)
    await client.unary(base + "/unary")

    async def repeat(work: Callable[[str], Awaitable[Any]], url: str, count: int) -> float:
        before = cpu()
        for _ in range(count):
            await work(url)
        return (cpu() - before) / count * 1e6

    unary = await repeat(client.unary, base + "/unary", CALLS)
    assert await client.stream(base + "/stream") == EVENTS * len(EVENT)
    event = await repeat(client.stream, base + "/stream", 4) / EVENTS
    await client.close()
    return unary, event


def measure_sync(make: Callable[[Any], Any], module: Any, base: str) -> tuple[float, float]:
    with contextlib.closing(make(module)) as client:
        client.unary(base + "/unary")
        before = cpu()
        for _ in range(CALLS):
            client.unary(base + "/unary")
        unary = (cpu() - before) / CALLS * 1e6
        assert client.stream(base + "/stream") == EVENTS * len(EVENT)
        before = cpu()
        for _ in range(4):
            client.stream(base + "/stream")
        return unary, (cpu() - before) / 4 / EVENTS * 1e6


def variants(only: list[str]) -> dict[str, Callable[[str], tuple[float, float]]]:
    """What is installed, by name."""
    found: dict[str, Callable[[str], tuple[float, float]]] = {}

    def load(name: str) -> Any:
        return importlib.import_module(name) if importlib.util.find_spec(name) else None

    for name, make in ASYNC.items():
        if module := load(name):
            found[f"async {name}"] = lambda base, make=make, module=module: asyncio.run(  # type: ignore[misc]
                measure_async(make, module, base)
            )
            found[f"bridge {name}"] = lambda base, make=make, module=module: measure_sync(  # type: ignore[misc]
                lambda m: Bridge(make, m), module, base
            )
    for name, make in SYNC.items():
        if module := load(name):
            found[f"sync {name}"] = lambda base, make=make, module=module: measure_sync(make, module, base)  # type: ignore[misc]
    return {name: run for name, run in found.items() if not only or name.split()[1] in only}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(EVENTS), CHUNK.decode()], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout
        base = f"http://127.0.0.1:{int(server.stdout.readline())}"
        runs = variants(arguments.only)
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for _ in range(arguments.rounds):
            for name, run in runs.items():
                figures[name].append(run(base))
    finally:
        server.kill()
        server.wait()
    table = {n: [statistics.median(v) for v in zip(*f, strict=True)] for n, f in figures.items()}
    least = [min(row[i] for row in table.values()) for i in (0, 1)]
    print(f"{'':18}{'a call':>16}{'an event':>16}")
    for name, row in sorted(table.items()):
        cells = "".join(f"{v:8.1f} ({v / low:4.1f}x)" for v, low in zip(row, least, strict=True))
        print(f"{name:18}{cells}")


if __name__ == "__main__":
    main()
