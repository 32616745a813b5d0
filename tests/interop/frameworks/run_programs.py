"""Runs the programs of one framework with each client, and prints their outcomes as JSON.

usage: python -m interop.frameworks.run_programs FRAMEWORK CLIENTS

CLIENTS is JSON: environment variables by client.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import sys
import warnings
from typing import Any

MODEL = "gemini-2.5-flash"


def list_types(answer: Any) -> dict[str, str]:
    """Return the types of an answer's fields.

    The values depend on the order of the fields: Google's client sends JSON schemas without one, and the
    emulator keeps them in a Struct.
    """
    return {name: type(value).__name__ for name, value in answer.model_dump().items()}


def build_client(kind: str) -> Any:
    """Build google-genai's client, the same class over gemwire, or gemwire's own."""
    if kind == "google":
        from google import genai

        return genai.Client(api_key="a-key")
    from gemwire import genai as gemwire

    return gemwire.Client(api_key="a-key") if kind == "gemwire" else gemwire.google_client(api_key="a-key")


async def run_programs(framework: str, kind: str) -> dict[str, Any]:
    """Return the result of each program, or the error that it raised."""
    programs = importlib.import_module(f"interop.frameworks.{framework}_programs")
    outcomes: dict[str, Any] = {}
    for name, program in vars(programs).items():
        if not name.startswith("run_"):
            continue
        client = build_client(kind)
        try:
            if inspect.iscoroutinefunction(program):
                found = await program(client)
            else:
                # As programs do, where no event loop runs.
                found = await asyncio.to_thread(program, client)
            outcomes[name.removeprefix("run_")] = {"result": found}
        except Exception as error:
            outcomes[name.removeprefix("run_")] = {"error": f"{type(error).__name__}: {error}"}
        await client.aio.aclose()
        client.close()
    return outcomes


def main(framework: str, clients: str) -> None:
    """Print the outcomes by client."""
    warnings.simplefilter("ignore")
    outcomes: dict[str, Any] = {}
    for kind, variables in json.loads(clients).items():
        os.environ.update(variables)
        outcomes[kind] = asyncio.run(run_programs(framework, kind))
        for name in variables:
            del os.environ[name]
    print(json.dumps(outcomes, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
