"""What a pipeline adds to the calls that it makes, and its memory over the number of items.

The variants are those of benchmarks/pipeline.py; ``bare`` is as many workers that take items and call.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import statistics
import subprocess
import sys
from typing import Any

from measure import HERE, Figure, cpu, family, server, start, turns

CHEAP, CALL = "pipeline, an item that waits once", "pipeline, an item that is a call"
CHEAP_ADDED, CALL_ADDED = f"{CHEAP}, added", f"{CALL}, added"
MEMORY, GROWTH = "pipeline, peak memory", "pipeline, growth of peak memory"
BARE, WORST = "bare", "the most of them"
KINDS = ("unordered", "ordered", "adaptive")
UNIT, AXIS = "µs CPU an item", "items"
ITEMS, CALLS = 1_000_000, 2_000
#: The peak is asked of the kernel: what getrusage tells begins with that of the process that started this.
_PROGRAM = """
import asyncio, sys
from gemwire import pipeline

async def function(item):
    await asyncio.sleep(0)
    return item

async def main(count, ordered):
    got = 0
    async for _ in pipeline.map(function, iter(range(count)), concurrency=64, ordered=ordered):
        got += 1
    assert got == count

asyncio.run(main(int(sys.argv[1]), sys.argv[2] == "ordered"))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def script() -> Any:
    """benchmarks/pipeline.py."""
    spec = importlib.util.spec_from_file_location("pipeline_script", HERE.parent / "pipeline.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def rounds(variants: dict[str, Any], function: Any, row: str, count: int, many: int) -> list[Figure]:
    """CPU of an item, and how much of it is not the bare call's."""
    whole, added = Figure(row, UNIT), Figure(f"{row}, added", UNIT)
    for round_ in range(many + 1):
        for name, run in turns(variants, round_):
            before = start()
            await run(function, count if round_ else count // 10)
            if round_:
                whole.add(name, (cpu() - before) / count * 1e6)
    for name in KINDS:
        pairs = zip(whole.samples[name], whole.samples[BARE], strict=True)
        added.samples[name] = [one - other for one, other in pairs]
    # The dearest kind of pipeline is the one that is judged.
    worst = max(KINDS, key=lambda name: statistics.median(added.samples[name]))
    added.samples[WORST] = added.samples[worst]
    return [whole, added]


def peaks(most: int) -> list[Figure]:
    """Peak memory of fresh processes that put more and more items through."""
    points = [Figure(MEMORY, "MB", at=count, axis=AXIS) for count in (10_000, 100_000, most)]
    growth = Figure(GROWTH, "MB")
    for kind in ("unordered", "ordered"):
        for point in points:
            command = [sys.executable, "-c", _PROGRAM, str(int(point.at or 0)), kind]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            point.add(kind, int(done.stdout) / 1e3)
        growth.add(kind, points[-1].value(kind) - points[0].value(kind))
    growth.samples[WORST] = [max(values[0] for values in growth.samples.values())]
    return [*points, growth]


async def calls(variants: dict[str, Any], many: int) -> list[Figure]:
    from gemwire import v1beta

    request = v1beta.CountTokensRequest(model="models/reply-0")
    async with v1beta.GenerativeServiceAsyncClient() as client:

        async def call(_: Any) -> Any:
            return await client.count_tokens(request)

        return await rounds(variants, call, CALL, CALLS, many)


def measure(options: argparse.Namespace) -> list[Figure]:
    written = script()
    variants = {name: written.VARIANTS[name] for name in (BARE, *KINDS)}
    items = ITEMS // 10 if options.short else ITEMS
    with server():
        figures = asyncio.run(rounds(variants, written.waiting, CHEAP, items, max(1, options.rounds // 8)))
        figures += asyncio.run(calls(variants, options.rounds))
    return figures + peaks(items)


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
