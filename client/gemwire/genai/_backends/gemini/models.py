"""Models of the Gemini API."""

from __future__ import annotations

from gemwire.genai._backends.base import Call, Flow, GenerateCall, GenerateRequest, Page
from gemwire.genai._backends.gemini.vertex_only import check_fields, method_error
from gemwire.genai._backends.generate_calls import to_generate_call, to_serialized_call
from gemwire.genai._convert import requests
from gemwire.genai._convert.function_calls import Functions
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._types.compute_tokens import ComputeTokensResponse
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.embed_content import EmbedContentConfig, EmbedContentResponse
from gemwire.genai._types.family import GEMINI
from gemwire.genai._types.generate_content import CountTokensConfig, GenerateContentConfig
from gemwire.genai._types.models import (
    DeleteModelResponse,
    ListModelsConfig,
    Model,
    TunedModel,
    UpdateModelConfig,
)
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_proto.v1beta.generative_service import (
    BATCH_EMBED_CONTENTS,
    COUNT_TOKENS,
    GENERATE_CONTENT,
    STREAM_GENERATE_CONTENT,
)
from gemwire_proto.v1beta.model_service import (
    DELETE_TUNED_MODEL,
    GET_MODEL,
    GET_TUNED_MODEL,
    LIST_MODELS,
    LIST_TUNED_MODELS,
    UPDATE_TUNED_MODEL,
)


class GeminiModels:
    """Calls of GenerativeService and ModelService."""

    def to_name(self, model: str) -> str:
        return to_model_name(model)

    def to_request(
        self, model: str, contents: ContentListUnion | None, config: GenerateContentConfig
    ) -> v1beta.GenerateContentRequest:
        check_fields(config)
        return requests.to_generate_content_request(to_model_name(model), contents, config)

    def to_head(self, model: str, config: GenerateContentConfig) -> v1beta.GenerateContentRequest:
        check_fields(config)
        return requests.to_request_head(to_model_name(model), config)

    def to_prompt(
        self,
        model: str,
        contents: ContentListUnion | None,
        config: GenerateContentConfig,
        functions: Functions,
    ) -> Prompt:
        check_fields(config)
        return Prompt.build(to_model_name(model), contents, config, functions, GEMINI)

    def generate_content(self, request: GenerateRequest) -> GenerateCall:
        return to_generate_call(GENERATE_CONTENT, request)

    def generate_content_stream(self, request: GenerateRequest) -> GenerateCall:
        return to_generate_call(STREAM_GENERATE_CONTENT, request)

    def count_tokens(
        self, model: str, contents: ContentListUnion, config: CountTokensConfig
    ) -> Call[views.CountTokensResponse]:
        request = requests.to_count_tokens_request(model, contents, config)
        return Call(COUNT_TOKENS, request, views.CountTokensResponse.of)

    def count_prepared(self, request: RequestDraft) -> Call[views.CountTokensResponse]:
        """Call CountTokens with a GenerateContentRequest that is serialized."""
        method, wire = to_serialized_call(COUNT_TOKENS, request.serialize_count(), request.model)
        return Call(method, wire, views.CountTokensResponse.of)

    def compute_tokens(self, model: str, contents: ContentListUnion) -> Call[ComputeTokensResponse]:
        raise method_error("compute_tokens")

    def embed_content(
        self, model: str, contents: ContentListUnion, config: EmbedContentConfig
    ) -> Flow[EmbedContentResponse]:
        grouped = requests.group_embedded(to_model_name(model), contents)
        request = self.to_embed_request(model, grouped, config)
        response: EmbedContentResponse = yield Call(BATCH_EMBED_CONTENTS, request, EmbedContentResponse.of)
        return response

    def to_embed_request(
        self, model: str, contents: ContentListUnion | None, config: EmbedContentConfig
    ) -> v1beta.BatchEmbedContentsRequest:
        check_fields(config)
        return requests.to_embed_content_request(model, contents, config)

    def get(self, model: str) -> Call[Model | TunedModel]:
        """Call GetModel or, for ``tunedModels/``, GetTunedModel."""
        name = to_model_name(model)
        if name.startswith("tunedModels/"):
            return Call(GET_TUNED_MODEL, v1beta.GetTunedModelRequest(name=name), TunedModel.of)
        return Call(GET_MODEL, v1beta.GetModelRequest(name=name), Model.of)

    def list(self, config: ListModelsConfig, page_token: str) -> Call[Page[Model | TunedModel]]:
        """Call ListModels or, where ``query_base`` is False, ListTunedModels."""
        page_size = config.page_size or 0
        if config.query_base is None or config.query_base:
            if config.filter:
                raise ValueError("config.filter: applies to tuned models only; set query_base=False")
            base = v1beta.ListModelsRequest(page_size=page_size, page_token=page_token)
            return Call(LIST_MODELS, base, _to_models)
        tuned = v1beta.ListTunedModelsRequest(
            page_size=page_size, page_token=page_token, filter=config.filter or ""
        )
        return Call(LIST_TUNED_MODELS, tuned, _to_tuned_models)

    def update(self, model: str, config: UpdateModelConfig) -> Call[Model | TunedModel]:
        """Call UpdateTunedModel with the fields of the config that are set."""
        check_fields(config)
        changes = {name: value for name, value in config.given() if name != "http_options"}
        if not changes:
            raise ValueError("config: has no field to update; set display_name or description")
        request = v1beta.UpdateTunedModelRequest(
            tuned_model=v1beta.TunedModel(name=to_model_name(model), **changes),
            update_mask={"paths": sorted(changes)},
        )
        return Call(UPDATE_TUNED_MODEL, request, TunedModel.of)

    def delete(self, model: str) -> Call[DeleteModelResponse]:
        request = v1beta.DeleteTunedModelRequest(name=to_model_name(model))
        return Call(DELETE_TUNED_MODEL, request, lambda _: DeleteModelResponse())


def _to_models(response: v1beta.ListModelsResponse) -> Page[Model | TunedModel]:
    return Page("models", [Model.of(model) for model in response.models], response.next_page_token)


def _to_tuned_models(response: v1beta.ListTunedModelsResponse) -> Page[Model | TunedModel]:
    return Page(
        "tuned_models", [TunedModel.of(model) for model in response.tuned_models], response.next_page_token
    )
