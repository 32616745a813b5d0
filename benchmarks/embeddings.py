"""Embeddings one call each, and by `gemwire.embeddings.Embedder`: texts a second, and client CPU a text.

    python benchmarks/embeddings.py [--rounds N] [--short] [--json] [--check] [--no-memory]

One server process that answers every text with the same 768 floats, from bytes that it made beforehand; one
client process, loopback. The variants take turns within each round; the figures are medians over the rounds,
and medians of the ratio to one EmbedContent call a text within a round. As many calls are under way in all of
them. Google's packages are measured where they are installed, with one call a text. Then, in a process of
its own, a million vectors are streamed, and its memory is looked at on the way. ``--check`` fails where a
limit does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from overhead import cpu, rotated

from gemwire import v1beta
from gemwire.embeddings import Embedder

MODEL = "models/gemini-embedding-001"
CONCURRENT = 8
TEXT = "Embeddings turn a text into a point of a space, near to what means the same. "
SINGLE, LIST, ARRAY = "gemwire, a call each", "Embedder, lists", "Embedder, arrays"
#: Least texts a second, as multiples of those of one call each.
LIMITS = {LIST: 4.0, ARRAY: 8.0}
#: Texts after which the memory of a stream is looked at, and most that it may grow between the last two.
MARKS, SHORT_MARKS, MOST_GROWTH = (10_000, 100_000, 1_000_000), (10_000, 50_000, 100_000), 1.1

SERVER = """
import asyncio, json, grpc.aio
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
EMBEDDING = {"values": [(n % 97) / 97 - 0.5 for n in range(768)]}
ONE = pb.EmbedContentResponse(embedding=EMBEDDING).SerializeToString()
MANY = [pb.BatchEmbedContentsResponse(embeddings=[EMBEDDING] * n).SerializeToString() for n in range(101)]
JSON = json.dumps({"embeddings": [EMBEDDING]}).encode()
HEAD = "HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: %d\\r\\n\\r\\n"
HEAD = (HEAD % len(JSON)).encode()
SERVICE = "google.ai.generativelanguage.v1beta.GenerativeService"

async def one(request, context):
    return ONE

async def many(request, context):
    return MANY[len(pb.BatchEmbedContentsRequest.FromString(request).requests)]

async def http(reader, writer):
    try:
        while True:
            asked = await reader.readuntil(b"\\r\\n\\r\\n")
            fields = dict(l.lower().split(b": ", 1) for l in asked.split(b"\\r\\n")[1:] if l)
            await reader.readexactly(int(fields.get(b"content-length", 0)))
            writer.write(HEAD + JSON)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = grpc.aio.server()
    handlers = {
        "EmbedContent": grpc.unary_unary_rpc_method_handler(one),
        "BatchEmbedContents": grpc.unary_unary_rpc_method_handler(many),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    web = await asyncio.start_server(http, "127.0.0.1", 0)
    print(port, web.sockets[0].getsockname()[1], flush=True)
    await server.wait_for_termination()

asyncio.run(main())
"""

#: Embeds so many texts.
Load = Callable[[int], Awaitable[None]]


def one_each(call: Callable[[str], Awaitable[Any]]) -> Load:
    """A call for each text, some at a time."""

    async def load(count: int) -> None:
        async def worker(number: int) -> None:
            for at in range(number, count, CONCURRENT):
                await call(f"{TEXT}{at}")

        await asyncio.gather(*(worker(number) for number in range(CONCURRENT)))

    return load


def gathered(embedder: Embedder) -> Load:
    """A task for each text, as a server has them: each asks for one vector."""

    async def load(count: int) -> None:
        await asyncio.gather(*(embedder.embed(f"{TEXT}{at}") for at in range(count)))

    return load


def streamed(embedder: Embedder) -> Load:
    """One source of all texts."""

    async def load(count: int) -> None:
        got = 0
        async for _ in embedder.stream(f"{TEXT}{at}" for at in range(count)):
            got += 1
        assert got == count

    return load


async def measure(options: argparse.Namespace, port: int, web: int) -> dict[str, Any]:
    """Texts a second and CPU of each round, by variant."""
    client = v1beta.GenerativeServiceAsyncClient()

    async def single(text: str) -> list[float]:
        content = {"role": "user", "parts": [{"text": text}]}
        response = await client.embed_content(model=MODEL, content=content)
        return list(response.embedding.values)

    def embedder(vectors: Any) -> Embedder:
        return Embedder(client, model=MODEL, vectors=vectors, concurrency=CONCURRENT)

    # The variant, and which part of the texts it gets: the slow ones fewer.
    variants: dict[str, tuple[Load, int]] = {
        SINGLE: (one_each(single), 10),
        LIST: (streamed(embedder("list")), 1),
        ARRAY: (streamed(embedder("array")), 1),
        "Embedder, arrays, a task each": (gathered(embedder("array")), 1),
    }
    if importlib.util.find_spec("numpy"):
        variants["Embedder, numpy"] = (streamed(embedder("numpy")), 1)
    if importlib.util.find_spec("google.ai"):
        variants["google-ai-generativelanguage, a call each"] = (one_each(google(port)), 20)
    if importlib.util.find_spec("google.genai"):
        variants["google-genai, a call each"] = (one_each(google_genai(web)), 40)
    results: dict[str, dict[str, list[float]]] = {}
    for round_ in range(options.rounds + 1):
        for name, (load, part) in rotated(variants, round_):
            count = options.texts // part
            before, began = cpu(), time.perf_counter()
            await load(count)
            used, elapsed = cpu() - before, time.perf_counter() - began
            if round_:
                row = results.setdefault(name, {"rate": [], "cpu": []})
                row["rate"].append(count / elapsed)
                row["cpu"].append(used / count * 1e6)
    await client.close()
    return results


def google(port: int) -> Callable[[str], Awaitable[list[float]]]:
    """Google's generated client."""
    import grpc.aio
    from google.ai import generativelanguage_v1beta as theirs
    from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
        GenerativeServiceGrpcAsyncIOTransport,
    )

    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    client = theirs.GenerativeServiceAsyncClient(
        transport=GenerativeServiceGrpcAsyncIOTransport(channel=channel)
    )

    async def call(text: str) -> list[float]:
        content = {"role": "user", "parts": [{"text": text}]}
        response = await client.embed_content(request={"model": MODEL, "content": content})
        return list(response.embedding.values)

    return call


