"""TextService and DiscussService: the PaLM methods."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from typing import Any

import pytest
from emulator_calls import emulator

from gemwire_emulator.engines.canned import Reply
from gemwire_proto import v1beta

TEXT = "models/text-bison-001"
CHAT = "models/chat-bison-001"
GECKO = "models/embedding-gecko-001"
SAFETY: Any = v1beta.ContentFilter.BlockedReason.SAFETY
TOXIC: Any = v1beta.HarmCategory.Value("HARM_CATEGORY_TOXICITY")
HARASSMENT: Any = v1beta.HarmCategory.Value("HARM_CATEGORY_HARASSMENT")
MARKED = "say [[block:HARM_CATEGORY_TOXICITY]]"


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def message(content: str, author: str = "") -> dict[str, str]:
    return {"content": content, "author": author}


def test_texts_are_completed() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            fields: dict[str, Any] = {"model": TEXT, "prompt": {"text": "Once upon a time"}}
            [one] = (await call("GenerateText", **fields)).candidates
            assert one.output.startswith("Emulated answer to: Once upon a time")
            three = await call("GenerateText", **fields, candidate_count=3, max_output_tokens=5)
            assert len(three.candidates) == 3
            assert len({c.output for c in three.candidates}) >= 1
            assert all(len(c.output) < 40 for c in three.candidates)
            [cut] = (await call("GenerateText", **fields, stop_sequences=["upon"])).candidates
            assert cut.output == "Emulated answer to: Once "
            counted = await call("CountTextTokens", model=TEXT, prompt={"text": "Once upon a time"})
            assert counted.token_count == 4

    run(test())


def test_replies_may_be_canned() -> None:
    async def test() -> None:
        async with emulator(replies=[Reply("Yes.", match="sure", model="bison")]) as (_, call):
            [text] = (await call("GenerateText", model=TEXT, prompt={"text": "Are you sure?"})).candidates
            assert text.output == "Yes."
            prompt = {"messages": [message("Are you sure?")]}
            [reply] = (await call("GenerateMessage", model=CHAT, prompt=prompt)).candidates
            assert reply.content == "Yes."

    run(test())


def test_what_is_blocked_is_told_with_its_setting() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            prompt = {"text": MARKED}
            blocked = await call("GenerateText", model=TEXT, prompt=prompt)
            assert not blocked.candidates
            assert [f.reason for f in blocked.filters] == [SAFETY]
            [feedback] = blocked.safety_feedback
            assert (feedback.rating.category, feedback.rating.blocked) == (TOXIC, True)
            assert feedback.setting.category == TOXIC
            setting = {"category": TOXIC, "threshold": "BLOCK_ONLY_HIGH"}
            strict = await call("GenerateText", model=TEXT, prompt=prompt, safety_settings=[setting])
            assert strict.safety_feedback[0].setting == v1beta.SafetySetting(**setting)
            setting = {"category": TOXIC, "threshold": "BLOCK_NONE"}
            assert (
                await call("GenerateText", model=TEXT, prompt=prompt, safety_settings=[setting])
            ).candidates
            chat = await call("GenerateMessage", model=CHAT, prompt={"messages": [message(MARKED)]})
            assert not chat.candidates
            assert [f.reason for f in chat.filters] == [SAFETY]

    run(test())


def test_texts_are_embedded() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            one = (await call("EmbedText", model=GECKO, text="a red fox")).embedding.value
            assert math.isclose(sum(x * x for x in one), 1, rel_tol=1e-5)
            texts = await call("BatchEmbedText", model=GECKO, texts=["a red fox", "the sea"])
            assert list(texts.embeddings[0].value) == list(one)
            assert list(texts.embeddings[1].value) != list(one)
            requests = [{"model": GECKO, "text": "the sea"}, {"model": GECKO, "text": "a red fox"}]
            asked = await call("BatchEmbedText", model=GECKO, requests=requests)
            assert asked.embeddings[1] == texts.embeddings[0]

    run(test())


def test_conversations_are_continued() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            prompt: dict[str, Any] = {
                "context": "Speak like a pirate",
                "examples": [{"input": {"content": "hi"}, "output": {"content": "ahoy"}}],
                "messages": [message("Hello", "ann"), message("Hi", "bot"), message("How are you?", "ann")],
            }
            answer = await call("GenerateMessage", model=CHAT, prompt=prompt, candidate_count=2)
            assert [m.author for m in answer.candidates] == ["bot", "bot"]
            assert "answer to: How are you?" in answer.candidates[0].content
            assert "told to: Speak like a pirate" in answer.candidates[0].content
            assert [m.content for m in answer.messages] == ["Hello", "Hi", "How are you?"]
            counted = await call("CountMessageTokens", model=CHAT, prompt=prompt)
            assert counted.token_count == 4 + 1 + 1 + 1 + 1 + 4

    run(test())


def test_the_oldest_messages_are_dropped() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            running.state.engine.input_token_limit = 6
            prompt = {
                "context": "Be kind",
                "messages": [message("one two"), message("three"), message("4 5 6")],
            }
            answer = await call("GenerateMessage", model=CHAT, prompt=prompt)
            assert [m.content for m in answer.messages] == ["three", "4 5 6"]
            long = {"messages": [message("1 2 3 4 5 6 7")]}
            assert (await call.refused("GenerateMessage", model=CHAT, prompt=long)).fields == ["prompt"]
            text = {"text": "1 2 3 4 5 6 7"}
            assert (await call.refused("GenerateText", model=TEXT, prompt=text)).fields == ["prompt.text"]

    run(test())


@pytest.mark.parametrize(
    ("rpc", "fields", "field"),
    [
        ("GenerateText", {}, "model"),
        ("GenerateText", {"model": "bison"}, "model"),
        ("GenerateText", {"model": TEXT}, "prompt.text"),
        *(
            ("GenerateText", {"model": TEXT, "prompt": {"text": "x"}, name: value}, name)
            for name, value in (
                ("temperature", 1.5),
                ("temperature", -0.1),
                ("candidate_count", 0),
                ("candidate_count", 9),
                ("max_output_tokens", -1),
                ("top_p", 1.1),
                ("top_k", 0),
                ("stop_sequences", ["x"] * 6),
            )
        ),
        (
            "GenerateText",
            {"model": TEXT, "prompt": {"text": "x"}, "safety_settings": [{"category": HARASSMENT}]},
            "safety_settings[0].category",
        ),
        (
            "GenerateText",
            {"model": TEXT, "prompt": {"text": "x"}, "safety_settings": [{"category": TOXIC}] * 2},
            "safety_settings[1].category",
        ),
        ("EmbedText", {"model": GECKO}, "text"),
        ("EmbedText", {"model": "tunedModels/x", "text": "x"}, "model"),
        ("BatchEmbedText", {"model": GECKO}, "texts"),
        ("BatchEmbedText", {"model": GECKO, "texts": ["x"] * 101}, "texts"),
        ("BatchEmbedText", {"model": GECKO, "texts": ["x", ""]}, "texts[1]"),
        (
            "BatchEmbedText",
            {"model": GECKO, "texts": ["x"], "requests": [{"model": GECKO, "text": "x"}]},
            "requests",
        ),
        ("BatchEmbedText", {"model": GECKO, "requests": [{"model": TEXT, "text": "x"}]}, "requests[0].model"),
        ("CountTextTokens", {"model": TEXT}, "prompt.text"),
        ("GenerateMessage", {"model": CHAT}, "prompt.messages"),
        ("GenerateMessage", {"model": CHAT, "prompt": {"messages": [{}]}}, "prompt.messages[0].content"),
        (
            "GenerateMessage",
            {"model": CHAT, "prompt": {"messages": [message("x")], "examples": [{"input": message("x")}]}},
            "prompt.examples[0].output.content",
        ),
        (
            "GenerateMessage",
            {"model": CHAT, "prompt": {"messages": [message("x", "a"), message("y", "a")]}},
            "prompt.messages[1].author",
        ),
        (
            "GenerateMessage",
            {"model": CHAT, "prompt": {"messages": [message("x", a) for a in "abc"]}},
            "prompt.messages",
        ),
        ("GenerateMessage", {"model": CHAT, "prompt": {"messages": [message("x")]}, "top_p": 2}, "top_p"),
        ("CountMessageTokens", {"model": CHAT}, "prompt.messages"),
    ],
)
def test_bad_requests(rpc: str, fields: dict[str, Any], field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            refused = await call.refused(rpc, **fields)
            assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [field])

    run(test())


@pytest.mark.parametrize(
    ("rpc", "fields"),
    [
        ("GenerateText", {"prompt": {"text": "x"}}),
        ("EmbedText", {"text": "x"}),
        ("BatchEmbedText", {"texts": ["x"]}),
        ("CountTextTokens", {"prompt": {"text": "x"}}),
        ("GenerateMessage", {"prompt": {"messages": [message("x")]}}),
        ("CountMessageTokens", {"prompt": {"messages": [message("x")]}}),
    ],
)
def test_models_that_do_not_serve_the_method(rpc: str, fields: dict[str, Any]) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for model in ("models/none", "models/gemini-2.0-flash"):
                assert (await call.refused(rpc, model=model, **fields)).code == "NOT_FOUND"

    run(test())
