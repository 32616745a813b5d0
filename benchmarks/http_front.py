"""What the emulator's HTTP side can take on the instant engine: whole answers, and events of streams.

    python benchmarks/http_front.py [--connections N] [--rounds N] [--json]

The emulator in one process, the callers in another, loopback. What counts is work for each second of CPU that
the server uses (all threads), read from the process itself, as clocks depend on what else the machine does.
The callers are bare sockets that look for the end of an answer, and are not what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from emulator import cpu

MODEL = "/v1beta/models/gemini-2.5-flash"
BODY = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]})
#: Whole answers of a round, and pieces of a canned stream.
REQUESTS, CHUNKS = 6_000, 500
#: What httpx, requests and the SDKs send.
HEADERS = (
    "Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nUser-Agent: benchmark/1\r\n"
    "Content-Type: application/json\r\nx-goog-api-key: key\r\nx-goog-api-client: google-genai-sdk/3.4.0\r\n"
)


def post(verb: str, text: str = BODY) -> bytes:
    head = f"POST {MODEL}:{verb} HTTP/1.1\r\nHost: localhost\r\n{HEADERS}Content-Length: {len(text)}\r\n\r\n"
    return (head + text).encode()


async def whole(reader: asyncio.StreamReader) -> int:
    """One answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await reader.readexactly(length)
    return 1


async def events(reader: asyncio.StreamReader) -> int:
    """One stream of events."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    count, tail = 0, b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):
        data = await reader.read(2**20)
        # Chunked, a piece has its length in front: `data: ` is never cut in two by the server.
        count += data.count(b"data: {")
        tail = (tail + data)[-7:]
    return count


async def load(
    url: str,
    request: bytes,
    read: Callable[[asyncio.StreamReader], Coroutine[Any, Any, int]],
    each: int,
    many: int,
) -> int:
    """What some connections bring with so many requests each."""
    host, _, port = url.removeprefix("http://").partition(":")

    async def one() -> int:
        reader, writer = await asyncio.open_connection(host, int(port), limit=2**22)
        total = 0
        for _ in range(each):
            writer.write(request)
            total += await read(reader)
        writer.close()
        return total

    return sum(await asyncio.gather(*(one() for _ in range(many))))


def main() -> int:
    parser = argparse.ArgumentParser(description="Answers of the emulator over HTTP for each CPU second.")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    many = options.connections
    tasks = {
        "count_tokens": (post("countTokens"), whole, REQUESTS // many),
        "generate_content": (post("generateContent"), whole, REQUESTS // many),
        "short_reply": (post("generateContent", BODY.replace("Why", "Short")), whole, REQUESTS // many),
        "own_events": (post("streamGenerateContent?alt=sse"), events, 20),
        "canned_events": (post("streamGenerateContent?alt=sse", BODY.replace("Why", "Canned")), events, 2),
    }
    found: dict[str, Any] = {"connections": many}
    with tempfile.TemporaryDirectory() as folder:
        replies = Path(folder, "replies.json")
        text = "a few words " * CHUNKS
        short = {"match": "Short", "text": "Because of the air."}
        replies.write_text(json.dumps([short, {"match": "Canned", "text": text, "pieces": CHUNKS}]))
        options_ = ("--json", "--http-port", "0", "--replies", str(replies))
        command = [sys.executable, "-m", "gemwire_emulator", *options_]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout
                url = json.loads(server.stdout.readline())["http"]
                for name, (request, read, each) in tasks.items():
                    asyncio.run(load(url, request, read, 5, many))
                    by_cpu, by_clock = [], []
                    for _ in range(options.rounds):
                        before, began = cpu(server.pid), time.perf_counter()
                        done = asyncio.run(load(url, request, read, each, many))
                        by_clock.append(done / (time.perf_counter() - began))
                        by_cpu.append(done / (cpu(server.pid) - before))
                    found[f"{name}_per_cpu_second"] = round(statistics.median(by_cpu))
                    found[f"{name}_per_second"] = round(statistics.median(by_clock))
            finally:
                server.terminate()
    print(json.dumps(found) if options.json else "\n".join(f"{k:34} {v:>10}" for k, v in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
