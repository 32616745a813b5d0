"""What `gemwire.genai` costs a program: client CPU against the raw stub and google-genai, and imports.

    python benchmarks/genai.py [--rounds N] [--short] [--no-google] [--json] [--check]

The same program three times: it asks a question and reads the text of the answer, or of every piece of a
streamed one. One server process that answers with constants over gRPC and over HTTP, one client process,
loopback; the variants take turns. The raw program builds its request for each call, as any program does, and
sends neither metadata nor a deadline. ``--check`` says whether the limits hold, and fails where one does not.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio
from import_time import seconds
from overhead import CHUNKS, VERTEX_SERVICE, ratio, rotated, stream_load, summarised, unary_load

from gemwire import genai
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs

MODEL = "bench"
QUESTION = "Why is the sky blue?"
UNARY, STREAM, IMPORT = "async unary", "async stream, per chunk", "import"
OURS, VERTEX = "gemwire.genai", "gemwire.genai, Vertex AI"
#: Most that the ratios may be: to the raw stub, and of the import to google-genai's.
LIMITS = {UNARY: 1.3, STREAM: 1.15, IMPORT: 0.35}
#: Most that a call of Vertex AI may cost, over one of the Gemini API.
VERTEX_LIMIT = 1.05
_PROGRAM = "from {0} import genai", "from {0}.genai import types", "genai.Client"

SERVER = (
    """
import asyncio, json, sys, grpc.aio
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs
CONTENT = {"role": "model", "parts": [{"text": "a few words "}]}
CHUNK = pb.GenerateContentResponse(candidates=[{"content": CONTENT}])
JSON = json.dumps({"candidates": [{"content": CONTENT}]}).encode()
CHUNKS = int(sys.argv[1])
EVENTS = (b"data: " + JSON + b"\\r\\n\\r\\n")
"""
    + VERTEX_SERVICE
    + """
class Servicer(stubs.GenerativeServiceServicer):
    async def GenerateContent(self, request, context):
        return CHUNK
    async def StreamGenerateContent(self, request, context):
        for _ in range(CHUNKS):
            yield CHUNK

def head(kind, length):
    return f"HTTP/1.1 200 OK\\r\\ncontent-type: {kind}\\r\\ncontent-length: {length}\\r\\n\\r\\n".encode()

async def http(reader, writer):
    try:
        while True:
            asked = await reader.readuntil(b"\\r\\n\\r\\n")
            fields = dict(l.lower().split(b": ", 1) for l in asked.split(b"\\r\\n")[1:] if l)
            await reader.readexactly(int(fields.get(b"content-length", 0)))
            if b":stream" in asked.split(b"\\r\\n")[0]:
                writer.write(head("text/event-stream", len(EVENTS) * CHUNKS))
                for _ in range(CHUNKS):
                    writer.write(EVENTS)
                    await writer.drain()
            else:
                writer.write(head("application/json", len(JSON)) + JSON)
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    server = grpc.aio.server()
    stubs.add_GenerativeServiceServicer_to_server(Servicer(), server)
    add_vertex(server, CHUNKS)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    web = await asyncio.start_server(http, "127.0.0.1", 0)
    print(port, web.sockets[0].getsockname()[1], flush=True)
    await server.wait_for_termination()

asyncio.run(main())
"""
)

_Calls = dict[str, Callable[[], Awaitable[Any]]]


def raw_calls(port: int) -> tuple[Any, Callable[[], Awaitable[Any]], Callable[[], Awaitable[int]]]:
    """The stub, as a program without any library uses it."""
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    stub = stubs.GenerativeServiceStub(channel)

    def request() -> Any:
        content = {"role": "user", "parts": [{"text": QUESTION}]}
        return pb.GenerateContentRequest(model=f"models/{MODEL}", contents=[content])

    async def unary() -> str:
        response = await stub.GenerateContent(request())
        return str(response.candidates[0].content.parts[0].text)

    async def stream() -> int:
        got = 0
        async for chunk in stub.StreamGenerateContent(request()):
            got += bool(chunk.candidates[0].content.parts[0].text)
        return got

    return channel, unary, stream


def client_calls(client: Any) -> tuple[Callable[[], Awaitable[Any]], Callable[[], Awaitable[int]]]:
    """A client in the shape of google-genai's."""
    models = client.aio.models

    async def unary() -> str | None:
        response = await models.generate_content(model=MODEL, contents=QUESTION)
        text: str | None = response.text
        return text

    async def stream() -> int:
        got = 0
        async for chunk in await models.generate_content_stream(model=MODEL, contents=QUESTION):
            got += bool(chunk.text)
        return got

    return unary, stream


