"""The embeddings of GenerativeService: texts, and media where a model knows them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gemwire_emulator.call import Call
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.engines.vectors import embed_bytes, normalize, resize
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.attachments import read_file
from gemwire_emulator.services.config_checks import check_tokens
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: Maximum requests of a batch.
_BATCH = 100
#: Dimensions that a request may ask for; an engine has fewer, which are repeated.
_MOST_DIMENSIONS = 3072


class EmbeddingHandlers:
    """The handlers of EmbedContent and BatchEmbedContents."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    async def embed_content(
        self, request: v1beta.EmbedContentRequest, call: Call
    ) -> v1beta.EmbedContentResponse:
        """Embed one content."""
        vectors = await self._embed([request], call, "")
        return v1beta.EmbedContentResponse(embedding=vectors[0])

    async def embed_with_tokens(
        self, request: v1beta.EmbedContentRequest, call: Call
    ) -> v1beta.EmbedContentResponse:
        """Embed one content of a batch of EmbedContent requests, and count its tokens."""
        response = await self.embed_content(request, call)
        response.token_count = self._state.engine.count_tokens(get_texts([request.content]))
        return response

    async def batch_embed_contents(
        self, request: v1beta.BatchEmbedContentsRequest, call: Call
    ) -> v1beta.BatchEmbedContentsResponse:
        """Embed a content for each request, in order."""
        check_model(self._state, request.model, "model", call, "embedContent")
        if not request.requests:
            raise invalid_argument("requests", "is required")
        if len(request.requests) > _BATCH:
            raise invalid_argument(
                "requests", f"has {len(request.requests)} entries; at most {_BATCH} are allowed"
            )
        for i, one in enumerate(request.requests):
            if one.model != request.model:
                raise invalid_argument(
                    f"requests[{i}].model", f"must be {request.model}, the model of the batch"
                )
        return v1beta.BatchEmbedContentsResponse(
            embeddings=await self._embed(request.requests, call, "requests")
        )

    async def _embed(
        self, requests: Sequence[v1beta.EmbedContentRequest], call: Call, path: str
    ) -> list[v1beta.ContentEmbedding]:
        engine = self._state.engine
        texts: list[str] = []
        media: list[list[bytes]] = []
        for i, one in enumerate(requests):
            prefix = f"{path}[{i}]." if path else ""
            check_model(self._state, one.model, f"{prefix}model", call, "embedContent")
            text = "\n".join(p.text for p in one.content.parts if p.text)
            media.append(self._read_media(one, call, prefix))
            if not text and not media[-1]:
                raise invalid_argument(f"{prefix}content", "is required, with text")
            if one.title and one.task_type != v1beta.TaskType.RETRIEVAL_DOCUMENT:
                raise invalid_argument(f"{prefix}title", "requires task_type RETRIEVAL_DOCUMENT")
            if not 0 <= one.output_dimensionality <= _MOST_DIMENSIONS:
                raise invalid_argument(
                    f"{prefix}output_dimensionality", f"must be from 1 to {_MOST_DIMENSIONS}"
                )
            texts.append(f"{one.title}\n{text}" if one.title else text)
            check_tokens(engine, texts[-1:], f"{prefix}content")
        found = iter(await engine.embed([text for text in texts if text]))
        embeddings = []
        for one, text, blobs in zip(requests, texts, media, strict=True):
            vectors = [next(found)] if text else []
            vectors += [await asyncio.to_thread(embed_bytes, blob, engine.embedding_size) for blob in blobs]
            vector = (
                vectors[0] if len(vectors) == 1 else normalize([sum(x) for x in zip(*vectors, strict=True)])
            )
            embeddings.append(v1beta.ContentEmbedding(values=resize(vector, one.output_dimensionality)))
        return embeddings

    def _read_media(self, request: v1beta.EmbedContentRequest, call: Call, prefix: str) -> list[bytes]:
        """Return the bytes of the media in a content, which its model must know."""
        found = []
        for j, part in enumerate(request.content.parts):
            kind = part.WhichOneof("data")
            if kind not in ("inline_data", "file_data"):
                continue
            field = f"{prefix}content.parts[{j}].{kind}"
            if not self._state.models.get_kind(request.model).embeds_media:
                raise invalid_argument(field, f"cannot be embedded by {request.model}, which embeds text")
            if kind == "inline_data":
                found.append(part.inline_data.data)
            else:
                found.append(read_file(self._state, call, part.file_data, f"{field}.file_uri"))
        return found
