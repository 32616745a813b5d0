"""Tokens and embeddings."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group

ASKED = "Tell a short tale of a lighthouse."
EMBEDDER = "text-embedding-004"


@group("Count tokens")
def count(run: Run) -> Any:
    return run.client.models.count_tokens(model=MODEL, contents=ASKED).total_tokens


@group("Count tokens (async)")
async def count_async(run: Run) -> Any:
    return (await run.client.aio.models.count_tokens(model=MODEL, contents=ASKED)).total_tokens


@group("Embed a string", differs="values are exact 32-bit floats; JSON carries fewer digits")
def vector(run: Run) -> Any:
    response = run.client.models.embed_content(model=EMBEDDER, contents="A lighthouse.")
    [embedding] = response.embeddings
    return [round(value, 6) for value in embedding.values]


@group("Embed several strings, with a dimensionality")
def vectors(run: Run) -> Any:
    config = run.types.EmbedContentConfig(output_dimensionality=12)
    response = run.client.models.embed_content(
        model=EMBEDDER, contents=["A lighthouse.", "A harbour."], config=config
    )
    return [[round(value, 6) for value in embedding.values] for embedding in response.embeddings]
