"""GenerativeService: content, tokens, batches; its other RPCs are in modules of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeAlias

from gemwire_emulator.call import Call
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services import file_search
from gemwire_emulator.services.answers import Answers
from gemwire_emulator.services.attachments import inline_text_files
from gemwire_emulator.services.batch_lines import ItemHandler
from gemwire_emulator.services.batches import Batches
from gemwire_emulator.services.caches import get_cached_content
from gemwire_emulator.services.config_checks import check_config, check_model_config
from gemwire_emulator.services.embeddings import EmbeddingHandlers
from gemwire_emulator.services.generate_answer import AnswerHandlers
from gemwire_emulator.services.live import LiveHandlers
from gemwire_emulator.services.media_answers import render_media
from gemwire_emulator.services.model_catalog import check_model, get_trained_answer
from gemwire_emulator.services.response_builder import ResponseBuilder
from gemwire_emulator.services.safety import find_blocking_rating
from gemwire_emulator.services.schema_checks import check_json, check_tools
from gemwire_emulator.services.search_grounding import SearchGrounding, find_grounding
from gemwire_emulator.services.thought_signatures import check_signatures
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.v1beta import generative_service

_TEXT = v1beta.GenerationConfig.Modality.TEXT
_Source: TypeAlias = "file_search.Retrieval | SearchGrounding"


class GenerativeService(AnswerHandlers, EmbeddingHandlers, LiveHandlers):
    """The handlers of GenerativeService.

    Attributes:
        batches: The processor of batches.
    """

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        super().__init__(state)
        self._state = state
        self._answers = Answers(state)
        methods = generative_service.SERVICE.methods
        self.batches = Batches(
            state,
            {
                "generate": ItemHandler(methods["GenerateContent"], self.generate_content),
                "embed": ItemHandler(methods["EmbedContent"], self.embed_with_tokens),
            },
        )

    async def generate_content(
        self, request: v1beta.GenerateContentRequest, call: Call
    ) -> v1beta.GenerateContentResponse:
        """Generate a response as a whole."""
        builder, rating, deltas, sources = await self._start(request, call)
        if rating is not None:
            return builder.build_blocked(rating)
        async with aclosing(deltas):
            response = builder.build_response([delta async for delta in deltas])
        for source in sources:
            for candidate in response.candidates:
                text = "".join(part.text for part in candidate.content.parts if not part.thought)
                await source.ground(candidate, text)
        return response

    async def stream_generate_content(
        self, request: v1beta.GenerateContentRequest, call: Call
    ) -> AsyncGenerator[v1beta.GenerateContentResponse, None]:
        """Generate a response in pieces; usage is cumulative, the last piece has the finish reason."""
        builder, rating, deltas, sources = await self._start(request, call)
        if rating is not None:
            yield builder.build_blocked(rating)
            return
        texts: defaultdict[int, str] = defaultdict(str)
        async with aclosing(deltas):
            async for delta in deltas:
                message = builder.build_message(delta)
                if sources:
                    texts[delta.index] += "" if delta.thought else delta.text
                    for source in sources if delta.finish else ():
                        await source.ground(message.candidates[0], texts[delta.index])
                yield message

    async def _start(
        self, request: v1beta.GenerateContentRequest, call: Call
    ) -> tuple[ResponseBuilder, v1beta.SafetyRating | None, AsyncGenerator[Delta, None], Sequence[_Source]]:
        """Check a request; return its builder, the rating that blocks it, the output, and its sources."""
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
        deltas = self._answers.generate(prompt if found is None else found.prompt, answer)
        modalities: set[int] = set(prompt.generation_config.response_modalities)
        modalities = modalities or set(self._state.models.get_kind(prompt.model).modalities)
        if modalities - {_TEXT}:
            deltas = render_media(deltas, prompt, modalities)
        builder = ResponseBuilder(engine.version, identity, tokens, cached)
        if found is not None:
            builder.add_search(found.tokens, found.reply_parts)
        sources = [source for source in (found, find_grounding(prompt)) if source is not None]
        return builder, rating, deltas, sources

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

    def _build_prompt(
        self, request: v1beta.GenerateContentRequest, call: Call, method: str = "", path: str = ""
    ) -> v1beta.GenerateContentRequest:
        """Check a request; return it with text files inlined and cached content prepended."""
        if not request.model.startswith("dynamic/"):
            check_model(self._state, request.model, f"{path}model", call, method)
        check_json(request, path.rstrip("."))
        check_tools(request.tools, f"{path}tools")
        check_signatures(request.contents, request.model, path)
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
