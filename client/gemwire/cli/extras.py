"""The optional extras of gemwire, such as ``gemwire[cli]``."""

from __future__ import annotations

import importlib.util

#: Modules of each extra.
EXTRAS = {
    "cli": ("typer", "rich"),
    "emulator": ("grpc_health", "grpc_reflection"),
    "h2": ("hpack",),
    "http": ("aiohttp",),
    "local": ("xllamacpp",),
    "otel": ("opentelemetry",),
    "ray": ("ray",),
}


def install_command(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install 'gemwire[{extra}]'"


def extra_of(module: str) -> str | None:
    """Return the extra that a module belongs to, if any."""
    top = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def installed_extras() -> dict[str, bool]:
    """Return for each extra whether it is installed."""
    return {
        extra: all(importlib.util.find_spec(module) is not None for module in modules)
        for extra, modules in EXTRAS.items()
    }
