"""GenerativeService: content, tokens, embeddings."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.instant import texts_of
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services.attachments import attached
from gemwire_emulator.services.caches import cached_content
from gemwire_emulator.services.config_checks import check_config, check_tokens
from gemwire_emulator.services.generate_answer import Answers
from gemwire_emulator.services.live import Live
from gemwire_emulator.services.model_catalog import check_model, learned
from gemwire_emulator.services.response_builder import ResponseBuilder
from gemwire_emulator.services.safety import blocked
from gemwire_emulator.services.schema_checks import check_json, check_tools
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: The service takes no more contents in one batch.
_BATCH = 100


class GenerativeService(Answers, Live):
    """The handlers of GenerativeService."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        super().__init__(state)
        self._state = state

    async def generate_content(self, request: Any, call: Call) -> Any:
        """All pieces as one response."""
        writing, rating, deltas = await self._begun(request, call)
        if rating is not None:
            return writing.blocked(rating)
        async with aclosing(deltas):
            return writing.whole([delta async for delta in deltas])

    async def stream_generate_content(self, request: Any, call: Call) -> AsyncGenerator[Any, None]:
        """Pieces as the engine makes them; usage and finish reason with the last."""
        writing, rating, deltas = await self._begun(request, call)
        if rating is not None:
            yield writing.blocked(rating)
            return
        async with aclosing(deltas):
            async for delta in deltas:
                yield writing.piece(delta)

    async def _begun(
        self, request: Any, call: Call
    ) -> tuple[ResponseBuilder, dict[str, Any] | None, AsyncGenerator[Delta, None]]:
        """An answer before its first piece, the rating that blocks it if one does, and what writes it."""
        engine = self._state.engine
        prompt = self._prompt(request, call, "generateContent")
        if request.HasField("generation_config"):
            check_config(request.generation_config)
        tokens = await engine.count_prompt(prompt)
        if tokens > engine.input_token_limit:
            raise invalid_argument(
                "contents", f"the prompt has {tokens} tokens, the model takes {engine.input_token_limit}"
            )
        identity = f"emulated-{self._state.store.next_number():08x}"
        cached = self._cached_tokens(request, call) if request.cached_content else None
        rating = blocked(texts_of(prompt.contents), request.safety_settings)
        trained = None
        if request.model.startswith("tunedModels/"):
            last = "".join(part.text for part in request.contents[-1].parts)
            trained = learned(self._state, request.model, last, call)
        said = None if trained is None else _said(trained, engine.count_tokens([trained]))
        return (
            ResponseBuilder(engine.version, identity, tokens, cached),
            rating,
            said or engine.generate(prompt),
        )

    async def count_tokens(self, request: Any, call: Call) -> Any:
        """Tokens of contents, or of a whole request."""
        check_model(self._state, request.model, "model", call)
        if request.contents and request.HasField("generate_content_request"):
            raise invalid_argument("generate_content_request", "excludes contents; set one of them")
        if request.HasField("generate_content_request"):
            prompt = self._prompt(request.generate_content_request, call, path="generate_content_request.")
        elif request.contents:
            prompt = v1beta.GenerateContentRequest(contents=request.contents)
            prompt = attached(self._state, call, prompt)
        else:
            raise invalid_argument("contents", "is required")
        total = await self._state.engine.count_prompt(prompt)
        return v1beta.CountTokensResponse(
            total_tokens=total, prompt_tokens_details=[{"modality": "TEXT", "token_count": total}]
        )

    async def embed_content(self, request: Any, call: Call) -> Any:
        """One vector."""
        vectors = await self._embeddings([request], call, "")
        return v1beta.EmbedContentResponse(embedding=vectors[0])

    async def batch_embed_contents(self, request: Any, call: Call) -> Any:
        """A vector for each request, in their order."""
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
            embeddings=await self._embeddings(request.requests, call, "requests")
        )

    def count(self, texts: list[str]) -> int:
        """Tokens of some texts."""
        return self._state.engine.count_tokens(texts)

    async def _embeddings(self, requests: Any, call: Call, path: str) -> list[Any]:
        engine = self._state.engine
        texts = []
        for i, one in enumerate(requests):
            prefix = f"{path}[{i}]." if path else ""
            check_model(self._state, one.model, f"{prefix}model", call, "embedContent")
            text = "\n".join(p.text for p in one.content.parts if p.text)
            if not text:
                raise invalid_argument(f"{prefix}content", "is required, with text")
            if one.title and one.task_type != v1beta.TaskType.RETRIEVAL_DOCUMENT:
                raise invalid_argument(f"{prefix}title", "goes with task_type RETRIEVAL_DOCUMENT only")
            if one.output_dimensionality < 0 or one.output_dimensionality > engine.embedding_size:
                raise invalid_argument(
                    f"{prefix}output_dimensionality", f"must be from 1 to {engine.embedding_size}"
                )
            texts.append(f"{one.title}\n{text}" if one.title else text)
            check_tokens(engine, texts[-1:], f"{prefix}content")
        vectors = await engine.embed(texts)
        return [
            v1beta.ContentEmbedding(values=_cut(vector, one.output_dimensionality))
            for vector, one in zip(vectors, requests, strict=True)
        ]

    def _prompt(self, request: Any, call: Call, method: str = "", path: str = "") -> Any:
        """The request as the engine gets it: checked, files read, cached content put in front.

        It may lie in another.
        """
        if not request.model.startswith("dynamic/"):
            check_model(self._state, request.model, f"{path}model", call, method)
        check_json(request, path.rstrip("."))
        check_tools(request.tools, f"{path}tools")
        if not request.contents:
            raise invalid_argument(f"{path}contents", "is not specified")
        for i, content in enumerate(request.contents):
            if not content.parts:
                raise invalid_argument(f"{path}contents[{i}].parts", "must have at least one part")
            if content.role not in ("", "user", "model", "function", "tool", "system"):
                raise invalid_argument(
                    f"{path}contents[{i}].role", f"{quote(content.role)} is none of user and model"
                )
        request = attached(self._state, call, request, path)
        if not request.cached_content:
            return request
        cached = cached_content(self._state, call, request.cached_content, f"{path}cached_content")
        if cached.model != request.model:
            raise invalid_argument(
                f"{path}model", f"is {request.model}, the cached content was made for {cached.model}"
            )
        for name in ("system_instruction", "tools", "tool_config"):
            given = getattr(request, name)
            if request.HasField(name) if name != "tools" else len(given):
                raise invalid_argument(
                    f"{path}{name}", "cannot be set with cached_content; it belongs in the cached content"
                )
        prompt = v1beta.GenerateContentRequest()
        prompt.CopyFrom(request)
        prompt.ClearField("contents")
        prompt.contents.extend([*cached.contents, *request.contents])
        prompt.tools.extend(cached.tools)
        if cached.HasField("system_instruction"):
            prompt.system_instruction.CopyFrom(cached.system_instruction)
        if cached.HasField("tool_config"):
            prompt.tool_config.CopyFrom(cached.tool_config)
        return prompt

    def _cached_tokens(self, request: Any, call: Call) -> int:
        row = self._state.store.get(call.tenant, request.cached_content)
        return row.message(v1beta.CachedContent).usage_metadata.total_token_count if row else 0


async def _said(text: str, tokens: int) -> AsyncGenerator[Delta, None]:
    yield Delta(0, text, finish="STOP", tokens=tokens)


def _cut(vector: list[float], dimensions: int) -> list[float]:
    """The first dimensions, at unit length again."""
    if not dimensions or dimensions == len(vector):
        return vector
    head = vector[:dimensions]
    length = math.sqrt(sum(x * x for x in head)) or 1.0
    return [x / length for x in head]
