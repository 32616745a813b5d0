"""CacheService: what is kept, for how long, and how prompts use it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import Caller, emulator

from gemwire_proto import v1beta

NOW = 1_800_000_000.25
MODEL = "models/gemini-2.5-flash"
STORY = [{"role": "user", "parts": [{"text": "Once upon a time there was a fox."}]}]
QUESTION = [{"role": "user", "parts": [{"text": "Who was there?"}]}]


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


async def create(call: Caller, **fields: Any) -> Any:
    return await call("CreateCachedContent", cached_content={"model": MODEL, "contents": STORY, **fields})


def ends(cached: Any) -> float:
    return float(cached.expire_time.ToMicroseconds()) / 1e6


def test_an_entry_lives_for_an_hour_by_default() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            cached = await create(call, name="cachedContents/chosen", display_name="Story")
            assert cached.name.startswith("cachedContents/")
            assert cached.name != "cachedContents/chosen"
            assert (cached.model, cached.display_name) == (MODEL, "Story")
            assert cached.create_time.ToMicroseconds() == cached.update_time.ToMicroseconds() == NOW * 1e6
            assert ends(cached) == NOW + 3600
            assert await call("GetCachedContent", name=cached.name) == cached
            running.state.clock.advance(3599.5)
            await call("GetCachedContent", name=cached.name)
            await call("GenerateContent", model=MODEL, contents=QUESTION, cached_content=cached.name)
            running.state.clock.advance(0.5)
            for rpc in ("GetCachedContent", "DeleteCachedContent"):
                assert (await call.refused(rpc, name=cached.name)).code == "PERMISSION_DENIED"
            change = {"name": cached.name, "ttl": {"seconds": 9}}
            assert (
                await call.refused("UpdateCachedContent", cached_content=change)
            ).code == "PERMISSION_DENIED"
            assert not (await call("ListCachedContents")).cached_contents
            refusal = await call.refused(
                "GenerateContent", model=MODEL, contents=QUESTION, cached_content=cached.name
            )
            told = (refusal.code, refusal.message)
            assert told == ("PERMISSION_DENIED", "CachedContent not found (or permission denied)")

    run(test())


def test_what_was_stored_is_counted_and_not_shown() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            fields = {
                "system_instruction": {"parts": [{"text": "Be brief."}]},
                "tools": [{"function_declarations": [{"name": "find", "description": "Finds a thing."}]}],
                "tool_config": {"function_calling_config": {"mode": "NONE"}},
            }
            plain, cached = await create(call), await create(call, **fields)
            assert plain.usage_metadata.total_token_count > 0
            assert cached.usage_metadata.total_token_count > plain.usage_metadata.total_token_count
            update = {"name": cached.name, "ttl": {"seconds": 60}}
            shown = [
                cached,
                await call("GetCachedContent", name=cached.name),
                (await call("ListCachedContents")).cached_contents[1],
                await call("UpdateCachedContent", cached_content=update),
            ]
            for one in shown:
                assert one.name == cached.name
                assert not one.contents
                assert not one.tools
                assert not one.HasField("system_instruction")
                assert not one.HasField("tool_config")
            # It is all still there after the update.
            answer = await call("GenerateContent", model=MODEL, contents=QUESTION, cached_content=cached.name)
            usage = answer.usage_metadata
            assert usage.cached_content_token_count == cached.usage_metadata.total_token_count
            assert usage.prompt_token_count > usage.cached_content_token_count
            assert "Be brief." in answer.candidates[0].content.parts[0].text
            refusal = await call.refused(
                "GenerateContent",
                model="models/gemini-2.5-pro",
                contents=QUESTION,
                cached_content=cached.name,
            )
            assert refusal.fields == ["model"]

    run(test())


def test_expirations_are_spans_or_moments() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            by_span = await create(call, ttl={"seconds": 5, "nanos": 500_000_000})
            assert ends(by_span) == NOW + 5.5
            assert by_span.WhichOneof("expiration") == "expire_time"
            moment = {"seconds": int(NOW) + 90}
            assert ends(await create(call, expire_time=moment)) == int(NOW) + 90
            running.state.clock.advance(2)
            ttl = {"name": by_span.name, "ttl": {"seconds": 10}, "display_name": "ignored"}
            for mask in ([], ["ttl"], ["*"]):
                renewed = await call("UpdateCachedContent", cached_content=ttl, update_mask={"paths": mask})
                assert ends(renewed) == NOW + 12
                assert renewed.display_name == ""
                assert renewed.update_time.ToMicroseconds() == (NOW + 2) * 1e6
                assert renewed.create_time == by_span.create_time
            at = {"name": by_span.name, "expire_time": moment}
            renewed = await call(
                "UpdateCachedContent", cached_content=at, update_mask={"paths": ["expire_time"]}
            )
            assert ends(renewed) == int(NOW) + 90

    run(test())


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"model": ""}, "INVALID_ARGUMENT", "cached_content.model"),
        ({"model": "gemini-2.5-flash"}, "INVALID_ARGUMENT", "cached_content.model"),
        ({"model": "models/none"}, "NOT_FOUND", None),
        ({"model": "models/aqa"}, "INVALID_ARGUMENT", "cached_content.model"),
        ({"contents": []}, "INVALID_ARGUMENT", "cached_content.contents"),
        ({"contents": [{"role": "user"}]}, "INVALID_ARGUMENT", "cached_content.contents[0].parts"),
        (
            {"contents": [{"role": "x", "parts": [{"text": "x"}]}]},
            "INVALID_ARGUMENT",
            "cached_content.contents[0].role",
        ),
        (
            {"contents": [{"parts": [{"text": "x " * 1_048_577}]}]},
            "INVALID_ARGUMENT",
            "cached_content.contents",
        ),
        (
            {"system_instruction": {"parts": [{"inline_data": {"mime_type": "image/png"}}]}},
            "INVALID_ARGUMENT",
            "cached_content.system_instruction.parts",
        ),
        ({"display_name": "x" * 129}, "INVALID_ARGUMENT", "cached_content.display_name"),
        ({"ttl": {}}, "INVALID_ARGUMENT", "cached_content.ttl"),
        ({"ttl": {"seconds": -1}}, "INVALID_ARGUMENT", "cached_content.ttl"),
        ({"ttl": {"seconds": 2**62}}, "INVALID_ARGUMENT", "cached_content.ttl"),
        ({"expire_time": {"seconds": int(NOW)}}, "INVALID_ARGUMENT", "cached_content.expire_time"),
        ({"expire_time": {"seconds": 2**62}}, "INVALID_ARGUMENT", "cached_content.expire_time"),
    ],
)
def test_bad_entries_are_refused(fields: dict[str, Any], code: str, field: str | None) -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (_, call):
            wanted = {"model": MODEL, "contents": STORY, **fields}
            refusal = await call.refused("CreateCachedContent", cached_content=wanted)
            assert (refusal.code, refusal.fields) == (code, [field] if field else [])
            assert not (await call("ListCachedContents")).cached_contents

    run(test())


@pytest.mark.parametrize(
    ("fields", "mask", "field"),
    [
        ({}, [], "cached_content.ttl"),
        ({"name": "x", "ttl": {"seconds": 1}}, ["ttl"], "cached_content.name"),
        ({"name": "", "ttl": {"seconds": 1}}, ["ttl"], "cached_content.name"),
        ({"ttl": {"seconds": 1}}, ["display_name"], "update_mask"),
        ({"ttl": {"seconds": 1}}, ["ttl", "contents"], "update_mask"),
        ({"ttl": {"seconds": 1}}, ["nothing"], "update_mask"),
        ({"ttl": {"seconds": 1}}, ["expire_time"], "cached_content.expire_time"),
        ({"expire_time": {"seconds": int(NOW) + 9}}, ["ttl"], "cached_content.ttl"),
        ({"ttl": {"seconds": 0}}, ["ttl"], "cached_content.ttl"),
        ({"expire_time": {"seconds": 9}}, [], "cached_content.expire_time"),
    ],
)
def test_bad_updates_are_refused(fields: dict[str, Any], mask: list[str], field: str) -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (_, call):
            cached = await create(call)
            refusal = await call.refused(
                "UpdateCachedContent",
                cached_content={"name": cached.name, **fields},
                update_mask={"paths": mask},
            )
            assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", [field])
            assert await call("GetCachedContent", name=cached.name) == cached

    run(test())


def test_requests_without_an_entry_are_refused() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for rpc in ("CreateCachedContent", "UpdateCachedContent"):
                assert (await call.refused(rpc)).fields == ["cached_content"]
            for rpc in ("GetCachedContent", "DeleteCachedContent"):
                assert (await call.refused(rpc)).fields == ["name"]
                assert (await call.refused(rpc, name="files/x")).fields == ["name"]
                assert (await call.refused(rpc, name="cachedContents/x")).code == "PERMISSION_DENIED"
            refusal = await call.refused(
                "GenerateContent", model=MODEL, contents=QUESTION, cached_content="x"
            )
            assert refusal.fields == ["cached_content"]

    run(test())


def test_lists_come_in_pages_without_the_expired() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            made = [await create(call, ttl={"seconds": 10 if i % 2 else 1000}) for i in range(6)]
            page = await call("ListCachedContents", page_size=2)
            assert [c.name for c in page.cached_contents] == [c.name for c in made[:2]]
            running.state.clock.advance(10)
            page = await call("ListCachedContents", page_size=2, page_token=page.next_page_token)
            assert [c.name for c in page.cached_contents] == [made[2].name, made[4].name]
            assert page.next_page_token == ""
            assert (await call.refused("ListCachedContents", page_size=-1)).fields == ["page_size"]
            assert (await call.refused("ListCachedContents", page_token="x")).fields == ["page_token"]
            await call("DeleteCachedContent", name=made[0].name)
            assert len((await call("ListCachedContents")).cached_contents) == 2
            assert not (await call("ListCachedContents", key="other")).cached_contents

    run(test())


def test_entries_survive_a_restart(tmp_path: Any) -> None:
    async def test() -> None:
        state = tmp_path / "state.db"
        async with emulator(state=state) as (_, call):
            cached = await create(call)
        async with emulator(state=state) as (_, call):
            assert await call("GetCachedContent", name=cached.name) == cached
            prompt = v1beta.GenerateContentRequest(model=MODEL, contents=QUESTION, cached_content=cached.name)
            await call("GenerateContent", prompt)

    run(test())
