"""GenerativeService: content, tokens, embeddings."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from gemwire_emulator.dispatch import Call
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.instant import texts_of
from gemwire_emulator.failure import invalid
from gemwire_emulator.quoting import quoted
from gemwire_emulator.services.answers import Answers
from gemwire_emulator.services.attachments import attached
from gemwire_emulator.services.caches import cached_content
from gemwire_emulator.services.catalogue import known_model, learned
from gemwire_emulator.services.live import Live
from gemwire_emulator.services.ranges import check_config, check_tokens
from gemwire_emulator.services.safety import blocked
from gemwire_emulator.services.schema_checks import check_json, check_tools
from gemwire_emulator.world import World
from gemwire_proto import v1beta

_REASONS = v1beta.Candidate.FinishReason
#: The service takes no more contents in one batch.
_BATCH = 100


class GenerativeService(Answers, Live):
    """The handlers of GenerativeService."""

    def __init__(self, world: World) -> None:
        """``world``: what the handlers share."""
        super().__init__(world)
        self._world = world

    async def generate_content(self, request: Any, call: Call) -> Any:
        """All pieces as one response."""
        pieces = [piece async for piece in self.stream_generate_content(request, call)]
        whole = pieces[0]
        for piece in pieces[1:]:
            _append(whole, piece)
        return whole

    async def stream_generate_content(self, request: Any, call: Call) -> AsyncGenerator[Any, None]:
        """Pieces as the engine makes them; usage and finish reason with the last."""
        engine = self._world.engine
        prompt = self._prompt(request, call, "generateContent")
        check_config(request.generation_config)
        tokens = await engine.count_prompt(prompt)
        if tokens > engine.input_token_limit:
            raise invalid(
                "contents", f"the prompt has {tokens} tokens, the model takes {engine.input_token_limit}"
            )
        number = self._world.store.next_number()
        identity = f"emulated-{number:08x}"
        common: dict[str, Any] = {"model_version": engine.version, "response_id": identity}
        reason = blocked(texts_of(prompt.contents), request.safety_settings)
        if reason is not None:
            feedback = {"block_reason": "SAFETY", "safety_ratings": [reason]}
            usage = {"prompt_token_count": tokens, "total_token_count": tokens}
            yield v1beta.GenerateContentResponse(prompt_feedback=feedback, usage_metadata=usage, **common)
            return
        produced = 0
        trained = learned(
            self._world, request.model, "".join(p.text for p in request.contents[-1].parts), call
        )
        deltas = (
            engine.generate(prompt) if trained is None else _said(trained, engine.count_tokens([trained]))
        )
        async with aclosing(deltas):
            async for delta in deltas:
                produced += delta.tokens
                response = v1beta.GenerateContentResponse(candidates=[_candidate(delta)], **common)
                response.usage_metadata.prompt_token_count = tokens
                response.usage_metadata.candidates_token_count = produced
                response.usage_metadata.total_token_count = tokens + produced
                if request.cached_content:
                    response.usage_metadata.cached_content_token_count = self._cached_tokens(request, call)
                yield response

    async def count_tokens(self, request: Any, call: Call) -> Any:
        """Tokens of contents, or of a whole request."""
        known_model(self._world, request.model, "model", call)
        if request.contents and request.HasField("generate_content_request"):
            raise invalid("generate_content_request", "excludes contents; set one of them")
        if request.HasField("generate_content_request"):
            prompt = self._prompt(request.generate_content_request, call, path="generate_content_request.")
        elif request.contents:
            prompt = v1beta.GenerateContentRequest(contents=request.contents)
            prompt = attached(self._world, call, prompt)
        else:
            raise invalid("contents", "is required")
        total = await self._world.engine.count_prompt(prompt)
        return v1beta.CountTokensResponse(
            total_tokens=total, prompt_tokens_details=[{"modality": "TEXT", "token_count": total}]
        )

    async def embed_content(self, request: Any, call: Call) -> Any:
        """One vector."""
        vectors = await self._embeddings([request], call, "")
        return v1beta.EmbedContentResponse(embedding=vectors[0])

    async def batch_embed_contents(self, request: Any, call: Call) -> Any:
        """A vector for each request, in their order."""
        known_model(self._world, request.model, "model", call, "embedContent")
        if not request.requests:
            raise invalid("requests", "is required")
        if len(request.requests) > _BATCH:
            raise invalid("requests", f"has {len(request.requests)} entries; at most {_BATCH} are allowed")
        for i, one in enumerate(request.requests):
            if one.model != request.model:
                raise invalid(f"requests[{i}].model", f"must be {request.model}, the model of the batch")
        return v1beta.BatchEmbedContentsResponse(
            embeddings=await self._embeddings(request.requests, call, "requests")
        )

    def count(self, texts: list[str]) -> int:
        """Tokens of some texts."""
        return self._world.engine.count_tokens(texts)

    async def _embeddings(self, requests: Any, call: Call, path: str) -> list[Any]:
        engine = self._world.engine
        texts = []
        for i, one in enumerate(requests):
            prefix = f"{path}[{i}]." if path else ""
            known_model(self._world, one.model, f"{prefix}model", call, "embedContent")
            text = "\n".join(p.text for p in one.content.parts if p.text)
            if not text:
                raise invalid(f"{prefix}content", "is required, with text")
            if one.title and one.task_type != v1beta.TaskType.RETRIEVAL_DOCUMENT:
                raise invalid(f"{prefix}title", "goes with task_type RETRIEVAL_DOCUMENT only")
            if one.output_dimensionality < 0 or one.output_dimensionality > engine.embedding_size:
                raise invalid(f"{prefix}output_dimensionality", f"must be from 1 to {engine.embedding_size}")
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
            known_model(self._world, request.model, f"{path}model", call, method)
        check_json(request, path.rstrip("."))
        check_tools(request.tools, f"{path}tools")
        if not request.contents:
            raise invalid(f"{path}contents", "is not specified")
        for i, content in enumerate(request.contents):
            if not content.parts:
                raise invalid(f"{path}contents[{i}].parts", "must have at least one part")
            if content.role not in ("", "user", "model", "function", "tool", "system"):
                raise invalid(
                    f"{path}contents[{i}].role", f"{quoted(content.role)} is none of user and model"
                )
        request = attached(self._world, call, request, path)
        if not request.cached_content:
            return request
        cached = cached_content(self._world, call, request.cached_content, f"{path}cached_content")
        if cached.model != request.model:
            raise invalid(
                f"{path}model", f"is {request.model}, the cached content was made for {cached.model}"
            )
        for name in ("system_instruction", "tools", "tool_config"):
            given = getattr(request, name)
            if request.HasField(name) if name != "tools" else len(given):
                raise invalid(
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
        row = self._world.store.get(call.tenant, request.cached_content)
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


def _candidate(delta: Delta) -> Any:
    candidate = v1beta.Candidate(index=delta.index, content={"role": "model"})
    if delta.call is not None:
        candidate.content.parts.add(function_call=delta.call)
    elif delta.text or not delta.finish:
        part = candidate.content.parts.add(text=delta.text)
        if delta.thought:
            part.thought = True
    if delta.finish:
        candidate.finish_reason = _REASONS.Value(delta.finish)
    candidate.token_count = delta.tokens
    for token, probability, others in delta.logprobs:
        candidate.logprobs_result.chosen_candidates.add(token=token, log_probability=probability)
        candidate.logprobs_result.top_candidates.add(
            candidates=[{"token": t, "log_probability": p} for t, p in others]
        )
    return candidate


def _append(whole: Any, piece: Any) -> None:
    """Add a piece of a stream to what came before: texts of the same kind join, the rest is the latest."""
    for new in piece.candidates:
        old = next((c for c in whole.candidates if c.index == new.index), None)
        if old is None:
            whole.candidates.append(new)
            continue
        for part in new.content.parts:
            before = old.content.parts[-1] if old.content.parts else None
            if part.text and before is not None and before.text and before.thought == part.thought:
                before.text += part.text
            elif part.WhichOneof("data") != "text" or part.text:
                old.content.parts.append(part)
        old.token_count += new.token_count
        old.finish_reason = new.finish_reason or old.finish_reason
        old.logprobs_result.MergeFrom(new.logprobs_result)
        if not old.logprobs_result.chosen_candidates:
            old.ClearField("logprobs_result")
    whole.usage_metadata.CopyFrom(piece.usage_metadata)
