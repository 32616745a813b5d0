"""Runs the programs of one framework with one client, and prints their outcomes as JSON.

usage: python -m frameworks.run_programs FRAMEWORK CLIENT
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
import warnings
from typing import Any

MODEL = "gemini-2.5-flash"


def build_client(kind: str) -> Any:
    """Build google-genai's client, the same class over gemwire, or gemwire's own."""
    if kind == "google":
        from google import genai

        return genai.Client(api_key="a-key")
    from gemwire import genai as gemwire

    return gemwire.google_client(api_key="a-key") if kind == "over_gemwire" else gemwire.Client(api_key="a-key")


async def main(framework: str, kind: str) -> dict[str, Any]:
    """Return the result of each program, or the error that it raised."""
    programs = importlib.import_module(f"frameworks.{framework}_programs")
    outcomes: dict[str, Any] = {}
    for name, program in vars(programs).items():
        if name.startswith("run_"):
            client = build_client(kind)
            try:
                found = program(client) if inspect.iscoroutinefunction(program) else in_thread(program, client)
                outcomes[name.removeprefix("run_")] = {"result": await found}
            except Exception as error:
                outcomes[name.removeprefix("run_")] = {"error": f"{type(error).__name__}: {error}"}
            await client.aio.aclose()
            client.close()
    return outcomes


async def in_thread(program: Any, client: Any) -> Any:
    """Run a program that is not async where no loop runs, as programs do."""
    return await asyncio.to_thread(program, client)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(asyncio.run(main(*sys.argv[1:])), default=str))
