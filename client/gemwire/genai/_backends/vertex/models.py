"""Models of Vertex AI."""

from __future__ import annotations

from gemwire.genai._backends.base import Call, Flow, GenerateCall, GenerateRequest, Page
from gemwire.genai._backends.generate_calls import to_generate_call
from gemwire.genai._backends.vertex import embeddings, model_resources
from gemwire.genai._backends.vertex.family import VERTEX
from gemwire.genai._backends.vertex.labels import check_labels
from gemwire.genai._backends.vertex.names import Names
from gemwire.genai._backends.vertex.rpcs import Rpcs
from gemwire.genai._convert import requests
from gemwire.genai._convert.contents import to_contents
from gemwire.genai._convert.function_calls import Functions
from gemwire.genai._convert.prompt import Prompt
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._types.compute_tokens import ComputeTokensResponse, TokensInfo
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.embed_content import EmbedContentConfig, EmbedContentResponse
from gemwire.genai._types.generate_content import CountTokensConfig, GenerateContentConfig
from gemwire.genai._types.models import (
    DeleteModelResponse,
    ListModelsConfig,
    Model,
    TunedModel,
    UpdateModelConfig,
)
from gemwire_proto import aiplatform_v1, v1beta
from gemwire_proto.aiplatform_v1.llm_utility_service import COMPUTE_TOKENS, COUNT_TOKENS
from gemwire_proto.aiplatform_v1.model_garden_service import GET_PUBLISHER_MODEL, LIST_PUBLISHER_MODELS
from gemwire_proto.aiplatform_v1.model_service import DELETE_MODEL, GET_MODEL, LIST_MODELS, UPDATE_MODEL
from gemwire_proto.aiplatform_v1.prediction_service import GENERATE_CONTENT, STREAM_GENERATE_CONTENT
from gemwire_proto.v1beta import views
from gemwire_runtime.pydantic_models import Fields

#: What labels of tuned models have.
_TUNED = "labels.tune-type:*"
_COUNTED = ("contents", "tools", "system_instruction", "generation_config")