async def measure(port: int, web: int, rounds: int, count: int, google: bool) -> dict[str, Any]:
    """The figures of each round, by variant."""
    channel, raw_unary, raw_stream = raw_calls(port)
    client = genai.Client(api_key="a-key")
    our_unary, our_stream = client_calls(client)
    vertex = genai.Client(vertexai=True, project="my-project", location="us-central1")
    unary: _Calls = {"raw stub": raw_unary, OURS: our_unary}
    streams: dict[str, Callable[[], Awaitable[int]]] = {"raw stub": raw_stream, OURS: our_stream}
    unary[VERTEX], streams[VERTEX] = client_calls(vertex)
    clients: list[Any] = [client, vertex]
    if google:
        theirs = importlib.import_module("google.genai")
        address = {"base_url": f"http://127.0.0.1:{web}"}
        other = theirs.Client(api_key="a-key", http_options=address)
        clients.append(other)
        unary["google-genai"], streams["google-genai"] = client_calls(other)
    results: dict[str, dict[str, list[float]]] = {UNARY: {}, STREAM: {}}
    for round_ in range(rounds + 1):
        for name, call in rotated(unary, round_):
            figure = await unary_load(call, count // 4 if name == "google-genai" else count)
            if round_:
                results[UNARY].setdefault(name, []).append(figure)
        for name, consume in rotated(streams, round_):
            figure = await stream_load(consume, count if name == "google-genai" else count * 4)
            if round_:
                results[STREAM].setdefault(name, []).append(figure)
    for made in clients:
        await made.aio.aclose()
        made.close()
    await channel.close()
    return results


def imports(runs: int) -> dict[str, float]:
    """Seconds to have the client and the types: medians over fresh interpreters that take turns."""
    samples: dict[str, list[float]] = {"gemwire": [], "google": []}
    for number in range(runs + 1):
        for package, taken in samples.items():
            figure = seconds([], [], [line.format(package) for line in _PROGRAM])
            if number:
                taken.append(figure)
    return {package: statistics.median(taken) for package, taken in samples.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=1600, help="unary calls a round; four times the chunks")
    parser.add_argument("--short", action="store_true", help="five rounds of 800 calls")
    parser.add_argument("--no-google", action="store_true", help="leave google-genai out")
    parser.add_argument("--json", action="store_true", help="the medians as JSON")
    parser.add_argument("--check", action="store_true", help="say whether the limits hold")
    options = parser.parse_args()
    rounds, calls = (5, 800) if options.short else (options.rounds, options.calls)
    google = not options.no_google and importlib.util.find_spec("google.genai") is not None
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(CHUNKS)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port, web = map(int, server.stdout.readline().split())
        os.environ["GEMINI_EMULATOR_HOST"] = f"127.0.0.1:{port}"
        results = asyncio.run(measure(port, web, rounds, calls, google))
    finally:
        server.kill()
        server.wait()
    summary = {kind: summarised(figures) for kind, figures in results.items()}
    over_gemini = {kind: ratio(figures[VERTEX], figures[OURS]) for kind, figures in results.items()}
    ratios = {kind: figures[OURS]["ratio"] for kind, figures in summary.items()}
    taken: dict[str, float] = {}
    if google:
        taken = imports(rounds)
        ratios[IMPORT] = taken["gemwire"] / taken["google"]
    if options.json:
        print(json.dumps({**summary, IMPORT: taken}))
    else:
        print(f"client CPU in µs, medians of {rounds} rounds; in brackets the ratio to the raw stub")
        for kind, figures in summary.items():
            row = "   ".join(f"{name} {f['us']:6.1f} ({f['ratio']:.2f})" for name, f in figures.items())
            print(f"{kind:28} {row}")
        for kind, figure in over_gemini.items():
            print(f"{kind:28} Vertex AI over the Gemini API {figure:.2f}")
        if google:
            row = "   ".join(f"{name} {figure * 1000:.0f} ms" for name, figure in taken.items())
            print(f"{'import of client and types':28} {row}   ({ratios[IMPORT]:.2f})")
    if options.check:
        limits = {kind: (figure, LIMITS[kind]) for kind, figure in ratios.items()}
        limits |= {f"{kind}, Vertex AI": (figure, VERTEX_LIMIT) for kind, figure in over_gemini.items()}
        for kind, (figure, limit) in limits.items():
            print(f"{'pass' if figure <= limit else 'FAIL'}  {kind}: {figure:.2f}, at most {limit}")
        sys.exit(any(figure > limit for figure, limit in limits.values()))


if __name__ == "__main__":
    main()
