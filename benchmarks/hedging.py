"""What hedging does to a long tail, and what it costs where there is none.

    python benchmarks/hedging.py [--check] [--calls N] [--rounds N] [--flavour async|sync]

One server process, one client process, loopback. The server answers after 20 ms, but 2 of 100 calls take
a hundred times as long. Calls with and without a hedge take turns, round by round, so that noise hits
them alike; the percentiles are those of all calls of all rounds, and the server says how many attempts
there were. Then the same with a server that answers at once, where no hedge is needed: client CPU (all
threads, getrusage) and latency of a hedged call beside a plain one. ``--check`` fails unless the 99th
percentile falls to a fifth or less, with no more than a tenth of calls on top.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gemwire import Hedge, Retry, v1beta

USUAL, SLOW, SHARE = 0.02, 2.0, 0.02
CONCURRENT = 20
FLAVOURS = ("async", "sync")
TAIL: dict[str, Retry] = {
    "plain": Retry(),
    "hedged": Retry(hedge=Hedge(percentile=0.95, delay=3 * USUAL)),
    "hedged after 60 ms": Retry(hedge=Hedge(delay=3 * USUAL)),
}
#: Never needed: what a hedge costs is then the waiting for it.
IDLE: dict[str, Retry] = {"plain": Retry(), "hedged": Retry(hedge=Hedge(delay=60))}

SERVER = """
import asyncio, collections, random, sys, grpc.aio
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2_grpc as stubs
usual, slow, share = map(float, sys.argv[1:])
ANSWER = pb.GenerateContentResponse(candidates=[{"content": {"parts": [{"text": "a few words"}]}}])
seen = collections.Counter()

class Servicer(stubs.GenerativeServiceServicer):
    async def GenerateContent(self, request, context):
        seen[request.model] += 1
        if usual:
            await asyncio.sleep(slow if random.random() < share else usual)
        return ANSWER
    async def CountTokens(self, request, context):
        return pb.CountTokensResponse(total_tokens=seen[request.model])