class VertexModels:
    """Calls of PredictionService, LlmUtilityService, ModelGardenService and ModelService.

    Attributes:
        names: Completes names.
        rpcs: Gives RPCs the version that is called over HTTP.
    """

    def __init__(self, names: Names, rpcs: Rpcs) -> None:
        self.names = names
        self._generate = rpcs(GENERATE_CONTENT), rpcs(STREAM_GENERATE_CONTENT)
        self.rpcs = rpcs

    def to_name(self, model: str) -> str:
        return self.names.to_model(model)

    def to_request(
        self, model: str, contents: ContentListUnion | None, config: GenerateContentConfig
    ) -> v1beta.GenerateContentRequest:
        name, config = self.names.to_model(model), self._check(config)
        return requests.to_generate_content_request(name, contents, config, VERTEX)

    def to_head(self, model: str, config: GenerateContentConfig) -> v1beta.GenerateContentRequest:
        return requests.to_request_head(self.names.to_model(model), self._check(config), VERTEX)

    def to_prompt(
        self,
        model: str,
        contents: ContentListUnion | None,
        config: GenerateContentConfig,
        functions: Functions,
    ) -> Prompt:
        return Prompt.build(self.names.to_model(model), contents, self._check(config), functions, VERTEX)

    def _check(self, config: GenerateContentConfig) -> GenerateContentConfig:
        """Return the config with the full name of its cache; check its labels."""
        if config.labels is not None:
            check_labels(config.labels)
        if config.image_config is not None:
            config = config.model_copy(update={"image_config": _nest_output(config.image_config)})
        if config.cached_content is not None:
            name = self.names.to_resource(config.cached_content, "cachedContents", "config.cached_content")
            return config.model_copy(update={"cached_content": name})
        return config

    def generate_content(self, request: GenerateRequest) -> GenerateCall:
        return to_generate_call(self._generate[0], request)

    def generate_content_stream(self, request: GenerateRequest) -> GenerateCall:
        return to_generate_call(self._generate[1], request)

    def count_tokens(
        self, model: str, contents: ContentListUnion, config: CountTokensConfig
    ) -> Call[views.CountTokensResponse]:
        options = GenerateContentConfig(system_instruction=config.system_instruction, tools=config.tools)
        request = self.to_request(model, contents, options)
        if config.generation_config is not None:
            VERTEX.request_fields["generation_config"].write(request, config.generation_config)
        return self._count(request)

    def count_prepared(self, request: RequestDraft) -> Call[views.CountTokensResponse]:
        return self._count(request.parse())

    def _count(self, request: v1beta.GenerateContentRequest) -> Call[views.CountTokensResponse]:
        counted = aiplatform_v1.CountTokensRequest(endpoint=request.model)
        for name in _COUNTED:
            if any(field.name == name for field, _ in request.ListFields()):
                getattr(counted, name).MergeFrom(getattr(request, name))
        return Call(self.rpcs(COUNT_TOKENS), counted, VERTEX.view(views.CountTokensResponse).of)

    def compute_tokens(self, model: str, contents: ContentListUnion) -> Call[ComputeTokensResponse]:
        fields: Fields = {
            "endpoint": self.names.to_model(model),
            "contents": to_contents(contents, "contents", VERTEX),
        }
        request = aiplatform_v1.ComputeTokensRequest(**fields)
        return Call(self.rpcs(COMPUTE_TOKENS), request, _from_computed)

    def embed_content(
        self, model: str, contents: ContentListUnion, config: EmbedContentConfig
    ) -> Flow[EmbedContentResponse]:
        return embeddings.embed(self.names.to_model(model), contents, config, self.rpcs)

    def get(self, model: str) -> Call[Model | TunedModel]:
        """Call GetModel for a model of the project, or else GetPublisherModel."""
        name = self.names.to_any_model(model)
        if name.startswith("publishers/"):
            publisher = aiplatform_v1.GetPublisherModelRequest(name=name)
            return Call(self.rpcs(GET_PUBLISHER_MODEL), publisher, model_resources.from_publisher_model)
        request = aiplatform_v1.GetModelRequest(name=name)
        return Call(self.rpcs(GET_MODEL), request, model_resources.from_model)

    def list(self, config: ListModelsConfig, page_token: str) -> Call[Page[Model | TunedModel]]:
        """Call ListPublisherModels or, where ``query_base`` is False, ListModels for tuned models."""
        if config.query_base is None or config.query_base:
            base = aiplatform_v1.ListPublisherModelsRequest(
                parent="publishers/google",
                filter=config.filter or "",
                page_size=config.page_size or 0,
                page_token=page_token,
            )
            return Call(self.rpcs(LIST_PUBLISHER_MODELS), base, model_resources.from_publisher_models)
        request = aiplatform_v1.ListModelsRequest(
            parent=self.names.parent,
            filter=" AND ".join([_TUNED, *([config.filter] if config.filter else ())]),
            page_size=config.page_size or 0,
            page_token=page_token,
        )
        return Call(self.rpcs(LIST_MODELS), request, model_resources.from_models)

    def update(self, model: str, config: UpdateModelConfig) -> Call[Model | TunedModel]:
        """Call UpdateModel with the fields of the config that are set."""
        changes = {name: value for name, value in config.given() if name != "http_options"}
        if not changes:
            raise ValueError(
                "config: has no field to update; set display_name, description or default_checkpoint_id"
            )
        fields: Fields = {
            "model": {"name": self.names.to_own_model(model), **changes},
            "update_mask": {"paths": sorted(changes)},
        }
        request = aiplatform_v1.UpdateModelRequest(**fields)
        return Call(self.rpcs(UPDATE_MODEL), request, model_resources.from_model)

    def delete(self, model: str) -> Call[DeleteModelResponse]:
        request = aiplatform_v1.DeleteModelRequest(name=self.names.to_own_model(model))
        return Call(self.rpcs(DELETE_MODEL), request, lambda _: DeleteModelResponse())


def _nest_output(config: views.ImageConfig) -> views.ImageConfig:
    """Return the options of pictures with their format where Vertex AI has it."""
    flat = {
        name: value
        for name in ("mime_type", "compression_quality")
        if (value := getattr(config, f"output_{name}")) is not None
    }
    if not flat:
        return config
    options = config.image_output_options or views.ImageConfigImageOutputOptions()
    cleared = dict.fromkeys(f"output_{name}" for name in flat)
    return config.model_copy(update={**cleared, "image_output_options": options.model_copy(update=flat)})


def _from_computed(response: aiplatform_v1.ComputeTokensResponse) -> ComputeTokensResponse:
    return ComputeTokensResponse(
        tokens_info=[
            TokensInfo(role=info.role, token_ids=list(info.token_ids), tokens=list(info.tokens))
            for info in response.tokens_info
        ]
    )
