"""Webhooks, agents, environments, triggers, credentials, decisions and voices, sync and asyncio."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eventually import comes
from scripted_grpc_server import Api
from webhook_receiver import WebhookReceiver

from gemwire.genai import agents, credentials, decisions, environments, errors, triggers, voices, webhooks
from gemwire.testing import RunningEmulator, environment

MODEL = "gemini-2.5-flash"
NOW = datetime.datetime(2027, 1, 15, 8, tzinfo=datetime.timezone.utc)


def is_a(value: object, kind: type) -> bool:
    """Whether it is one, without telling the type checker."""
    return isinstance(value, kind)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0, frozen_at=1_800_000_000.0)
    yield made
    made.stop()


@pytest.fixture
def gemini(running: RunningEmulator) -> Iterator[RunningEmulator]:
    """An emulator with a frozen clock."""
    running.reset()
    with environment(running):
        yield running


@pytest.fixture
def client(api: Api, gemini: RunningEmulator) -> Any:
    return api.genai()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    made = WebhookReceiver()
    yield made
    made.stop()


# Webhooks ----------------------------------------------------------------------------------------


def test_webhooks(api: Api, client: Any) -> None:
    resource = client.webhooks
    made = api(resource.create(uri="http://127.0.0.1:1/", subscribed_events=["batch.failed"], name="mine"))
    assert is_a(made, webhooks.Webhook)
    assert (made.state, made.name, made.create_time) == ("enabled", "mine", NOW)
    assert made.new_signing_secret.startswith("whsec_")
    got = api(resource.get(made.id))
    assert got.new_signing_secret is None
    assert made.new_signing_secret.startswith(got.signing_secrets[0].truncated_secret.removesuffix("..."))
    api(resource.create(uri="https://example.com/", subscribed_events=["video.generated"]))
    first = api(resource.list(page_size=1))
    rest = api(resource.list(page_token=first.next_page_token))
    assert [len(page.webhooks) for page in (first, rest)] == [1, 1]
    assert rest.next_page_token is None
    changed = api(resource.update(made.id, state="disabled", uri="http://localhost/x"))
    assert (changed.state, changed.uri, changed.name) == ("disabled", "http://localhost/x", "mine")
    assert api(resource.update(made.id, name="a", state="enabled", update_mask="state")).name == "mine"
    assert api(resource.delete(made.id)) == webhooks.WebhookDeleteResponse()
    with pytest.raises(errors.ClientError, match="was not found"):
        api(resource.get(made.id))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"uri": "http://127.0.0.1/"}, "subscribed_events: is required"),
        ({"uri": "ftp://a", "subscribed_events": ["batch.failed"]}, "uri: 'ftp://a' is not an address"),
        ({"uri": "http://a", "subscribed_events": ["a.b"]}, r"subscribed_events\[0\]: 'a.b' is not one of"),
        ({"uri": "http://a", "subscribed_events": ["batch.failed"], "urn": 1}, "urn"),
    ],
)
def test_webhooks_that_are_refused(api: Api, client: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises((errors.ClientError, ValueError), match=words):
        api(client.webhooks.create(**arguments))


def test_events_are_delivered_and_signed(
    api: Api, client: Any, gemini: RunningEmulator, receiver: WebhookReceiver
) -> None:
    kinds = ["interaction.completed", "interaction.cancelled"]
    made = api(client.webhooks.create(uri=receiver.uri, subscribed_events=kinds))
    api(client.webhooks.create(uri="http://192.0.2.1/", subscribed_events=kinds))
    assert api(client.webhooks.ping(made.id)) == webhooks.WebhookPingResponse()
    assert receiver.read()["type"] == "webhook.ping"
    assert receiver.is_signed(made.new_signing_secret)
    assert not receiver.is_signed("whsec_AAAA")
    thought = api(client.interactions.create(model=MODEL, input="Think.", background=True))
    gemini.advance(1)
    assert comes(lambda: api(client.interactions.get(thought.id)).status == "in_progress")
    gemini.advance(1)
    assert comes(lambda: len(receiver.events) == 2)
    event = receiver.read()
    assert (event["type"], event["data"]) == ("interaction.completed", {"id": thought.id})
    new = api(client.webhooks.rotate_signing_secret(made.id)).secret
    api(client.webhooks.ping(made.id))
    assert receiver.is_signed(new)
    assert receiver.is_signed(made.new_signing_secret)
    gemini.advance(86_400)
    api(client.webhooks.ping(made.id))
    assert not receiver.is_signed(made.new_signing_secret)
    newest = api(
        client.webhooks.rotate_signing_secret(
            made.id, revocation_behavior="revoke_previous_secrets_immediately"
        )
    ).secret
    api(client.webhooks.ping(made.id))
    assert receiver.is_signed(newest)
    assert not receiver.is_signed(new)


def deliver_again(gemini: RunningEmulator, receiver: WebhookReceiver, delay: float, before: int) -> bool:
    """Advance the clock until another event has come."""
    if len(receiver.events) == before:
        gemini.advance(delay)
    return len(receiver.events) > before


def test_receivers_that_refuse(
    api: Api, client: Any, gemini: RunningEmulator, receiver: WebhookReceiver
) -> None:
    made = api(client.webhooks.create(uri=receiver.uri, subscribed_events=["interaction.cancelled"]))
    receiver.statuses = [500]
    with pytest.raises(errors.ClientError, match="did not accept the event"):
        api(client.webhooks.ping(made.id))
    receiver.statuses = [500] * 5
    thought = api(client.interactions.create(model=MODEL, input="Think.", background=True))
    api(client.interactions.cancel(thought.id))
    assert comes(lambda: len(receiver.events) == 2)
    for delay in (1, 2, 4, 8):
        before = len(receiver.events)
        assert comes(partial(deliver_again, gemini, receiver, delay, before))
    assert len(receiver.events) == 6
    assert len({headers["webhook-id"] for headers, _ in receiver.events[1:]}) == 1
    assert comes(lambda: api(client.webhooks.get(made.id)).state == "disabled_due_to_failed_deliveries")


def test_other_machines_get_nothing(api: Api, client: Any) -> None:
    made = api(client.webhooks.create(uri="https://example.com/", subscribed_events=["batch.failed"]))
    with pytest.raises(errors.ClientError, match="delivers to this one only"):
        api(client.webhooks.ping(made.id))


def test_addresses_of_one_interaction(
    api: Api, client: Any, gemini: RunningEmulator, receiver: WebhookReceiver
) -> None:
    api(client.webhooks.create(uri=receiver.uri, subscribed_events=["interaction.cancelled"]))
    config = {"uris": [receiver.uri], "user_metadata": {"job": "7"}}
    made = api(client.interactions.create(model=MODEL, input="a", background=True, webhook_config=config))
    api(client.interactions.cancel(made.id))
    assert comes(lambda: receiver.events)
    assert receiver.read()["data"] == {"id": made.id, "user_metadata": {"job": "7"}}
    assert len(receiver.events) == 1


# Agents and environments -------------------------------------------------------------------------


def test_agents(api: Api, client: Any) -> None:
    resource = client.agents
    made = api(
        resource.create(
            id="pilot",
            base_agent="antigravity-preview-05-2026",
            system_instruction="Be terse.",
            tools=[{"type": "google_search"}],
        )
    )
    assert is_a(made, agents.Agent)
    assert (made.id, made.tools[0].type) == ("pilot", "google_search")
    assert api(resource.get("pilot")) == api(resource.get("agents/pilot")) == made
    assert [agent.id for agent in api(resource.list()).agents] == ["pilot"]
    told = api(client.interactions.create(agent="pilot", input="Where?"))
    assert (told.agent, told.status) == ("pilot", "completed")
    assert "Be terse." in told.output_text
    with pytest.raises(errors.ClientError, match="already exists"):
        api(resource.create(id="pilot"))
    api(resource.delete("pilot"))
    with pytest.raises(errors.ClientError, match="agents/pilot was not found"):
        api(client.interactions.create(agent="pilot", input="Where?"))


def test_agents_that_need_the_background(api: Api, client: Any, gemini: RunningEmulator) -> None:
    agent = "deep-research-preview-04-2026"
    with pytest.raises(errors.ClientError, match="background: must be true with deep-research"):
        api(client.interactions.create(agent=agent, input="Why?"))
    made = api(
        client.interactions.create(
            agent=agent, input="Why?", background=True, agent_config={"type": "deep-research"}
        )
    )
    assert (made.status, made.agent_config.type) == ("queued", "deep-research")


def test_environments(api: Api, client: Any) -> None:
    resource = client.environments
    sources = [
        {"type": "inline", "content": "abc", "target": "/notes/a.txt"},
        {"type": "inline", "content": "AAEC", "encoding": "base64", "target": "b.bin"},
        {"type": "repository", "source": "https://example.com/r"},
    ]
    made = api(resource.create(sources=sources, network="disabled"))
    assert is_a(made, environments.Environment)
    assert (made.status, made.file_count, made.size_bytes, made.network) == ("active", 2, 6, "disabled")
    shown = api(resource.files.list(environment=made.id, path="/")).files
    assert [(file.path, file.type, file.size_bytes) for file in shown] == [
        ("b.bin", "file", 3),
        ("notes", "directory", None),
    ]
    deep = api(resource.files.list(environment=made.id, path="/", recursive=True, page_size=1))
    assert ([file.path for file in deep.files], deep.next_page_token) == (["b.bin"], "1")
    [file] = api(resource.files.list(environment=made.id, path="notes")).files
    assert (file.name, file.mime_type) == ("a.txt", "text/plain")
    with pytest.raises(errors.ClientError, match=r"files/none was not found"):
        api(resource.files.list(environment=made.id, path="none"))
    copied = api(resource.create(from_environment=made.id))
    assert copied.file_count == 2
    assert [one.id for one in api(resource.list()).environments] == [made.id, copied.id]
    worked = api(
        client.interactions.create(agent="antigravity-preview-09-2026", input="a", environment=made.id)
    )
    assert worked.environment_id == made.id
    fresh = api(
        client.interactions.create(
            agent="antigravity-preview-09-2026",
            input="a",
            environment={"type": "remote", "sources": sources[:1]},
        )
    )
    assert api(resource.get(fresh.environment_id)).file_count == 1
    api(resource.delete(made.id))
    with pytest.raises(errors.ClientError, match="was not found"):
        api(resource.get(made.id))


# Triggers ----------------------------------------------------------------------------------------


def test_triggers(api: Api, client: Any, gemini: RunningEmulator) -> None:
    resource = client.triggers
    api(client.agents.create(id="pilot"))
    made = api(
        resource.create(
            interaction={"agent": "pilot", "input": ["Look out."]},
            schedule="0 9 * * *",
            time_zone="Europe/Berlin",
            display_name="watch",
        )
    )
    assert is_a(made, triggers.Trigger)
    assert (made.status, made.interaction.agent) == ("active", "pilot")
    # Nine in Berlin is eight in UTC, which it is now: the next one is tomorrow.
    assert made.next_run_time == NOW + datetime.timedelta(days=1)
    gemini.advance(86_400)
    assert comes(lambda: api(resource.list_executions(made.id)).trigger_executions)
    gemini.advance(1)
    gemini.advance(1)

    def completed() -> Any:
        gemini.advance(1)
        [run] = api(resource.list_executions(made.id)).trigger_executions
        return run.status == "completed" and run

    assert comes(completed)
    [run] = api(resource.list_executions(made.id)).trigger_executions
    assert run.scheduled_time == made.next_run_time
    assert "Look out." in api(client.interactions.get(run.interaction_id)).output_text
    after = api(resource.get(made.id))
    assert after.next_run_time == NOW + datetime.timedelta(days=2)
    assert (after.consecutive_failure_count, after.previous_interaction_id) == (0, run.interaction_id)
    paused = api(resource.update(made.id, status="paused", display_name="night watch"))
    assert (paused.status, paused.next_run_time, paused.display_name) == ("paused", None, "night watch")
    assert api(resource.run(made.id)).status == "in_progress"
    assert len(api(resource.list_executions(made.id, page_size=1)).trigger_executions) == 1
    assert api(resource.update(made.id, status="active")).next_run_time == after.next_run_time
    assert [one.id for one in api(resource.list()).triggers] == [made.id]
    api(resource.delete(made.id))
    with pytest.raises(errors.ClientError, match="was not found"):
        api(resource.list_executions(made.id))


def test_triggers_that_fail(api: Api, client: Any) -> None:
    made = api(
        client.triggers.create(
            interaction={"agent": "nobody", "input": "a"},
            schedule="* * * * *",
            time_zone="UTC",
            max_consecutive_failures=1,
        )
    )
    api(client.triggers.run(made.id))
    assert comes(lambda: api(client.triggers.get(made.id)).status == "paused")
    [run] = api(client.triggers.list_executions(made.id)).trigger_executions
    assert run.status == "failed"
    assert "agents/nobody was not found" in run.error


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schedule": "soon"}, "schedule: 'soon' is not a schedule of cron"),
        ({"time_zone": "Mars/Olympus"}, "time_zone: 'Mars/Olympus' is not a time zone"),
        ({"interaction": {"model": MODEL, "input": "a"}}, "interaction.agent: is required"),
        ({"schedule": None}, "schedule: is required"),
    ],
)
def test_triggers_that_are_refused(api: Api, client: Any, change: dict[str, Any], words: str) -> None:
    given = {"interaction": {"agent": "a", "input": "a"}, "schedule": "* * * * *", "time_zone": "UTC"}
    with pytest.raises((errors.ClientError, ValueError), match=words):
        api(client.triggers.create(**{**given, **change}))


# Credentials, decisions and voices ---------------------------------------------------------------


def test_credentials(api: Api, client: Any) -> None:
    resource = client.credentials
    made = api(resource.create(type="bearer_token", id="hub", token="hidden-token"))
    assert is_a(made, credentials.Credential)
    assert (made.id, made.type, made.status) == ("hub", "bearer_token", "active")
    assert api(resource.create(type_="environment_variable", id="e", value="a", injection_location="header"))
    assert [one.id for one in api(resource.list()).credentials] == ["hub", "e"]
    assert "hidden" not in repr(api(resource.get("hub")))
    assert api(resource.update("hub", type="bearer_token", token="other-token")).status == "active"
    for arguments, words in (
        ({"type": "bearer_token", "id": "a"}, "token: is required for bearer_token"),
        ({"type": "bearer_token", "id": "a", "token": "t", "value": "v"}, "value: does not belong"),
        ({"type": "none", "id": "a"}, "type: 'none' is not one of"),
        ({"id": "a", "token": "t"}, "type: is required"),
    ):
        with pytest.raises((errors.ClientError, ValueError), match=words):
            api(resource.create(**arguments))
    with pytest.raises(errors.ClientError, match="type: is bearer_token and cannot be changed"):
        api(resource.update("hub", type="oauth2", client_id="a"))
    api(resource.delete("hub"))
    with pytest.raises(errors.ClientError, match="was not found"):
        api(resource.get("hub"))


def test_secrets_are_in_no_journal_and_no_recording(
    api: Api, gemini: RunningEmulator, tmp_path: Path
) -> None:
    recording = {"client_mode": "record", "replays_directory": str(tmp_path), "replay_id": "secrets"}
    client = api.genai(debug_config=recording)
    api(client.credentials.create(type="bearer_token", id="hub", token="hidden-token"))
    secret = api(
        client.webhooks.create(uri="http://127.0.0.1:1/", subscribed_events=["batch.failed"])
    ).new_signing_secret
    api(client.close())
    [path] = tmp_path.iterdir()
    recorded = path.read_text(encoding="utf-8")
    journal = "".join(f"{call.requests} {call.responses}" for call in gemini.calls())
    for text in (recorded, journal):
        assert "REDACTED" in text
        assert "hidden-token" not in text
        assert secret not in text


def test_decisions(api: Api, client: Any) -> None:
    criteria = {"sea": "oceans, water and waves", "road": "cars, engines and roads"}
    answer = api(
        client.decisions.create(
            model=MODEL,
            input="The sea is deep, and its waves are high.",
            questions={
                "topic": decisions.ChoiceQuestion(instructions="What is it about?", criteria=criteria),
                "wet": decisions.NoulQuestion(instructions="Is it about water?"),
                "depth": {"type": "score", "instructions": "How deep?", "criteria": ["shallow", "deep sea"]},
            },
        )
    )
    topic, wet, depth = (answer.answers[name] for name in ("topic", "wet", "depth"))
    assert is_a(topic, decisions.ChoiceAnswer)
    assert (topic.choice, topic.confidence) == ("sea", topic.probabilities["sea"])
    assert sum(topic.probabilities.values()) == pytest.approx(1)
    assert 0.01 <= wet.noul <= 0.99
    assert wet.confidence == max(wet.noul, 1 - wet.noul)
    assert depth.score == pytest.approx(depth.probabilities["1"])
    assert depth.legend == {"0": "shallow", "1": "deep sea"}
    assert answer.usage.total_input_tokens > 0
    with pytest.raises(errors.ClientError, match=r"questions\[q\].criteria: must be an object with two"):
        api(
            client.decisions.create(
                model=MODEL, input="a", questions={"q": {"type": "choice", "instructions": "a"}}
            )
        )
    with pytest.raises(ValueError, match="questions: is required"):
        api(client.decisions.create(model=MODEL, input="a"))


def test_voices(api: Api, client: Any) -> None:
    resource = client.voices
    bright = api(resource.list(type=["prebuilt"], search="bright")).voices
    assert [voice.id for voice in bright] == ["Zephyr", "Autonoe"]
    made = api(resource.create(voice={"type": "prompted", "prompted": {"input": "A captain."}}))
    assert is_a(made, voices.Voice)
    assert made.expire_time > NOW
    assert api(resource.get(made.id)) == made
    audio = {"data": "AAEC", "mime_type": "audio/wav"}
    copied = {"type": "replicated", "replicated": {"source_audio": audio, "consent_audio": audio}}
    kept = api(resource.create(voice=copied, store=False))
    assert (kept.id, bool(kept.key), kept.replicated) == (None, True, None)
    assert [voice.id for voice in api(resource.list(type=["prompted", "replicated"])).voices] == [made.id]
    with pytest.raises(errors.ClientError, match=r"source_audio\.data: is required"):
        api(resource.create(voice={"type": "replicated"}))
    assert api(resource.delete(made.id)) == voices.VoiceDeleteResponse()
    with pytest.raises(errors.ClientError, match="is prebuilt"):
        api(resource.delete("Zephyr"))
