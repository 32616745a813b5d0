"""Unary calls and streams with asyncio: client CPU a call and a chunk."""

from __future__ import annotations

import argparse
import asyncio
import sys
from functools import partial
from typing import Any

import libraries
from measure import (
    GOOGLE_GENAI,
    RAW,
    Figure,
    at_once,
    cpu,
    family,
    server,
    start,
    turns,
)

UNARY, BARE = "async unary", "async unary, bare"
STREAM, BARE_STREAM = "async stream, per chunk", "async stream, per chunk, bare"
SPARSE = "async stream, chunks 20 ms apart, per chunk"
SPARSE_200 = "async stream, chunks 20 ms apart, 200 streams, per chunk"
CALLS, AT_ONCE = 640, 32
CHUNKS, STREAMS = 200, 8
SPARSE_CHUNKS = 20


async def rounds(options: argparse.Namespace, ports: Any, suffix: str) -> list[Figure]:
    names = [RAW, GOOGLE_GENAI] if options.aiohttp else list(libraries.ALL)
    made = {name: libraries.ALL[name](ports) for name in names}
    reply, dense, sparse = "reply-0", f"stream-{CHUNKS}-0", f"stream-{SPARSE_CHUNKS}-20"
    # Row, unit, what of each library, how many calls, at a time, pieces that a call brings.
    rows: list[tuple[Figure, dict[str, Any], int, int, int]] = []

    def row(name: str, unit: str, what: dict[str, Any], count: int, concurrent: int, pieces: int) -> None:
        rows.append((Figure(name + suffix, unit), what, count, concurrent, pieces))

    each = made.items()
    row(UNARY, "µs CPU a call", {n: partial(m.ask, reply) for n, m in each}, CALLS, AT_ONCE, 1)
    row(BARE, "µs CPU a call", {n: m.bare(reply) for n, m in each if m.bare}, CALLS, AT_ONCE, 1)
    chunk = "µs CPU a chunk"
    row(STREAM, chunk, {n: partial(m.stream, dense) for n, m in each}, STREAMS, STREAMS, CHUNKS)
    what = {n: m.bare_stream(dense) for n, m in each if m.bare_stream}
    row(BARE_STREAM, chunk, what, 2 * STREAMS, STREAMS, CHUNKS)
    what = {n: partial(m.stream, sparse) for n, m in each}
    for name, streams in ((SPARSE, 16), (SPARSE_200, 200)):
        row(name, chunk, what, streams, streams, SPARSE_CHUNKS)
    for round_ in range(options.rounds + 1):
        for figure, what, count, concurrent, pieces in rows:
            for name, call in turns(what, round_):
                before = start()
                await at_once(call, count, concurrent)
                if round_:
                    figure.add(name, (cpu() - before) / (count * pieces) * 1e6)
    for library in made.values():
        await library.close()
    return [figure for figure, *_ in rows]


def measure(options: argparse.Namespace) -> list[Figure]:
    with server() as ports:
        figures = asyncio.run(rounds(options, ports, ""))
        if options.short:
            return figures
        import uvloop

        return figures + uvloop.run(rounds(options, ports, ", uvloop"))


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
