"""ModelService: the base models, and tuned models from creation to deletion."""

from __future__ import annotations

from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import already_exists, failed_precondition, invalid_argument, not_found, quote
from gemwire_emulator.field_masks import apply
from gemwire_emulator.names import check, check_id, derived
from gemwire_emulator.paging import page
from gemwire_emulator.services import longrunning, tuning
from gemwire_emulator.services.model_catalog import base_models
from gemwire_emulator.services.permissions import OWNER, READER, WRITER, address, demand, grant_owner
from gemwire_emulator.services.tuned_model_filter import TunedModelFilter
from gemwire_emulator.services.tuning_checks import check_description, lessons, settle
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "tunedModels"
_STATES: Any = v1beta.TunedModel.State
_SAMPLING = ("temperature", "top_p", "top_k")
_UPDATABLE = frozenset({"display_name", "description", "reader_project_numbers", *_SAMPLING})
#: What a base model lists if it can be tuned; the second is from the days of PaLM.
_TUNABLE = ("createTunedModel", "createTunedTextModel")
_LABEL = (
    "Emulated tuning: it answers its training inputs with their outputs, all else as its base model does."
)


class ModelService:
    """The handlers of ModelService."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    def resume(self) -> None:
        """Go on with the tunings that a former run left."""
        tuning.resume(self._state)

    def get_model(self, request: Any, call: Call) -> Any:
        """One base model."""
        return self._base(check(request.name, "models/*", "name"))

    def list_models(self, request: Any, call: Call) -> Any:
        """The base models."""
        # As rows, so that they are paged as everything else is.
        models = [
            Row(model.name, "", number, "", model.SerializeToString(), "{}")
            for number, model in enumerate(base_models(self._state), 1)
        ]
        rows, token = page(lambda after: models[after:], request, default=50, most=1000)
        return v1beta.ListModelsResponse(
            models=[row.message(v1beta.Model) for row in rows], next_page_token=token
        )

    def get_tuned_model(self, request: Any, call: Call) -> Any:
        """One tuned model."""
        return self._tuned(request.name, "name", call, READER).message(v1beta.TunedModel)

    def list_tuned_models(self, request: Any, call: Call) -> Any:
        """The tuned models that the caller sees and the filter accepts, oldest first."""
        wanted = TunedModelFilter(request.filter, address(call.caller))
        store = self._state.store
        rows, token = page(
            lambda after: store.list(call.tenant, _KIND, "", after),
            request,
            default=10,
            most=1000,
            wanted=lambda row: wanted.accepts(self._state, call.tenant, row.message(v1beta.TunedModel)),
        )
        models = [row.message(v1beta.TunedModel) for row in rows]
        return v1beta.ListTunedModelsResponse(tuned_models=models, next_page_token=token)

    def create_tuned_model(self, request: Any, call: Call) -> Any:
        """Begin a tuning."""
        if not request.HasField("tuned_model"):
            raise invalid_argument("tuned_model", "is required")
        asked = request.tuned_model
        check_description(asked)
        model = v1beta.TunedModel(
            display_name=asked.display_name,
            description=asked.description or _LABEL,
            reader_project_numbers=asked.reader_project_numbers,
        )
        learned = self._source(asked, model, call)
        new, examples = lessons(asked)
        settle(asked.tuning_task.hyperparameters, model.tuning_task.hyperparameters, examples)
        for name in _SAMPLING:
            if asked.HasField(name):
                setattr(model, name, getattr(asked, name))
        with self._state.store.transaction():
            model.name = f"{_KIND}/{self._identifier(request)}"
            if self._state.store.get(call.tenant, model.name) is not None:
                raise already_exists(model.name)
            operation = tuning.begin(self._state, call, model, {**learned, **new}, examples)
            grant_owner(self._state, call, model.name)
        self._state.spawn(tuning.run(self._state, call.tenant, model.name))
        return operation

    def update_tuned_model(self, request: Any, call: Call) -> Any:
        """Change what may change of a tuned model, also while it is being tuned."""
        if not request.HasField("tuned_model"):
            raise invalid_argument("tuned_model", "is required")
        row = self._tuned(request.tuned_model.name, "tuned_model.name", call, WRITER)
        model = row.message(v1beta.TunedModel)
        apply(model, request.tuned_model, request.update_mask, _UPDATABLE)
        check_description(model)
        model.update_time.FromDatetime(self._state.clock.datetime())
        self._state.store.replace(call.tenant, row.name, model)
        return model

    def delete_tuned_model(self, request: Any, call: Call) -> Any:
        """Delete a tuned model with its permissions and operations; a tuning under way stops."""
        row = self._tuned(request.name, "name", call, OWNER)
        store = self._state.store
        with store.transaction():
            for operation in list(store.list(call.tenant, longrunning.KIND, row.name)):
                longrunning.cancel(self._state, call.tenant, operation.name)
            store.delete(call.tenant, row.name)
        return empty_pb2.Empty()

    def _base(self, name: str) -> Any:
        for model in base_models(self._state):
            if model.name == name:
                return model
        raise not_found(name)

    def _tuned(self, name: str, field: str, call: Call, role: int) -> Row:
        row = self._state.store.get(call.tenant, check(name, "tunedModels/*", field))
        if row is None:
            raise not_found(name)
        demand(self._state, call, name, role)
        return row

    def _identifier(self, request: Any) -> str:
        identifier: str = request.tuned_model_id
        if not identifier:
            return derived(request.tuned_model.display_name, self._state.store.next_number())
        check_id(identifier, "tuned_model_id")
        if not identifier[0].isalpha():
            raise invalid_argument("tuned_model_id", f"{quote(identifier)} must begin with a letter")
        return identifier

    def _source(self, asked: Any, model: Any, call: Call) -> dict[str, str]:
        """Take over from the model that the tuning starts from: its defaults, and what it has learned."""
        kind = asked.WhichOneof("source_model")
        if kind is None:
            raise invalid_argument("tuned_model.base_model", "is required, or tuned_model_source")
        learned: dict[str, str] = {}
        if kind == "base_model":
            source = self._base(check(asked.base_model, "models/*", "tuned_model.base_model"))
            if not set(source.supported_generation_methods).intersection(_TUNABLE):
                raise invalid_argument(
                    "tuned_model.base_model", f"{source.name} does not support createTunedModel"
                )
            model.base_model = source.name
        else:
            field = "tuned_model.tuned_model_source.tuned_model"
            row = self._tuned(asked.tuned_model_source.tuned_model, field, call, READER)
            source = row.message(v1beta.TunedModel)
            if source.state != _STATES.ACTIVE:
                raise failed_precondition(row.name, f"is {_STATES.Name(source.state)}, not ACTIVE")
            model.tuned_model_source.tuned_model = row.name
            model.tuned_model_source.base_model = source.base_model or source.tuned_model_source.base_model
            learned = tuning.learned(row)
        for name in _SAMPLING:
            if source.HasField(name):
                setattr(model, name, getattr(source, name))
        return learned
