"""The cost of imports: each line is the median over fresh interpreters, of modules that are compiled.

    .venv/bin/python benchmarks/import_time.py [--runs N]

The messages are measured over ``import google.protobuf.message``, which any use of protobuf pays, beside
protobuf's own smallest generated module. ``import gemwire`` is measured whole, beside the two packages that
it stands on.
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence

_MESSAGES = "gemwire_proto.google.ai.generativelanguage.v1beta.generative_service_pb2"
_BASE = "google.protobuf.message"
#: Label, what is imported before the clock starts, what is timed.
CASES = [
    ("gemwire's generative_service_pb2 (all of v1beta's content types)", [_BASE], [_MESSAGES]),
    ("protobuf's empty_pb2", [_BASE], ["google.protobuf.empty_pb2"]),
    ("gemwire", [], ["gemwire"]),
    ("gemwire.v1beta", [], ["gemwire.v1beta"]),
    ("gemwire.v1beta and all its messages", [], ["gemwire.v1beta", _MESSAGES]),
    ("grpc and google.protobuf.message", [], ["grpc", _BASE]),
]

#: Compiled modules: installers compile some packages and not others, and a checkout may be read-only.
_COMPILED = tempfile.mkdtemp(prefix="gemwire-import-time-")
atexit.register(shutil.rmtree, _COMPILED, ignore_errors=True)


def seconds(before: list[str], timed: list[str], lines_timed: Sequence[str] = ()) -> float:
    """Imports and further lines in a fresh interpreter, the start of Python itself not counted.

    The first run compiles the modules, and is not to be counted.
    """
    lines = ["import time", *(f"import {name}" for name in before), "start = time.perf_counter()"]
    lines += [*(f"import {name}" for name in timed), *lines_timed, "print(time.perf_counter() - start)"]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": _COMPILED}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description="Median import times in fresh interpreters.")
    parser.add_argument("--runs", type=int, default=15, help="interpreters per line (default: 15)")
    runs = parser.parse_args().runs
    samples: dict[str, list[float]] = {label: [] for label, _, _ in CASES}
    # Round after round, so that a busy moment meets all lines alike; the first round fills the caches.
    for number in range(runs + 1):
        for label, before, timed in CASES:
            taken = seconds(before, timed)
            if number:
                samples[label].append(taken)
    for label, taken_all in samples.items():
        median, least = statistics.median(taken_all) * 1000, min(taken_all) * 1000
        print(f"{median:8.1f} ms  (least {least:.1f})  {label}")


if __name__ == "__main__":
    main()
