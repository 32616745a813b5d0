"""ModelService: base models and tuned models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from gemwire_emulator.call import Call
from gemwire_emulator.errors import (
    already_exists,
    failed_precondition,
    invalid_argument,
    model_not_found,
    not_found,
    quote,
)
from gemwire_emulator.field_masks import apply_update_mask
from gemwire_emulator.names import check_id, check_name, generate_id
from gemwire_emulator.paging import paginate
from gemwire_emulator.services import longrunning, tuning
from gemwire_emulator.services.model_catalog import describe_model
from gemwire_emulator.services.permissions import (
    OWNER,
    READER,
    WRITER,
    find_tenant,
    get_addresses,
    grant_owner,
    require_role,
)
from gemwire_emulator.services.tuned_model_filter import TunedModelFilter
from gemwire_emulator.services.tuning_checks import check_tuned_model, parse_examples, resolve_hyperparameters
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "tunedModels"
_STATES = v1beta.TunedModel.State
_SAMPLING: tuple[Literal["temperature", "top_p", "top_k"], ...] = ("temperature", "top_p", "top_k")
_UPDATABLE = frozenset({"display_name", "description", "reader_project_numbers", *_SAMPLING})
#: Methods of base models that can be tuned; the second is that of PaLM models.
_TUNABLE = ("createTunedModel", "createTunedTextModel")
_LABEL = (
    "Emulated tuning: it answers its training inputs with their outputs, all else as its base model does."
)


class ModelService:
    """The handlers of ModelService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def resume(self) -> None:
        """Resume unfinished tunings."""
        tuning.resume(self._state)

    def get_model(self, request: v1beta.GetModelRequest, call: Call) -> v1beta.Model:
        """Return a base model."""
        return self._get_base_model(check_name(request.name, "models/*", "name"))

    def list_models(self, request: v1beta.ListModelsRequest, call: Call) -> v1beta.ListModelsResponse:
        """List the base models."""
        # As rows, which `paginate` takes.
        models = [
            Row(model.name, "", number, "", model.SerializeToString(), "{}")
            for number, model in enumerate(self._list_base_models(), 1)
        ]
        rows, token = paginate(lambda after: models[after:], request, default=50, most=1000)
        return v1beta.ListModelsResponse(
            models=[row.message(v1beta.Model) for row in rows], next_page_token=token
        )

    def get_tuned_model(self, request: v1beta.GetTunedModelRequest, call: Call) -> v1beta.TunedModel:
        """Return a tuned model."""
        return self._get_tuned_model(request.name, "name", call, READER).message(v1beta.TunedModel)

    def list_tuned_models(
        self, request: v1beta.ListTunedModelsRequest, call: Call
    ) -> v1beta.ListTunedModelsResponse:
        """List the tuned models that the caller may read and the filter accepts, oldest first."""
        tuned_filter = TunedModelFilter(request.filter, get_addresses(self._state, call))
        tenants: dict[int, str] = {}

        def list_after(number: int) -> Iterator[Row]:
            for tenant, row in self._state.store.list_all_tenants(_KIND):
                if row.number > number:
                    tenants[row.number] = tenant
                    yield row

        def accept(row: Row) -> bool:
            return tuned_filter.accepts(self._state, tenants[row.number], row.message(v1beta.TunedModel))

        rows, token = paginate(list_after, request, default=10, most=1000, accept=accept)
        models = [row.message(v1beta.TunedModel) for row in rows]
        return v1beta.ListTunedModelsResponse(tuned_models=models, next_page_token=token)

    def create_tuned_model(
        self, request: v1beta.CreateTunedModelRequest, call: Call
    ) -> operations_pb2.Operation:
        """Create a tuned model and start its tuning."""
        if not request.HasField("tuned_model"):
            raise invalid_argument("tuned_model", "is required")
        requested = request.tuned_model
        check_tuned_model(requested)
        model = v1beta.TunedModel(
            display_name=requested.display_name,
            description=requested.description or _LABEL,
            reader_project_numbers=requested.reader_project_numbers,
        )
        answers = self._inherit(requested, model, call)
        new_answers, examples = parse_examples(requested)
        resolve_hyperparameters(
            requested.tuning_task.hyperparameters, model.tuning_task.hyperparameters, examples
        )
        for name in _SAMPLING:
            if requested.HasField(name):
                setattr(model, name, getattr(requested, name))
        with self._state.store.transaction():
            model.name = f"{_KIND}/{self._resolve_id(request)}"
            if self._state.store.get(call.tenant, model.name) is not None:
                raise already_exists(model.name)
            operation = tuning.create(self._state, call, model, {**answers, **new_answers}, examples)
            grant_owner(self._state, call, model.name)
        self._state.spawn(tuning.run(self._state, call.tenant, model.name))
        return operation

    def update_tuned_model(self, request: v1beta.UpdateTunedModelRequest, call: Call) -> v1beta.TunedModel:
        """Update a tuned model, which is possible during its tuning as well."""
        if not request.HasField("tuned_model"):
            raise invalid_argument("tuned_model", "is required")
        row = self._get_tuned_model(request.tuned_model.name, "tuned_model.name", call, WRITER)
        model = row.message(v1beta.TunedModel)
        apply_update_mask(model, request.tuned_model, request.update_mask, _UPDATABLE)
        check_tuned_model(model)
        model.update_time.FromDatetime(self._state.clock.datetime())
        self._state.store.replace(call.tenant, row.name, model)
        return model

    def delete_tuned_model(self, request: v1beta.DeleteTunedModelRequest, call: Call) -> empty_pb2.Empty:
        """Delete a tuned model with its permissions and operations; a running tuning stops."""
        row = self._get_tuned_model(request.name, "name", call, OWNER)
        store = self._state.store
        with store.transaction():
            for operation in list(store.list(call.tenant, longrunning.KIND, row.name)):
                longrunning.cancel(self._state, call.tenant, operation.name)
            store.delete(call.tenant, row.name)
        return empty_pb2.Empty()

    def _get_base_model(self, name: str) -> v1beta.Model:
        model = self._state.models.find(name)
        if model is None:
            raise model_not_found(name, "", self._state.models.find_near(name))
        return describe_model(self._state, model)

    def _list_base_models(self) -> list[v1beta.Model]:
        return [describe_model(self._state, model) for model in self._state.models.list_all()]

    def _get_tuned_model(self, name: str, field: str, call: Call, role: int) -> Row:
        check_name(name, "tunedModels/*", field)
        row = self._state.store.get(find_tenant(self._state, call, name), name)
        if row is None:
            raise not_found(name)
        require_role(self._state, call, name, role)
        return row

    def _resolve_id(self, request: v1beta.CreateTunedModelRequest) -> str:
        identifier = request.tuned_model_id
        if not identifier:
            number, display_name = self._state.store.next_number(), request.tuned_model.display_name
            generated = generate_id(display_name, number)
            # As of ids that callers choose, the first must be a letter.
            return generated if generated[0].isalpha() else generate_id(f"model {display_name}", number)
        check_id(identifier, "tuned_model_id")
        if not identifier[0].isalpha():
            raise invalid_argument("tuned_model_id", f"{quote(identifier)} must begin with a letter")
        return identifier

    def _inherit(self, requested: v1beta.TunedModel, model: v1beta.TunedModel, call: Call) -> dict[str, str]:
        """Copy the defaults of the model that the tuning starts from, and return its trained answers."""
        source: v1beta.Model | v1beta.TunedModel
        kind = requested.WhichOneof("source_model")
        if kind is None:
            raise invalid_argument("tuned_model.base_model", "is required, or tuned_model_source")
        answers: dict[str, str] = {}
        if kind == "base_model":
            source = base = self._get_base_model(
                check_name(requested.base_model, "models/*", "tuned_model.base_model")
            )
            if not set(base.supported_generation_methods).intersection(_TUNABLE):
                raise invalid_argument(
                    "tuned_model.base_model", f"{source.name} does not support createTunedModel"
                )
            model.base_model = source.name
        else:
            field = "tuned_model.tuned_model_source.tuned_model"
            row = self._get_tuned_model(requested.tuned_model_source.tuned_model, field, call, READER)
            source = tuned = row.message(v1beta.TunedModel)
            if tuned.state != _STATES.ACTIVE:
                raise failed_precondition(row.name, f"is {_STATES.Name(tuned.state)}, not ACTIVE")
            model.tuned_model_source.tuned_model = row.name
            model.tuned_model_source.base_model = tuned.base_model or tuned.tuned_model_source.base_model
            answers = tuning.get_trained_answers(row)
        for name in _SAMPLING:
            if source.HasField(name):
                setattr(model, name, getattr(source, name))
        return answers
