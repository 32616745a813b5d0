"""One live session: a conversation whose two sides speak when they like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from gemwire_emulator.engines.audio import tone
from gemwire_emulator.errors import StatusError, invalid_argument, quote
from gemwire_emulator.services.context_window import prompt_of
from gemwire_emulator.services.schema_checks import check_json
from gemwire_emulator.services.session_resumption import Memory
from gemwire_emulator.services.turn_detection import Activity
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_HANDLING = v1beta.RealtimeInputConfig.ActivityHandling
_AUDIO = v1beta.GenerationConfig.Modality.AUDIO
#: Part of the grace of a stopping emulator after which a session is cut off: before the server does it.
_LEAVE = 0.9


class Session:
    """Takes the client's messages in one task, answers in another, and gives out what both have to say."""

    def __init__(self, state: State, setup: Any, contents: list[Any], memory: Memory | None) -> None:
        """Nothing runs yet.

        Args:
            state: What the handlers share.
            setup: A valid BidiGenerateContentSetup.
            contents: What was said before, in a session that is resumed.
            memory: Where handles come from; None where resumption was not asked for.
        """
        self._state = state
        self._setup = setup
        self._contents = contents
        self._memory = memory
        self._activity = Activity(setup.realtime_input_config)
        self._interruptible = setup.realtime_input_config.activity_handling != _HANDLING.NO_INTERRUPTION
        # One place: an answer goes no faster than it is read, so that it can be interrupted.
        self._out: asyncio.Queue[Any] = asyncio.Queue(1)
        self._answer: asyncio.Task[None] | None = None
        self._open = False
        self._usage = v1beta.UsageMetadata()
        self._calls: dict[str, Any] = {}
        self._called = 0
        self._withdrawn: set[str] = set()
        self._results: list[Any] = []
        self._waiting: list[Any] = []

    async def messages(self, requests: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        """What the server says, until the client has ended its side and is answered.

        Raises:
            StatusError: The client said something wrong, or the emulator stops.
        """
        listening = asyncio.ensure_future(self._listen(requests))
        leaving = asyncio.ensure_future(self._leave())
        try:
            yield v1beta.BidiGenerateContentServerMessage(setup_complete={})
            while (said := await self._out.get()) is not None:
                if isinstance(said, Exception):
                    raise said
                yield said
        finally:
            tasks = [task for task in (listening, leaving, self._answer) if task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, requests: AsyncIterator[Any]) -> None:
        try:
            await self._tell_handle()
            async for request in requests:
                await self._receive(request)
            if self._answer:
                await self._answer
            await self._out.put(None)
        except Exception as error:  # It ends the call; see `messages`.
            await self._out.put(error)

    async def _leave(self) -> None:
        await self._state.draining.wait()
        left = self._state.grace * _LEAVE
        await self._say(go_away={"time_left": {"seconds": int(left), "nanos": int(left % 1 * 1e9)}})
        await asyncio.sleep(left)
        await self._out.put(
            StatusError(grpc.StatusCode.ABORTED, "The emulator stops; resume with the latest handle.")
        )

    async def _say(self, **message: Any) -> None:
        await self._out.put(v1beta.BidiGenerateContentServerMessage(**message))

    async def _tell_handle(self) -> None:
        """Tell whether the session can be resumed from here."""
        if self._memory:
            busy = self._open or bool(self._results)
            update = {} if busy else {"new_handle": self._memory.handle(self._contents), "resumable": True}
            await self._say(session_resumption_update=update)

    async def _receive(self, request: Any) -> None:
        check_json(request)
        kind = request.WhichOneof("message_type")
        if kind == "client_content":
            await self._add(request.client_content)
        elif kind == "realtime_input":
            await self._hear(request.realtime_input)
        elif kind == "tool_response":
            await self._resume(request.tool_response)
        elif kind == "setup":
            raise invalid_argument("setup", "is sent once, as the first message")
        else:
            raise invalid_argument(
                "message_type", "set one of client_content, realtime_input and tool_response"
            )

    async def _add(self, content: Any) -> None:
        for i, turn in enumerate(content.turns):
            if turn.role not in ("", "user", "model"):
                raise invalid_argument(
                    f"client_content.turns[{i}].role", f"{quote(turn.role)} is none of user and model"
                )
            if not turn.parts:
                raise invalid_argument(f"client_content.turns[{i}].parts", "must have at least one part")
        await self._interrupt()
        self._contents += [*self._waiting, *content.turns]
        self._waiting.clear()
        if content.turn_complete:
            if not self._contents:
                raise invalid_argument("client_content.turns", "is required where nothing was said before")
            await self._begin()

    async def _hear(self, message: Any) -> None:
        began, turns = self._activity.take(message)
        if began and self._interruptible:
            await self._interrupt()
        for turn in turns:
            if turn.transcript and self._setup.HasField("input_audio_transcription"):
                await self._say(server_content={"input_transcription": {"text": turn.transcript}})
            parts = [{"text": text} for text in turn.texts] or [{"text": ""}]
            content = v1beta.Content(role="user", parts=parts)
            if self._open:
                self._waiting.append(content)
            else:
                self._contents.append(content)
                await self._begin()

    async def _resume(self, response: Any) -> None:
        path = "tool_response.function_responses"
        if not response.function_responses:
            raise invalid_argument(path, "is required")
        for i, result in enumerate(response.function_responses):
            if result.id in self._withdrawn:
                continue  # It was under way when the call was withdrawn.
            call = self._calls.get(result.id)
            if call is None:
                raise invalid_argument(
                    f"{path}[{i}].id", f"{quote(result.id)} is the id of no call that waits for a result"
                )
            if result.name != call.name:
                raise invalid_argument(
                    f"{path}[{i}].name", f"is {quote(result.name)}, the call was of {quote(call.name)}"
                )
            self._results.append(result)
            if not result.will_continue:
                del self._calls[result.id]
        if self._results and not self._calls:
            parts = [{"function_response": result} for result in self._results]
            self._contents.append(v1beta.Content(role="user", parts=parts))
            self._results.clear()
            await self._begin()

    async def _begin(self) -> None:
        if self._answer:
            await self._answer
        self._open = True
        await self._tell_handle()
        self._answer = asyncio.ensure_future(self._reply())

    async def _interrupt(self) -> None:
        if self._answer:
            self._answer.cancel()
            await asyncio.gather(self._answer, return_exceptions=True)
            self._answer = None
        if not self._open:
            return
        if self._calls or self._results:
            await self._say(tool_call_cancellation={"ids": list(self._calls)})
            self._withdrawn.update(self._calls)
            self._calls.clear()
            self._results.clear()
            self._forget_calls()
        await self._say(server_content={"interrupted": True})
        await self._close_turn()

    def _forget_calls(self) -> None:
        """A call without its result would be a conversation that no model accepts."""
        said = self._contents.pop()
        kept = [part for part in said.parts if not part.HasField("function_call")]
        if kept:
            self._contents.append(v1beta.Content(role=said.role, parts=kept))

    async def _close_turn(self) -> None:
        await self._say(server_content={"turn_complete": True}, usage_metadata=self._usage)
        self._open = False
        await self._tell_handle()

    async def _reply(self) -> None:
        try:
            await self._generate()
            while not self._calls:
                await self._say(server_content={"generation_complete": True})
                await self._close_turn()
                if not self._waiting:
                    return
                self._contents.append(self._waiting.pop(0))
                self._open = True
                await self._tell_handle()
                await self._generate()
        except Exception as error:  # It ends the call; see `messages`.
            await self._out.put(error)

    async def _generate(self) -> None:
        """One answer of the engine, piece by piece; what the client got of it stays in the conversation."""
        prompt, tokens = prompt_of(self._setup, self._contents, self._state.engine)
        self._usage = v1beta.UsageMetadata(prompt_token_count=tokens, total_token_count=tokens)
        said = v1beta.Content(role="model")
        try:
            async with aclosing(self._state.engine.generate(prompt)) as deltas:
                async for delta in deltas:
                    self._usage.response_token_count += delta.tokens
                    self._usage.total_token_count += delta.tokens
                    if delta.call is not None:
                        await self._call(delta.call, said)
                    elif delta.text:
                        await self._piece(delta)
                        _append(said, delta)
        finally:
            if said.parts:
                self._contents.append(said)

    async def _call(self, wanted: Any, said: Any) -> None:
        self._called += 1
        call = v1beta.FunctionCall()
        call.CopyFrom(wanted)
        call.id = f"emulated-call-{self._called}"
        self._calls[call.id] = call
        said.parts.add(function_call=call)
        await self._say(tool_call={"function_calls": [call]})

    async def _piece(self, delta: Any) -> None:
        config = self._setup.generation_config
        if _AUDIO not in config.response_modalities:
            parts = [{"text": delta.text, "thought": delta.thought}]
            await self._say(server_content={"model_turn": {"role": "model", "parts": parts}})
            return
        sound = {"mime_type": "audio/pcm;rate=24000", "data": tone(delta.text)}
        await self._say(server_content={"model_turn": {"role": "model", "parts": [{"inline_data": sound}]}})
        if self._setup.HasField("output_audio_transcription"):
            await self._say(server_content={"output_transcription": {"text": delta.text}})


def _append(said: Any, delta: Any) -> None:
    last = said.parts[-1] if said.parts else None
    if last is not None and last.text and last.thought == delta.thought:
        last.text += delta.text
    else:
        said.parts.add(text=delta.text, thought=delta.thought)
