"""Streams, and asyncio."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group

ASKED = "Tell a short tale of a lighthouse."


@group("Stream text")
def stream(run: Run) -> Any:
    chunks = list(run.client.models.generate_content_stream(model=MODEL, contents=ASKED))
    return [chunk.text for chunk in chunks], chunks[-1].candidates[0].finish_reason


@group("Stream text about a file URI")
def stream_of_address(run: Run) -> Any:
    part = run.types.Part.from_uri(file_uri="gs://a-bucket/lighthouse.jpg", mime_type="image/jpeg")
    # Only Vertex AI reads Cloud Storage.
    chunks = run.vertex.models.generate_content_stream(model=MODEL, contents=["What is shown?", part])
    return [chunk.text for chunk in chunks]


@group("Stream text about inline bytes")
def stream_of_bytes(run: Run) -> Any:
    path = run.folder / "lighthouse.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    part = run.types.Part.from_bytes(data=path.read_bytes(), mime_type="image/png")
    # Only Vertex AI reads Cloud Storage.
    chunks = run.vertex.models.generate_content_stream(model=MODEL, contents=["What is shown?", part])
    return [chunk.text for chunk in chunks]


@group("Generate text (async)")
async def text_async(run: Run) -> Any:
    response = await run.client.aio.models.generate_content(model=MODEL, contents=ASKED)
    return response.text


@group("Stream text (async)")
async def stream_async(run: Run) -> Any:
    stream = await run.client.aio.models.generate_content_stream(model=MODEL, contents=ASKED)
    return [chunk.text async for chunk in stream]