def google_genai(web: int) -> Callable[[str], Awaitable[list[float]]]:
    """google-genai, which speaks HTTP."""
    from google import genai

    client = genai.Client(api_key="a-key", http_options={"base_url": f"http://127.0.0.1:{web}"})

    async def call(text: str) -> list[float]:
        response = await client.aio.models.embed_content(model=MODEL, contents=text)
        assert response.embeddings is not None
        return response.embeddings[0].values or []

    return call


async def memory(marks: tuple[int, ...]) -> list[int]:
    """Bytes that this process takes up after so many texts of one stream."""
    found = []
    async with Embedder(model=MODEL, vectors="array", concurrency=CONCURRENT) as embedder:
        taken = 0
        async for _ in embedder.stream(f"{TEXT}{at}" for at in range(marks[-1])):
            taken += 1
            if taken in marks:
                found.append(resident())
    return found


def resident() -> int:
    """Bytes of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def summary(results: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Medians, and medians of the ratios to one call each within a round."""
    base = results[SINGLE]
    return {
        name: {
            "texts_per_second": round(statistics.median(row["rate"])),
            "cpu_us": round(statistics.median(row["cpu"]), 2),
            "ratio": round(
                statistics.median(a / b for a, b in zip(row["rate"], base["rate"], strict=True)), 2
            ),
            "cpu_ratio": round(
                statistics.median(b / a for a, b in zip(row["cpu"], base["cpu"], strict=True)), 2
            ),
        }
        for name, row in results.items()
    }


def broken(figures: dict[str, Any], curve: dict[int, int]) -> list[str]:
    """Limits that do not hold."""
    found = [
        f"{name}: {figures[name]['ratio']} times the texts a second, less than {least}"
        for name, least in LIMITS.items()
        if figures[name]["ratio"] < least
    ]
    sizes = list(curve.values())
    if sizes and sizes[-1] > sizes[-2] * MOST_GROWTH:
        found.append(f"the memory of a stream grew from {sizes[-2]} to {sizes[-1]} bytes")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--texts", type=int, default=20_000, help="texts a round; fewer for single calls")
    parser.add_argument("--short", action="store_true", help="three rounds of 5000 texts, 100000 streamed")
    parser.add_argument("--no-memory", action="store_true", help="leave the memory out")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--check", action="store_true", help="fail where a limit does not hold")
    parser.add_argument("--stream", type=str, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        print(json.dumps(asyncio.run(memory(tuple(json.loads(options.stream))))))
        return 0
    if options.short:
        options.rounds, options.texts = 3, 5000
    marks = SHORT_MARKS if options.short else MARKS
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port, web = map(int, server.stdout.readline().split())
        os.environ["GEMINI_EMULATOR_HOST"] = f"127.0.0.1:{port}"
        figures = summary(asyncio.run(measure(options, port, web)))
        curve: dict[int, int] = {}
        if not options.no_memory:
            command = [sys.executable, __file__, "--stream", json.dumps(marks)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            curve = dict(zip(marks, json.loads(done.stdout), strict=True))
    finally:
        server.kill()
        server.wait()
    if options.json:
        print(json.dumps({"texts": figures, "memory": curve}))
    else:
        print(f"medians of {options.rounds} rounds; in brackets the ratios to one call each")
        for name, row in figures.items():
            print(
                f"{name:42} {row['texts_per_second']:8.0f} texts/s ({row['ratio']:5.2f}x)"
                f" {row['cpu_us']:8.1f} µs CPU a text ({row['cpu_ratio']:5.2f}x less)"
            )
        for texts, size in curve.items():
            print(f"memory after {texts:9,} texts of one stream: {size / 1e6:6.1f} MB")
    wrong = broken(figures, curve) if options.check else []
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
