"""What a pipeline adds to the calls that it makes: client CPU an item, and memory over the number of items.

    python benchmarks/pipeline.py [--rounds N] [--items N] [--short] [--json] [--check] [--curve]

CPU time of the process (all threads, getrusage), each variant in its turn within a round, medians over
the rounds; what is added is the difference of the best rounds, as noise only adds. ``bare`` is the same
number of workers that take items from one iterator and call the function: no order, no back-pressure, no
results. Calls go to a server in a process of its own. Memory is the peak of a fresh process for each
number of items. ``--check`` fails where a pipeline adds more than 15 µs an item,
or where memory grows by more than 5 MB from ten thousand items to the most. ``--curve`` shows how
`Adaptive` follows a server that has room for 20 calls, then 100, then 20.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from gemwire import errors, pipeline, v1beta

CONCURRENCY = 64
MOST_ADDED = 15.0
MOST_GROWTH = 5.0

SERVER = """
import asyncio, grpc.aio
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs

class Servicer(stubs.GenerativeServiceServicer):
    async def CountTokens(self, request, context):
        return pb.CountTokensResponse(total_tokens=1)

async def main():
    server = grpc.aio.server()
    stubs.add_GenerativeServiceServicer_to_server(Servicer(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""

MEMORY = """
import asyncio, pathlib, resource, sys
from gemwire import pipeline

def peak():
    # Linux counts what the parent had before the program was loaded in ru_maxrss.
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)

async def function(item):
    await asyncio.sleep(0)
    return item

async def main(count):
    got = 0
    async for _ in pipeline.map(function, iter(range(count)), concurrency=64, ordered=True):
        got += 1
    assert got == count

asyncio.run(main(int(sys.argv[1])))
print(peak())
"""

Function = Callable[[Any], Awaitable[Any]]


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def bare(function: Function, count: int) -> None:
    items = iter(range(count))

    async def worker() -> None:
        for item in items:
            await function(item)

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


async def blocks(function: Function, count: int) -> None:
    """What one writes by hand: gather, block by block."""
    for start in range(0, count, CONCURRENCY):
        await asyncio.gather(*(function(item) for item in range(start, min(start + CONCURRENCY, count))))


async def semaphore(function: Function, count: int) -> None:
    """The other thing that one writes by hand: a task for each item, all at the beginning."""
    room = asyncio.Semaphore(CONCURRENCY)

    async def one(item: int) -> Any:
        async with room:
            return await function(item)

    await asyncio.gather(*(one(item) for item in range(count)))


async def unordered(function: Function, count: int) -> None:
    async for _ in pipeline.map(function, range(count), concurrency=CONCURRENCY):
        pass


async def ordered(function: Function, count: int) -> None:
    async for _ in pipeline.map(function, range(count), concurrency=CONCURRENCY, ordered=True):
        pass


async def adaptive(function: Function, count: int) -> None:
    room = pipeline.Adaptive(start=CONCURRENCY, minimum=CONCURRENCY, maximum=CONCURRENCY)
    async for _ in pipeline.map(function, range(count), concurrency=room):
        pass


async def plain_for(function: Function, count: int) -> None:
    """The loop is a thread's own here, and the function runs there."""

    def loop() -> None:
        for _ in pipeline.map(function, range(count), concurrency=CONCURRENCY):
            pass

    thread = asyncio.get_running_loop().run_in_executor(None, loop)
    await thread


VARIANTS = {
    "bare": bare,
    "unordered": unordered,
    "ordered": ordered,
    "adaptive": adaptive,
    "plain for": plain_for,
    "gather in blocks": blocks,
    "semaphore": semaphore,
}


async def trivial(item: int) -> int:
    return item


async def waiting(item: int) -> int:
    await asyncio.sleep(0)
    return item


async def measured(function: Function, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """Microseconds of CPU an item: medians, and what is added to the bare calls in the best rounds."""
    figures: dict[str, list[float]] = {}
    names = list(VARIANTS)
    for round_ in range(rounds + 1):
        turned = names[round_ % len(names) :] + names[: round_ % len(names)]
        for name in turned:
            before = cpu()
            await VARIANTS[name](function, count)
            if round_:
                figures.setdefault(name, []).append((cpu() - before) / count * 1e6)
    return {
        name: {
            "us": statistics.median(figures[name]),
            "added": min(figures[name]) - min(figures["bare"]),
        }
        for name in names
    }


async def all_measured(items: int, calls: int, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    results = {
        "function that never waits": await measured(trivial, items, rounds),
        "function that waits once": await measured(waiting, items, rounds),
    }
    async with v1beta.GenerativeServiceAsyncClient() as client:
        request = v1beta.CountTokensRequest(model="models/m")

        async def call(item: int) -> Any:
            return await client.count_tokens(request)

        # Another loop has connections of its own, so the plain for is as good a comparison.
        results["call of a server"] = await measured(call, calls, rounds)
    return results


def memory(counts: list[int]) -> dict[str, float]:
    """Peak, in MB, of a process that puts so many items through."""
    found = {}
    for count in counts:
        ended = subprocess.run(
            [sys.executable, "-c", MEMORY, str(count)], capture_output=True, text=True, check=True
        )
        found[str(count)] = float(ended.stdout)
    return found


def show_curve() -> None:
    """How `Adaptive` follows what there is room for; in time that passes by calls of 20 ms."""
    room = 20
    active = refused = served = 0
    seen: list[tuple[int, int]] = []

    async def call(item: int) -> int:
        nonlocal active, refused, served
        if active >= room:
            refused += 1
            raise errors.ResourceExhausted("no room")
        active += 1
        await asyncio.sleep(0.02)
        active -= 1
        served += 1
        return item

    async def main() -> None:
        nonlocal room
        began = time.monotonic()

        def note(progress: pipeline.Progress) -> None:
            seen.append((room, progress.concurrency))

        endless = iter(int, 1)
        async for _ in pipeline.map(call, endless, concurrency=pipeline.Adaptive(), progress=note):
            elapsed = time.monotonic() - began
            room = 100 if 3 < elapsed < 6 else 20
            if elapsed > 9:
                break

    asyncio.run(main())
    print("seconds  room  concurrency")
    for tick, (there, concurrency) in enumerate(seen):
        if tick % 3 == 0:
            print(f"{tick / 10:7.1f}  {there:4}  {concurrency:4} {'#' * (concurrency // 2)}")
    print(f"{refused} refused, {served} served")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--items", type=int, default=1_000_000, help="the most; CPU is measured with a fifth")
    parser.add_argument("--short", action="store_true", help="two rounds, 100,000 items at most")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--check", action="store_true", help="fail where a bound is passed")
    parser.add_argument("--curve", action="store_true", help="show what Adaptive does, and nothing else")
    options = parser.parse_args()
    if options.curve:
        show_curve()
        return
    rounds, items = (2, 100_000) if options.short else (options.rounds, options.items)
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        os.environ["GEMINI_EMULATOR_HOST"] = f"127.0.0.1:{int(server.stdout.readline())}"
        results = asyncio.run(all_measured(items // 5, items // 50, rounds))
    finally:
        server.kill()
        server.wait()
    peaks = memory(sorted({10_000, 100_000, items}))
    if options.json:
        print(json.dumps({"cpu": results, "memory": peaks}))
    else:
        print(
            f"CPU in µs an item, {CONCURRENCY} at once, medians of {rounds} rounds; in brackets what is added"
        )
        for kind, figures in results.items():
            print(kind)
            for name, figure in figures.items():
                print(f"  {name:18} {figure['us']:7.2f} ({figure['added']:+.2f})")
        print("peak memory in MB")
        for count, peak in peaks.items():
            print(f"  {int(count):12,} {peak:7.1f}")
    if options.check:
        failed = [
            f"{kind}, {name}: {figures[name]['added']:.1f} µs an item are more than {MOST_ADDED:g}"
            for kind, figures in results.items()
            for name in ("unordered", "ordered", "adaptive")
            if figures[name]["added"] > MOST_ADDED
        ]
        growth = max(peaks.values()) - peaks["10000"]
        if growth > MOST_GROWTH:
            failed.append(f"memory grew by {growth:.1f} MB, more than {MOST_GROWTH:g}")
        if failed:
            raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
