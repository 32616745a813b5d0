"""PredictionService and LlmUtilityService of Vertex AI."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.generation import GenerativeService
from gemwire_emulator.state import State
from gemwire_emulator.vertex.labels import check_labels
from gemwire_emulator.vertex.names import enter_location, resolve_model
from gemwire_emulator.vertex.predict import Predictor
from gemwire_emulator.vertex.translation import copy_fields, translate
from gemwire_emulator.vertex.tuned_models import TunedModels
from gemwire_emulator.vertex.videos import Videos
from gemwire_proto import aiplatform_v1, v1beta


class PredictionService:
    """The handlers of PredictionService.

    Attributes:
        videos: Those of PredictLongRunning.
    """

    def __init__(self, state: State, generative: GenerativeService, models: TunedModels) -> None:
        """Create the handlers; those of the Gemini API do the work."""
        self._state = state
        self._generative = generative
        self._models = models
        self.predict = Predictor(state, generative).predict
        self.videos = Videos(state)
        self.predict_long_running = self.videos.predict_long_running
        self.fetch_predict_operation = self.videos.fetch_predict_operation

    async def generate_content(
        self, request: aiplatform_v1.GenerateContentRequest, call: Call
    ) -> aiplatform_v1.GenerateContentResponse:
        """Generate a response as a whole."""
        with _enter_cache(self._state, request, call, self._models) as translated:
            return self._translate_response(await self._generative.generate_content(translated, call))

    async def stream_generate_content(
        self, request: aiplatform_v1.GenerateContentRequest, call: Call
    ) -> AsyncGenerator[aiplatform_v1.GenerateContentResponse, None]:
        """Generate a response in pieces."""
        with _enter_cache(self._state, request, call, self._models) as translated:
            async with aclosing(self._generative.stream_generate_content(translated, call)) as responses:
                async for response in responses:
                    yield self._translate_response(response)

    async def embed_content(
        self, request: aiplatform_v1.EmbedContentRequest, call: Call
    ) -> aiplatform_v1.EmbedContentResponse:
        """Embed one content; the fields of its configuration come before the older ones of the request."""
        config = translate(request, aiplatform_v1.EmbedContentRequest.EmbedContentConfig)
        config.MergeFrom(request.embed_content_config)
        model = resolve_model(self._state, request.model, "model", "embedContent")
        wanted = translate(request, v1beta.EmbedContentRequest, model=model)
        for name in ("title", "task_type", "output_dimensionality"):
            wanted.ClearField(name)
        copy_fields(config, wanted)
        embedded = await self._generative.embed_content(wanted, call)
        tokens = self._state.engine.count_tokens([part.text for part in request.content.parts])
        return aiplatform_v1.EmbedContentResponse(
            embedding={"values": embedded.embedding.values},
            usage_metadata={
                "prompt_token_count": tokens,
                "total_token_count": tokens,
                "prompt_tokens_details": _count_as_text(tokens),
            },
        )

    async def batch_embed_contents(
        self, request: aiplatform_v1.BatchEmbedContentsRequest, call: Call
    ) -> aiplatform_v1.BatchEmbedContentsResponse:
        """Embed a content for each request, in order."""
        if not request.requests:
            raise invalid_argument("requests", "is required")
        response = aiplatform_v1.BatchEmbedContentsResponse()
        for number, one in enumerate(request.requests):
            if one.model not in ("", request.model):
                raise invalid_argument(
                    f"requests[{number}].model", f"must be {request.model}, or be left out"
                )
            wanted = aiplatform_v1.EmbedContentRequest()
            wanted.CopyFrom(one)
            wanted.model = request.model
            response.embeddings.append((await self.embed_content(wanted, call)).embedding)
        return response

    def _translate_response(
        self, response: v1beta.GenerateContentResponse
    ) -> aiplatform_v1.GenerateContentResponse:
        created = self._state.clock.datetime()
        return translate(response, aiplatform_v1.GenerateContentResponse, create_time=created)


class LlmUtilityService:
    """The handlers of LlmUtilityService."""

    def __init__(self, state: State, generative: GenerativeService, models: TunedModels) -> None:
        """Create the handlers; those of the Gemini API do the work."""
        self._state = state
        self._generative = generative
        self._models = models

    async def count_tokens(
        self, request: aiplatform_v1.CountTokensRequest, call: Call
    ) -> aiplatform_v1.CountTokensResponse:
        """Count the tokens of a prompt."""
        model = _resolve_endpoint(self._state, request, self._models)
        contents = _get_contents(request)
        prompt = translate(request, v1beta.GenerateContentRequest, model=model, contents=contents)
        counted = await self._generative.count_tokens(
            v1beta.CountTokensRequest(model=model, generate_content_request=prompt), call
        )
        texts = (part.text for content in (prompt.system_instruction, *contents) for part in content.parts)
        return aiplatform_v1.CountTokensResponse(
            total_tokens=counted.total_tokens,
            total_billable_characters=sum(not c.isspace() for text in texts for c in text),
            prompt_tokens_details=_count_as_text(counted.total_tokens),
        )

    async def compute_tokens(
        self, request: aiplatform_v1.ComputeTokensRequest, call: Call
    ) -> aiplatform_v1.ComputeTokensResponse:
        """List the tokens of each content."""
        _resolve_endpoint(self._state, request, self._models)
        response = aiplatform_v1.ComputeTokensResponse()
        for content in _get_contents(request):
            text = "".join(part.text for part in content.parts)
            tokens = await self._state.engine.tokenize(text)
            response.tokens_info.add(
                tokens=[token for _, token in tokens],
                token_ids=[identifier for identifier, _ in tokens],
                role="" if request.instances else content.role or "user",
            )
        return response


@contextmanager
def _enter_cache(
    state: State, request: aiplatform_v1.GenerateContentRequest, call: Call, models: TunedModels
) -> Iterator[v1beta.GenerateContentRequest]:
    """Check and translate a request, and let the call see the cached contents that it names."""
    check_labels(request.labels)
    model = resolve_model(state, request.model, "model", "generateContent", models)
    if "/endpoints/" in request.model:
        call.answers = models.find_answers(request.model)
    if not request.cached_content:
        yield translate(request, v1beta.GenerateContentRequest, model=model)
        return
    with enter_location(call, request.cached_content, "cachedContents/*", "cached_content") as name:
        if not request.model.startswith(f"{call.tenant}/"):
            raise invalid_argument("cached_content", f"is in {call.tenant}, but the model is not")
        yield translate(request, v1beta.GenerateContentRequest, model=model, cached_content=name)


def _resolve_endpoint(
    state: State,
    request: aiplatform_v1.CountTokensRequest | aiplatform_v1.ComputeTokensRequest,
    models: TunedModels,
) -> str:
    """Return the model of a request about tokens; ``model`` names it where ``endpoint`` is empty."""
    if request.endpoint or not request.model:
        return resolve_model(state, request.endpoint, "endpoint", "countTokens", models)
    return resolve_model(state, request.model, "model", "countTokens", models)


def _get_contents(
    request: aiplatform_v1.CountTokensRequest | aiplatform_v1.ComputeTokensRequest,
) -> Sequence[v1beta.Content]:
    """Return the contents of a request, or a content for the prompt of each instance."""
    if request.contents and request.instances:
        raise invalid_argument("instances", "excludes contents; set one of them")
    if request.contents:
        return [translate(content, v1beta.Content) for content in request.contents]
    if not request.instances:
        raise invalid_argument("contents", "is required")
    return [_parse_instance(instance, i) for i, instance in enumerate(request.instances)]


def _parse_instance(instance: Message, number: int) -> v1beta.Content:
    values = json_format.MessageToDict(instance)
    prompt = values.get("prompt", values.get("content")) if isinstance(values, dict) else None
    if not isinstance(prompt, str):
        raise invalid_argument(f"instances[{number}]", "must be an object with a text as prompt or content")
    return v1beta.Content(parts=[{"text": prompt}])


def _count_as_text(tokens: int) -> list[dict[str, object]]:
    return [{"modality": "TEXT", "token_count": tokens}]
