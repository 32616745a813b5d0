"""Models and tuned models."""

from __future__ import annotations

import datetime
from typing import TypeAlias

from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig, HttpResponse
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views

GetModelConfig: TypeAlias = CallConfig
DeleteModelConfig: TypeAlias = CallConfig


class ListModelsConfig(CallConfig):
    """Config of a call that lists models.

    Attributes:
        page_size: Maximum number of models per page. Default: the service decides.
        page_token: Token of the page to begin with. Default: the first page.
        filter: Filter expression, such as ``owner:me``; tuned models only.
        query_base: Whether to list base models or tuned models. Default: True, base models.
    """

    page_size: int | None = None
    page_token: str | None = None
    filter: str | None = None
    query_base: bool | None = None


class UpdateModelConfig(CallConfig):
    """Fields of a tuned model to change.

    Attributes:
        display_name: New display name.
        description: New description.
        default_checkpoint_id: The checkpoint that answers by default. Vertex AI only.
    """

    display_name: str | None = None
    description: str | None = None
    default_checkpoint_id: str | None = None


class Model(views.Model, also={"supported_actions": "supported_generation_methods"}):
    """A model; `supported_actions` is another name of `supported_generation_methods`."""

    __slots__ = ()

    supported_actions: list[str] | None
    checkpoints: list[Checkpoint] | None
    default_checkpoint_id: str | None
    endpoints: list[Endpoint] | None
    labels: dict[str, str] | None
    tuned_model_info: TunedModelInfo | None


class Endpoint(Config):
    """Where a model answers. Vertex AI only.

    Attributes:
        name: Name of the endpoint; `generate_content` takes it for a model.
        deployed_model_id: Id of the model there.
    """

    name: str | None = None
    deployed_model_id: str | None = None


class Checkpoint(Config):
    """A checkpoint of a tuned model. Vertex AI only.

    Attributes:
        checkpoint_id: Its id.
        epoch: Epoch after which it was made.
        step: Step after which it was made.
    """

    checkpoint_id: str | None = None
    epoch: int | None = None
    step: int | None = None


class TunedModelInfo(Config):
    """Origin of a tuned model.

    Attributes:
        base_model: Name of the base model.
        create_time: Time of creation.
        update_time: Time of the last change.
    """

    base_model: str | None = None
    create_time: datetime.datetime | None = None
    update_time: datetime.datetime | None = None


class TunedModel(views.TunedModel):
    """A model that was tuned on examples of its owner."""

    __slots__ = ()

    @property
    def model(self) -> str | None:
        """The name of the model, as the methods of ``client.models`` take it."""
        return self.name

    @property
    def endpoint(self) -> str | None:
        """The name of the model: tuned models of the Gemini API have no endpoints."""
        return self.name

    @property
    def tuned_model_info(self) -> TunedModelInfo:
        """The origin of the model."""
        return TunedModelInfo(
            base_model=get_base_model(self._pb), create_time=self.create_time, update_time=self.update_time
        )


def get_base_model(model: v1beta.TunedModel) -> str | None:
    """Return the name of the base model, also of a model whose source is itself a tuned model."""
    return model.base_model or model.tuned_model_source.base_model or None


class DeleteModelResponse(Config):
    """The empty response to the deletion of a model.

    Attributes:
        sdk_http_response: The HTTP response; None over gRPC.
    """

    sdk_http_response: HttpResponse | None = None
