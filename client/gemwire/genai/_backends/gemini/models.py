"""Models of the Gemini API."""

from __future__ import annotations

from gemwire._transport.serialized_message import serialised
from gemwire.genai._backends.base import Call, GenerateRequest, ModelsBackend, Page, as_message
from gemwire.genai._convert import requests
from gemwire.genai._convert.function_calls import Functions
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._convert.request_bytes import Draft
from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._types.aliases import EmbedContentResponse
from gemwire.genai._types.call_configs import (
    ContentListUnion,
    CountTokensConfig,
    EmbedContentConfig,
    GenerateContentConfig,
)
from gemwire.genai._types.resource_configs import ListModelsConfig, UpdateModelConfig
from gemwire.genai._types.tuning import TunedModel
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
from gemwire_runtime.method import Method
from gemwire_runtime.views import view


class GeminiModels(ModelsBackend):
    """Calls of GenerativeService and ModelService."""

    def to_name(self, model: str) -> str:
        """Return the name with its collection."""
        return model_name(model)

    def to_request(
        self, model: str, contents: ContentListUnion, config: GenerateContentConfig
    ) -> v1beta.GenerateContentRequest:
        """Build a GenerateContentRequest."""
        request: v1beta.GenerateContentRequest = requests.generate_content(model, contents, config)
        return request

    def to_head(self, model: str, config: GenerateContentConfig) -> v1beta.GenerateContentRequest:
        """Build a GenerateContentRequest without contents."""
        request: v1beta.GenerateContentRequest = requests.head(model, config)
        return request

    def to_prompt(
        self, model: str, contents: ContentListUnion, config: GenerateContentConfig, functions: Functions
    ) -> Prompt:
        """Convert and serialize what requests begin with."""
        return Prompt.of(model, contents, config, functions)

    def generate_content(self, request: GenerateRequest) -> Call[v1beta.GenerateContentResponse]:
        """Call GenerateContent."""
        return _generate(GENERATE_CONTENT, request)

    def generate_content_stream(self, request: GenerateRequest) -> Call[v1beta.GenerateContentResponse]:
        """Call StreamGenerateContent."""
        return _generate(STREAM_GENERATE_CONTENT, request)

    def count_tokens(
        self, model: str, contents: ContentListUnion, config: CountTokensConfig
    ) -> Call[views.CountTokensResponse]:
        """Call CountTokens."""
        request = requests.count_tokens(model, contents, config)
        return Call(COUNT_TOKENS, request, views.CountTokensResponse.of)

    def count_prepared(self, request: Draft) -> Call[views.CountTokensResponse]:
        """Call CountTokens with a GenerateContentRequest that is serialized."""
        method = serialised(COUNT_TOKENS)
        wire = method.request(request.counting(), method.request.routes(model=request.model))
        return Call(method, wire, views.CountTokensResponse.of)

    def compute_tokens(self, **arguments: object) -> Call[object]:
        """Refuse the call."""
        raise ValueError(
            "compute_tokens is available in Vertex AI only, which this client does not call; use count_tokens"
        )

    def embed_content(
        self, model: str, contents: ContentListUnion, config: EmbedContentConfig
    ) -> Call[EmbedContentResponse]:
        """Call BatchEmbedContents."""
        request = requests.embed_content(model, contents, config)
        return Call(BATCH_EMBED_CONTENTS, request, EmbedContentResponse.of)

    def get(self, model: str) -> Call[views.Model | TunedModel]:
        """Call GetModel or, for ``tunedModels/``, GetTunedModel."""
        name = model_name(model)
        if name.startswith("tunedModels/"):
            return Call(GET_TUNED_MODEL, v1beta.GetTunedModelRequest(name=name), TunedModel.of)
        return Call(GET_MODEL, v1beta.GetModelRequest(name=name), view)

    def list(self, config: ListModelsConfig, page_token: str) -> Call[Page[views.Model | TunedModel]]:
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

    def update(self, model: str, config: UpdateModelConfig) -> Call[TunedModel]:
        """Call UpdateTunedModel with the fields of the config that are set."""
        changes = {name: value for name, value in config.given() if name != "http_options"}
        if not changes:
            raise ValueError("config: has no field to update; set display_name or description")
        request = v1beta.UpdateTunedModelRequest(
            tuned_model=v1beta.TunedModel(name=model_name(model), **changes),
            update_mask={"paths": sorted(changes)},
        )
        return Call(UPDATE_TUNED_MODEL, request, TunedModel.of)

    def delete(self, model: str) -> Call[None]:
        """Call DeleteTunedModel."""
        request = v1beta.DeleteTunedModelRequest(name=model_name(model))
        return Call(DELETE_TUNED_MODEL, request, lambda _: None)


def _generate(
    method: Method[v1beta.GenerateContentRequest, v1beta.GenerateContentResponse], request: GenerateRequest
) -> Call[v1beta.GenerateContentResponse]:
    if not isinstance(request, Draft):
        return Call(method, request, as_message)
    bytes_method = serialised(method)
    wire = bytes_method.request(request.data(), bytes_method.request.routes(model=request.model))
    return Call(bytes_method, wire, as_message)


def _to_models(response: v1beta.ListModelsResponse) -> Page[views.Model | TunedModel]:
    return Page("models", [view(model) for model in response.models], response.next_page_token)


def _to_tuned_models(response: v1beta.ListTunedModelsResponse) -> Page[views.Model | TunedModel]:
    return Page(
        "tuned_models", [TunedModel.of(model) for model in response.tuned_models], response.next_page_token
    )
