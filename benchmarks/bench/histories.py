"""Chats of 1 to 1,000 turns, from Python's dicts to the answer; a picture that many prompts share."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

import libraries
from measure import GOOGLE_GENAI, RAW, Figure, cpu, family, server, start, turns

SEND = "chat, request built and sent"
PICTURE = "a picture of 5 MB and a question, built and sent"
PREPARED = "gemwire, prepared"
AXIS, UNIT, TURNS = "turns", "µs CPU", (1, 10, 100, 1000)
MODEL = "reply-0"
TURN = "What was said in one turn of a long chat, which is some two hundred and fifty characters long. " * 3


def chat(count: int) -> list[dict[str, Any]]:
    """Contents of so many turns, question and answer alternating."""
    return [{"role": ("user", "model")[n % 2], "parts": [{"text": f"{n}: {TURN}"}]} for n in range(count)]


def prepared_call(contents: Any) -> Any:
    """A question after a chat that was prepared."""
    from gemwire import v1beta

    prepared = v1beta.GenerativeServiceAsyncClient().prepare(model=f"models/{MODEL}", contents=contents)

    async def call() -> str:
        response = await prepared.generate(libraries.CONTENTS)
        text: str = response.candidates[0].content.parts[0].text
        return text

    return call


async def rounds(options: argparse.Namespace, ports: Any) -> list[Figure]:
    names = [RAW, GOOGLE_GENAI] if options.aiohttp else list(libraries.ALL)
    made = {name: libraries.ALL[name](ports) for name in names}
    cases = [(Figure(SEND, UNIT, at=n, axis=AXIS), chat(n)) for n in ((1000,) if options.short else TURNS)]
    image = [{"inline_data": {"mime_type": "image/png", "data": bytes(5_000_000)}}]
    cases.append((Figure(PICTURE, UNIT), [{"role": "user", "parts": image}]))
    for figure, contents in cases:
        calls = {name: one_question(library, contents) for name, library in made.items()}
        if not options.aiohttp:
            calls[PREPARED] = prepared_call(contents)
        count = 4 if figure.at in {None, 1000} else 40
        for round_ in range(options.rounds + 1):
            for name, call in turns(calls, round_):
                before = start()
                for _ in range(count):
                    await call()
                if round_:
                    figure.add(name, (cpu() - before) / count * 1e6)
    for library in made.values():
        await library.close()
    return [figure for figure, _ in cases]


def one_question(library: libraries.Library, contents: Any) -> Any:
    """A question after a chat that the library is given anew, as it has no other way."""
    return lambda: library.ask(MODEL, contents + libraries.CONTENTS)


def measure(options: argparse.Namespace) -> list[Figure]:
    with server() as ports:
        return asyncio.run(rounds(options, ports))


if __name__ == "__main__":
    sys.exit(family(measure, __doc__))
