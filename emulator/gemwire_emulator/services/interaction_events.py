"""Interactions as they go on: the events, and the interaction that they add up to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import TypeAlias

from google.protobuf import json_format

from gemwire_emulator.clock import Clock
from gemwire_emulator.errors import StatusError
from gemwire_proto import interactions as api
from gemwire_proto import v1beta

_Event: TypeAlias = api.InteractionSSEEvent
#: Statuses of interactions that have not ended.
RUNNING = frozenset({"queued", "in_progress"})


class InteractionLog:
    """An interaction and its events, which readers follow until it has ended.

    Attributes:
        interaction: The interaction as far as it is.
        events: The events so far; the id of each is its number.
        failure: The error that ended it, if one did.
        ended: Set when no event follows.
        in_background: Whether the caller does not wait, so that webhooks learn of the end.
    """

    def __init__(self, interaction: api.Interaction, clock: Clock) -> None:
        """Begin an interaction."""
        self.interaction = interaction
        self.events: list[_Event] = []
        self.failure: StatusError | None = None
        self.ended = asyncio.Event()
        self.in_background = False
        self._clock = clock
        self._changed = asyncio.Event()
        self._open: api.Step | None = None

    def begin(self) -> None:
        """Add the first event."""
        self._add(_Event(event_type="interaction.created", interaction=self._summarize()))

    def set_status(self, status: str) -> None:
        """Change the status."""
        self.interaction.status = status
        self._touch()
        event = _Event(event_type="interaction.status_update", interaction_id=self.interaction.id)
        event.status = status
        self._add(event)

    def add(self, response: v1beta.GenerateContentResponse) -> None:
        """Add what an engine has generated."""
        usage = response.usage_metadata
        self.interaction.usage.CopyFrom(
            api.Usage(
                total_input_tokens=usage.prompt_token_count,
                total_output_tokens=usage.candidates_token_count,
                total_cached_tokens=usage.cached_content_token_count,
                total_thought_tokens=0,
                total_tool_use_tokens=0,
                total_tokens=usage.total_token_count,
                input_tokens_by_modality=[{"modality": "text", "tokens": usage.prompt_token_count}],
            )
        )
        for candidate in response.candidates[:1]:
            for part in candidate.content.parts:
                self._add_part(part)
            if candidate.finish_reason == v1beta.Candidate.FinishReason.MAX_TOKENS:
                self.interaction.status = "incomplete"
        if response.prompt_feedback.block_reason:
            reason = v1beta.GenerateContentResponse.PromptFeedback.BlockReason.Name(
                response.prompt_feedback.block_reason
            )
            self.interaction.errors.add(code=reason.lower(), message="The input was blocked.")
            self.interaction.status = "failed"

    def _add_part(self, part: v1beta.Part) -> None:
        if part.WhichOneof("data") == "function_call":
            self._add_call(part.function_call)
        elif part.thought:
            step = self._continue("thought")
            content = api.Content(type="text", text=part.text)
            if step.summary:
                step.summary[0].text += part.text
            else:
                step.summary.append(content)
            self._add_delta(api.StepDeltaData(type="thought_summary", content=content))
        elif part.text:
            step = self._continue("model_output")
            if step.content:
                step.content[0].text += part.text
            else:
                step.content.add(type="text", text=part.text)
            self._add_delta(api.StepDeltaData(type="text", text=part.text))

    def _add_call(self, call: v1beta.FunctionCall) -> None:
        self._stop()
        identity = call.id or f"call_{self.interaction.id.rpartition('-')[2]}_{len(self.interaction.steps)}"
        empty = api.Step(type="function_call", id=identity, name=call.name, arguments={})
        step = self._start(empty)
        step.arguments.CopyFrom(call.args)
        text = json.dumps(json_format.MessageToDict(call.args), ensure_ascii=False)
        delta = api.StepDeltaData(type="arguments_delta")
        delta.arguments.string_value = text
        self._add_delta(delta)
        self._stop()

    def _continue(self, kind: str) -> api.Step:
        """Return the open step; a step of another kind is ended first."""
        if self._open is None or self._open.type != kind:
            self._stop()
            return self._start(api.Step(type=kind))
        return self._open

    def _start(self, step: api.Step) -> api.Step:
        added = self._open = self.interaction.steps.add()
        added.CopyFrom(step)
        self._add(_Event(event_type="step.start", index=len(self.interaction.steps) - 1, step=step))
        return added

    def _add_delta(self, delta: api.StepDeltaData) -> None:
        self._add(_Event(event_type="step.delta", index=len(self.interaction.steps) - 1, delta=delta))

    def _stop(self) -> None:
        if self._open is not None:
            self._open = None
            self._add(_Event(event_type="step.stop", index=len(self.interaction.steps) - 1))

    def complete(self) -> None:
        """End the interaction, as what it has come to."""
        self._stop()
        if self.interaction.status in RUNNING:
            calls = any(step.type == "function_call" for step in self.interaction.steps)
            self.interaction.status = "requires_action" if calls else "completed"
        self._end()

    def cancel(self) -> None:
        """End the interaction at the wish of the caller."""
        self._stop()
        self.interaction.status = "cancelled"
        self._end()

    def fail(self, error: StatusError) -> None:
        """End the interaction with an error."""
        self._stop()
        self.failure = error
        self.interaction.status = "failed"
        found = api.Error(code=error.code.name.lower(), message=error.message)
        self.interaction.errors.append(found)
        self._add(_Event(event_type="error", error=found))
        self._end()

    def _end(self) -> None:
        self._touch()
        self._add(_Event(event_type="interaction.completed", interaction=self._summarize()))
        self.ended.set()

    def _touch(self) -> None:
        self.interaction.updated = format_time(self._clock)

    def _summarize(self) -> api.Interaction:
        """Return the interaction as events show it."""
        whole = self.interaction
        made = api.Interaction(id=whole.id, status=whole.status, created=whole.created, updated=whole.updated)
        for name in ("agent", "model", "usage"):
            if whole.HasField(name):
                value = getattr(whole, name)
                made.usage.CopyFrom(value) if name == "usage" else setattr(made, name, value)
        return made

    def _add(self, event: _Event) -> None:
        event.event_id = str(len(self.events) + 1)
        self.events.append(event)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def follow(self, after: int) -> AsyncGenerator[_Event, None]:
        """Yield the events after a number, until the interaction has ended."""
        while True:
            changed = self._changed
            for event in self.events[after:]:
                yield event
                after += 1
            if self.ended.is_set() and after >= len(self.events):
                return
            if changed is self._changed:
                await changed.wait()

    async def sleep(self, seconds: float) -> None:
        """Wait by the clock, or until the interaction has ended."""
        tasks = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self.ended.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


def format_time(clock: Clock) -> str:
    """Return the time in the form of interactions."""
    return clock.datetime().strftime("%Y-%m-%dT%H:%M:%SZ")


def dump_events(events: Sequence[_Event]) -> list[dict[str, object]]:
    """Return events as JSON, to be stored."""
    return [json_format.MessageToDict(event) for event in events]


def load_events(trees: Sequence[dict[str, object]]) -> list[_Event]:
    """Return stored events."""
    return [json_format.ParseDict(tree, _Event()) for tree in trees]
