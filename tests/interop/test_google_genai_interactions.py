"""Interactions by google-genai's own client and by ours, against identical emulators, with equal outcomes."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from typing import Any

import pytest

google_genai = pytest.importorskip("google.genai", reason="google-genai 3 needs Python 3.11")

from gemwire import genai  # noqa: E402
from gemwire.testing import emulator  # noqa: E402

MODEL = "gemini-2.5-flash"
TIDE = {
    "type": "function",
    "name": "tide",
    "description": "Height of the tide in a port",
    "parameters": {"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]},
}

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")


def run(make: Callable[[str], Any], program: Callable[[Any], Any]) -> Any:
    """Return what a program returns with a client, on an emulator in its first state."""
    with (
        emulator(http_port=0, frozen_at=1_800_000_000.0) as running,
        make(running.http) as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)
        return program(client)


def compare(program: Callable[[Any], Any]) -> Any:
    """Return what a program returns with either client, which must be the same."""
    theirs = run(lambda url: google_genai.Client(api_key="a-key", http_options={"base_url": url}), program)
    ours = run(lambda url: genai.Client(api_key="a-key"), program)
    assert ours == theirs
    return ours


def test_create_continue_and_get() -> None:
    def program(client: Any) -> Any:
        first = client.interactions.create(model=MODEL, input="It is Heron.", system_instruction="Brief.")
        second = client.interactions.create(
            model=MODEL,
            input=[{"type": "text", "text": "Its name?"}],
            previous_interaction_id=first.id,
            generation_config={"temperature": 0.2, "max_output_tokens": 5},
        )
        got = client.interactions.get(second.id, include_input=True)
        return [
            (one.id, one.status, one.output_text, one.usage.total_tokens, [step.type for step in one.steps])
            for one in (first, second, got)
        ]

    outcome = compare(program)
    assert [status for _, status, *_ in outcome] == ["completed", "incomplete", "incomplete"]


def test_events() -> None:
    def program(client: Any) -> Any:
        events = list(client.interactions.create(model=MODEL, input="Tell me.", stream=True))
        identity = events[0].interaction.id
        rest = list(client.interactions.get(identity, stream=True, last_event_id=events[3].event_id))
        return [(event.event_type, event.event_id) for event in events + rest], [
            event.delta.text for event in events if event.event_type == "step.delta"
        ]

    kinds, texts = compare(program)
    assert kinds[0] == ("interaction.created", "1")
    assert len(texts) > 3


def test_functions() -> None:
    def program(client: Any) -> Any:
        asked = client.interactions.create(
            model=MODEL, input="How high in Dover?", tools=[TIDE], generation_config={"tool_choice": "any"}
        )
        [call] = asked.steps
        result = {"type": "function_result", "call_id": call.id, "name": call.name, "result": "2 m"}
        told = client.interactions.create(
            model=MODEL, input=[result], tools=[TIDE], previous_interaction_id=asked.id
        )
        return asked.status, call.name, dict(call.arguments), told.status, told.output_text

    assert compare(program)[0] == "requires_action"


def test_background_cancel_and_delete() -> None:
    def program(client: Any) -> Any:
        made = client.interactions.create(model=MODEL, input="Think.", background=True)
        cancelled = client.interactions.cancel(made.id)
        client.interactions.delete(made.id)
        with pytest.raises(Exception, match="was not found"):
            client.interactions.get(made.id)
        return made.status, cancelled.status, "not found"

    assert compare(program) == ("queued", "cancelled", "not found")


def test_typed_classes_of_google() -> None:
    from google.genai import interactions as types

    def program(client: Any) -> Any:
        step = types.UserInputStep(content=[types.TextContent(text="Hello.")])
        made = client.interactions.create(
            model=MODEL,
            input=[step],
            tools=[types.Function(name="tide", description="Height", parameters=TIDE["parameters"])],
            generation_config=types.GenerationConfig(max_output_tokens=9),
        )
        return made.status, made.output_text

    compare(program)


def test_asyncio() -> None:
    async def program(client: Any) -> Any:
        made = await client.interactions.create(model=MODEL, input="Hello.")
        stream = await client.interactions.create(model=MODEL, input="Tell me.", stream=True)
        return made.output_text, [event.event_type async for event in stream]

    def outcome(client: Any) -> Any:
        async def main() -> Any:
            async with client.aio as aio:
                return await program(aio)

        return asyncio.run(main())

    compare(outcome)


def test_webhooks() -> None:
    def program(client: Any) -> Any:
        resource, events = client.webhooks, ["batch.succeeded"]
        made = resource.create(uri="http://127.0.0.1:1/", subscribed_events=events, name="mine")
        got, listed = resource.get(made.id), resource.list(page_size=5)
        changed = resource.update(made.id, state="disabled")
        secret = resource.rotate_signing_secret(
            made.id, revocation_behavior="revoke_previous_secrets_immediately"
        ).secret
        with pytest.raises(Exception, match="did not accept"):
            resource.ping(made.id)
        resource.delete(made.id)
        return (
            (made.id, made.uri, made.subscribed_events, made.state, made.new_signing_secret[:6], secret[:6]),
            (got.name, got.create_time, got.new_signing_secret, changed.state),
            ([webhook.id for webhook in listed.webhooks], listed.next_page_token, resource.list().webhooks),
        )

    assert compare(program)[0][3] == "enabled"


def test_agents_and_environments() -> None:
    def program(client: Any) -> Any:
        agent = client.agents.create(
            id="pilot", system_instruction="Be terse.", tools=[{"type": "google_search"}], description="d"
        )
        told = client.interactions.create(agent="pilot", input="Where?")
        source = {"type": "inline", "content": "abc", "target": "notes/a.txt"}
        environment = client.environments.create(sources=[source], network="disabled")
        files = client.environments.files.list(environment=environment.id, path="notes").files
        top = client.environments.files.list(environment=environment.id, path="/").files
        client.environments.delete(environment.id)
        client.agents.delete("pilot")
        return (
            (agent.id, agent.description, agent.tools[0].type, told.agent, told.output_text),
            (environment.status, environment.file_count, environment.size_bytes, environment.network),
            [(file.path, file.type, file.size_bytes, file.mime_type) for file in (*files, *top)],
            (client.agents.list().agents, client.environments.list().environments),
        )

    assert compare(program)[1] == ("active", 1, 3, "disabled")


def test_triggers() -> None:
    def program(client: Any) -> Any:
        client.agents.create(id="pilot")
        made = client.triggers.create(
            interaction={"agent": "pilot", "input": "Look."},
            schedule="0 9 * * *",
            time_zone="Europe/Berlin",
            display_name="watch",
        )
        run = client.triggers.run(made.id)
        paused = client.triggers.update(made.id, status="paused")
        runs = client.triggers.list_executions(made.id).trigger_executions
        client.triggers.delete(made.id)
        return (
            (made.id, made.status, made.next_run_time, made.interaction.agent, run.status, paused.status),
            [one.id == run.id for one in runs],
        )

    assert compare(program)[1] == [True]


def test_credentials_decisions_and_voices() -> None:
    def program(client: Any) -> Any:
        made = client.credentials.create(type="bearer_token", id="hub", token="hidden")
        changed = client.credentials.update("hub", type="bearer_token", token="other")
        listed = [one.id for one in client.credentials.list().credentials]
        client.credentials.delete("hub")
        question = {"type": "noul", "instructions": "Is it about water?"}
        answer = client.decisions.create(model=MODEL, input="The sea.", questions={"wet": question})
        bright = client.voices.list(type_=["prebuilt"], search="bright").voices
        voice = client.voices.create(voice={"type": "prompted", "prompted": {"input": "A captain."}})
        same = client.voices.get(voice.id)
        client.voices.delete(voice.id)
        return (
            (made.id, made.type, made.status, made.create_time, changed.status, listed),
            (answer.answers["wet"].noul, answer.answers["wet"].confidence, answer.usage.total_tokens),
            ([one.display_name for one in bright], voice.id, same.prompted.input, voice.expire_time),
        )

    assert compare(program)[2][0] == ["Zephyr", "Autonoe"]
