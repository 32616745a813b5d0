"""A web service that streams answers. When a reader leaves, the call ends on the server as well.

pip install gemwire fastapi uvicorn
uvicorn fastapi_streaming:app
curl -N 'http://127.0.0.1:8000/ask?question=Why+is+the+sky+blue'
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from gemwire import errors, genai
from gemwire.genai import types

client = genai.Client().aio


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Close the client's connections when the service stops."""
    yield
    await client.aclose()


app = FastAPI(lifespan=lifespan)


async def read_text(chunks: AsyncIterator[types.GenerateContentResponse]) -> AsyncIterator[str]:
    """Yield the text of each chunk."""
    async for chunk in chunks:
        yield chunk.text or ""


@app.get("/ask")
async def ask(question: str) -> StreamingResponse:
    """Stream the answer to a question as plain text."""
    try:
        # Returns with the first chunk: an error up to there still becomes the status of the response.
        chunks = await client.models.generate_content_stream(model="gemini-2.5-flash", contents=question)
    except errors.APIError as error:
        raise HTTPException(error.code, error.message) from error
    return StreamingResponse(read_text(chunks), media_type="text/plain; charset=utf-8")