async def main():
    server = grpc.aio.server()
    stubs.add_GenerativeServiceServicer_to_server(Servicer(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""


@contextmanager
def serving(usual: float, slow: float, share: float) -> Iterator[Any]:
    """A server in a process of its own; gives the options of clients that find it."""
    command = [sys.executable, "-c", SERVER, str(usual), str(slow), str(share)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    before = os.environ.get("GEMINI_EMULATOR_HOST")
    try:
        assert server.stdout is not None
        os.environ["GEMINI_EMULATOR_HOST"] = f"127.0.0.1:{int(server.stdout.readline())}"
        yield
    finally:
        if before is None:
            os.environ.pop("GEMINI_EMULATOR_HOST", None)
        else:
            os.environ["GEMINI_EMULATOR_HOST"] = before
        server.kill()
        server.communicate()


@dataclass
class Figures:
    """What became of the calls of one kind.

    Attributes:
        seconds: How long each took.
        cpu: Seconds of the client's CPU for each, one entry a round.
        attempts: How many calls the server saw.
    """

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    attempts: int = 0

    @property
    def extra(self) -> float:
        """Attempts on top of one for each call, as a share of the calls."""
        return self.attempts / len(self.seconds) - 1

    def percentile(self, share: float) -> float:
        """Seconds within which that share of the calls was answered."""
        return sorted(self.seconds)[int(share * len(self.seconds))]


def measured(
    flavour: str,
    variants: dict[str, Retry] = TAIL,
    *,
    calls: int,
    rounds: int,
    concurrent: int = CONCURRENT,
    pace: tuple[float, float, float] = (USUAL, SLOW, SHARE),
) -> dict[str, Figures]:
    """Make calls of each kind in turn.

    Args:
        flavour: ``async`` or ``sync``.
        variants: The kinds, by what their calls are given as ``retry``.
        calls: How many of each kind in a round.
        rounds: How many; one more, before them, does not count.
        concurrent: Tasks or threads.
        pace: Of the server: seconds for most calls, for slow ones, and the share of these.
    """
    with serving(*pace):
        load: Callable[[Loads], dict[str, Figures]] = (
            (lambda loads: asyncio.run(in_tasks(loads))) if flavour == "async" else in_threads
        )
        return load(Loads(variants, calls, rounds, concurrent))


@dataclass
class Loads:
    """What is to be done; see `measured`."""

    variants: dict[str, Retry]
    calls: int
    rounds: int
    concurrent: int

    def turns(self) -> Iterator[tuple[str, Retry, bool]]:
        """Name and retry of each turn, in another order each round, and whether it counts."""
        names = list(self.variants)
        for round_ in range(self.rounds + 1):
            by = round_ % len(names)
            for name in names[by:] + names[:by]:
                yield name, self.variants[name], round_ > 0

    def each(self) -> range:
        """One worker's calls."""
        return range(self.calls // self.concurrent)


async def in_tasks(loads: Loads) -> dict[str, Figures]:
    figures = {name: Figures() for name in loads.variants}
    async with v1beta.GenerativeServiceAsyncClient() as client:
        for name, retry, counts in loads.turns():
            seconds: list[float] = []

            async def worker(name: str = name, retry: Retry = retry, into: Any = seconds) -> None:
                for _ in loads.each():
                    began = time.perf_counter()
                    await client.generate_content(model=f"models/{name}", retry=retry)
                    into.append(time.perf_counter() - began)

            count = (await client.count_tokens(model=f"models/{name}")).total_tokens
            before = cpu()
            await asyncio.gather(*(worker() for _ in range(loads.concurrent)))
            used = cpu() - before
            count = (await client.count_tokens(model=f"models/{name}")).total_tokens - count
            if counts:
                note(figures[name], seconds, used, count)
    return figures


def in_threads(loads: Loads) -> dict[str, Figures]:
    figures = {name: Figures() for name in loads.variants}
    with v1beta.GenerativeServiceClient() as client, ThreadPoolExecutor(loads.concurrent) as pool:
        for name, retry, counts in loads.turns():
            seconds: list[float] = []

            def worker(name: str = name, retry: Retry = retry, into: Any = seconds) -> None:
                for _ in loads.each():
                    began = time.perf_counter()
                    client.generate_content(model=f"models/{name}", retry=retry)
                    into.append(time.perf_counter() - began)

            count = client.count_tokens(model=f"models/{name}").total_tokens
            before = cpu()
            for done in [pool.submit(worker) for _ in range(loads.concurrent)]:
                done.result()
            used = cpu() - before
            count = client.count_tokens(model=f"models/{name}").total_tokens - count
            if counts:
                note(figures[name], seconds, used, count)
    return figures


def note(figures: Figures, seconds: list[float], used: float, attempts: int) -> None:
    """Add what one turn gave."""
    figures.seconds += seconds
    figures.cpu.append(used / len(seconds))
    figures.attempts += attempts


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def long_tail(flavour: str, calls: int, rounds: int) -> bool:
    """Measure and show; returns whether it is as promised."""
    figures = measured(flavour, calls=calls, rounds=rounds)
    before = figures["plain"].percentile(0.99)
    good = True
    for name, each in figures.items():
        p50, p99, p999 = (each.percentile(share) * 1e3 for share in (0.5, 0.99, 0.999))
        fell = before / each.percentile(0.99)
        print(
            f"{flavour:6} {name:20} p50 {p50:6.1f}  p99 {p99:6.1f} ({fell:4.1f} times less)  "
            f"p99.9 {p999:6.1f} ms   {each.extra:5.1%} more calls"
        )
        good = good and (name == "plain" or (fell >= 5 and each.extra <= 0.1))
    return good


def idle(flavour: str, rounds: int, concurrent: int) -> None:
    """What is paid where nothing is slow."""
    figures = measured(flavour, IDLE, calls=800, rounds=rounds, concurrent=concurrent, pace=(0, 0, 0))
    plain, hedged = figures["plain"], figures["hedged"]
    ratio = statistics.median(h / p for h, p in zip(hedged.cpu, plain.cpu, strict=True))
    print(
        f"{flavour:6} {concurrent:2} at a time   CPU {statistics.median(plain.cpu) * 1e6:5.0f} → "
        f"{statistics.median(hedged.cpu) * 1e6:5.0f} µs a call ({ratio:.2f})   median latency "
        f"{plain.percentile(0.5) * 1e6:5.0f} → {hedged.percentile(0.5) * 1e6:5.0f} µs"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000, help="of each kind, in a round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--flavour", choices=FLAVOURS)
    parser.add_argument("--check", action="store_true", help="fail unless it is as promised")
    options = parser.parse_args()
    flavours = [options.flavour] if options.flavour else FLAVOURS
    print(f"{SHARE:.0%} of calls take {SLOW:g} s, the others {USUAL * 1e3:g} ms; {CONCURRENT} at a time")
    results = [long_tail(flavour, options.calls, options.rounds) for flavour in flavours]
    print("a server that answers at once: plain → hedged; in brackets the ratio")
    for flavour in flavours:
        for concurrent in (1, CONCURRENT):
            idle(flavour, options.rounds, concurrent)
    if options.check and not all(results):
        print("not as promised: the 99th percentile at a fifth, a tenth more calls", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
