"""The rows of `calls` and `sync_calls` over TLS."""

from __future__ import annotations

import argparse
import asyncio
import sys

import calls
import sync_calls
from measure import Figure, family, secure_server

#: What the names of the rows end in.
TLS = ", TLS"


def measure(options: argparse.Namespace) -> list[Figure]:
    with secure_server() as ports:
        figures = asyncio.run(calls.rounds(options, ports, TLS))
        return figures if options.aiohttp else figures + sync_calls.rounds(options, ports, TLS)


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
