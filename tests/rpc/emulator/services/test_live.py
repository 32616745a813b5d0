"""BidiGenerateContent: sessions, turns, interruption, tools, resumption."""

from __future__ import annotations

import array
import asyncio
import math
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

import grpc
import pytest
from emulator_calls import Caller, Refusal, emulator
from eventually import comes_in_loop

from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import LatencyProfile
from gemwire_proto import v1beta

MODEL = "models/gemini-2.0-flash"
TOOLS = [
    {"function_declarations": [{"name": "get_weather", "description": "The weather of a city."}]},
]
NO_INTERRUPTION: Any = v1beta.RealtimeInputConfig.ActivityHandling.NO_INTERRUPTION


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def turn(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


def sound(seconds: float, loudness: int = 8000) -> bytes:
    samples = (int(loudness * math.sin(i / 5)) for i in range(int(16_000 * seconds)))
    return array.array("h", samples).tobytes()


class Talk:
    """The client side of a session."""

    def __init__(self, call: Caller, key: str = "", **setup: Any) -> None:
        self.call = call.bidi("BidiGenerateContent", key=key)
        self._setup = {"model": MODEL, **setup}

    async def __aenter__(self) -> Talk:
        await self.send(setup=self._setup)
        assert (await self.read()).WhichOneof("message_type") == "setup_complete"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.call.cancel()
            return
        await self.call.done_writing()
        while await self.call.read() is not grpc.aio.EOF:
            pass

    async def send(self, **message: Any) -> None:
        await self.call.write(v1beta.BidiGenerateContentClientMessage(**message))

    async def say(self, text: str, **more: Any) -> None:
        await self.send(client_content={"turns": [turn(text)], "turn_complete": True, **more})

    async def read(self) -> Any:
        return await self.call.read()

    async def until(self, what: str) -> list[Any]:
        """All messages up to one that has this, the kind of a message or a flag of its content."""
        found: list[Any] = []
        while True:
            message = await self.read()
            if message is grpc.aio.EOF:
                raise AssertionError(f"no {what} among {found}; {await self.call.details()}")
            found.append(message)
            if message.WhichOneof("message_type") == what or getattr(message.server_content, what, False):
                return found

    async def refused(self, **message: Any) -> Refusal:
        await self.send(**message)
        return await refusal(self.call)


async def refusal(call: Any) -> Refusal:
    """Return the error of a session, which must fail."""
    try:
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return Refusal(error)
    raise AssertionError("the session ended well")


def text_of(messages: list[Any]) -> str:
    return "".join(p.text for m in messages for p in m.server_content.model_turn.parts)


def test_turns_are_answered_in_pieces_and_remembered() -> None:
    async def test() -> None:
        async with emulator() as (running, call), Talk(call) as talk:
            await talk.say("Why is the sky blue?")
            said = await talk.until("turn_complete")
            assert text_of(said).startswith("Emulated answer to: Why is the sky blue?.")
            assert sum(m.server_content.HasField("model_turn") for m in said) > 3
            assert [m.server_content.generation_complete for m in said][-2:] == [True, False]
            first = said[-1].usage_metadata
            assert first.prompt_token_count == 6
            assert first.total_token_count == 6 + first.response_token_count > 20
            await talk.say("And the sea?")
            second = (await talk.until("turn_complete"))[-1].usage_metadata
            assert second.prompt_token_count > first.total_token_count
        [entry] = running.journal.calls("BidiGenerateContent")
        assert (entry.status, len(entry.requests)) == ("OK", 3)

    run(test())


def test_turns_may_come_in_parts() -> None:
    async def test() -> None:
        async with (
            emulator() as (_, call),
            Talk(call, system_instruction={"parts": [{"text": "Be brief"}]}) as talk,
        ):
            await talk.send(client_content={"turns": [turn("one")]})
            await talk.send(client_content={"turns": [turn("two")]})
            await talk.send(client_content={"turn_complete": True})
            said = await talk.until("turn_complete")
            assert "answer to: two (told to: Be brief)" in text_of(said)
            assert said[-1].usage_metadata.prompt_token_count == 4

    run(test())


def test_a_new_message_interrupts() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(between=0.02)) as (_, call), Talk(call) as talk:
            await talk.say("Tell me everything")
            await talk.read()
            await talk.say("Stop")
            cut = await talk.until("turn_complete")
            assert [m.server_content.interrupted for m in cut][-2:] == [True, False]
            assert not any(m.server_content.generation_complete for m in cut)
            said = await talk.until("turn_complete")
            assert text_of(said).startswith("Emulated answer to: Stop")
            # What was heard of the first answer is in the conversation.
            prompt = said[-1].usage_metadata.prompt_token_count
            assert 5 < prompt < 30

    run(test())


