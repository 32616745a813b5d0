"""Sharing of tuned models and corpora between callers, who are known by their keys."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import Caller, emulator

from gemwire_emulator.flags import parse_callers
from gemwire_proto import v1beta

ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
CALLERS = {"a": [ANN], "b": [BOB, "team@example.com"]}
MODEL = "tunedModels/m"


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


async def tune(running: Any, call: Caller, key: str = "a", text: str = "in") -> None:
    model = v1beta.TunedModel(display_name=f"{key}'s", base_model="models/gemini-1.5-flash-001-tuning")
    model.tuning_task.training_data.examples.examples.add(text_input=text, output="out")
    made = await call("CreateTunedModel", tuned_model=model, tuned_model_id="m", key=key)
    running.state.clock.advance(5)
    await call("WaitOperation", name=made.name, key=key)


async def grant(call: Caller, parent: str = MODEL, key: str = "a", **permission: str) -> Any:
    return await call("CreatePermission", parent=parent, permission=v1beta.Permission(**permission), key=key)


async def found(call: Caller, text: str, key: str) -> list[str]:
    return [one.display_name for one in (await call("ListTunedModels", filter=text, key=key)).tuned_models]


def test_what_everyone_may_read() -> None:
    async def test() -> None:
        async with emulator(callers=CALLERS) as (running, call):
            await tune(running, call)
            assert (await call.refused("GetTunedModel", name=MODEL, key="c")).code == "NOT_FOUND"
            await grant(call, grantee_type="EVERYONE", role="READER")
            assert (await call("GetTunedModel", name=MODEL, key="c")).display_name == "a's"
            assert await found(call, "readers:everyone", "c") == ["a's"]
            assert await found(call, "", "c") == []
            contents = [{"role": "user", "parts": [{"text": "in"}]}]
            answer = await call("GenerateContent", model=MODEL, contents=contents, key="c")
            assert answer.candidates[0].content.parts[0].text == "out"
            change = {"name": MODEL, "display_name": "Mine"}
            for rpc, request in (
                ("UpdateTunedModel", {"tuned_model": change, "update_mask": {"paths": ["display_name"]}}),
                ("DeleteTunedModel", {"name": MODEL}),
                ("CreatePermission", {"parent": MODEL, "permission": {"grantee_type": "EVERYONE"}}),
            ):
                assert (await call.refused(rpc, **request, key="c")).code == "PERMISSION_DENIED"

    run(test())


@pytest.mark.parametrize(
    ("grantee", "address"), [("USER", BOB), ("USER", BOB.upper()), ("GROUP", "team@example.com")]
)
def test_users_and_groups(grantee: str, address: str) -> None:
    async def test() -> None:
        async with emulator(callers=CALLERS) as (running, call):
            await tune(running, call)
            given = await grant(call, grantee_type=grantee, email_address=address, role="WRITER")
            change = {"name": MODEL, "display_name": "Ours"}
            mask = {"paths": ["display_name"]}
            await call("UpdateTunedModel", tuned_model=change, update_mask=mask, key="b")
            for text in ("", "writers:me", "readers:me", f"writers:{address}"):
                assert await found(call, text, "b") == ["Ours"], text
            assert await found(call, "owner:me", "b") == []
            assert (await call("GetTunedModel", name=MODEL, key="a")).display_name == "Ours"
            assert (await call.refused("DeleteTunedModel", name=MODEL, key="b")).code == "PERMISSION_DENIED"
            assert (await call.refused("GetTunedModel", name=MODEL, key="c")).code == "NOT_FOUND"
            await call("DeletePermission", name=given.name, key="b")
            assert (await call.refused("GetTunedModel", name=MODEL, key="b")).code == "NOT_FOUND"

    run(test())


def test_a_new_owner_can_delete() -> None:
    async def test() -> None:
        async with emulator(callers=CALLERS) as (running, call):
            await tune(running, call)
            await call("TransferOwnership", name=MODEL, email_address=BOB, key="a")
            assert (await call.refused("DeleteTunedModel", name=MODEL, key="a")).code == "PERMISSION_DENIED"
            assert await found(call, "owner:me", "b") == ["a's"]
            await call("DeleteTunedModel", name=MODEL, key="b")
            assert (await call.refused("GetTunedModel", name=MODEL, key="a")).code == "NOT_FOUND"

    run(test())


def test_ones_own_comes_first() -> None:
    async def test() -> None:
        async with emulator(callers=CALLERS) as (running, call):
            await tune(running, call)
            await grant(call, grantee_type="EVERYONE", role="READER")
            await tune(running, call, "b")
            assert (await call("GetTunedModel", name=MODEL, key="b")).display_name == "b's"
            assert await found(call, "readers:everyone", "b") == ["a's"]
            await call("DeleteTunedModel", name=MODEL, key="b")
            assert (await call("GetTunedModel", name=MODEL, key="b")).display_name == "a's"

    run(test())


def test_tuning_goes_on_from_a_shared_model() -> None:
    async def test() -> None:
        async with emulator(callers=CALLERS) as (running, call):
            await tune(running, call)
            await grant(call, grantee_type="USER", email_address=BOB, role="READER")
            model = v1beta.TunedModel(tuned_model_source={"tuned_model": MODEL})
            model.tuning_task.training_data.examples.examples.add(text_input="x", output="y")
            await call("CreateTunedModel", tuned_model=model, tuned_model_id="n", key="b")
            assert (await call("GetTunedModel", name="tunedModels/n", key="b")).state
            assert (await call.refused("GetTunedModel", name="tunedModels/n", key="a")).code == "NOT_FOUND"

    run(test())


def test_quotas_are_the_callers() -> None:
    async def test() -> None:
        async with emulator(callers=CALLERS) as (running, call):
            await tune(running, call)
            await grant(call, grantee_type="EVERYONE", role="READER")
            running.admission.quota = type(running.admission.quota)(requests_per_minute=1)
            await call("GetTunedModel", name=MODEL, key="b")
            await call("GetTunedModel", name=MODEL, key="c")
            assert (await call.refused("GetTunedModel", name=MODEL, key="b")).code == "RESOURCE_EXHAUSTED"
            await call("GetTunedModel", name=MODEL, key="a")

    run(test())


def test_corpora() -> None:
    async def test() -> None:
        async with emulator(callers=CALLERS) as (_, call):
            name = (await call("CreateCorpus", corpus={"display_name": "Notes"}, key="a")).name
            assert (await call.refused("GetCorpus", name=name, key="b")).code == "NOT_FOUND"
            given = await grant(call, name, grantee_type="USER", email_address=BOB, role="READER")
            assert (await call("GetCorpus", name=name, key="b")).display_name == "Notes"
            assert not (await call("ListDocuments", parent=name, key="b")).documents
            document = {"display_name": "One"}
            made = await call.refused("CreateDocument", parent=name, document=document, key="b")
            assert made.code == "PERMISSION_DENIED"
            mask = {"paths": ["role"]}
            change = {"name": given.name, "role": "WRITER"}
            await call("UpdatePermission", permission=change, update_mask=mask, key="a")
            one = await call("CreateDocument", parent=name, document=document, key="b")
            assert (await call("GetDocument", name=one.name, key="a")).display_name == "One"
            assert (await call.refused("DeleteCorpus", name=name, key="b")).code == "PERMISSION_DENIED"

    run(test())


def test_addresses_on_the_command_line() -> None:
    assert parse_callers(["a=ann@x.org", "b=bob@x.org, team@x.org"]) == {
        "a": ("ann@x.org",),
        "b": ("bob@x.org", "team@x.org"),
    }
    for text in ("a", "a=", "=ann@x.org", "a=ann", "a=ann@x.org,"):
        with pytest.raises(ValueError, match=r"--caller: .* is not of the form KEY=ADDRESS"):
            parse_callers([text])
    with pytest.raises(ValueError, match="the key 'a' is given twice"):
        parse_callers(["a=ann@x.org", "a=bob@x.org"])
