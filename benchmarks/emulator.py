"""What the emulator can take: many concurrent streams on the instant engine.

    python benchmarks/emulator.py [--streams N] [--chunks N] [--rounds N] [--json]

The emulator in one process, the callers in another, loopback. A long canned reply is streamed in many
pieces; what counts are chunks for each second of CPU that the server uses (all threads), read from the
process itself. The callers do not decode: they are not what is measured. An error ends the benchmark.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc.aio

from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb

PATH = "/google.ai.generativelanguage.v1beta.GenerativeService/StreamGenerateContent"
REQUEST: Any = pb.GenerateContentRequest(
    model="models/gemini-2.5-flash", contents=[{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]
)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, of all its threads (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(address: str, streams: int) -> int:
    """Chunks that some concurrent streams bring."""
    request = REQUEST.SerializeToString()
    # Several connections, as from several clients.
    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(8)
    ]

    async def one(number: int) -> int:
        call = channels[number % len(channels)].unary_stream(PATH)(request, timeout=300)
        count = 0
        async for _ in call:
            count += 1
        return count

    try:
        return sum(await asyncio.gather(*(one(number) for number in range(streams))))
    finally:
        await asyncio.gather(*(channel.close() for channel in channels))


def main() -> int:
    parser = argparse.ArgumentParser(description="Chunks that the emulator streams for each CPU second.")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--chunks", type=int, default=500, help="of each stream")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        replies = Path(folder, "replies.json")
        replies.write_text(json.dumps([{"text": "a few words " * options.chunks, "pieces": options.chunks}]))
        command = [sys.executable, "-m", "gemwire_emulator", "--json", "--replies", str(replies)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout
                address = json.loads(server.stdout.readline())["grpc"]
                asyncio.run(load(address, 8))
                by_cpu, by_clock = [], []
                for _ in range(options.rounds):
                    before, began = cpu(server.pid), time.perf_counter()
                    chunks = asyncio.run(load(address, options.streams))
                    assert chunks == options.streams * options.chunks
                    by_clock.append(chunks / (time.perf_counter() - began))
                    by_cpu.append(chunks / (cpu(server.pid) - before))
            finally:
                server.terminate()
    found = {
        "streams": options.streams,
        "chunks_per_stream": options.chunks,
        "chunks_per_server_cpu_second": round(statistics.median(by_cpu)),
        "chunks_per_second": round(statistics.median(by_clock)),
        "errors": 0,
    }
    print(json.dumps(found) if options.json else "\n".join(f"{k:30} {v:>10,}" for k, v in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
