"""Embeddings by the hundred: single texts are gathered into batches, long sources are streamed.

    from gemwire.embeddings import Embedder

    async with Embedder(model="gemini-embedding-001", vectors="array") as embedder:
        vector = await embedder.embed("one text")                # gathered with those of other tasks
        vectors = await embedder.embed_all(["many", "texts"])    # in their order
        async for vector in embedder.stream(source):             # as many as one likes
            …

`BlockingEmbedder` is the same for threads.
"""

from __future__ import annotations

from gemwire.embeddings.blocking import BlockingEmbedder
from gemwire.embeddings.embedder import Embedder

__all__ = ["BlockingEmbedder", "Embedder"]
