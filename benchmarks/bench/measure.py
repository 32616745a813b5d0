"""How everything here is measured: variants in turn, client CPU with all its threads, samples by round.

A family of rows is a script that prints its `Figure`s as JSON; the frame runs it, more than once where
another process would give another figure, and joins the samples.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import importlib
import importlib.util
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")
HERE = Path(__file__).parent
#: Raw stub, in every figure that has one: what the ratios are to.
RAW = "raw stub"
GEMWIRE, GEMWIRE_GENAI = "gemwire", "gemwire.genai"
#: The same over connections of our own.
GEMWIRE_H2, GEMWIRE_GENAI_H2 = "gemwire, h2", "gemwire.genai, h2"
GOOGLE, GOOGLE_GENAI = "google-ai-generativelanguage", "google-genai"
#: The same where aiohttp is installed, in a process of its own; and the stub in that process.
AIOHTTP, RAW_BESIDE_AIOHTTP = "google-genai + aiohttp", "raw stub beside aiohttp"
#: In the order of the columns.
VARIANTS = (RAW, GEMWIRE, GEMWIRE_H2, GEMWIRE_GENAI, GEMWIRE_GENAI_H2, GOOGLE, GOOGLE_GENAI, AIOHTTP)


@dataclasses.dataclass
class Figure:
    """Samples of one row, or of one point of a curve.

    Attributes:
        row: Its name.
        unit: Of the samples.
        samples: By variant; those of one index were taken within one round.
        at: Where on the axis, for a curve.
        axis: What the curve is over.
        highest: Whether the highest sample counts, as with failures, and not the middle one.
    """

    row: str
    unit: str
    samples: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    at: float | None = None
    axis: str = ""
    highest: bool = False

    @property
    def key(self) -> tuple[str, float | None]:
        """What tells it from others."""
        return self.row, self.at

    def add(self, variant: str, value: float) -> None:
        """One more sample."""
        self.samples.setdefault(variant, []).append(value)

    def value(self, variant: str) -> float:
        """What stands for all samples."""
        return (max if self.highest else statistics.median)(self.samples[variant])

    def ratio(self, variant: str, to: str) -> float:
        """The middle of the ratios within rounds: noise that lasts hits both."""
        if to == AIOHTTP:  # measured elsewhere: by way of the stub, which is in both places
            return self.ratio(variant, RAW) / self.ratio(AIOHTTP, RAW)
        return statistics.median(self.ratios(variant, to))

    def ratios(self, variant: str, to: str) -> list[float]:
        """One for each round."""
        if variant == AIOHTTP and to == RAW:
            to = RAW_BESIDE_AIOHTTP
        pairs = zip(self.samples[variant], self.samples[to], strict=False)
        return [one / other if other else math.nan for one, other in pairs]

    def empty(self) -> Figure:
        """The same without samples."""
        return dataclasses.replace(self, samples={})

    def join(self, other: Figure) -> None:
        """The samples of another process; rounds stay together, as both have all variants of the rows."""
        for variant, values in other.samples.items():
            self.samples.setdefault(variant, []).extend(values)


class Ports(NamedTuple):
    """Where the static server listens.

    Attributes:
        grpc: Port of gRPC.
        http: Port of HTTP/1.1.
        is_secure: Whether both speak TLS, with a certificate that this process trusts.
    """

    grpc: int
    http: int
    is_secure: bool = False

    @property
    def grpc_address(self) -> str:
        """Where gRPC channels go."""
        return f"{'localhost' if self.is_secure else '127.0.0.1'}:{self.grpc}"

    @property
    def http_url(self) -> str:
        """Where HTTP clients go."""
        return f"https://localhost:{self.http}" if self.is_secure else f"http://127.0.0.1:{self.http}"


def cpu() -> float:
    """Seconds of CPU that this process has used, gRPC's threads with it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def start() -> float:
    """The same, after the garbage of whoever had the turn before was collected."""
    gc.collect()
    return cpu()


