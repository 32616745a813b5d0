"""A worker: reads jobs from standard input, and writes an answer to standard output for each.

A job is a line of JSON, {"id": "7", "prompt": "…"}. SIGTERM, which Kubernetes and Cloud Run send, stops the
reading; jobs in progress are finished. In your program, the lines come from a queue.

python worker.py < jobs.jsonl > answers.jsonl
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator

from gemwire import genai, pipeline
from gemwire.limits import Limits


async def read_jobs(stop: asyncio.Event) -> AsyncIterator[dict[str, str]]:
    """Yield jobs until the input ends or the worker is to stop."""
    lines = pipeline.in_thread(sys.stdin)
    stopped = asyncio.ensure_future(stop.wait())
    while True:
        line = asyncio.ensure_future(anext(lines, None))
        await asyncio.wait({line, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.done() or (text := line.result()) is None:
            line.cancel()
            break
        yield json.loads(text)
    stopped.cancel()


async def main() -> None:
    """Answer jobs until there are no more."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with genai.Client().aio as client:

        async def answer(job: dict[str, str]) -> dict[str, str | None]:
            response = await client.models.generate_content(model="gemini-2.5-flash", contents=job["prompt"])
            return {"id": job["id"], "text": response.text}

        answers = pipeline.map(
            answer,
            read_jobs(stop),
            concurrency=pipeline.Adaptive(start=8, maximum=64),
            limits=Limits(requests_per_minute=1_000),
            on_error="return",
        )
        async for result in answers:
            if isinstance(result, pipeline.ItemFailed):
                print(json.dumps({"id": result.item["id"], "error": str(result.error)}), flush=True)
            else:
                print(json.dumps(result), flush=True)


asyncio.run(main())
