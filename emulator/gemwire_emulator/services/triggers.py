"""TriggerService: interactions with agents that begin by a schedule, which the emulator's clock drives."""

from __future__ import annotations

import asyncio
import datetime
import zoneinfo
from collections.abc import Iterator

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument, quote
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.interactions import InteractionService
from gemwire_emulator.services.json_collection import JsonCollection, read_mask
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import interactions as api
from gemwire_proto.interactions.trigger_service import SERVICE

KIND = "triggers"
_EXECUTIONS = "executions"
_UPDATABLE = frozenset({"display_name", "status"})
#: Seconds that a run may take unless its trigger says otherwise.
_TIMEOUT = 3600


class TriggerService:
    """The handlers of TriggerService."""

    def __init__(self, state: State, interactions: InteractionService) -> None:
        """Create the handlers."""
        self._state = state
        self._interactions = interactions
        self._triggers = JsonCollection(state, KIND, api.Trigger)
        # Those that a task waits for, so that each has one.
        self._watched: dict[tuple[str, str], asyncio.Event] = {}

    def resume(self) -> None:
        """Wait for the triggers that are stored."""
        self._watched.clear()
        for tenant, row in list(self._state.store.list_all_tenants(KIND)):
            self._watch(tenant, row.message(api.Trigger))

    def create_trigger(self, request: api.CreateTriggerRequest, call: Call) -> api.Trigger:
        """Store a trigger, and wait for its time."""
        given = request.trigger
        if not given.interaction.agent:
            raise invalid_argument("interaction.agent", "is required: triggers run agents")
        if not given.interaction.HasField("input"):
            raise invalid_argument("interaction.input", "is required")
        trigger = api.Trigger(
            id=self._triggers.choose_id(),
            status="active",
            schedule=given.schedule,
            time_zone=given.time_zone or "UTC",
            interaction=given.interaction,
            consecutive_failure_count=0,
        )
        for name in (
            "display_name",
            "environment_id",
            "execution_timeout_seconds",
            "max_consecutive_failures",
        ):
            if given.HasField(name):
                setattr(trigger, name, getattr(given, name))
        for moment in (trigger.create_time, trigger.update_time):
            moment.FromDatetime(self._state.clock.datetime())
        self._schedule(trigger)
        self._triggers.add(trigger.id, trigger, call)
        self._watch(call.tenant, trigger)
        return trigger

    def get_trigger(self, request: api.GetTriggerRequest, call: Call) -> api.Trigger:
        """Return a trigger."""
        return self._triggers.get(request.id, call)

    def list_triggers(self, request: api.ListTriggersRequest, call: Call) -> api.ListTriggersResponse:
        """List the triggers, oldest first. There are no filters."""
        if request.filter:
            raise invalid_argument("filter", "is not supported by the emulator")
        triggers, token = self._triggers.list(request, call)
        return api.ListTriggersResponse(triggers=triggers, next_page_token=token or None)

    def update_trigger(self, request: api.UpdateTriggerRequest, call: Call) -> api.Trigger:
        """Rename, pause or resume a trigger."""
        trigger, given = self._triggers.get(request.id, call), request.trigger
        for name in read_mask("", given, _UPDATABLE):
            setattr(trigger, name, getattr(given, name))
        now = self._state.clock.datetime()
        if given.HasField("status"):
            if given.status not in {"active", "paused"}:
                raise invalid_argument("status", f"{quote(given.status)} is not one of active, paused")
            if given.status == "paused":
                trigger.last_pause_time.FromDatetime(now)
                trigger.ClearField("next_run_time")
            else:
                trigger.last_resume_time.FromDatetime(now)
                trigger.consecutive_failure_count = 0
                self._schedule(trigger)
        trigger.update_time.FromDatetime(now)
        self._triggers.replace(request.id, trigger, call)
        self._watch(call.tenant, trigger)
        return trigger

    def delete_trigger(self, request: api.DeleteTriggerRequest, call: Call) -> api.Empty:
        """Delete a trigger and its runs."""
        self._triggers.delete(request.id, call)
        self._forget(call.tenant, request.id)
        return api.Empty()

    def run_trigger(self, request: api.RunTriggerRequest, call: Call) -> api.TriggerExecution:
        """Run a trigger now."""
        trigger = self._triggers.get(request.trigger_id, call)
        execution = self._begin(call.tenant, trigger)
        self._state.spawn(self._run(call.tenant, trigger.id, execution))
        return execution

    def list_trigger_executions(
        self, request: api.ListTriggerExecutionsRequest, call: Call
    ) -> api.ListTriggerExecutionsResponse:
        """List the runs of a trigger, oldest first."""
        parent = self._triggers.find(request.trigger_id, call, "trigger_id").name

        def list_rows(after: int) -> Iterator[Row]:
            return self._state.store.list(call.tenant, _EXECUTIONS, parent, after)

        rows, token = paginate(list_rows, request, default=50, most=1000)
        runs = [row.message(api.TriggerExecution) for row in rows]
        return api.ListTriggerExecutionsResponse(trigger_executions=runs, next_page_token=token or None)

    def _schedule(self, trigger: api.Trigger) -> None:
        """Set the time of the next run.

        Raises:
            StatusError: INVALID_ARGUMENT; the schedule or the time zone is none.
        """
        from cronsim import CronSim, CronSimError

        try:
            zone = zoneinfo.ZoneInfo(trigger.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise invalid_argument("time_zone", f"{quote(trigger.time_zone)} is not a time zone") from None
        try:
            moment: datetime.datetime = next(
                CronSim(trigger.schedule, self._state.clock.datetime().astimezone(zone))
            )
        except (CronSimError, StopIteration):
            raise invalid_argument(
                "schedule", f"{quote(trigger.schedule)} is not a schedule of cron"
            ) from None
        trigger.next_run_time.FromDatetime(moment.astimezone(datetime.timezone.utc))

    def _watch(self, tenant: str, trigger: api.Trigger) -> None:
        """Wait for the time of a trigger in the background, instead of for its time before."""
        self._forget(tenant, trigger.id)
        if trigger.status == "active":
            ended = self._watched[tenant, trigger.id] = asyncio.Event()
            self._state.spawn(self._wait(tenant, trigger.id, ended))

    def _forget(self, tenant: str, identity: str) -> None:
        if ended := self._watched.pop((tenant, identity), None):
            ended.set()

    async def _wait(self, tenant: str, identity: str, ended: asyncio.Event) -> None:
        while row := self._state.store.get(tenant, f"{KIND}/{identity}"):
            trigger = row.message(api.Trigger)
            due = trigger.next_run_time.seconds
            await self._state.clock.sleep(max(0.0, due - self._state.clock.now()))
            if ended.is_set() or self._state.store.get(tenant, row.name) is None:
                return
            execution = self._begin(tenant, trigger, due)
            self._schedule(trigger)
            trigger.last_run_time.CopyFrom(execution.start_time)
            self._state.store.replace(tenant, row.name, trigger)
            self._state.spawn(self._run(tenant, identity, execution))

    def _begin(self, tenant: str, trigger: api.Trigger, due: int | None = None) -> api.TriggerExecution:
        execution = api.TriggerExecution(
            id=self._triggers.choose_id(), trigger_id=trigger.id, status="in_progress"
        )
        execution.start_time.FromDatetime(self._state.clock.datetime())
        if due is not None:
            execution.scheduled_time.FromSeconds(due)
        parent = f"{KIND}/{trigger.id}"
        name = f"{parent}/{_EXECUTIONS}/{execution.id}"
        self._state.store.put(tenant, name, execution, parent=parent)
        return execution

    async def _run(self, tenant: str, identity: str, execution: api.TriggerExecution) -> None:
        """Begin the interaction of a run, wait for its end, and store how it went."""
        name = f"{KIND}/{identity}"
        row = self._state.store.get(tenant, name)
        if row is None:
            return
        trigger, request = row.message(api.Trigger), api.CreateInteractionRequest()
        request.CopyFrom(trigger.interaction)
        request.ClearField("stream")
        request.background = True
        if trigger.previous_interaction_id:
            request.previous_interaction_id = trigger.previous_interaction_id
        call = Call(SERVICE.methods["RunTrigger"], {"x-goog-api-key": tenant})
        seconds = trigger.execution_timeout_seconds or _TIMEOUT
        try:
            found = await self._interactions.run(request, call, seconds, execution)
        except StatusError as error:
            execution.status, execution.error = "failed", error.message
        else:
            execution.status = found
        execution.end_time.FromDatetime(self._state.clock.datetime())
        row = self._state.store.get(tenant, name)
        if row is None:
            return
        trigger = row.message(api.Trigger)
        if execution.status == "completed":
            trigger.consecutive_failure_count = 0
            trigger.previous_interaction_id = execution.interaction_id
        else:
            trigger.consecutive_failure_count += 1
            most = trigger.max_consecutive_failures
            if most and trigger.consecutive_failure_count >= most:
                trigger.status = "paused"
                trigger.ClearField("next_run_time")
                self._forget(tenant, identity)
        self._state.store.replace(tenant, name, trigger)
        self._state.store.replace(tenant, f"{name}/{_EXECUTIONS}/{execution.id}", execution)
