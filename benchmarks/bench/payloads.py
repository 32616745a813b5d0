"""Large answers and large requests, 1 KB to 10 MB: client CPU a call, one call at a time."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import libraries
from measure import GOOGLE_GENAI, RAW, Figure, cpu, family, server, start, turns

RECEIVE, SEND = "receive a text", "send a picture"
AXIS = "bytes"
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def picture(size: int) -> list[dict[str, Any]]:
    """Contents with so many bytes, anew for each call: a program has another picture each time."""
    return [{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": bytes(size)}}]}]


async def rounds(options: argparse.Namespace, ports: Any) -> list[Figure]:
    names = [RAW, GOOGLE_GENAI] if options.aiohttp else list(libraries.ALL)
    made = {name: libraries.ALL[name](ports) for name in names}
    figures = []
    for size in SIZES[3:4] if options.short else SIZES:
        receive, send = (Figure(row, "µs CPU a call", at=size, axis=AXIS) for row in (RECEIVE, SEND))
        count = max(2, min(100, 5_000_000 // size))
        for round_ in range(options.rounds + 1):
            for name, library in turns(made, round_):
                for figure in (receive, send):
                    model = f"reply-{size}" if figure is receive else "reply-0"
                    contents = libraries.CONTENTS if figure is receive else picture(size)
                    before = start()
                    for _ in range(count):
                        await library.ask(model, contents)
                    if round_:
                        figure.add(name, (cpu() - before) / count * 1e6)
        figures += [receive, send]
    for library in made.values():
        await library.close()
    return figures


def measure(options: argparse.Namespace) -> list[Figure]:
    with server() as ports:
        return asyncio.run(rounds(options, ports))


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
