"""Cached content, sync and async."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from scripted_grpc_server import Api, Loopback

from gemwire import errors, v1beta
from gemwire.genai import types
from gemwire.testing import RunningEmulator

MODEL = "gemini-2.5-flash"


def test_cache_lifecycle(api: Api, gemini_emulator: RunningEmulator) -> None:
    resources = api.genai()
    caches = resources.caches
    config = types.CreateCachedContentConfig(
        contents=[types.Content(role="user", parts=[types.Part.from_text(text="A long text. " * 20)])],
        system_instruction="What is the sum?",
        display_name="test cache",
        ttl="3600s",
    )
    cache = api(caches.create(model=MODEL, config=config))
    assert isinstance(cache, types.CachedContent)
    assert (cache.model, cache.display_name) == (f"models/{MODEL}", "test cache")
    assert cache.name is not None
    assert cache.expire_time is not None
    assert cache.create_time is not None
    assert cache.expire_time - cache.create_time == pytest.approx(
        dt.timedelta(hours=1), abs=dt.timedelta(seconds=1)
    )
    assert cache.usage_metadata is not None
    assert cache.usage_metadata.total_token_count is not None
    assert cache.usage_metadata.total_token_count > 20
    assert api(caches.get(name=cache.name)) == cache
    assert api(caches.get(name=cache.name.removeprefix("cachedContents/"))) == cache
    answer = api(
        resources.models.generate_content(model=MODEL, contents="x", config={"cached_content": cache.name})
    )
    assert answer.usage_metadata.cached_content_token_count == cache.usage_metadata.total_token_count
    changed = api(caches.update(name=cache.name, config=types.UpdateCachedContentConfig(ttl="7200s")))
    assert changed.expire_time > cache.expire_time
    moment = dt.datetime(2100, 1, 1, tzinfo=dt.timezone.utc)
    assert api(caches.update(name=cache.name, config={"expire_time": moment})).expire_time == moment
    assert isinstance(api(caches.delete(name=cache.name)), types.DeleteCachedContentResponse)
    with pytest.raises(errors.ClientError) as caught:
        api(caches.get(name=cache.name))
    assert (caught.value.code, caught.value.status) == (403, "PERMISSION_DENIED")


def test_requests_that_are_sent(api: Api, server: Loopback) -> None:
    def weather(place: str) -> str:
        """The weather of a place."""
        return place

    config = types.CreateCachedContentConfig(
        contents=["a", types.ModelContent("b")],
        system_instruction=["s", "t"],
        tools=[weather],
        tool_config=types.ToolConfig(function_calling_config={"mode": "ANY"}),
        expire_time=dt.datetime(2100, 1, 1, tzinfo=dt.timezone.utc),
        display_name="d",
        http_options=types.HttpOptions(headers={"X-A": "b"}),
    )
    api(api.genai().caches.create(model="models/m", config=config))
    (call,) = server.journal
    sent = types.CachedContent.of(call.request.cached_content)
    assert sent.expire_time is not None
    assert (sent.model, sent.display_name, sent.expire_time.year) == ("models/m", "d", 2100)
    assert [
        (content.role, [part.text for part in content.parts or ()]) for content in sent.contents or ()
    ] == [
        ("user", ["a"]),
        ("model", ["b"]),
    ]
    assert sent.system_instruction is not None
    assert [part.text for part in sent.system_instruction.parts or ()] == ["s", "t"]
    assert sent.tools is not None
    assert sent.tools[0].function_declarations is not None
    assert sent.tools[0].function_declarations[0].name == "weather"
    assert sent.tool_config is not None
    assert sent.tool_config.function_calling_config is not None
    assert sent.tool_config.function_calling_config.mode == "ANY"
    assert call.values("x-a") == ["b"]


def test_update_mask_names_the_changed_fields(api: Api, server: Loopback) -> None:
    api(api.genai().caches.update(name="c", config={"ttl": "60s"}))
    request = server.journal[0].request
    assert (request.cached_content.name, request.cached_content.ttl.seconds) == ("cachedContents/c", 60)
    assert list(request.update_mask.paths) == ["ttl"]


def test_list_pages(api: Api, gemini_emulator: RunningEmulator) -> None:
    caches = api.genai().caches
    made = [
        api(caches.create(model=MODEL, config={"contents": "text", "display_name": f"{number}"}))
        for number in range(5)
    ]
    pager = api(caches.list(config=types.ListCachedContentsConfig(page_size=2)))
    assert (pager.page_size, pager.page) == (2, made[:2])
    assert api(pager.next_page()) == made[2:4]
    assert api.list(pager) == api.list(api(caches.list())) == made
    assert isinstance(pager[0], types.CachedContent)


@pytest.mark.parametrize(
    ("method", "arguments", "error", "says"),
    [
        ("create", {"model": ""}, ValueError, "model: '' is not the name of a model"),
        ("create", {"model": "m", "config": {"contents": []}}, ValueError, "config.contents are required"),
        (
            "create",
            {"model": "m", "config": {"contents": [3]}},
            TypeError,
            "config.contents[0]: expected a string, bytes, image, file, part or content, got int",
        ),
        ("create", {"model": "m", "config": {"ttl": "soon"}}, ValueError, "config.ttl: "),
        ("create", {"model": "m", "config": {"expire_time": []}}, TypeError, "config.expire_time: expected"),
        ("create", {"model": "m", "config": {"tool_config": 3}}, TypeError, "config.tool_config: expected"),
        (
            "create",
            {"model": "m", "config": {"ttl": "1s", "expire_time": "2100-01-01T00:00:00Z"}},
            ValueError,
            "config: ttl and expire_time are mutually exclusive",
        ),
        (
            "create",
            {"model": "m", "config": {"kms_key_name": "k"}},
            ValueError,
            "config.kms_key_name: parameter is only supported in Gemini Enterprise",
        ),
        ("create", {"model": "m", "config": {"tll": "1s"}}, ValueError, "has no field 'tll'; did you mean"),
        ("create", {"model": "m", "config": 3}, TypeError, "config: expected CreateCachedContentConfig or a"),
        ("update", {"name": "c"}, ValueError, "config: nothing to change; set ttl or expire_time"),
        ("update", {"name": "a b", "config": {"ttl": "1s"}}, ValueError, "name: 'a b' is not a name"),
        ("get", {"name": ""}, ValueError, "name: '' is not a name, such as 'cachedContents/abc-123'"),
        ("delete", {"name": 3}, TypeError, "name: expected a name, got int"),
        (
            "list",
            {"config": {"size": 2}},
            ValueError,
            "config has no field 'size'; did you mean 'page",
        ),
    ],
)
def test_invalid_arguments_are_refused(
    api: Api, server: Loopback, method: str, arguments: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as caught:
        api(getattr(api.genai().caches, method)(**arguments))
    assert says in str(caught.value)
    assert not server.journal


def test_arguments_are_not_modified(api: Api, server: Loopback) -> None:
    config = types.CreateCachedContentConfig(contents=["a", ["b"]], tools=[{"google_search": {}}], ttl="1s")
    before = repr(config)
    server.on("CreateCachedContent", v1beta.CachedContent(name="cachedContents/c"))
    assert api(api.genai().caches.create(model="m", config=config)).name == "cachedContents/c"
    assert repr(config) == before
