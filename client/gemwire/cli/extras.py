"""The optional parts of gemwire: ``pip install 'gemwire[cli]'``."""

from __future__ import annotations

import importlib.util

#: What each brings, by the names that are imported.
EXTRAS = {
    "cli": ("typer", "rich"),
    "emulator": ("grpc_health", "grpc_reflection"),
    "http": ("aiohttp",),
    "local": ("xllamacpp",),
    "otel": ("opentelemetry",),
    "ray": ("ray",),
}


def install(extra: str) -> str:
    """The command that installs one."""
    return f"pip install 'gemwire[{extra}]'"


def missing_for(module: str) -> str | None:
    """The extra that brings a module; None if it is not one of theirs."""
    top = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def installed() -> dict[str, bool]:
    """Which are there."""
    return {
        extra: all(importlib.util.find_spec(module) is not None for module in modules)
        for extra, modules in EXTRAS.items()
    }
