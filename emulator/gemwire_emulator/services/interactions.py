"""InteractionService: turns with models and agents, whose state is kept.

The models are the engine's. There are no agents: their part is played by the engine too, with the agent's
instructions and without its tools.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc
from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, failed_precondition, invalid_argument, not_found, quote
from gemwire_emulator.json_codec.messages import parse_message
from gemwire_emulator.names import check_name, generate_id
from gemwire_emulator.services.environments import EnvironmentService
from gemwire_emulator.services.generation import GenerativeService
from gemwire_emulator.services.interaction_events import (
    RUNNING,
    InteractionLog,
    dump_events,
    format_time,
    load_events,
)
from gemwire_emulator.services.interaction_prompts import build_contents, build_request, parse_input
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.webhook_delivery import WebhookDelivery
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import interactions as api
from gemwire_proto import v1beta
from gemwire_proto.interactions.interaction_service import SERVICE

KIND = "interactions"
#: Model that plays the part of agents.
_AGENT_MODEL = "models/gemini-2.5-flash"
#: Beginnings of the names of Google's agents.
_KNOWN_AGENTS = ("deep-research-", "antigravity-", "code-mender-")
#: Events that webhooks are sent, by the status of the interaction.
_EVENTS = {
    "cancelled": "interaction.cancelled",
    "failed": "interaction.failed",
    "requires_action": "interaction.requires_action",
}
#: Fields that an interaction has of the request that created it.
_COPIED = tuple(
    field.name
    for field in api.CreateInteractionRequest.DESCRIPTOR.fields
    if field.name in api.Interaction.DESCRIPTOR.fields_by_name and field.name != "continuation_token"
)


class InteractionService:
    """The handlers of InteractionService."""

    def __init__(
        self,
        state: State,
        generative: GenerativeService,
        environments: EnvironmentService,
        delivery: WebhookDelivery,
    ) -> None:
        """Create the handlers."""
        self._state = state
        self._generative = generative
        self._environments = environments
        self._delivery = delivery
        # Those that run now, by tenant and name.
        self._logs: dict[tuple[str, str], InteractionLog] = {}

    def resume(self) -> None:
        """Run the interactions that a former run of the emulator left unfinished once more."""
        self._logs.clear()
        for tenant, row in list(self._state.store.list_all_tenants(KIND)):
            interaction = row.message(api.Interaction)
            if interaction.status in RUNNING:
                call = Call(SERVICE.methods["CreateInteraction"], {"x-goog-api-key": tenant})
                request = api.CreateInteractionRequest()
                json_format.ParseDict(json.loads(row.extra)["request"], request)
                del interaction.steps[:]
                log = self._logs[tenant, row.name] = InteractionLog(interaction, self._state.clock)
                log.in_background = request.background
                log.begin()
                prompt = self._build_prompt(request, call)
                self._state.spawn(self._run_in_background(log, prompt, call, delay=0.0))

    async def create_interaction(self, request: api.CreateInteractionRequest, call: Call) -> api.Interaction:
        """Generate the output, or start to."""
        log = await self._start(request, call)
        if not request.background:
            await log.ended.wait()
            if log.failure is not None:
                raise log.failure
        return _hide_input(log.interaction)

    async def stream_create_interaction(
        self, request: api.CreateInteractionRequest, call: Call
    ) -> AsyncGenerator[api.InteractionSSEEvent, None]:
        """Generate the output, event by event."""
        log = await self._start(request, call)
        async with aclosing(log.follow(0)) as events:
            async for event in events:
                yield event

    async def get_interaction(self, request: api.GetInteractionRequest, call: Call) -> api.Interaction:
        """Return an interaction as far as it is."""
        row = self._find(request.id, call)
        log = self._logs.get((call.tenant, row.name))
        whole = log.interaction if log else row.message(api.Interaction)
        interaction = _hide_input(whole)
        if request.include_input:
            del interaction.steps[:]
            interaction.steps.extend([*parse_input(whole.input), *whole.steps])
            interaction.input.CopyFrom(whole.input)
        return interaction

    async def stream_get_interaction(
        self, request: api.GetInteractionRequest, call: Call
    ) -> AsyncGenerator[api.InteractionSSEEvent, None]:
        """Yield the events of an interaction after one of them, or all."""
        row = self._find(request.id, call)
        log = self._logs.get((call.tenant, row.name))
        stored = [] if log else load_events(json.loads(row.extra)["events"])
        after = 0
        if request.last_event_id:
            if not request.last_event_id.isdecimal() or not (
                0 <= int(request.last_event_id) <= len(log.events if log else stored)
            ):
                raise invalid_argument(
                    "last_event_id",
                    f"{quote(request.last_event_id)} is not the id of an event of {request.id}",
                )
            after = int(request.last_event_id)
        if log is None:
            for event in stored[after:]:
                yield event
            return
        async with aclosing(log.follow(after)) as events:
            async for event in events:
                yield event

    def cancel_interaction(self, request: api.CancelInteractionRequest, call: Call) -> api.Interaction:
        """End an interaction that runs in the background."""
        row = self._find(request.id, call)
        log = self._logs.get((call.tenant, row.name))
        if log is None or log.ended.is_set():
            raise failed_precondition(row.name, "has ended, so it cannot be cancelled")
        log.cancel()
        self._store_end(log, call)
        return _hide_input(log.interaction)

    def delete_interaction(self, request: api.DeleteInteractionRequest, call: Call) -> api.Empty:
        """Delete an interaction; one that runs is cancelled."""
        row = self._find(request.id, call)
        log = self._logs.pop((call.tenant, row.name), None)
        if log is not None and not log.ended.is_set():
            log.cancel()
        self._state.store.delete(call.tenant, row.name)
        return api.Empty()

    def _find(self, identity: str, call: Call, field: str = "id") -> Row:
        name = f"{KIND}/{identity}"
        check_name(name, f"{KIND}/*", field)
        row = self._state.store.get(call.tenant, name)
        if row is None:
            raise not_found(name)
        return row

    async def _start(self, request: api.CreateInteractionRequest, call: Call) -> InteractionLog:
        """Check a request, store its interaction, and begin to generate."""
        stored = not request.HasField("store") or request.store
        if request.background and not stored:
            raise invalid_argument("store", "must be true with background")
        prompt = self._build_prompt(request, call)
        state = self._state
        interaction = api.Interaction(
            id=generate_id("", state.store.next_number()),
            status="queued" if request.background else "in_progress",
            created=format_time(state.clock),
            updated=format_time(state.clock),
        )
        copied = {name: value for field, value in request.ListFields() if (name := field.name) in _COPIED}
        interaction.MergeFrom(api.Interaction(**copied))
        if request.HasField("environment"):
            interaction.environment_id = self._find_environment(request, call)
        log, name = InteractionLog(interaction, state.clock), f"{KIND}/{interaction.id}"
        log.begin()
        if stored:
            extra = {"request": json_format.MessageToDict(request), "events": []}
            state.store.put(call.tenant, name, interaction, owner=call.caller, extra=json.dumps(extra))
            self._logs[call.tenant, name] = log
        if request.background:
            log.in_background = True
            state.spawn(self._run_in_background(log, prompt, call, delay=state.tuning_seconds))
            return log
        responses = self._generative.stream_generate_content(prompt, call)
        try:
            # Errors of the request come with the first response, and are errors of the call.
            first = await anext(responses)
        except StatusError:
            self._logs.pop((call.tenant, name), None)
            state.store.delete(call.tenant, name)
            raise
        state.spawn(self._run(log, responses, call, first))
        return log

    def _build_prompt(
        self, request: api.CreateInteractionRequest, call: Call
    ) -> v1beta.GenerateContentRequest:
        if request.HasField("model") is request.HasField("agent"):
            raise invalid_argument("model", "is required, or agent; not both")
        if not request.HasField("input"):
            raise invalid_argument("input", "is required")
        contents = build_contents(self._list_history(request, call), parse_input(request.input))
        if not contents:
            raise invalid_argument("input", "has no content")
        model, system = self._find_model(request, call)
        check_model(self._state, model, "model", call, "generateContent")
        return build_request(request, model, contents, system)

    def _find_model(self, request: api.CreateInteractionRequest, call: Call) -> tuple[str, str]:
        """Return the model that generates the output, and the instructions of the agent."""
        if request.HasField("model"):
            name = request.model
            return (name if "/" in name else f"models/{name}"), ""
        agent = request.agent.removeprefix("agents/")
        if agent.startswith(_KNOWN_AGENTS):
            if agent.startswith("deep-research-") and not request.background:
                raise invalid_argument("background", f"must be true with {agent}")
            return _AGENT_MODEL, ""
        row = self._state.store.get(call.tenant, f"agents/{agent}")
        if row is None:
            raise not_found(f"agents/{agent}")
        return _AGENT_MODEL, row.message(api.Agent).system_instruction

    def _find_environment(self, request: api.CreateInteractionRequest, call: Call) -> str:
        """Return the id of the environment that a request names, or describes."""
        tree: object = json_format.MessageToDict(request.environment)
        if isinstance(tree, str):
            asked = api.Environment(environment_id=tree)
        else:
            asked = parse_message(api.Environment, tree)
        if asked.environment_id:
            found = api.GetEnvironmentRequest(id=asked.environment_id)
            return self._environments.get_environment(found, call).id
        network = asked.network if asked.HasField("network") else None
        described = api.CreateEnvironmentRequest(network=network, sources=asked.sources)
        return self._environments.create_environment(described, call).id

    async def run(
        self, request: api.CreateInteractionRequest, call: Call, seconds: float, run: api.TriggerExecution
    ) -> str:
        """Run an interaction for a trigger until it ends or time is up; return how the run went.

        Raises:
            StatusError: The request is invalid.
        """
        log = await self._start(request, call)
        run.interaction_id = log.interaction.id
        if log.interaction.environment_id:
            run.environment_id = log.interaction.environment_id
        await log.sleep(seconds)
        if not log.ended.is_set():
            log.cancel()
            self._store_end(log, call)
            return "timed_out"
        return "failed" if log.interaction.status in {"cancelled", "failed"} else "completed"

    def _list_history(self, request: api.CreateInteractionRequest, call: Call) -> list[api.Step]:
        """Return the steps of the interactions that one continues, from the first."""
        turns: list[list[api.Step]] = []
        previous, field = request.previous_interaction_id, "previous_interaction_id"
        while previous:
            found = self._find(previous, call, field).message(api.Interaction)
            if (call.tenant, f"{KIND}/{previous}") in self._logs and found.status in RUNNING:
                raise failed_precondition(f"{KIND}/{previous}", "is in progress; wait for its end")
            turns.append([*parse_input(found.input), *found.steps])
            previous = found.previous_interaction_id
        return [step for turn in reversed(turns) for step in turn]

    async def _run_in_background(
        self, log: InteractionLog, prompt: v1beta.GenerateContentRequest, call: Call, delay: float
    ) -> None:
        """Run an interaction that waits first: half of the delay it is queued, half it is in progress."""
        await log.sleep(delay / 2)
        if log.ended.is_set():
            return
        log.set_status("in_progress")
        self._store(log, call)
        await log.sleep(delay / 2)
        await self._run(log, self._generative.stream_generate_content(prompt, call), call)

    async def _run(
        self,
        log: InteractionLog,
        responses: AsyncGenerator[v1beta.GenerateContentResponse, None],
        call: Call,
        first: v1beta.GenerateContentResponse | None = None,
    ) -> None:
        try:
            async with aclosing(responses):
                if first is not None:
                    log.add(first)
                async for response in responses:
                    if log.ended.is_set():
                        break
                    log.add(response)
            if not log.ended.is_set():
                log.complete()
        except StatusError as error:
            log.fail(error)
        except Exception as error:
            log.fail(StatusError(grpc.StatusCode.INTERNAL, f"the emulator failed: {error}"))
            raise
        finally:
            self._store_end(log, call)

    def _store(self, log: InteractionLog, call: Call) -> None:
        name = f"{KIND}/{log.interaction.id}"
        self._state.store.replace(call.tenant, name, log.interaction)

    def _store_end(self, log: InteractionLog, call: Call) -> None:
        """Store an interaction that has ended, unless it was not to be stored or is deleted."""
        key = (call.tenant, f"{KIND}/{log.interaction.id}")
        if self._logs.get(key) is log and log.ended.is_set():
            del self._logs[key]
            extra = json.dumps({"events": dump_events(log.events)})
            self._state.store.replace(*key, log.interaction, extra=extra)
            if log.in_background:
                kind = _EVENTS.get(log.interaction.status, "interaction.completed")
                config = log.interaction.webhook_config
                self._delivery.publish(call.tenant, kind, {"id": log.interaction.id}, config)


def _hide_input(interaction: api.Interaction) -> api.Interaction:
    """Return an interaction without its input, which is returned on request."""
    shown = api.Interaction()
    shown.CopyFrom(interaction)
    shown.ClearField("input")
    return shown
