"""What gemwire adds to a call: client CPU against the raw stub and, where installed, Google's client.

    python benchmarks/overhead.py [--rounds N] [--short] [--uvloop] [--json]

One server process, one client process, loopback. The variants take turns within each round, so that
noise hits them alike; the figures are medians over the rounds of the client's CPU time (all threads,
getrusage), in microseconds a call or a streamed message, and their ratio to the raw stub; and that of calls
of Vertex AI to those of the Gemini API.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio

from gemwire import aiplatform_v1, v1beta
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs

CHUNKS = 200
STREAMS = 8
CONCURRENT = 32
PROMPT: dict[str, Any] = {"role": "user", "parts": [{"text": "Why is the sky blue?"}]}
REQUEST: dict[str, Any] = {"model": "models/bench", "contents": [PROMPT]}

NAME = "projects/my-project/locations/us-central1/publishers/google/models/bench"
OURS, VERTEX = "gemwire", "gemwire, Vertex AI"

#: Adds the service of Vertex AI to a server that has CONTENT and sends as many chunks as `count` says.
VERTEX_SERVICE = """
from gemwire_proto import aiplatform_v1 as vx
VERTEX_CHUNK = vx.GenerateContentResponse(candidates=[{"content": CONTENT}])

def add_vertex(server, count):
    async def unary(request, context):
        return VERTEX_CHUNK
    async def stream(request, context):
        for _ in range(count):
            yield VERTEX_CHUNK
    codecs = vx.GenerateContentRequest.FromString, vx.GenerateContentResponse.SerializeToString
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        "google.cloud.aiplatform.v1.PredictionService",
        {"GenerateContent": grpc.unary_unary_rpc_method_handler(unary, *codecs),
         "StreamGenerateContent": grpc.unary_stream_rpc_method_handler(stream, *codecs)}),))
"""

SERVER = (
    """
import asyncio, sys, grpc.aio
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs
CONTENT = {"role": "model", "parts": [{"text": "a few words "}]}
CHUNK = pb.GenerateContentResponse(candidates=[{"content": CONTENT}])
"""
    + VERTEX_SERVICE
    + """
class Servicer(stubs.GenerativeServiceServicer):
    async def GenerateContent(self, request, context):
        return CHUNK
    async def StreamGenerateContent(self, request, context):
        for _ in range(int(sys.argv[1])):
            yield CHUNK

