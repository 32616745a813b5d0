"""Vertex AI's cached contents: below a project and a location, and used by its models."""

from __future__ import annotations

from typing import Any

import pytest
from asynchronous import awaited
from emulator_calls import Caller, emulator

from gemwire_proto import aiplatform_v1

_PARENT = "projects/my-project/locations/us-central1"
_MODEL = f"{_PARENT}/publishers/google/models/gemini-2.5-flash"
_TURN = [{"role": "user", "parts": [{"text": "A long story."}]}]
_ASK = [{"role": "user", "parts": [{"text": "And then?"}]}]


async def _create(call: Caller, parent: str = _PARENT, **fields: Any) -> Any:
    cached = {"model": _MODEL.replace(_PARENT, parent), "contents": _TURN, **fields}
    return await call("aiplatform.CreateCachedContent", parent=parent, cached_content=cached)


@awaited
async def test_it_is_made_used_changed_listed_and_deleted() -> None:
    async with emulator() as (_, call):
        made = await _create(call, display_name="story", ttl={"seconds": 600})
        assert made.name.startswith(f"{_PARENT}/cachedContents/")
        assert (made.model, made.display_name) == (_MODEL, "story")
        assert made.usage_metadata.total_token_count == 4
        assert made.usage_metadata.text_count == len("A long story.")
        assert not made.contents
        assert await call("aiplatform.GetCachedContent", name=made.name) == made

        answer = await call(
            "aiplatform.GenerateContent", model=_MODEL, contents=_ASK, cached_content=made.name
        )
        assert answer.usage_metadata.cached_content_token_count == 4
        assert answer.usage_metadata.prompt_token_count == 7

        changed = await call(
            "aiplatform.UpdateCachedContent",
            cached_content={"name": made.name, "ttl": {"seconds": 7200}},
            update_mask={"paths": ["ttl"]},
        )
        assert changed.expire_time.seconds > made.expire_time.seconds
        page = await call("aiplatform.ListCachedContents", parent=_PARENT)
        assert isinstance(page, aiplatform_v1.ListCachedContentsResponse)
        assert list(page.cached_contents) == [changed]
        await call("aiplatform.DeleteCachedContent", name=made.name)
        refusal = await call.refused("aiplatform.GetCachedContent", name=made.name)
    assert refusal.code == "NOT_FOUND"
    assert refusal.message.startswith(f"{made.name} was not found")


@awaited
async def test_it_belongs_to_its_project_and_location() -> None:
    elsewhere = _PARENT.replace("us-central1", "europe-west4")
    async with emulator() as (_, call):
        made = await _create(call)
        for parent in (elsewhere, _PARENT.replace("my-project", "my-other-project")):
            assert not (await call("aiplatform.ListCachedContents", parent=parent)).cached_contents
            name = made.name.replace(_PARENT, parent)
            assert (await call.refused("aiplatform.GetCachedContent", name=name)).code == "NOT_FOUND"
        refusal = await call.refused(
            "aiplatform.GenerateContent",
            model=_MODEL.replace(_PARENT, elsewhere),
            contents=_ASK,
            cached_content=made.name,
        )
    assert refusal.fields == ["cached_content"]
    assert refusal.message == f"* cached_content: is in {_PARENT}, but the model is not"


@pytest.mark.parametrize(
    ("rpc", "fields", "field"),
    [
        ("CreateCachedContent", {"parent": "projects/my-project"}, "parent"),
        (
            "CreateCachedContent",
            {"parent": _PARENT, "cached_content": {"model": "m"}},
            "cached_content.model",
        ),
        (
            "CreateCachedContent",
            {"parent": f"{_PARENT[:-1]}2", "cached_content": {"model": _MODEL, "contents": _TURN}},
            "parent",
        ),
        (
            "CreateCachedContent",
            {
                "parent": "projects/my-project/locations/us-east1",
                "cached_content": {"model": _MODEL, "contents": _TURN},
            },
            "cached_content.model",
        ),
        ("GetCachedContent", {"name": "cachedContents/5"}, "name"),
        ("UpdateCachedContent", {"cached_content": {"name": "x"}}, "cached_content.name"),
        ("DeleteCachedContent", {"name": f"{_PARENT}/endpoints/5"}, "name"),
    ],
)
@awaited
async def test_what_is_refused(rpc: str, fields: dict[str, Any], field: str) -> None:
    async with emulator() as (_, call):
        refusal = await call.refused(f"aiplatform.{rpc}", **fields)
    assert (refusal.code, refusal.fields) == ("INVALID_ARGUMENT", [field])


@awaited
async def test_publishers_models_are_shown() -> None:
    name = "publishers/google/models/gemini-2.5-flash"
    async with emulator() as (_, call):
        model = await call("aiplatform.GetPublisherModel", name=name)
        assert await call("aiplatform.GetPublisherModel", name=f"{name}@001") == model
        for wrong in (f"{name}@9", "publishers/google/models/none", "publishers/meta/models/llama"):
            refusal = await call.refused("aiplatform.GetPublisherModel", name=wrong)
            assert (refusal.code, wrong in refusal.message) == ("NOT_FOUND", True)
    assert (model.name, model.version_id) == (name, "001")
    assert model.launch_stage == aiplatform_v1.PublisherModel.LaunchStage.GA
