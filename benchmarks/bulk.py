"""Jobs over files, beside a bare asyncio loop; and how long a job with a million finished lines is looked at.

python benchmarks/bulk.py [--short] [--json]

A server in a process of its own answers every request at once with the same few bytes. The bare loop is what
one would write by hand: some tasks that take lines from a file, call gemwire's own client and write what
comes back, without keys, failures, a lock, or a way to go on. So the difference is what a job costs.
Figures are medians of rounds in turn; CPU is of the process that writes and of its children.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_SERVER = """
import asyncio, grpc, grpc.aio
from gemwire_proto import v1beta
ANSWER = v1beta.GenerateContentResponse(
    candidates=[{"content": {"role": "model", "parts": [{"text": "Yes."}]}, "finish_reason": "STOP"}],
    usage_metadata={"prompt_token_count": 3, "candidates_token_count": 2},
).SerializeToString()

class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        answer = b"" if details.method.endswith("GetModel") else ANSWER
        async def reply(request, context):
            return answer
        return grpc.unary_unary_rpc_method_handler(reply)

async def main():
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handler(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
"""
_CONCURRENCY = 32


@contextlib.contextmanager
def servers(count: int) -> Iterator[list[str]]:
    """Servers, each in a process."""
    running = [
        subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    try:
        yield [f"127.0.0.1:{process.stdout.readline().strip()}" for process in running if process.stdout]
    finally:
        for process in running:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def write(path: Path, lines: int) -> None:
    with path.open("w") as file:
        for number in range(lines):
            file.write(json.dumps({"key": f"k{number}", "prompt": f"What is {number} and why? " * 4}) + "\n")


async def by_hand(source: Path, target: Path) -> None:
    """What one would write."""
    from google.protobuf import json_format

    from gemwire import v1beta
    from gemwire_proto import POOL

    with source.open() as lines, target.open("w") as output:
        numbered = enumerate(lines, 1)

        async def work(client: Any) -> None:
            for number, line in numbered:
                contents = [{"role": "user", "parts": [{"text": json.loads(line)["prompt"]}]}]
                response = await client.generate_content(model="models/m", contents=contents)
                answer = json_format.MessageToDict(response, descriptor_pool=POOL)
                output.write(json.dumps({"line": number, "response": answer}) + "\n")

        async with v1beta.GenerativeServiceAsyncClient() as client:
            await asyncio.gather(*(work(client) for _ in range(_CONCURRENCY)))


def job(processes: int) -> Callable[[Path, Path], Any]:
    def run(source: Path, target: Path) -> None:
        from gemwire import bulk

        bulk.generate(source, target, model="m", concurrency=_CONCURRENCY, processes=processes)

    return run


def cpu() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, kinds))


def speed(folder: Path, lines: int, rounds: int) -> dict[str, dict[str, float]]:
    """Lines per second and CPU per line of each way."""
    ways: dict[str, Callable[[Path, Path], Any]] = {
        "a bare loop": lambda source, target: asyncio.run(by_hand(source, target)),
        "a job": job(1),
        "a job in 2 processes": job(2),
    }
    source = folder / "in.jsonl"
    write(source, lines)
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for round_ in range(rounds + 1):
        for name, way in ways.items():
            target = folder / f"out{round_}-{name.replace(' ', '-')}.jsonl"
            began, before = time.perf_counter(), cpu()
            way(source, target)
            # The first round warms up.
            if round_:
                seen[name].append((lines / (time.perf_counter() - began), (cpu() - before) / lines * 1e6))
            if sum(1 for _ in target.open()) != lines:
                raise SystemExit(f"{name}: lines are missing")
    return {
        name: {
            "lines per second": statistics.median(rate for rate, _ in found),
            "CPU us per line": statistics.median(used for _, used in found),
        }
        for name, found in seen.items()
    }


def resume(folder: Path, lines: int) -> dict[str, float]:
    """Seconds until a job with so many finished lines knows that, and what its output weighs."""
    from gemwire import bulk
    from gemwire.bulk.line_result import json_record

    source, target = folder / "large.jsonl", folder / "large-out.jsonl"
    write(source, lines)
    _begin(source, target)
    answer = {"candidates": [{"content": {"parts": [{"text": "Yes. " * 100}], "role": "model"}}]}
    with target.open("wb") as file:
        for number in range(1, lines + 1):
            file.write(json_record(number, f"k{number}", response=answer) + b"\n")
    began = time.perf_counter()
    done = bulk.generate(source, target, model="m")
    took = time.perf_counter() - began
    if (done.before, done.answered) != (lines, 0):
        raise SystemExit(f"resumed with {done}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "lines": lines,
        "input MB": source.stat().st_size / 1e6,
        "output MB": target.stat().st_size / 1e6,
        "seconds": took,
        "peak MB of the process": peak,
    }


def _begin(source: Path, target: Path) -> None:
    """Have a job begun, and end it after its first answers: what belongs to it is there then."""
    from gemwire import bulk

    class Enough(Exception):
        pass

    def tell(now: bulk.Progress) -> None:
        if now.answered:
            raise Enough

    with contextlib.suppress(Enough):
        bulk.generate(source, target, model="m", progress=tell)


def main() -> None:
    parser = argparse.ArgumentParser(description="Jobs over files, measured.")
    parser.add_argument("--short", action="store_true", help="few lines, to see that it works")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    lines, rounds, finished = (500, 1, 20_000) if options.short else (10_000, 5, 1_000_000)
    with tempfile.TemporaryDirectory() as name, servers(1) as [address]:
        os.environ["GEMINI_EMULATOR_HOST"] = address
        folder = Path(name)
        figures: dict[str, Any] = {"speed": speed(folder, lines, rounds), "resume": resume(folder, finished)}
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    base = figures["speed"]["a bare loop"]
    for way, found in figures["speed"].items():
        rate, used = found["lines per second"], found["CPU us per line"]
        print(
            f"{way:22} {rate:8,.0f} lines/s ({rate / base['lines per second']:.2f}), "
            f"{used:6.0f} µs of CPU a line ({used / base['CPU us per line']:.2f})"
        )
    found = figures["resume"]
    print(
        f"resume with {found['lines']:,} lines finished: {found['seconds']:.2f} s "
        f"(input {found['input MB']:.0f} MB, output {found['output MB']:.0f} MB)"
    )


if __name__ == "__main__":
    main()
