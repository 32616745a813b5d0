"""Where the figures come from: machine, versions, and how fast and how quiet it was."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import time
from pathlib import Path

_PACKAGES = (
    "gemwire",
    "grpcio",
    "protobuf",
    "google-ai-generativelanguage",
    "google-api-core",
    "proto-plus",
    "google-genai",
    "pydantic",
    "httpx",
    "httpx2",
    "uvloop",
    "numpy",
    "pyqwest",
)


def processor() -> str:
    """Its name, as the system tells it."""
    for line in (
        Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else ()
    ):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions(beside: Path) -> dict[str, str]:
    """Of what is compared.

    Args:
        beside: Where aiohttp is.
    """
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    for each in importlib.metadata.distributions(path=[str(beside)]):
        if each.name == "aiohttp":
            found["aiohttp (its column alone)"] = each.version
    return found


def speed() -> dict[str, float]:
    """Two constants of the machine, to compare runs by: of Python, and of the kernel."""

    def loop() -> float:
        began = time.process_time()
        for _ in range(200_000):
            pass
        return (time.process_time() - began) / 200_000 * 1e9

    def pipe() -> float:
        reader, writer = os.pipe()
        began = time.process_time()
        for _ in range(10_000):
            os.write(writer, b"x")
            os.read(reader, 1)
        os.close(reader)
        os.close(writer)
        return (time.process_time() - began) / 20_000 * 1e9

    return {
        "an empty step of a loop, ns": statistics.median(loop() for _ in range(7)),
        "a read or write of a byte, ns": statistics.median(pipe() for _ in range(7)),
    }


def load() -> str:
    """The load average, where the system has one."""
    return (
        ", ".join(f"{figure:.2f}" for figure in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    )


def description() -> dict[str, str]:
    """Of the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": f"{processor()}, {cores} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }
