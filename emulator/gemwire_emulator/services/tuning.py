"""Tuning, emulated: no weights change, but all that callers see of a training happens, by the clock.

Everything that it takes to go on after a kill -9 is in the store: the state and
the snapshots in the tuned model, the examples in the row's ``extra``. A model
that is done answers its training inputs with their outputs (``learned``).
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError
from gemwire_emulator.services import longrunning
from gemwire_emulator.services.failure_markers import find_failure_marker
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta

#: In how many strides a training is told of.
_STRIDES = 20
#: Snapshots that a long training is thinned out to, about.
_SNAPSHOTS = 200
_STATES: Any = v1beta.TunedModel.State


@dataclass(frozen=True)
class Plan:
    """The course of a training; it follows from the model alone, so that a restart changes nothing.

    Attributes:
        examples: How many there are.
        epochs: Passes over them.
        batch: Examples in a step.
        seed: What makes loss curves of different models differ.
    """

    examples: int
    epochs: int
    batch: int
    seed: int

    @classmethod
    def of(cls, model: Any, examples: int) -> Plan:
        """The plan of a tuned model whose hyperparameters are all set."""
        settings = model.tuning_task.hyperparameters
        return cls(examples, settings.epoch_count, settings.batch_size, zlib.crc32(model.name.encode()))

    @property
    def total(self) -> int:
        """All steps."""
        return math.ceil(self.examples * self.epochs / self.batch)

    def epoch(self, step: int) -> int:
        """The pass in which a step falls, from 1."""
        return min(self.epochs, (step - 1) * self.batch // self.examples + 1)

    def loss(self, step: int) -> float:
        """Mean loss after a step: it falls with every one."""
        first, last = 2.0 + self.seed % 997 / 997, 0.05 + self.seed % 89 / 890
        return last + (first - last) * math.exp(-4.0 * step / self.total)

    def snapshots(self, after: int, upto: int) -> list[int]:
        """The steps behind ``after`` that are measured, of which ``upto`` is one."""
        stride = math.ceil(self.total / _SNAPSHOTS)
        return [step for step in range(after + 1, upto + 1) if step % stride == 0 or step == upto]


def begin(state: State, call: Call, model: Any, lessons: dict[str, str], examples: int) -> Any:
    """Store a tuned model and the operation that tunes it; belongs in a transaction.

    Args:
        state: Where.
        call: Who asked for it.
        model: The tuned model, with its name and all defaults.
        lessons: What it is to answer, by input.
        examples: How many examples there are; fewer inputs can be different.

    Returns:
        The operation. Give its model to `run` when the transaction is through.
    """
    model.state = _STATES.CREATING
    model.create_time.FromDatetime(state.clock.datetime())
    model.update_time.CopyFrom(model.create_time)
    model.tuning_task.start_time.CopyFrom(model.create_time)
    operation = longrunning.begin(state, call, model.name, _metadata(model, Plan.of(model, examples)))
    extra = {"operation": operation.name, "examples": examples, "lessons": lessons}
    state.store.put(call.tenant, model.name, model, owner=call.caller, extra=json.dumps(extra))
    return operation


def resume(state: State) -> None:
    """Go on with the tunings that a former run of the emulator left."""
    for tenant, row in state.store.list_all_tenants("tunedModels"):
        if row.message(v1beta.TunedModel).state == _STATES.CREATING:
            state.spawn(run(state, tenant, row.name))


async def run(state: State, tenant: str, name: str) -> None:
    """Tune a model that is CREATING, from the last step in the store, until it is done or cancelled.

    One that is to fail, by a mark in its examples, does so half-way.
    """
    row = state.store.get(tenant, name)
    if row is None:
        return
    extra = json.loads(row.extra)
    operation, seconds, clock, number = extra["operation"], state.tuning_seconds, state.clock, row.number
    model = row.message(v1beta.TunedModel)
    plan = Plan.of(model, extra["examples"])
    doom = find_failure_marker(
        (text for lesson in extra["lessons"].items() for text in lesson), "tuned_model"
    )
    last = plan.total // 2 if doom else plan.total
    done = _completed(model)
    began = clock.now() - seconds * done / plan.total
    while done < last:
        row = state.store.get(tenant, name)
        if row is None or row.number != number:
            return  # Deleted; there may be another of that name by now.
        if longrunning.cancelled(state, tenant, operation):
            _give_up(state, tenant, row, operation)
            return
        # A float of seconds since the epoch is good for a microsecond.
        share = (clock.now() - began + 1e-6) / seconds if seconds else 1.0
        reached = min(last, int(plan.total * share))
        if reached > done:
            _advance(state, tenant, row, operation, plan, reached, began)
            done = reached
        if done < last:
            await longrunning.pause(state, tenant, operation, seconds / _STRIDES)
    if doom:
        _fail(state, tenant, name, operation, doom)
    else:
        _finish(state, tenant, name, operation, extra["lessons"])


def learned(row: Row) -> dict[str, str]:
    """What a tuned model that is ACTIVE answers, by input."""
    lessons: dict[str, str] = json.loads(row.extra).get("learned", {})
    return lessons


def _advance(
    state: State, tenant: str, row: Row, operation: str, plan: Plan, reached: int, began: float
) -> None:
    model = row.message(v1beta.TunedModel)
    for step in plan.snapshots(_completed(model), reached):
        snapshot = model.tuning_task.snapshots.add(
            step=step, epoch=plan.epoch(step), mean_loss=plan.loss(step)
        )
        at = began + state.tuning_seconds * step / plan.total
        snapshot.compute_time.FromMicroseconds(int(at * 1e6))
    with state.store.transaction():
        state.store.replace(tenant, model.name, model)
        longrunning.progress(state, tenant, operation, _metadata(model, plan))


def _finish(state: State, tenant: str, name: str, operation: str, lessons: dict[str, str]) -> None:
    row = state.store.get(tenant, name)
    if row is None:
        return
    model = row.message(v1beta.TunedModel)
    model.state = _STATES.ACTIVE
    _end(state, model)
    with state.store.transaction():
        state.store.replace(tenant, name, model, json.dumps({"operation": operation, "learned": lessons}))
        longrunning.finish(state, tenant, operation, model)


def _fail(state: State, tenant: str, name: str, operation: str, failure: StatusError) -> None:
    row = state.store.get(tenant, name)
    if row is None:
        return
    with state.store.transaction():
        _give_up(state, tenant, row, operation)
        longrunning.fail(state, tenant, operation, failure)


def _give_up(state: State, tenant: str, row: Row, operation: str) -> None:
    model = row.message(v1beta.TunedModel)
    model.state = _STATES.FAILED
    _end(state, model)
    state.store.replace(tenant, model.name, model, json.dumps({"operation": operation}))


def _end(state: State, model: Any) -> None:
    model.tuning_task.complete_time.FromDatetime(state.clock.datetime())
    model.update_time.CopyFrom(model.tuning_task.complete_time)


def _completed(model: Any) -> int:
    """Steps behind; the last one of a stride is always measured."""
    snapshots = model.tuning_task.snapshots
    return snapshots[-1].step if snapshots else 0


def _metadata(model: Any, plan: Plan) -> Any:
    done = _completed(model)
    return v1beta.CreateTunedModelMetadata(
        tuned_model=model.name,
        total_steps=plan.total,
        completed_steps=done,
        completed_percent=100.0 * done / plan.total,
        snapshots=model.tuning_task.snapshots,
    )
