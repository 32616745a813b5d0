"""Chats: requests and recorded history, sync and async."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from typing import Any

import pytest
from scripted_grpc_server import Api, Fail, Loopback, in_thread

from gemwire import errors, genai, v1beta
from gemwire.genai import types
from gemwire.testing import RunningEmulator

MODEL = "gemini-2.5-flash"


def piece(*texts: str, finish: int = 0, **parts: Any) -> Any:
    """Build a response, or a chunk of one."""
    content = {"role": "model", "parts": [{"text": text} for text in texts] + [parts] * bool(parts)}
    return v1beta.GenerateContentResponse(candidates=[{"content": content, "finish_reason": finish}])


def to_turns(contents: Any) -> list[tuple[str, list[str]]]:
    return [(content.role, [part.text for part in content.parts or ()]) for content in contents]


def both(chat: Any) -> tuple[list[Any], list[Any]]:
    return to_turns(chat.get_history()), to_turns(chat.get_history(curated=True))


def send(chat_api: Api, chat: Any, message: Any, streamed: bool, **more: Any) -> Any:
    """Send a message and read the whole response."""
    if not streamed:
        return [chat_api(chat.send_message(message, **more))]
    return chat_api.list(chat_api(chat.send_message_stream(message, **more)))


@pytest.fixture(params=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "streamed")


def script_responses(server: Loopback, streamed: bool, *script: Any) -> None:
    server.on("StreamGenerateContent" if streamed else "GenerateContent", *script)


# What is remembered ----------------------------------------------------------------------------------


def test_messages_build_on_each_other(api: Api, gemini_emulator: RunningEmulator, streamed: bool) -> None:
    chat = api.genai().chats.create(model=MODEL)
    first = "".join(chunk.text for chunk in send(api, chat, "Hello", streamed))
    second = "".join(chunk.text for chunk in send(api, chat, ["Go", "on"], streamed))
    wanted = [("user", ["Hello"]), ("model", [first]), ("user", ["Go", "on"]), ("model", [second])]
    assert both(chat) == (wanted, wanted)
    assert all(isinstance(content, types.Content) for content in chat.get_history())
    request = gemini_emulator.calls("GenerateContent")[-1].request
    assert to_turns(request.contents) == wanted[:3]


def test_parts_of_a_unary_response_are_not_merged(api: Api, server: Loopback) -> None:
    script_responses(server, False, piece("a", "b", finish=1))
    chat = api.genai().chats.create(model=MODEL)
    api(chat.send_message("x"))
    assert both(chat)[0] == [("user", ["x"]), ("model", ["a", "b"])]


def test_streamed_texts_are_merged_in_the_history(api: Api, server: Loopback) -> None:
    call = {"name": "f", "args": {}}
    server.on(
        "StreamGenerateContent",
        [piece("a"), piece("b"), piece(function_call=call), piece("c"), piece("", finish=1)],
    )
    chat = api.genai().chats.create(model=MODEL)
    assert len(send(api, chat, "x", True)) == 5
    _, answer = chat.get_history(curated=True)
    assert [part.to_dict() for part in answer.parts] == [
        {"text": "ab"},
        {"function_call": call},
        {"text": "c"},
    ]


INVALID: dict[str, list[Any]] = {
    "nothing at all": [v1beta.GenerateContentResponse()],
    "no content": [v1beta.GenerateContentResponse(candidates=[{"finish_reason": 3}])],
    "no parts": [piece(finish=1)],
    "an empty part": [
        v1beta.GenerateContentResponse(candidates=[{"content": {"parts": [{}]}, "finish_reason": 1}])
    ],
}


@pytest.mark.parametrize("pieces", INVALID.values(), ids=INVALID.keys())
def test_turns_without_a_valid_response_are_not_sent_again(
    api: Api, server: Loopback, pieces: list[Any], streamed: bool
) -> None:
    script_responses(server, streamed, [*pieces], piece("fine", finish=1))
    chat = api.genai().chats.create(model=MODEL)
    send(api, chat, "x", streamed)
    comprehensive, curated = both(chat)
    assert [role for role, _ in comprehensive] == ["user", "model"]
    assert curated == []
    send(api, chat, "y", streamed)
    assert to_turns(server.journal[-1].request.contents) == [("user", ["y"])]
    assert to_turns(chat.get_history())[2:] == both(chat)[1] == [("user", ["y"]), ("model", ["fine"])]


@pytest.mark.parametrize(
    ("pieces", "valid"),
    [
        ([piece("a"), piece("b", finish=1)], True),
        ([piece("a"), piece("b")], False),
        ([piece("a"), piece(finish=1)], False),
        ([piece("a"), v1beta.GenerateContentResponse(), piece("b", finish=1)], False),
        ([piece("", finish=1)], True),
    ],
)
def test_stream_is_valid_if_all_of_it_is(api: Api, server: Loopback, pieces: list[Any], valid: bool) -> None:
    server.on("StreamGenerateContent", pieces)
    chat = api.genai().chats.create(model=MODEL)
    send(api, chat, "x", True)
    comprehensive, curated = both(chat)
    assert len(comprehensive) == 2
    assert curated == (comprehensive if valid else [])


def test_unary_response_needs_no_finish_reason(api: Api, server: Loopback) -> None:
    script_responses(server, False, piece("a"))
    chat = api.genai().chats.create(model=MODEL)
    api(chat.send_message("x"))
    assert len(chat.get_history(curated=True)) == 2


# What leaves it as it was ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script", [[Fail("INTERNAL")], [piece("a"), Fail("INTERNAL")]], ids=["first", "later"]
)
def test_failed_streams_are_not_recorded(api: Api, server: Loopback, script: list[Any]) -> None:
    server.on("StreamGenerateContent", script, [piece("fine", finish=1)])
    chat = api.genai().chats.create(model=MODEL, history=[types.UserContent("h")])
    before = both(chat)
    try:
        send(api, chat, "x", True)
    except errors.APIError:
        # As programs do: once more, where the error is caught.
        assert both(chat) == before
        send(api, chat, "x", True)
    assert len(server.journal) == 2
    assert both(chat)[1] == [("user", ["h"]), ("user", ["x"]), ("model", ["fine"])]


def test_failed_calls_are_not_recorded(api: Api, server: Loopback) -> None:
    server.on("GenerateContent", Fail("INTERNAL"), piece("fine", finish=1))
    chat = api.genai().chats.create(model=MODEL)
    try:
        api(chat.send_message("x"))
    except errors.APIError:
        assert both(chat) == ([], [])
        api(chat.send_message("x"))
    assert len(chat.get_history()) == 2


def test_abandoned_streams_are_not_recorded(api: Api, server: Loopback) -> None:
    server.on(
        "StreamGenerateContent", [piece("a"), piece("b"), 10, piece("c", finish=1)], [piece("d", finish=1)]
    )
    chat = api.genai().chats.create(model=MODEL)
    stream = api(chat.send_message_stream("x"))
    if api.is_async:

        async def leave() -> None:
            async for _ in stream:
                break
            # At once, before the loop could tidy up.
            async for _ in await chat.send_message_stream("y"):
                pass

        api(leave())
    else:
        for _ in stream:
            break
        send(api, chat, "y", True)
    assert both(chat)[0] == [("user", ["y"]), ("model", ["d"])]
    assert server.idle()


def test_unread_stream_does_not_block_the_chat(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", [piece("a"), 10], [piece("d", finish=1)])
    chat = api.genai().chats.create(model=MODEL)
    api(chat.send_message_stream("x"))
    gc.collect()
    send(api, chat, "y", True)
    assert both(chat)[0] == [("user", ["y"]), ("model", ["d"])]


def test_cancelled_stream_does_not_block_the_chat(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", [piece("a"), 10], [piece("d", finish=1)])
    chat = api.genai().chats.create(model=MODEL)
    stream = api(chat.send_message_stream("x"))
    assert stream.cancel()
    send(api, chat, "y", True)
    assert both(chat)[0] == [("user", ["y"]), ("model", ["d"])]
    with pytest.raises(errors.Cancelled):
        api.list(stream)
    assert len(chat.get_history()) == 2


def test_final_response_is_recorded(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", [piece("a"), piece("b", finish=1)])
    chat = api.genai().chats.create(model=MODEL)
    response = api(api(chat.send_message_stream("x")).get_final_response())
    assert response.text == "ab"
    assert both(chat)[1] == [("user", ["x"]), ("model", ["ab"])]


# One at a time ---------------------------------------------------------------------------------------


def test_concurrent_streams_are_refused(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", [piece("a"), piece("b", finish=1)])
    chat = api.genai().chats.create(model=MODEL)
    stream = api(chat.send_message_stream("x"))
    refusal = "the response to another message of this chat is not complete"
    for method in (chat.send_message, chat.send_message_stream):
        with pytest.raises(RuntimeError, match=refusal):
            api(method("y"))
    api.list(stream)
    send(api, chat, "z", True)
    assert [role for role, _ in both(chat)[1]] == ["user", "model"] * 2
    assert len(server.journal) == 2


def test_concurrent_messages_are_refused(server: Loopback) -> None:
    server.on("GenerateContent", [0.5, piece("a", finish=1)])

    async def at_once() -> list[Any]:
        resources = genai.Client(api_key="k").aio
        chat = resources.chats.create(model=MODEL)
        results = await asyncio.gather(chat.send_message("x"), chat.send_message("y"), return_exceptions=True)
        await resources.close()
        return list(results)

    one, other = asyncio.run(at_once())
    assert one.text == "a"
    assert isinstance(other, RuntimeError)


def test_concurrent_threads_are_refused(server: Loopback) -> None:
    server.on("GenerateContent", [0.5, piece("a", finish=1)])
    with genai.Client(api_key="k") as client:
        chat = client.chats.create(model=MODEL)
        with in_thread(chat.send_message, "x") as outcome:
            assert server.busy()
            with pytest.raises(RuntimeError, match="is not complete"):
                chat.send_message("y")
        assert outcome[0].text == "a"
        assert len(chat.get_history()) == 2


def test_chats_are_independent(api: Api, server: Loopback) -> None:
    server.on("StreamGenerateContent", [piece("a"), piece("b", finish=1)])
    chats = api.genai().chats
    one, other = chats.create(model=MODEL), chats.create(model=MODEL)
    stream = api(one.send_message_stream("x"))
    send(api, other, "y", True)
    api.list(stream)
    assert (to_turns(one.get_history())[0], to_turns(other.get_history())[0]) == (
        ("user", ["x"]),
        ("user", ["y"]),
    )


# Config ----------------------------------------------------------------------------------------------


def test_config_of_a_message_replaces_the_chats(api: Api, server: Loopback, streamed: bool) -> None:
    script_responses(server, streamed, piece("a", finish=1))
    chat = api.genai().chats.create(model=MODEL, config={"temperature": 0.5, "system_instruction": "s"})
    send(api, chat, "x", streamed)
    send(api, chat, "y", streamed, config=types.GenerateContentConfig(top_k=3))
    send(api, chat, "z", streamed)
    first, second, third = (call.request for call in server.journal)
    assert (first.generation_config.temperature, first.system_instruction.parts[0].text) == (0.5, "s")
    assert second.generation_config == v1beta.GenerationConfig(top_k=3)
    assert not second.HasField("system_instruction")
    assert third.generation_config == first.generation_config
    assert first.model == f"models/{MODEL}"


# Histories that are given ----------------------------------------------------------------------------


def model(*texts: str) -> dict[str, Any]:
    return {"role": "model", "parts": [{"text": text} for text in texts]}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


@pytest.mark.parametrize(
    ("history", "kept"),
    [
        ([user("a"), model("b")], ["a", "b"]),
        ([user("a"), model()], []),
        ([user("a"), model("b"), model(), user("c"), model("d")], ["c", "d"]),
        ([user("a"), user("b"), model(), user("c")], ["a", "c"]),
        ([user("a"), {"role": "model", "parts": [{}]}, user("c")], ["c"]),
        ([model(), user("a"), model("")], ["a", ""]),
        ([model("a"), user("b")], ["a", "b"]),
    ],
)
def test_curated_history(api: Api, server: Loopback, history: list[Any], kept: list[str]) -> None:
    script_responses(server, False, piece("z", finish=1))
    chat = api.genai().chats.create(model=MODEL, history=history)
    assert to_turns(chat.get_history()) == to_turns(types.Content(**content) for content in history)
    assert [text for _, [text] in to_turns(chat.get_history(curated=True))] == kept
    api(chat.send_message("y"))
    assert [part.text for c in server.journal[0].request.contents for part in c.parts] == [*kept, "y"]


@pytest.mark.parametrize(
    "history",
    [
        [user("a"), model("b")],
        [user("a"), model()],
        [user("a"), model("b"), model(), user("c"), model("d")],
        [user("a"), user("b"), model(), user("c")],
        [model(), user("a"), model("")],
    ],
)
def test_curated_history_equals_google_genais(history: list[Any]) -> None:
    chats = pytest.importorskip("google.genai.chats")
    theirs = chats.Chat(modules=None, model=MODEL, history=history)
    with genai.Client(api_key="k") as client:
        ours = client.chats.create(model=MODEL, history=history)
    for curated in (False, True):
        assert to_turns(ours.get_history(curated)) == to_turns(theirs.get_history(curated))


@pytest.mark.parametrize(
    ("history", "error", "says"),
    [
        ([{"role": "tool", "parts": [{"text": "a"}]}], ValueError, "history[0].role: 'tool' is neither"),
        ([user("a"), {"parts": [{"text": "a"}]}], ValueError, "history[1].role: '' is neither"),
        ([{"role": "assistant", "parts": []}], ValueError, "history[0].role: 'assistant'"),
        ([3], TypeError, "history[0]: expected a string, bytes, image, file, part or content, got int"),
        (user("a"), TypeError, "history: expected a list of contents, got dict"),
        (3, TypeError, "history: expected a list of contents, got int"),
    ],
)
def test_invalid_histories_are_refused(api: Api, history: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        api.genai().chats.create(model=MODEL, history=history)
    assert says in str(caught.value)


def test_histories_are_copied(api: Api, server: Loopback) -> None:
    script_responses(server, False, piece("b", finish=1))
    given = [types.UserContent("a")]
    chat = api.genai().chats.create(model=MODEL, history=given)
    assert given[0].parts is not None
    given[0].parts[0].text = "changed"
    given.append(types.UserContent("more"))
    chat.get_history().clear()
    response = api(chat.send_message("x"))
    response.candidates[0].content.parts[0].text = "changed"
    assert both(chat)[0] == [("user", ["a"]), ("user", ["x"]), ("model", ["b"])]


def test_returned_history_is_a_copy(api: Api, server: Loopback, streamed: bool) -> None:
    """Changes to contents that were passed in or returned do not change the chat."""

    def weather() -> str:
        return "sunny"

    call = piece(function_call={"name": "weather", "args": {}}, finish=1)
    script_responses(server, streamed, piece("b", finish=1), call, piece("d", finish=1), piece("e", finish=1))
    given, asked = types.UserContent("a"), types.ModelContent("x")
    chat = api.genai().chats.create(model=MODEL, history=[given], config={"tools": [weather]})
    chat.record_history("w", [asked], is_valid=True)
    first = send(api, chat, "c", streamed)
    second = send(api, chat, "weather?", streamed)
    for response in (*first, *second):
        contents = [candidate.content for candidate in response.candidates]
        for content in [*contents, *response.automatic_function_calling_history]:
            content.parts[0].text = "changed"
    for curated in (False, True):
        for content in chat.get_history(curated):
            content.role = "model"
            content.parts[0].text = "changed"
    for content in (given, asked):
        assert content.parts is not None
        content.parts[0].text = "changed"
    send(api, chat, "f", streamed)
    texts = ["a", "w", "x", "c", "b", "weather?", "", "", "d", "f"]
    assert [c.parts[0].text for c in server.journal[-1].request.contents] == texts
    assert [c.parts[0].text or "" for c in chat.get_history(True)] == [*texts, "e"]


def test_requests_equal_the_recorded_history(api: Api, server: Loopback, streamed: bool) -> None:
    """Valid and invalid turns, with failures and recorded turns in between."""
    outcomes = [
        piece("a", finish=1),
        piece(),
        Fail("INTERNAL"),
        piece("b", "c", finish=1),
        piece("d", finish=1),
    ]
    script_responses(server, streamed, *outcomes)
    history = [user("h"), model("i"), user("j"), model()]
    chat = api.genai().chats.create(model=MODEL, history=history)
    for number in range(len(outcomes)):
        before = to_turns(chat.get_history(curated=True))
        try:
            send(api, chat, f"{number}", streamed)
        except errors.APIError:
            assert number == 2
            assert to_turns(chat.get_history(curated=True)) == before
        assert to_turns(server.journal[-1].request.contents) == [*before, ("user", [f"{number}"])]
        chat.record_history(f"r{number}", [types.ModelContent("s")], is_valid=number % 2 == 0)
    assert [text for _, [text, *_] in both(chat)[1]] == [
        *("h", "i", "0", "a", "r0", "s", "r2", "s", "3"),
        *(["bc"] if streamed else ["b"]),
        *("4", "d", "r4", "s"),
    ]


def test_changes_to_the_config_take_effect(api: Api, server: Loopback) -> None:
    script_responses(server, False, piece("a", finish=1))
    config = types.GenerateContentConfig(temperature=0.5)
    chat = api.genai().chats.create(model=MODEL, config=config)
    api(chat.send_message("x"))
    config.temperature = 0.25
    api(chat.send_message("y"))
    assert [call.request.generation_config.temperature for call in server.journal] == [0.5, 0.25]


def test_record_history_from_many_threads(api: Api, server: Loopback) -> None:
    """The contents of a request are the recorded ones, in the same order."""
    chat = api.genai().chats.create(model=MODEL)

    def record(name: str) -> None:
        for number in range(100):
            chat.record_history(f"{name}{number}", [types.ModelContent("m")], is_valid=True)

    with contextlib.ExitStack() as stack:
        for name in "abcd":
            stack.enter_context(in_thread(record, name))
    api(chat.send_message("x"))
    sent = to_turns(server.journal[0].request.contents)
    assert len(sent) == 801
    assert sent[:-1] == both(chat)[1][:800]


def test_record_history(api: Api) -> None:
    chat = api.genai().chats.create(model=MODEL)
    chat.record_history(types.UserContent("a"), [types.ModelContent("b")], is_valid=True)
    chat.record_history(user_input="c", model_output=[], is_valid=False)
    assert both(chat) == (
        [("user", ["a"]), ("model", ["b"]), ("user", ["c"]), ("model", [])],
        [("user", ["a"]), ("model", ["b"])],
    )


# Functions -------------------------------------------------------------------------------------------


def called_functions(history: Any) -> list[tuple[str, list[str]]]:
    return [(c.role, [next(iter(part.to_dict())) for part in c.parts]) for c in history]


@pytest.mark.parametrize("ignored", [False, True])
def test_function_calls_are_recorded(api: Api, server: Loopback, streamed: bool, ignored: bool) -> None:
    def weather(place: str) -> str:
        """The weather."""
        return f"sunny in {place}"

    call = piece(function_call={"name": "weather", "args": {"place": "Rome"}}, finish=1)
    script_responses(
        server,
        streamed,
        piece("hi", finish=1),
        call,
        [piece("a"), piece("b", finish=1)] if streamed else piece("ab", finish=1),
        piece("c", finish=1),
    )
    calling = types.AutomaticFunctionCallingConfig(ignore_call_history=ignored)
    config = types.GenerateContentConfig(tools=[weather], automatic_function_calling=calling)
    chat = api.genai().chats.create(model=MODEL, config=config)
    send(api, chat, "hello", streamed)
    *_, last = send(api, chat, "weather?", streamed)
    assert bool(last.automatic_function_calling_history) != ignored
    wanted = [
        ("user", ["text"]),
        ("model", ["text"]),
        ("user", ["text"]),
        ("model", ["function_call"]),
        ("user", ["function_response"]),
        ("model", ["text"]),
    ]
    for curated in (False, True):
        history = chat.get_history(curated)
        assert called_functions(history) == wanted
        assert history[5].parts[0].text == "ab"
        assert history[4].parts[0].function_response.response == {"result": "sunny in Rome"}
    send(api, chat, "more", streamed)
    assert len(server.journal) == 4
    assert called_functions(types.Content.of(c) for c in server.journal[-1].request.contents)[:6] == wanted


def test_function_calls_are_recorded_after_an_unrecorded_turn(
    api: Api, server: Loopback, streamed: bool
) -> None:
    def weather() -> str:
        return "sunny"

    call = piece(function_call={"name": "weather", "args": {}}, finish=1)
    script_responses(server, streamed, piece(), call, piece("d", finish=1))
    chat = api.genai().chats.create(model=MODEL, config={"tools": [weather]})
    send(api, chat, "a", streamed)
    send(api, chat, "b", streamed)
    wanted = [("user", ["text"]), ("model", ["function_call"]), ("user", ["function_response"])]
    assert called_functions(chat.get_history(curated=True)) == [*wanted, ("model", ["text"])]
    assert len(chat.get_history()) == 6


def test_final_response_is_that_of_the_last_call(api: Api, server: Loopback) -> None:
    def weather() -> str:
        return "sunny"

    call = piece(function_call={"name": "weather", "args": {}}, finish=1)
    server.on("StreamGenerateContent", call, [piece("a"), piece("b", finish=1)])
    chat = api.genai().chats.create(model=MODEL, config={"tools": [weather]})
    response = api(api(chat.send_message_stream("x")).get_final_response())
    assert response.to_dict()["candidates"][0]["content"] == {"role": "model", "parts": [{"text": "ab"}]}
    assert called_functions(response.automatic_function_calling_history) == called_functions(
        chat.get_history()[:3]
    )


# Refusals, and cost ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "error", "says"),
    [
        (None, ValueError, "message is required"),
        ([], ValueError, "message is required"),
        ((), ValueError, "message is required"),
        (types.UserContent("a"), TypeError, "message: expected parts, got a content"),
        ({"role": "user", "parts": [{"text": "a"}]}, TypeError, "message: expected parts, got a content"),
        (
            [types.UserContent("a")],
            TypeError,
            "message[0]: expected a string, bytes, image, file, part or content, got UserContent",
        ),
    ],
)
def test_invalid_messages_are_refused(
    api: Api, server: Loopback, message: Any, error: type[Exception], says: str
) -> None:
    chat = api.genai().chats.create(model=MODEL)
    for send in (chat.send_message, chat.send_message_stream):
        with pytest.raises(error) as caught:
            api(send(message))
        assert says in str(caught.value)
    assert not server.journal
    assert chat.get_history() == []


def test_other_invalid_arguments_are_refused(api: Api, server: Loopback) -> None:
    chats = api.genai().chats
    with pytest.raises(ValueError, match="has no field 'temprature'; did you mean 'temperature'"):
        chats.create(model=MODEL, config={"temprature": 1})
    with pytest.raises(ValueError, match="model: '' is not the name of a model"):
        chats.create(model="")
    chat = chats.create(model=MODEL)
    with pytest.raises(ValueError, match="has no field 'x'"):
        api(chat.send_message("a", config={"x": 1}))
    assert not server.journal


def test_earlier_turns_are_not_converted_again(api: Api, server: Loopback) -> None:
    """Earlier turns are copied as bytes, which takes microseconds."""
    script_responses(server, False, piece("b", finish=1))
    history = [content for number in range(1000) for content in (user(f"{number}"), model("word " * 20))]
    chat = api.genai().chats.create(model=MODEL, history=history)
    kept = chat._history.curated
    began = time.process_time()
    for _ in range(5):
        api(chat.send_message("x"))
    assert time.process_time() - began < 1.0
    assert [id(turn) for turn in chat._history.curated[:2000]] == [id(turn) for turn in kept[:2000]]
    assert len(server.journal[-1].request.contents) == 2009