def test_tools_are_called_and_their_results_used() -> None:
    async def test() -> None:
        async with emulator() as (_, call), Talk(call, tools=TOOLS) as talk:
            await talk.say("How is the weather in Oslo?")
            [wanted] = (await talk.until("tool_call"))[-1].tool_call.function_calls
            assert (wanted.name, bool(wanted.id)) == ("get_weather", True)
            result = {"id": wanted.id, "name": "get_weather", "response": {"sky": "grey"}}
            await talk.send(tool_response={"function_responses": [result]})
            said = text_of(await talk.until("turn_complete"))
            assert 'get_weather: {"sky": "grey"}' in said

    run(test())


def test_an_interruption_withdraws_pending_calls() -> None:
    async def test() -> None:
        async with emulator() as (_, call), Talk(call, tools=TOOLS) as talk:
            await talk.say("How is the weather in Oslo?")
            [wanted] = (await talk.until("tool_call"))[-1].tool_call.function_calls
            await talk.say("Never mind, hello")
            withdrawn = await talk.until("turn_complete")
            assert list(withdrawn[0].tool_call_cancellation.ids) == [wanted.id]
            assert text_of(await talk.until("turn_complete")).startswith("Emulated answer to: Never mind")
            # Its result was under way: nobody waits for it, and nothing breaks.
            late = {"id": wanted.id, "name": "get_weather", "response": {"sky": "grey"}}
            await talk.send(tool_response={"function_responses": [late]})
            await talk.say("Hello")
            assert "Hello" in text_of(await talk.until("turn_complete"))

    run(test())


async def call_tool(talk: Talk, question: str, sky: str, **more: Any) -> None:
    """Ask, and send a result to the call that the model makes."""
    await talk.say(question)
    [wanted] = (await talk.until("tool_call"))[-1].tool_call.function_calls
    result = {"id": wanted.id, "name": "get_weather", "response": {"sky": sky}, **more}
    await talk.send(tool_response={"function_responses": [result]})


def test_a_result_belongs_to_its_turn() -> None:
    async def test() -> None:
        async with emulator() as (_, call), Talk(call, tools=TOOLS) as talk:
            for sky in ("grey", "blue", "black"):
                await call_tool(talk, "How is the weather in Oslo?", sky)
                said = text_of(await talk.until("turn_complete"))
                assert [other for other in ("grey", "blue", "black") if other in said] == [sky]

    run(test())


def test_a_result_of_a_call_that_was_withdrawn_is_not_used() -> None:
    async def test() -> None:
        async with emulator() as (_, call), Talk(call, tools=TOOLS) as talk:
            # More of it would follow, so the call is pending when the interruption comes.
            await call_tool(talk, "How is the weather in Oslo?", "grey", will_continue=True)
            await call_tool(talk, "How is the weather in Bergen?", "blue")
            said = text_of(await talk.until("turn_complete"))
            assert ("blue" in said, "grey" in said) == (True, False)

    run(test())


def test_sessions_are_resumed_by_handle() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            async with Talk(call, session_resumption={}) as talk:
                empty = (await talk.read()).session_resumption_update
                assert empty.resumable
                await talk.say("My name is Ada")
                busy, *_, end = await talk.until("turn_complete")
                assert not busy.session_resumption_update.resumable
                assert not busy.session_resumption_update.new_handle
                first = (await talk.read()).session_resumption_update
                await talk.say("Again")
                await talk.until("turn_complete")
                last = (await talk.read()).session_resumption_update
            used = end.usage_metadata.total_token_count
            for handle, least, most in ((empty.new_handle, 0, 5), (first.new_handle, used, used + 5)):
                async with Talk(call, session_resumption={"handle": handle}) as talk:
                    await talk.say("Hello")
                    prompt = (await talk.until("turn_complete"))[-1].usage_metadata.prompt_token_count
                    assert least < prompt < most
            for handle, key in (("nothing", ""), (last.new_handle + "x", ""), (last.new_handle, "other")):
                stranger = call.bidi("BidiGenerateContent", key=key)
                setup = {"model": MODEL, "session_resumption": {"handle": handle}}
                await stranger.write(v1beta.BidiGenerateContentClientMessage(setup=setup))
                assert (await refusal(stranger)).code == "NOT_FOUND"
            running.state.clock.advance(3 * 60 * 60)
            old = call.bidi("BidiGenerateContent")
            setup = {"model": MODEL, "session_resumption": {"handle": last.new_handle}}
            await old.write(v1beta.BidiGenerateContentClientMessage(setup=setup))
            assert (await refusal(old)).code == "NOT_FOUND"

    run(test())


