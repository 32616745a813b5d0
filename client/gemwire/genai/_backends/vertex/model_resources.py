"""Models of Vertex AI as the public objects."""

from __future__ import annotations

from collections.abc import Mapping

from gemwire.genai._backends.base import Page
from gemwire.genai._types.models import Checkpoint, Endpoint, Model, TunedModel, TunedModelInfo
from gemwire_proto import aiplatform_v1
from gemwire_runtime.pydantic_models import Fields
from gemwire_runtime.well_known import read_timestamp

#: The label of tuned models that names their base model.
_BASE_MODEL = "google-vertex-llm-tuning-base-model-id"


def from_model(message: aiplatform_v1.Model) -> Model | TunedModel:
    """Convert a model of the project."""
    given = {field.name: value for field, value in message.ListFields()}
    times = {name: read_timestamp(given[name]) for name in ("create_time", "update_time") if name in given}
    labels = dict(message.labels)
    fields: Fields = {
        "name": message.name,
        "display_name": message.display_name or None,
        "description": message.description or None,
        "version": message.version_id or None,
        "labels": labels or None,
        "endpoints": [
            Endpoint(name=deployed.endpoint, deployed_model_id=deployed.deployed_model_id)
            for deployed in message.deployed_models
        ],
        "default_checkpoint_id": message.default_checkpoint_id or None,
        "checkpoints": [
            Checkpoint(checkpoint_id=one.checkpoint_id, epoch=one.epoch, step=one.step)
            for one in message.checkpoints
        ],
        "tuned_model_info": TunedModelInfo(base_model=labels.get(_BASE_MODEL), **times),
    }
    return Model(**_without_empty(fields))


def from_publisher_model(message: aiplatform_v1.PublisherModel) -> Model | TunedModel:
    """Convert a model of a publisher."""
    fields: Fields = {"name": message.name, "version": message.version_id or None}
    return Model(**_without_empty(fields))


def from_models(response: aiplatform_v1.ListModelsResponse) -> Page[Model | TunedModel]:
    """Convert a page of models of the project."""
    return Page("models", [from_model(model) for model in response.models], response.next_page_token)


def from_publisher_models(
    response: aiplatform_v1.ListPublisherModelsResponse,
) -> Page[Model | TunedModel]:
    """Convert a page of models of a publisher."""
    found = [from_publisher_model(model) for model in response.publisher_models]
    return Page("publisher_models", found, response.next_page_token)


def _without_empty(fields: Mapping[str, object]) -> Fields:
    return {name: value for name, value in fields.items() if value not in (None, [])}
