"""Tokens that open live sessions in place of an API key, sync and async."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_grpc_server import Api

from gemwire import errors, genai
from gemwire.genai import types
from gemwire.testing import RunningEmulator, environment
from gemwire_proto.v1beta import AuthToken

LIVE = "gemini-live-2.5-flash-preview"
NOW = 1_800_000_000.0
TEXT: dict[str, Any] = {"response_modalities": ["TEXT"]}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0, frozen_at=NOW)
    yield made
    made.stop()


@pytest.fixture
def gemini(running: RunningEmulator) -> Iterator[RunningEmulator]:
    running.reset()
    with environment(running):
        yield running


async def talk(token: str, config: Any = TEXT) -> str:
    """Open a session with a token, and return the answer to a question."""
    async with (
        genai.Client(api_key=token).aio as client,
        client.live.connect(model=LIVE, config=config) as session,
    ):
        await session.send_client_content(turns="Hello")
        return "".join([message.text or "" async for message in session.receive()])


def test_a_token_opens_sessions(api: Api, gemini: RunningEmulator) -> None:
    token = api(api.genai().auth_tokens.create(config={"uses": 2}))
    assert type(token).__name__ == "AuthToken"
    assert token.name.startswith("auth_tokens/")
    assert token.name not in repr(genai.Client(api_key=token.name))
    for _ in range(2):
        assert "Emulated answer to: Hello" in asyncio.run(talk(token.name))
    with pytest.raises(errors.FailedPrecondition, match="The token was used 2 times") as refused:
        asyncio.run(talk(token.name))
    assert token.name not in str(refused.value)
    sessions = gemini.calls("BidiGenerateContent")
    assert {call.metadata["authorization"] for call in sessions} == {"…"}
    assert not any("x-goog-api-key" in call.metadata for call in sessions)


def test_what_a_token_locks(api: Api, gemini: RunningEmulator) -> None:
    create = api.genai().auth_tokens.create
    brief = {"model": LIVE, "config": {"system_instruction": "Be brief.", "response_modalities": ["TEXT"]}}
    loud = {"system_instruction": "Be loud.", "temperature": 1.5, **TEXT}

    def setup(config: dict[str, Any], **asked: Any) -> tuple[str, AuthToken]:
        token = api(create(config=config))
        answer = asyncio.run(talk(token.name, {**loud, **asked}))
        return answer, gemini.calls("CreateToken")[-1].request.auth_token

    # All of it, without a mask; only what is set, and what is named, with one.
    answer, sent = setup({"live_connect_constraints": brief})
    assert "(told to: Be brief.)" in answer
    assert not sent.field_mask.paths
    answer, sent = setup({"live_connect_constraints": brief, "lock_additional_fields": []})
    assert "(told to: Be brief.)" in answer
    assert list(sent.field_mask.paths) == [
        *("model", "generation_config.response_modalities", "system_instruction.parts"),
        "system_instruction.role",
    ]
    answer, sent = setup(
        {
            "live_connect_constraints": {"model": LIVE},
            "lock_additional_fields": ["system_instruction", "temperature"],
        }
    )
    assert "told to" not in answer
    assert list(sent.field_mask.paths) == [
        *("model", "system_instruction"),
        "generation_config.temperature",
    ]
    answer, sent = setup({"lock_additional_fields": ["temperature"]})
    assert "(told to: Be loud.)" in answer
    assert not sent.HasField("bidi_generate_content_setup")


def test_the_times_of_a_token(api: Api, gemini: RunningEmulator) -> None:
    create = api.genai().auth_tokens.create
    token = api(create(config={"uses": 0})).name
    gemini.advance(59)
    asyncio.run(talk(token))
    gemini.advance(1)
    with pytest.raises(errors.FailedPrecondition, match="new_session_expire_time has passed"):
        asyncio.run(talk(token))
    gemini.advance(30 * 60)
    with pytest.raises(errors.FailedPrecondition, match="The token has expired"):
        asyncio.run(talk(token))
    now = dt.datetime.fromtimestamp(NOW + 31 * 60, dt.timezone.utc)
    for name in ("expire_time", "new_session_expire_time"):
        for time in (now - dt.timedelta(seconds=1), now + dt.timedelta(hours=21)):
            with pytest.raises(errors.InvalidArgument, match=f"auth_token.{name}: must be in the future"):
                api(create(config={name: time}))


def test_a_session_ends_with_its_token(api: Api, gemini: RunningEmulator) -> None:
    token = api(api.genai().auth_tokens.create()).name

    async def test() -> None:
        async with (
            genai.Client(api_key=token).aio as client,
            client.live.connect(model=LIVE, config=types.LiveConnectConfig(**TEXT)) as session,
        ):
            gemini.advance(30 * 60)
            async for _ in session.receive():
                pass

    with pytest.raises(errors.FailedPrecondition, match="has expired, and with it the session"):
        asyncio.run(test())


def test_resuming_a_session_is_no_use(api: Api, gemini: RunningEmulator) -> None:
    constraints = {"model": LIVE, "config": {"session_resumption": {}, **TEXT}}
    token = api(api.genai().auth_tokens.create(config={"live_connect_constraints": constraints})).name

    async def test() -> None:
        handle = ""
        async with (
            genai.Client(api_key=token).aio as client,
            client.live.connect(model=LIVE, config=types.LiveConnectConfig(**TEXT)) as session,
        ):
            await session.send_client_content(turns="Hello")
            async for _ in session.receive():
                handle = session.session_id or handle
        assert handle
        assert await talk(token, {**TEXT, "session_resumption": {"handle": handle}})

    asyncio.run(test())


def test_a_token_makes_no_other_calls(api: Api, gemini: RunningEmulator) -> None:
    token = api(api.genai().auth_tokens.create()).name
    before = len(gemini.calls())
    client = api.genai(api_key=token)
    with pytest.raises(ValueError, match="api_key: is a token of live sessions, which makes no other calls"):
        api(client.models.generate_content(model="gemini-2.5-flash", contents="x"))
    with pytest.raises(ValueError, match="api_key: is a token of live sessions"):
        api(client.file_search_stores.create())
    assert len(gemini.calls()) == before


def test_what_is_refused_before_it_is_sent(api: Api, gemini: RunningEmulator) -> None:
    create = api.genai().auth_tokens.create
    with pytest.raises(ValueError, match=r"config.lock_additional_fields\[0\]: 'tempo' cannot be locked"):
        api(create(config={"lock_additional_fields": ["tempo"]}))
    with pytest.raises(ValueError, match=r"has no field 'use'"):
        api(create(config={"use": 1}))
    assert not gemini.calls()
    with pytest.raises(errors.InvalidArgument, match=r"auth_token\.uses: must not be negative"):
        api(create(config={"uses": -1}))
    with pytest.raises(errors.NotFound, match="models/none"):
        api(create(config={"live_connect_constraints": {"model": "none"}}))
