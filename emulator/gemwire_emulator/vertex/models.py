"""ModelService of Vertex AI: the models that tuning has made."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.field_masks import apply_update_mask
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.resource_lookup import check_display_name, check_update_mask
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_emulator.vertex.deletion import create_deletion
from gemwire_emulator.vertex.labels import check_labels
from gemwire_emulator.vertex.names import enter_location, enter_parent
from gemwire_emulator.vertex.tuned_models import TunedModels, parse_filter
from gemwire_proto import aiplatform_v1
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf.field_mask_pb2 import FieldMask

_MODEL = "models/*"
_UPDATABLE = frozenset({"display_name", "description", "version_description", "default_checkpoint_id"})
_DISPLAY_NAME = 128


class ModelService:
    """The handlers of ModelService."""

    def __init__(self, state: State, models: TunedModels) -> None:
        """Create the handlers."""
        self._state = state
        self._models = models

    def get_model(self, request: aiplatform_v1.GetModelRequest, call: Call) -> aiplatform_v1.Model:
        """Return a model."""
        with enter_location(call, request.name, _MODEL, "name"):
            return self._models.get_model(request.name, call)

    def list_models(
        self, request: aiplatform_v1.ListModelsRequest, call: Call
    ) -> aiplatform_v1.ListModelsResponse:
        """List the models of a location that match a filter, oldest first."""
        enter_parent(call, request.parent)
        matches = parse_filter(request.filter)

        def accept(model: aiplatform_v1.Model) -> bool:
            fields = {"display_name": model.display_name, "model": model.name.rpartition("/")[2]}
            return matches(fields, model.labels)

        rows, token = paginate(
            lambda after: self._models.list_models(call, after),
            request,
            default=50,
            most=1000,
            accept=lambda row: accept(row.message(aiplatform_v1.Model)),
        )
        return aiplatform_v1.ListModelsResponse(models=_to_models(rows), next_page_token=token)

    def list_model_versions(
        self, request: aiplatform_v1.ListModelVersionsRequest, call: Call
    ) -> aiplatform_v1.ListModelVersionsResponse:
        """List the versions of a model, of which there is one."""
        with enter_location(call, request.name, _MODEL, "name"):
            model = self._models.get_model(request.name, call)
        return aiplatform_v1.ListModelVersionsResponse(models=[model])

    def list_model_version_checkpoints(
        self, request: aiplatform_v1.ListModelVersionCheckpointsRequest, call: Call
    ) -> aiplatform_v1.ListModelVersionCheckpointsResponse:
        """List the checkpoints of a version."""
        with enter_location(call, request.name, _MODEL, "name"):
            model = self._models.get_model(request.name, call)
        rows, token = paginate(
            lambda after: [
                Row(found.checkpoint_id, "", number, "", found.SerializeToString(), "{}")
                for number, found in enumerate(model.checkpoints, 1)
                if number > after
            ],
            request,
            default=50,
            most=1000,
        )
        kind = aiplatform_v1.ModelVersionCheckpoint
        return aiplatform_v1.ListModelVersionCheckpointsResponse(
            checkpoints=[kind.FromString(row.body) for row in rows], next_page_token=token
        )

    def update_model(self, request: aiplatform_v1.UpdateModelRequest, call: Call) -> aiplatform_v1.Model:
        """Change names, descriptions, labels and the default checkpoint of a model."""
        with enter_location(call, request.model.name, _MODEL, "model.name"):
            model = self._models.get_model(request.model.name, call)
            check_update_mask(request.update_mask)
            check_display_name(request.model.display_name, "model.display_name", _DISPLAY_NAME)
            paths = list(request.update_mask.paths)
            if "labels" in paths:
                check_labels(request.model.labels)
                model.labels.clear()
                model.labels.update(request.model.labels)
                paths.remove("labels")
            if paths:
                apply_update_mask(model, request.model, FieldMask(paths=paths), _UPDATABLE)
            if model.default_checkpoint_id not in {found.checkpoint_id for found in model.checkpoints}:
                raise invalid_argument("model.default_checkpoint_id", "is not a checkpoint of the model")
            model.update_time.FromDatetime(self._state.clock.datetime())
            self._state.store.replace(call.tenant, model.name, model)
            return model

    def delete_model(self, request: aiplatform_v1.DeleteModelRequest, call: Call) -> operations_pb2.Operation:
        """Delete a model and its endpoints; the operation is done at once."""
        with enter_location(call, request.name, _MODEL, "name"):
            model = self._models.get_model(request.name, call)
        with self._state.store.transaction():
            for job in self._models.list_jobs(call):
                tuned = job.message(aiplatform_v1.TuningJob).tuned_model
                if tuned.model == f"{model.name}@1":
                    for checkpoint in tuned.checkpoints:
                        self._state.store.delete(call.tenant, checkpoint.endpoint)
            self._state.store.delete(call.tenant, model.name)
            return create_deletion(self._state, call)


def _to_models(rows: list[Row]) -> list[aiplatform_v1.Model]:
    return [row.message(aiplatform_v1.Model) for row in rows]
