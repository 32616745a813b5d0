"""Emulated tuning: no weights change, but callers see the progress of a training, by the clock.

The store holds everything that is needed to resume after a kill -9: the state and the snapshots in the tuned
model, the examples in the row's ``extra``. Afterwards the model answers its training inputs with their
outputs (``learned``).
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError
from gemwire_emulator.services import longrunning
from gemwire_emulator.services.failure_markers import find_failure_marker
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2

#: Number of progress updates of a training.
_UPDATES = 20
#: Approximate number of snapshots of a long training.
_SNAPSHOTS = 200
_STATES = v1beta.TunedModel.State


@dataclass(frozen=True)
class Plan:
    """The course of a training; it depends on the model alone, so that a restart does not change it.

    Attributes:
        examples: Number of examples.
        epochs: Passes over the examples.
        batch: Examples in a step.
        seed: Seed that varies the loss curves of models.
    """

    examples: int
    epochs: int
    batch: int
    seed: int

    @classmethod
    def create(cls, model: v1beta.TunedModel, examples: int) -> Plan:
        """Return the plan of a tuned model whose hyperparameters are all set."""
        settings = model.tuning_task.hyperparameters
        return cls(examples, settings.epoch_count, settings.batch_size, zlib.crc32(model.name.encode()))

    @property
    def total(self) -> int:
        """Total number of steps."""
        return math.ceil(self.examples * self.epochs / self.batch)

    def epoch(self, step: int) -> int:
        """Return the epoch of a step, from 1."""
        return min(self.epochs, (step - 1) * self.batch // self.examples + 1)

    def loss(self, step: int) -> float:
        """Return the mean loss after a step, which falls with every step."""
        first, last = 2.0 + self.seed % 997 / 997, 0.05 + self.seed % 89 / 890
        return last + (first - last) * math.exp(-4.0 * step / self.total)

    def snapshot_steps(self, after: int, upto: int) -> list[int]:
        """Return the steps with a snapshot after ``after``, up to ``upto``, which always has one."""
        stride = math.ceil(self.total / _SNAPSHOTS)
        return [step for step in range(after + 1, upto + 1) if step % stride == 0 or step == upto]


def create(
    state: State, call: Call, model: v1beta.TunedModel, answers: dict[str, str], examples: int
) -> operations_pb2.Operation:
    """Store a tuned model and the operation that tunes it, in a transaction of the caller.

    Args:
        state: State of the emulator.
        call: The call.
        model: The tuned model, with its name and all defaults.
        answers: Outputs by input.
        examples: Number of examples, of which some may have the same input.

    Returns:
        The operation. Start `run` after the transaction.
    """
    model.state = _STATES.CREATING
    model.create_time.FromDatetime(state.clock.datetime())
    model.update_time.CopyFrom(model.create_time)
    model.tuning_task.start_time.CopyFrom(model.create_time)
    operation = longrunning.create(
        state, call, model.name, _build_metadata(model, Plan.create(model, examples))
    )
    extra = {"operation": operation.name, "examples": examples, "lessons": answers}
    state.store.put(call.tenant, model.name, model, owner=call.caller, extra=json.dumps(extra))
    return operation


def resume(state: State) -> None:
    """Resume unfinished tunings."""
    for tenant, row in state.store.list_all_tenants("tunedModels"):
        if row.message(v1beta.TunedModel).state == _STATES.CREATING:
            state.spawn(run(state, tenant, row.name))


async def run(state: State, tenant: str, name: str) -> None:
    """Tune a model that is CREATING from its last stored step until it is done, cancelled or deleted.

    A model with a failure marker in its examples fails half-way.
    """
    row = state.store.get(tenant, name)
    if row is None:
        return
    extra = json.loads(row.extra)
    operation, seconds, clock, number = extra["operation"], state.tuning_seconds, state.clock, row.number
    model = row.message(v1beta.TunedModel)
    plan = Plan.create(model, extra["examples"])
    failure = find_failure_marker(
        (text for lesson in extra["lessons"].items() for text in lesson), "tuned_model"
    )
    last = plan.total // 2 if failure else plan.total
    done = _count_completed(model)
    began = clock.now() - seconds * done / plan.total
    while done < last:
        row = state.store.get(tenant, name)
        if row is None or row.number != number:
            return  # Deleted; another model may have the name by now.
        if longrunning.is_cancelled(state, tenant, operation):
            _set_failed(state, tenant, row, operation)
            return
        # A float of seconds since the epoch is accurate to a microsecond.
        share = (clock.now() - began + 1e-6) / seconds if seconds else 1.0
        reached = min(last, int(plan.total * share))
        if reached > done:
            _advance(state, tenant, row, operation, plan, reached, began)
            done = reached
        if done < last:
            await longrunning.wait_for_change(state, tenant, operation, seconds / _UPDATES)
    if failure:
        _fail(state, tenant, name, operation, failure)
    else:
        _finish(state, tenant, name, operation, extra["lessons"])


def get_trained_answers(row: Row) -> dict[str, str]:
    """Return the outputs of a tuned model by input; empty before it is ACTIVE."""
    answers: dict[str, str] = json.loads(row.extra).get("learned", {})
    return answers


def _advance(
    state: State, tenant: str, row: Row, operation: str, plan: Plan, reached: int, began: float
) -> None:
    model = row.message(v1beta.TunedModel)
    for step in plan.snapshot_steps(_count_completed(model), reached):
        snapshot = model.tuning_task.snapshots.add(
            step=step, epoch=plan.epoch(step), mean_loss=plan.loss(step)
        )
        at = began + state.tuning_seconds * step / plan.total
        snapshot.compute_time.FromMicroseconds(int(at * 1e6))
    with state.store.transaction():
        state.store.replace(tenant, model.name, model)
        longrunning.update_metadata(state, tenant, operation, _build_metadata(model, plan))


def _finish(state: State, tenant: str, name: str, operation: str, answers: dict[str, str]) -> None:
    row = state.store.get(tenant, name)
    if row is None:
        return
    model = row.message(v1beta.TunedModel)
    model.state = _STATES.ACTIVE
    _set_completed(state, model)
    with state.store.transaction():
        state.store.replace(tenant, name, model, json.dumps({"operation": operation, "learned": answers}))
        longrunning.succeed(state, tenant, operation, model)


def _fail(state: State, tenant: str, name: str, operation: str, failure: StatusError) -> None:
    row = state.store.get(tenant, name)
    if row is None:
        return
    with state.store.transaction():
        _set_failed(state, tenant, row, operation)
        longrunning.fail(state, tenant, operation, failure)


def _set_failed(state: State, tenant: str, row: Row, operation: str) -> None:
    model = row.message(v1beta.TunedModel)
    model.state = _STATES.FAILED
    _set_completed(state, model)
    state.store.replace(tenant, model.name, model, json.dumps({"operation": operation}))


def _set_completed(state: State, model: v1beta.TunedModel) -> None:
    model.tuning_task.complete_time.FromDatetime(state.clock.datetime())
    model.update_time.CopyFrom(model.tuning_task.complete_time)


def _count_completed(model: v1beta.TunedModel) -> int:
    """Return the completed steps; the last one of an update always has a snapshot."""
    snapshots = model.tuning_task.snapshots
    return snapshots[-1].step if snapshots else 0


def _build_metadata(model: v1beta.TunedModel, plan: Plan) -> v1beta.CreateTunedModelMetadata:
    done = _count_completed(model)
    return v1beta.CreateTunedModelMetadata(
        tuned_model=model.name,
        total_steps=plan.total,
        completed_steps=done,
        completed_percent=100.0 * done / plan.total,
        snapshots=model.tuning_task.snapshots,
    )
