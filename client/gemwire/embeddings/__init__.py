"""Embeddings in batches: concurrent calls share batches, long sources are streamed.

    from gemwire.embeddings import Embedder

    async with Embedder(model="gemini-embedding-001", vectors="array") as embedder:
        vector = await embedder.embed("one text")                # batched with those of other tasks
        vectors = await embedder.embed_all(["many", "texts"])    # in their order
        async for vector in embedder.stream(source):             # any number of texts
            …

`BlockingEmbedder` is the same for threads. See docs/embeddings.md.
"""

from __future__ import annotations

from gemwire.embeddings.blocking import BlockingEmbedder
from gemwire.embeddings.embedder import Embedder

__all__ = ["BlockingEmbedder", "Embedder"]
