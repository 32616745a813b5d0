"""Many streams at once. ``benchmarks/emulator.py`` measures; here nothing but the outcome counts."""

from __future__ import annotations

import asyncio
from typing import Any

from emulator_calls import Caller, emulator

from gemwire_emulator.engines.canned import Reply

STREAMS = 200
PIECES = 50


def test_two_hundred_streams_at_once() -> None:
    text = "".join(f"{number:03} " for number in range(PIECES))

    async def stream(call: Caller) -> str:
        said = ""
        fields: dict[str, Any] = {
            "model": "models/gemini-2.5-flash",
            "contents": [{"parts": [{"text": "count"}]}],
        }
        async for chunk in call.stream("StreamGenerateContent", timeout=60, **fields):
            said += "".join(part.text for part in chunk.candidates[0].content.parts)
        return said

    async def test() -> None:
        async with emulator(replies=[Reply(text, pieces=PIECES)]) as (running, call):
            said = await asyncio.gather(*(stream(call) for _ in range(STREAMS)))
            assert said == [text] * STREAMS
            entries = running.journal.calls("StreamGenerateContent")
            assert [(e.status, e.messages) for e in entries] == [("OK", PIECES)] * STREAMS

    asyncio.run(asyncio.wait_for(test(), 90))
