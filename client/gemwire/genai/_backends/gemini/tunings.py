"""Tuning jobs of the Gemini API, each of which is the tuned model that it trains."""

from __future__ import annotations

from typing import NoReturn

from gemwire.errors import APIError
from gemwire.genai._backends.base import Call, Flow, Page, as_message
from gemwire.genai._backends.gemini.vertex_only import check_fields, method_error
from gemwire.genai._convert.resource_names import to_resource_name
from gemwire.genai._convert.tunings import COLLECTION, to_tuned_model
from gemwire.genai._types.tunings import (
    CancelTuningJobResponse,
    CreateTuningJobConfig,
    ListTuningJobsConfig,
    TuningDataset,
    TuningJob,
)
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.longrunning.operations import LIST_OPERATIONS
from gemwire_proto.v1beta.model_service import CREATE_TUNED_MODEL, GET_TUNED_MODEL, LIST_TUNED_MODELS
from gemwire_proto.v1beta.views import CreateTunedModelMetadata


class GeminiTunings:
    """Calls of ModelService and Operations."""

    def tune(
        self, base_model: str, training_dataset: object, config: CreateTuningJobConfig
    ) -> Flow[TuningJob]:
        """Call CreateTunedModel, then GetTunedModel."""
        check_fields(config)
        dataset = TuningDataset.of(training_dataset, "training_dataset")
        check_fields(dataset, "training_dataset")
        request = v1beta.CreateTunedModelRequest(tuned_model=to_tuned_model(base_model, dataset, config))
        operation = yield Call(CREATE_TUNED_MODEL, request, as_message)
        progress = _to_progress(operation)
        name = (progress and progress.tuned_model) or operation.name.partition("/operations/")[0]
        model = yield _get(name)
        return TuningJob.of(model, progress)

    def get(self, name: str) -> Flow[TuningJob]:
        """Call GetTunedModel and, while the job runs, ListOperations for its progress."""
        model = yield _get(to_resource_name(name, COLLECTION))
        job = TuningJob.of(model)
        page_token = ""
        while not job.has_ended:
            request = operations_pb2.ListOperationsRequest(
                name=f"{model.name}/operations", page_token=page_token
            )
            try:
                page = yield Call(LIST_OPERATIONS, request, as_message)
            except APIError:
                break  # The progress is optional.
            for operation in page.operations:
                if progress := _to_progress(operation):
                    return TuningJob.of(model, progress)
            page_token = page.next_page_token
            if not page_token:
                break
        return job

    def refuse(self, method: str) -> NoReturn:
        raise method_error(f"tunings.{method}")

    def cancel(self, name: str) -> Call[CancelTuningJobResponse]:
        raise method_error("tunings.cancel")

    def list(self, config: ListTuningJobsConfig, page_token: str) -> Call[Page[TuningJob]]:
        request = v1beta.ListTunedModelsRequest(
            page_size=config.page_size or 0, page_token=page_token, filter=config.filter or ""
        )
        return Call(LIST_TUNED_MODELS, request, _to_page)


def _get(name: str) -> Call[v1beta.TunedModel]:
    return Call(GET_TUNED_MODEL, v1beta.GetTunedModelRequest(name=name), as_message)


def _to_progress(operation: operations_pb2.Operation) -> CreateTunedModelMetadata | None:
    progress = v1beta.CreateTunedModelMetadata()
    if not operation.metadata.type_url.endswith(f"/{progress.DESCRIPTOR.full_name}"):
        return None
    progress.ParseFromString(operation.metadata.value)
    return CreateTunedModelMetadata.of(progress)


def _to_page(response: v1beta.ListTunedModelsResponse) -> Page[TuningJob]:
    return Page(
        "tuned_models", [TuningJob.of(model) for model in response.tuned_models], response.next_page_token
    )
