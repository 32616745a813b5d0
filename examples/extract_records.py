"""Free text becomes records: one JSON object for each line, in the order of the lines.

pip install gemwire pydantic
python extract_records.py reviews.txt > reviews.jsonl
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pydantic import BaseModel

from gemwire import genai, pipeline


class Review(BaseModel):
    """What a review says."""

    product: str
    stars: int
    complaints: list[str]


async def main(lines: list[str]) -> None:
    """Print a record for each line."""
    async with genai.Client().aio as client:
        prompt = client.prepare(
            model="gemini-2.5-flash",
            system_instruction="Extract the product, the stars from 1 to 5, and the complaints.",
            config={"response_mime_type": "application/json", "response_schema": Review, "temperature": 0},
        )
        async for response in pipeline.map(prompt, lines, concurrency=16, ordered=True):
            if isinstance(response.parsed, Review):
                print(response.parsed.model_dump_json())
            else:
                print(f"not a review: {response.text}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()))
