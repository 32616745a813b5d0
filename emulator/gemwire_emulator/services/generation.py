"""GenerativeService: content, tokens, embeddings."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from gemwire_emulator.call import Call
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services import file_search
from gemwire_emulator.services.attachments import inline_text_files
from gemwire_emulator.services.batch_lines import ItemHandler
from gemwire_emulator.services.batches import Batches
from gemwire_emulator.services.caches import get_cached_content
from gemwire_emulator.services.config_checks import check_config, check_model_config, check_tokens
from gemwire_emulator.services.generate_answer import AnswerHandlers
from gemwire_emulator.services.live import LiveHandlers
from gemwire_emulator.services.model_catalog import check_model, get_trained_answer
from gemwire_emulator.services.response_builder import ResponseBuilder
from gemwire_emulator.services.safety import find_blocking_rating
from gemwire_emulator.services.schema_checks import check_json, check_tools
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.v1beta import generative_service

#: Maximum requests of a batch of embeddings.
_BATCH = 100


class GenerativeService(AnswerHandlers, LiveHandlers):
    """The handlers of GenerativeService.

    Attributes:
        batches: The processor of batches.
    """

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        super().__init__(state)
        self._state = state
        methods = generative_service.SERVICE.methods
        self.batches = Batches(
            state,
            {
                "generate": ItemHandler(methods["GenerateContent"], self.generate_content),
                "embed": ItemHandler(methods["EmbedContent"], self._embed_with_tokens),
            },
        )

    async def generate_content(
        self, request: v1beta.GenerateContentRequest, call: Call
    ) -> v1beta.GenerateContentResponse:
        """Generate a response as a whole."""
        builder, rating, deltas, found = await self._start(request, call)
        if rating is not None:
            return builder.build_blocked(rating)
        async with aclosing(deltas):
            response = builder.build_response([delta async for delta in deltas])
        if found is not None:
            for candidate in response.candidates:
                await found.ground(candidate, "".join(get_texts([candidate.content])))
        return response

    async def stream_generate_content(
        self, request: v1beta.GenerateContentRequest, call: Call
    ) -> AsyncGenerator[v1beta.GenerateContentResponse, None]:
        """Generate a response in pieces; usage is cumulative, the last piece has the finish reason."""
        builder, rating, deltas, found = await self._start(request, call)
        if rating is not None:
            yield builder.build_blocked(rating)
            return
        texts: defaultdict[int, str] = defaultdict(str)
        async with aclosing(deltas):
            async for delta in deltas:
                message = builder.build_message(delta)
                if found is not None:
                    texts[delta.index] += "" if delta.thought else delta.text
                    if delta.finish:
                        await found.ground(message.candidates[0], texts[delta.index])
                yield message

    async def _start(
        self, request: v1beta.GenerateContentRequest, call: Call
    ) -> tuple[
        ResponseBuilder, v1beta.SafetyRating | None, AsyncGenerator[Delta, None], file_search.Retrieval | None
    ]:
        """Check a request; return its builder, the rating that blocks it, the output, and what was found."""
        engine = self._state.engine
        prompt = self._build_prompt(request, call, "generateContent")
        if request.HasField("generation_config"):
            check_config(request.generation_config)
        if not call.is_vertex:
            check_model_config(prompt)
        tokens = await engine.count_prompt(prompt)
        found = await file_search.retrieve(self._state, call, prompt)
        whole = tokens if found is None else tokens + found.tokens
        if whole > engine.input_token_limit:
            raise invalid_argument(
                "contents", f"the prompt has {whole} tokens; the model accepts {engine.input_token_limit}"
            )
        identity = f"emulated-{self._state.store.next_number():08x}"
        cached = self._count_cached_tokens(request, call) if request.cached_content else None
        rating = find_blocking_rating(get_texts(prompt.contents), request.safety_settings)
        answer = None
        if call.answers or request.model.startswith("tunedModels/"):
            last = "".join(part.text for part in request.contents[-1].parts)
            answer = call.answers.get(last) or get_trained_answer(self._state, request.model, last, call)
        deltas = (
            engine.generate(prompt if found is None else found.prompt)
            if answer is None
            else _yield_text(answer, engine.count_tokens([answer]))
        )
        builder = ResponseBuilder(engine.version, identity, tokens, cached)
        if found is not None:
            builder.add_search(found.tokens, found.reply_parts)
        return builder, rating, deltas, found

    async def count_tokens(
        self, request: v1beta.CountTokensRequest, call: Call
    ) -> v1beta.CountTokensResponse:
        """Count the tokens of contents, or of a whole request."""
        check_model(self._state, request.model, "model", call)
        if request.contents and request.HasField("generate_content_request"):
            raise invalid_argument("generate_content_request", "excludes contents; set one of them")
        if request.HasField("generate_content_request"):
            prompt = self._build_prompt(
                request.generate_content_request, call, path="generate_content_request."
            )
        elif request.contents:
            check_json(request)
            prompt = v1beta.GenerateContentRequest(contents=request.contents)
            prompt = inline_text_files(self._state, call, prompt)
        else:
            raise invalid_argument("contents", "is required")
        total = await self._state.engine.count_prompt(prompt)
        return v1beta.CountTokensResponse(
            total_tokens=total, prompt_tokens_details=[{"modality": "TEXT", "token_count": total}]
        )

    async def embed_content(
        self, request: v1beta.EmbedContentRequest, call: Call
    ) -> v1beta.EmbedContentResponse:
        """Embed one content."""
        vectors = await self._embed([request], call, "")
        return v1beta.EmbedContentResponse(embedding=vectors[0])

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

    def batch_generate_content(
        self, request: v1beta.BatchGenerateContentRequest, call: Call
    ) -> operations_pb2.Operation:
        """Start a batch of GenerateContent requests."""
        return self.batches.create("generate", request, call)

    def async_batch_embed_content(
        self, request: v1beta.AsyncBatchEmbedContentRequest, call: Call
    ) -> operations_pb2.Operation:
        """Start a batch of EmbedContent requests."""
        return self.batches.create("embed", request, call)

    async def _embed_with_tokens(
        self, request: v1beta.EmbedContentRequest, call: Call
    ) -> v1beta.EmbedContentResponse:
        """Embed one content of a batch, and count its tokens."""
        response = await self.embed_content(request, call)
        response.token_count = self._state.engine.count_tokens(get_texts([request.content]))
        return response

    async def _embed(
        self, requests: Sequence[v1beta.EmbedContentRequest], call: Call, path: str
    ) -> list[v1beta.ContentEmbedding]:
        engine = self._state.engine
        texts = []
        for i, one in enumerate(requests):
            prefix = f"{path}[{i}]." if path else ""
            check_model(self._state, one.model, f"{prefix}model", call, "embedContent")
            text = "\n".join(p.text for p in one.content.parts if p.text)
            if not text:
                raise invalid_argument(f"{prefix}content", "is required, with text")
            if one.title and one.task_type != v1beta.TaskType.RETRIEVAL_DOCUMENT:
                raise invalid_argument(f"{prefix}title", "requires task_type RETRIEVAL_DOCUMENT")
            if one.output_dimensionality < 0 or one.output_dimensionality > engine.embedding_size:
                raise invalid_argument(
                    f"{prefix}output_dimensionality", f"must be from 1 to {engine.embedding_size}"
                )
            texts.append(f"{one.title}\n{text}" if one.title else text)
            check_tokens(engine, texts[-1:], f"{prefix}content")
        vectors = await engine.embed(texts)
        return [
            v1beta.ContentEmbedding(values=_truncate(vector, one.output_dimensionality))
            for vector, one in zip(vectors, requests, strict=True)
        ]

    def _build_prompt(
        self, request: v1beta.GenerateContentRequest, call: Call, method: str = "", path: str = ""
    ) -> v1beta.GenerateContentRequest:
        """Check a request; return it with text files inlined and cached content prepended."""
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
                    f"{path}contents[{i}].role", f"{quote(content.role)} is not one of user and model"
                )
        request = inline_text_files(self._state, call, request, path)
        if not request.cached_content:
            return request
        cached = get_cached_content(self._state, call, request.cached_content, f"{path}cached_content")
        if cached.model != request.model:
            raise invalid_argument(
                f"{path}model", f"is {request.model}, but the cached content is for {cached.model}"
            )
        given = {
            "system_instruction": request.HasField("system_instruction"),
            "tools": bool(request.tools),
            "tool_config": request.HasField("tool_config"),
        }
        for name, is_given in given.items():
            if is_given:
                raise invalid_argument(
                    f"{path}{name}", "cannot be set with cached_content; set it in the cached content"
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

    def _count_cached_tokens(self, request: v1beta.GenerateContentRequest, call: Call) -> int:
        row = self._state.store.get(call.tenant, request.cached_content)
        return row.message(v1beta.CachedContent).usage_metadata.total_token_count if row else 0


async def _yield_text(text: str, tokens: int) -> AsyncGenerator[Delta, None]:
    yield Delta(0, text, finish="STOP", tokens=tokens)


def _truncate(vector: list[float], dimensions: int) -> list[float]:
    """Return the first dimensions of a vector, at unit length."""
    if not dimensions or dimensions == len(vector):
        return vector
    head = vector[:dimensions]
    length = math.sqrt(sum(x * x for x in head)) or 1.0
    return [x / length for x in head]