async def main():
    server = grpc.aio.server()
    stubs.add_GenerativeServiceServicer_to_server(Servicer(), server)
    add_vertex(server, int(sys.argv[1]))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""
)


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def unary_load(call: Callable[[], Awaitable[Any]], count: int) -> float:
    async def worker() -> None:
        for _ in range(count // CONCURRENT):
            await call()

    before = cpu()
    await asyncio.gather(*(worker() for _ in range(CONCURRENT)))
    return (cpu() - before) / (count // CONCURRENT * CONCURRENT) * 1e6


async def stream_load(consume: Callable[[], Awaitable[int]], count: int) -> float:
    before = cpu()
    got = 0
    for _ in range(max(1, count // (CHUNKS * STREAMS))):
        got += sum(await asyncio.gather(*(consume() for _ in range(STREAMS))))
    return (cpu() - before) / got * 1e6


def sync_load(call: Callable[[], int], count: int) -> float:
    before = cpu()
    got = 0
    while got < count:
        got += call()
    return (cpu() - before) / got * 1e6


async def measure_async(
    port: int, rounds: int, count: int, google: bool
) -> dict[str, dict[str, list[float]]]:
    request = pb.GenerateContentRequest(**REQUEST)
    results: dict[str, dict[str, list[float]]] = {"async unary": {}, "async stream, per message": {}}
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    raw = stubs.GenerativeServiceStub(channel)
    client = v1beta.GenerativeServiceAsyncClient()
    vertex, vertex_request = aiplatform_v1.PredictionServiceAsyncClient(), build_vertex_request()

    async def raw_stream() -> int:
        got = 0
        async for _ in raw.StreamGenerateContent(request):
            got += 1
        return got

    async def our_stream() -> int:
        got = 0
        async for _ in await client.stream_generate_content(request):
            got += 1
        return got

    async def vertex_stream() -> int:
        got = 0
        async for _ in await vertex.stream_generate_content(vertex_request):
            got += 1
        return got

    unary: dict[str, Callable[[], Awaitable[Any]]] = {
        "raw stub": lambda: raw.GenerateContent(request),
        OURS: lambda: client.generate_content(request),
        VERTEX: lambda: vertex.generate_content(vertex_request),
    }
    streams: dict[str, Callable[[], Awaitable[int]]] = {
        "raw stub": raw_stream,
        OURS: our_stream,
        VERTEX: vertex_stream,
    }
    if google:
        from google.ai import generativelanguage_v1beta as theirs
        from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
            GenerativeServiceGrpcAsyncIOTransport,
        )

        plain = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        googles = theirs.GenerativeServiceAsyncClient(
            transport=GenerativeServiceGrpcAsyncIOTransport(channel=plain)
        )
        their_request = theirs.GenerateContentRequest(REQUEST)

        async def their_stream() -> int:
            got = 0
            async for _ in await googles.stream_generate_content(their_request):
                got += 1
            return got

        unary["google"] = lambda: googles.generate_content(their_request)
        streams["google"] = their_stream
    for round_ in range(rounds + 1):
        for name, call in rotated(unary, round_):
            figure = await unary_load(call, count)
            if round_:
                results["async unary"].setdefault(name, []).append(figure)
        for name, consume in rotated(streams, round_):
            figure = await stream_load(consume, count * 4)
            if round_:
                results["async stream, per message"].setdefault(name, []).append(figure)
    await client.close()
    await vertex.close()
    await channel.close()
    return results


def build_vertex_request() -> aiplatform_v1.GenerateContentRequest:
    """Return the request to Vertex AI."""
    return aiplatform_v1.GenerateContentRequest(model=NAME, contents=[PROMPT])


def rotated(variants: dict[str, Any], by: int) -> list[tuple[str, Any]]:
    """The variants, each round in another order."""
    items = list(variants.items())
    by %= len(items)
    return items[by:] + items[:by]


def measure_sync(port: int, rounds: int, count: int) -> dict[str, dict[str, list[float]]]:
    request = pb.GenerateContentRequest(**REQUEST)
    results: dict[str, dict[str, list[float]]] = {"sync unary": {}, "sync stream, per message": {}}
    vertex_request = build_vertex_request()
    with (
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
        v1beta.GenerativeServiceClient() as client,
        aiplatform_v1.PredictionServiceClient() as vertex,
    ):
        raw = stubs.GenerativeServiceStub(channel)
        unary = {
            "raw stub": lambda: bool(raw.GenerateContent(request)) or 1,
            OURS: lambda: bool(client.generate_content(request)) or 1,
            VERTEX: lambda: bool(vertex.generate_content(vertex_request)) or 1,
        }
        streams = {
            "raw stub": lambda: sum(1 for _ in raw.StreamGenerateContent(request)),
            OURS: lambda: sum(1 for _ in client.stream_generate_content(request)),
            VERTEX: lambda: sum(1 for _ in vertex.stream_generate_content(vertex_request)),
        }
        for round_ in range(rounds + 1):
            for kind, variants, much in (
                ("sync unary", unary, count),
                ("sync stream, per message", streams, count * 4),
            ):
                for name, call in rotated(variants, round_):
                    figure = sync_load(call, much)
                    if round_:
                        results[kind].setdefault(name, []).append(figure)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument(
        "--calls", type=int, default=1600, help="unary calls a round; four times as many messages"
    )
    parser.add_argument("--short", action="store_true", help="three rounds of 800 calls")
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--no-google", action="store_true", help="leave Google's client out")
    parser.add_argument("--json", action="store_true", help="the medians as JSON")
    options = parser.parse_args()
    rounds, calls = (3, 800) if options.short else (options.rounds, options.calls)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(CHUNKS)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        os.environ["GEMINI_EMULATOR_HOST"] = f"127.0.0.1:{port}"
        google = not options.no_google and importlib.util.find_spec("google.ai") is not None
        work = measure_async(port, rounds, calls, google)
        if options.uvloop:
            import uvloop

            results = uvloop.run(work)
        else:
            results = asyncio.run(work)
        results.update(measure_sync(port, rounds, calls))
    finally:
        server.kill()
        server.wait()
    summary = {kind: summarised(figures) for kind, figures in results.items()}
    if options.json:
        print(json.dumps(summary))
        return
    print(f"client CPU in µs, medians of {rounds} rounds; in brackets the ratio to the raw stub,")
    print("which sends no metadata and no deadline")
    for kind, figures in summary.items():
        row = "   ".join(f"{name} {f['us']:6.1f} ({f['ratio']:.2f})" for name, f in figures.items())
        print(f"{kind:28} {row}")
    for kind, measured in results.items():
        print(f"{kind:28} Vertex AI over the Gemini API {ratio(measured[VERTEX], measured[OURS]):.2f}")


def ratio(one: list[float], other: list[float]) -> float:
    """The median of the ratios within a round: noise that lasts hits both."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def summarised(figures: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Medians, and ratios to the raw stub."""
    return {
        name: {"us": statistics.median(values), "ratio": ratio(values, figures["raw stub"])}
        for name, values in sorted(figures.items(), reverse=True)
    }


if __name__ == "__main__":
    main()
