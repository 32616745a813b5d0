"""Checks of the models that requests name, and how base models are served."""

from __future__ import annotations

import json

from gemwire_emulator.call import Call
from gemwire_emulator.errors import failed_precondition, method_not_supported, model_not_found, not_found
from gemwire_emulator.names import check_name
from gemwire_emulator.services.permissions import READER, find_tenant, require_role
from gemwire_emulator.state import State
from gemwire_proto import v1beta


def describe_model(state: State, model: v1beta.Model) -> v1beta.Model:
    """Return a model as the emulator serves it: the engine's limits, and what it is."""
    engine = state.engine
    served = v1beta.Model()
    served.CopyFrom(model)
    served.description = f"Emulated by the {engine.name} engine ({engine.version})."
    served.input_token_limit = engine.input_token_limit
    return served


def check_model(state: State, name: str, field: str, call: Call, method: str = "") -> None:
    """Check that a model exists, and supports a method.

    Args:
        state: State of the emulator.
        name: Name of the model.
        field: Path of the field, for errors.
        call: The call.
        method: Such as ``embedText``, of the model's supported_generation_methods; empty for any.

    Raises:
        StatusError: INVALID_ARGUMENT for a malformed name, NOT_FOUND for a model that is unknown or does
            not support the method, PERMISSION_DENIED for a tuned model that the caller may not read,
            FAILED_PRECONDITION for one that is not ready.
    """
    if name.startswith("models/publishers/"):
        raise not_found(name)
    check_name(name, "models/*|tunedModels/*", field)
    if name.startswith("tunedModels/"):
        row = state.store.get(find_tenant(state, call, name), name)
        if row is None:
            raise not_found(name)
        require_role(state, call, name, READER)
        current = row.message(v1beta.TunedModel).state
        if current != v1beta.TunedModel.State.ACTIVE:
            raise failed_precondition(name, f"is {v1beta.TunedModel.State.Name(current)}, not ACTIVE")
        return
    known = state.models.find(name, vertex=call.is_vertex)
    if known is None:
        raise model_not_found(name, method, state.models.find_near(name))
    if method and method not in known.supported_generation_methods:
        raise method_not_supported(name, method, known.supported_generation_methods)


def get_trained_answer(state: State, model: str, prompt: str, call: Call) -> str | None:
    """Return the output that a tuned model was trained on for exactly this input, None if there is none."""
    if not model.startswith("tunedModels/"):
        return None
    row = state.store.get(find_tenant(state, call, model), model)
    if row is None:
        return None
    answers: dict[str, str] = json.loads(row.extra).get("learned", {})
    return answers.get(prompt)