def turns(variants: Mapping[str, _T], round_: int) -> list[tuple[str, _T]]:
    """The variants, each round in another order."""
    items = list(variants.items())
    by = round_ % max(1, len(items))
    return items[by:] + items[:by]


def cores() -> tuple[int, int] | None:
    """One core for the client and one for the server; None where there are not two."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    mine = sorted(os.sched_getaffinity(0))
    return (mine[0], mine[1]) if len(mine) > 1 else None


@contextlib.contextmanager
def trusted_certificate() -> Iterator[Path]:
    """A folder with a certificate for localhost, whose authority this process trusts."""
    # Only who measures TLS needs the package that makes certificates.
    sys.path.append(str(HERE.parents[1] / "tests"))
    certificates = importlib.import_module("certificates")

    with tempfile.TemporaryDirectory() as folder:
        authority = certificates.Authority("benchmarks")
        chain, key = authority.issue("localhost")
        for name, data in (("roots", authority.certificate), ("chain", chain), ("key", key)):
            Path(folder, f"{name}.pem").write_bytes(data)
        # gRPC's core reads the first one once in a process: before the first channel with TLS.
        for variable in ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "SSL_CERT_FILE"):
            os.environ[variable] = f"{folder}/roots.pem"
        yield Path(folder)


@contextlib.contextmanager
def secure_server() -> Iterator[Ports]:
    """The static server with TLS."""
    with trusted_certificate() as folder, server(certificate=folder) as ports:
        yield ports


@contextlib.contextmanager
def server(
    streams_per_connection: int = 0, pin: bool = True, certificate: Path | None = None
) -> Iterator[Ports]:
    """The static server; without TLS, gemwire's clients then go there.

    Args:
        streams_per_connection: Its limit; 0 for none.
        pin: Keep client and server on a core each, where CPU is what is measured.
        certificate: Folder with a certificate and its key, for TLS.
    """
    command = [
        sys.executable,
        str(HERE / "server.py"),
        "--streams-per-connection",
        str(streams_per_connection),
    ]
    if certificate:
        command += ["--certificate", str(certificate)]
    both = cores() if pin else None
    if both:
        os.sched_setaffinity(0, {both[0]})
        command += ["--core", str(both[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ports = Ports(*map(int, process.stdout.readline().split()), is_secure=certificate is not None)
            os.environ.pop("GEMINI_EMULATOR_HOST", None)
            if not ports.is_secure:
                os.environ["GEMINI_EMULATOR_HOST"] = ports.grpc_address
            yield ports
        finally:
            process.kill()
            if both:
                os.sched_setaffinity(0, both)


async def at_once(call: Callable[[], Awaitable[Any]], count: int, concurrent: int) -> None:
    """So many calls, so many of them at a time."""
    import asyncio

    async def worker() -> None:
        for _ in range(count // concurrent):
            await call()

    await asyncio.gather(*(worker() for _ in range(concurrent)))


def installed(variant: str) -> bool:
    """Whether the package of a variant is there."""
    module = {GOOGLE: "google.ai.generativelanguage_v1beta", GOOGLE_GENAI: "google.genai"}.get(variant)
    try:
        return module is None or importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def family(measure: Callable[[argparse.Namespace], list[Figure]], description: str | None) -> None:
    """The command line that all families share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--short", action="store_true", help="only what the limits need")
    parser.add_argument("--aiohttp", action="store_true", help="only the raw stub and google-genai")
    parser.add_argument("--json", action="store_true", help="all samples as JSON")
    options = parser.parse_args()
    figures = measure(options)
    if options.json:
        print(json.dumps([dataclasses.asdict(figure) for figure in figures]))
        return
    for figure in figures:
        at = "" if figure.at is None else f" {figure.at:g} {figure.axis}"
        print(f"{figure.row}{at}, {figure.unit}")
        for name in figure.samples:
            ratio = f"  ({figure.ratio(name, RAW):.3f})" if RAW in figure.samples else ""
            print(f"    {name:30} {figure.value(name):12.4g}{ratio}")