def test_realtime_text_is_a_turn_and_interrupts() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(between=0.02)) as (_, call), Talk(call) as talk:
            await talk.send(realtime_input={"text": "Tell me everything"})
            await talk.read()
            await talk.send(realtime_input={"text": "Stop"})
            assert (await talk.until("turn_complete"))[-2].server_content.interrupted
            assert "answer to: Stop" in text_of(await talk.until("turn_complete"))

    run(test())


def test_without_interruption_realtime_turns_wait() -> None:
    async def test() -> None:
        config = {"activity_handling": NO_INTERRUPTION}
        async with (
            emulator(pace=LatencyProfile(between=0.01)) as (_, call),
            Talk(call, realtime_input_config=config) as talk,
        ):
            await talk.send(realtime_input={"text": "First"})
            await talk.read()
            await talk.send(realtime_input={"text": "Second"})
            first = await talk.until("turn_complete")
            assert first[-2].server_content.generation_complete
            assert "answer to: Second" in text_of(await talk.until("turn_complete"))

    run(test())


def test_sound_makes_turns_and_emulated_transcripts() -> None:
    async def test() -> None:
        setup: dict[str, Any] = {"input_audio_transcription": {}, "output_audio_transcription": {}}
        setup["generation_config"] = {"response_modalities": ["AUDIO"]}
        async with emulator() as (_, call), Talk(call, **setup) as talk:
            for loudness in (0, 8000, 8000, 0, 0):
                blob = {"mime_type": "audio/pcm;rate=16000", "data": sound(0.3, loudness)}
                await talk.send(realtime_input={"audio": blob})
            said = await talk.until("turn_complete")
            heard = said[0].server_content.input_transcription.text
            # From where it got loud to where it had been quiet for half a second.
            assert heard == f"[emulated transcript of {4 * len(sound(0.3))} bytes of audio/pcm;rate=16000]"
            sounds = [p.inline_data for m in said for p in m.server_content.model_turn.parts]
            assert {s.mime_type for s in sounds} == {"audio/pcm;rate=24000"}
            assert all(len(s.data) > 1000 for s in sounds)
            spoken = "".join(m.server_content.output_transcription.text for m in said)
            assert spoken.startswith("Emulated answer to: [emulated: ")
            await talk.send(realtime_input={"audio": {"mime_type": "audio/webm", "data": b"abc"}})
            await talk.send(realtime_input={"audio_stream_end": True})
            assert "3 bytes of audio/webm" in (await talk.read()).server_content.input_transcription.text

    run(test())


def test_the_client_may_mark_activity_itself() -> None:
    async def test() -> None:
        config = {"automatic_activity_detection": {"disabled": True}}
        async with emulator() as (_, call), Talk(call, realtime_input_config=config) as talk:
            await talk.send(realtime_input={"text": "not heard"})
            await talk.send(realtime_input={"activity_start": {}})
            await talk.send(realtime_input={"text": "heard"})
            await talk.send(realtime_input={"video": {"mime_type": "image/jpeg", "data": b"1234"}})
            await talk.send(realtime_input={"activity_end": {}})
            said = await talk.until("turn_complete")
            assert "4 bytes of image/jpeg, not understood" in text_of(said)
            # "heard" and the note, no transcript, for none was asked for.
            assert not any(m.server_content.HasField("input_transcription") for m in said)

    run(test())


def test_the_context_is_shortened_where_that_was_asked_for() -> None:
    async def test() -> None:
        compression = {"trigger_tokens": 100, "sliding_window": {"target_tokens": 70}}
        async with emulator() as (_, call), Talk(call, context_window_compression=compression) as talk:
            prompts = []
            for i in range(5):
                await talk.say(f"Question {i}")
                prompts.append((await talk.until("turn_complete"))[-1].usage_metadata.prompt_token_count)
            assert prompts[0] < prompts[1] <= 100
            assert max(prompts) <= 100

    run(test())


def test_a_stopping_emulator_says_goodbye() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            talk = Talk(call, session_resumption={})
            await talk.__aenter__()
            handle = (await talk.read()).session_resumption_update.new_handle
            stopping = asyncio.ensure_future(running.stop(1.0))
            [*_, farewell] = await talk.until("go_away")
            assert farewell.go_away.time_left.ToMilliseconds() == 900
            assert handle
            ended = await refusal(talk.call)
            assert ended.code == "ABORTED"
            await stopping

    run(test())


