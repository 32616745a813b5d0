"""Many slow streams at a time, against a server that takes 100 on a connection: time, failures, CPU."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import Any

import libraries
from measure import (
    GEMWIRE,
    GEMWIRE_GENAI,
    GEMWIRE_H2,
    GOOGLE_GENAI,
    RAW,
    Figure,
    cpu,
    family,
    server,
    start,
    turns,
)

CHUNKS, LIMIT = 20, 100
TIME = "{} ms apart: time vs ideal"
FAILURES = "{} ms apart: streams that failed, in the worst burst"
CPU = "{} ms apart: CPU a chunk"
AXIS = "streams at a time"


async def burst(make: Any, ports: Any, streams: int, gap: int) -> tuple[float, int, float]:
    """Seconds, failures and CPU seconds of so many streams that begin together, with a new client."""
    library = make(ports)
    model = f"stream-{CHUNKS}-{gap}"

    async def one() -> int:
        try:
            got: int = await asyncio.wait_for(library.stream(model), 120)
        except Exception:
            return 0
        return got

    await library.ask("reply-0")  # connected
    before, began = start(), time.perf_counter()
    got = await asyncio.gather(*(one() for _ in range(streams)))
    took, used = time.perf_counter() - began, cpu() - before
    await library.close()
    return took, sum(count != CHUNKS for count in got), used


def measure(options: argparse.Namespace) -> list[Figure]:
    names = [RAW, GOOGLE_GENAI] if options.aiohttp else list(libraries.ALL)
    if options.short:
        names = [GEMWIRE, GEMWIRE_H2, GEMWIRE_GENAI]
    points = [(50, 1000)] if options.short else [(50, 1), (50, 10), (50, 100), (50, 1000), (100, 1000)]
    figures = []
    with server(LIMIT, pin=False) as ports:
        for gap, streams in points:
            of_time = Figure(TIME.format(gap), "x", at=streams, axis=AXIS)
            failures = Figure(FAILURES.format(gap), "", at=streams, axis=AXIS, highest=True)
            of_cpu = Figure(CPU.format(gap), "µs", at=streams, axis=AXIS)
            for round_ in range(options.rounds):
                for name, make in turns({name: libraries.ALL[name] for name in names}, round_):
                    took, failed, used = asyncio.run(burst(make, ports, streams, gap))
                    of_time.add(name, took / (CHUNKS * gap / 1000))
                    failures.add(name, failed)
                    of_cpu.add(name, used / (streams * CHUNKS) * 1e6)
            figures += [of_time, failures, of_cpu]
    return figures


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
