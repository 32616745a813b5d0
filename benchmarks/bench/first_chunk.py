"""Time to the first chunk of a stream, while eight others bring chunks, 5 ms apart or without a pause."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from typing import Any

import libraries
from measure import GOOGLE_GENAI, RAW, Figure, family, server, turns

BESIDE = 8
#: What the others bring; most probes, of one stream after the other, and seconds for them.
OTHERS = {"8 streams, chunks 5 ms apart": "stream-200-5", "8 dense streams": "stream-200-0"}
PROBES, SECONDS = 100, 5.0


async def probes(library: Any, beside: str) -> list[float]:
    """Milliseconds to the first chunk."""
    going = True
    taken: list[float] = []

    async def others() -> None:
        while going:
            await library.stream(beside)

    tasks = [asyncio.create_task(others()) for _ in range(BESIDE)]
    await asyncio.sleep(0.2)
    until = time.perf_counter() + SECONDS
    while len(taken) < PROBES and time.perf_counter() < until:
        began = time.perf_counter()

        def arrived(began: float = began) -> None:
            taken.append((time.perf_counter() - began) * 1000)

        await library.stream("stream-1-0", first=arrived)
    going = False
    await asyncio.gather(*tasks)
    return taken


async def rounds(options: argparse.Namespace, ports: Any) -> list[Figure]:
    names = [RAW, GOOGLE_GENAI] if options.aiohttp else list(libraries.ALL)
    made = {name: libraries.ALL[name](ports) for name in names}
    for library in made.values():
        await library.stream("stream-1-0")
    figures = []
    for label, model in OTHERS.items():
        p50, p99 = (Figure(f"first chunk beside {label}, {which}", "ms") for which in ("p50", "p99"))
        for round_ in range(options.rounds):
            for name, library in turns(made, round_):
                taken = await probes(library, model)
                p50.add(name, statistics.median(taken))
                p99.add(name, statistics.quantiles(taken, n=100, method="inclusive")[98])
        figures += [p50, p99]
    for library in made.values():
        await library.close()
    return figures


def measure(options: argparse.Namespace) -> list[Figure]:
    with server() as ports:
        return asyncio.run(rounds(options, ports))


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