@pytest.mark.parametrize(
    ("setup", "code", "field"),
    [
        ({}, "INVALID_ARGUMENT", "setup.model"),
        ({"model": "gemini"}, "INVALID_ARGUMENT", "setup.model"),
        ({"model": "models/none"}, "NOT_FOUND", None),
        ({"model": "models/text-bison-001"}, "NOT_FOUND", None),
        (
            {"model": MODEL, "generation_config": {"stop_sequences": ["x"]}},
            "INVALID_ARGUMENT",
            "setup.generation_config.stop_sequences",
        ),
        (
            {"model": MODEL, "generation_config": {"temperature": 3}},
            "INVALID_ARGUMENT",
            "setup.generation_config.temperature",
        ),
        (
            {
                "model": MODEL,
                "context_window_compression": {"trigger_tokens": 5, "sliding_window": {"target_tokens": 5}},
            },
            "INVALID_ARGUMENT",
            "setup.context_window_compression.sliding_window.target_tokens",
        ),
    ],
)
def test_bad_setups(setup: dict[str, Any], code: str, field: str | None) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            bidi = call.bidi("BidiGenerateContent")
            await bidi.write(v1beta.BidiGenerateContentClientMessage(setup=setup))
            refused = await refusal(bidi)
            assert refused.code == code
            assert refused.fields == ([field] if field else [])

    run(test())


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"setup": {"model": MODEL}}, "setup"),
        ({}, "message_type"),
        ({"client_content": {"turn_complete": True}}, "client_content.turns"),
        ({"client_content": {"turns": [{"role": "user"}]}}, "client_content.turns[0].parts"),
        ({"client_content": {"turns": [{"role": "x", "parts": [{}]}]}}, "client_content.turns[0].role"),
        ({"tool_response": {}}, "tool_response.function_responses"),
        (
            {"tool_response": {"function_responses": [{"id": "x", "name": "y"}]}},
            "tool_response.function_responses[0].id",
        ),
        ({"realtime_input": {"activity_start": {}}}, "realtime_input.activity_start"),
        ({"realtime_input": {"audio": {"mime_type": "text/plain"}}}, "realtime_input.audio.mime_type"),
    ],
)
def test_bad_messages(message: dict[str, Any], field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            talk = Talk(call)
            await talk.__aenter__()
            refused = await talk.refused(**message)
            assert refused.code == "INVALID_ARGUMENT"
            assert refused.fields == [field]

    run(test())


def test_who_marks_activity_cannot_leave_it_to_the_server() -> None:
    async def test() -> None:
        config = {"automatic_activity_detection": {"disabled": True}}
        async with emulator() as (_, call):
            for name, value in (("audio_stream_end", True), ("activity_end", {})):
                talk = Talk(call, realtime_input_config=config)
                await talk.__aenter__()
                refused = await talk.refused(realtime_input={name: value})
                assert refused.fields == [f"realtime_input.{name}"]

    run(test())


def test_a_session_begins_with_its_setup() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for message in ({"client_content": {"turns": [turn("hi")]}}, None):
                bidi = call.bidi("BidiGenerateContent")
                if message:
                    await bidi.write(v1beta.BidiGenerateContentClientMessage(**message))
                await bidi.done_writing()
                assert (await refusal(bidi)).fields == ["setup"]

    run(test())


def test_faults_and_canned_replies_hold_for_sessions() -> None:
    async def test() -> None:
        rule = FaultRule.from_json({"method": "Bidi", "status": "UNAVAILABLE", "after_messages": 3})
        async with emulator(faults=[rule], replies=[Reply("one two three", pieces=3)]) as (_, call):
            talk = Talk(call)
            await talk.__aenter__()
            await talk.say("Hello")
            assert text_of([await talk.read(), await talk.read()]) == "one two th"
            assert (await refusal(talk.call)).code == "UNAVAILABLE"
            async with Talk(call) as again:
                await again.say("Hello")
                assert text_of(await again.until("turn_complete")) == "one two three"

    run(test())


def test_a_caller_who_goes_away_leaves_nothing_running() -> None:
    async def test() -> None:
        async with emulator(pace=LatencyProfile(between=0.05)) as (running, call):
            before = len(asyncio.all_tasks())
            talk = Talk(call)
            await talk.__aenter__()
            await talk.say("Tell me everything")
            await talk.read()
            talk.call.cancel()
            assert await comes_in_loop(lambda: len(asyncio.all_tasks()) <= before)
            [entry] = running.journal.calls("BidiGenerateContent")
            assert entry.status == "CANCELLED"

    run(test())
