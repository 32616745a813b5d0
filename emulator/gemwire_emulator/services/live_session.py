"""A live session: a conversation in which both sides may send at any time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc

from gemwire_emulator.engines.audio import synthesize_tone
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.errors import StatusError, invalid_argument, quote, token_refused
from gemwire_emulator.services.answers import Answers
from gemwire_emulator.services.context_window import build_prompt
from gemwire_emulator.services.schema_checks import check_json
from gemwire_emulator.services.session_resumption import SessionRecorder
from gemwire_emulator.services.turn_detection import TurnDetector
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_HANDLING = v1beta.RealtimeInputConfig.ActivityHandling
_AUDIO = v1beta.GenerationConfig.Modality.AUDIO
#: Fraction of the grace period of a stopping emulator after which a session ends, before the server ends it.
_GRACE_FRACTION = 0.9


class LiveSession:
    """A session that receives messages in one task, responds in another, and yields the output of both."""

    def __init__(
        self,
        state: State,
        answers: Answers,
        setup: v1beta.BidiGenerateContentSetup,
        contents: list[v1beta.Content],
        recorder: SessionRecorder | None,
        expires: float | None,
    ) -> None:
        """Create a session; `messages` runs it.

        Args:
            state: State of the emulator.
            answers: The answers of its model.
            setup: A valid BidiGenerateContentSetup.
            contents: The conversation so far, of a session that is resumed.
            recorder: Recorder that creates handles; None without session resumption.
            expires: Time at which the token of the session expires; None for no such time.
        """
        self._state = state
        self._answers = answers
        self._setup = setup
        self._contents = contents
        self._recorder = recorder
        self._expires = expires
        self._turns = TurnDetector(setup.realtime_input_config)
        self._interruptible = setup.realtime_input_config.activity_handling != _HANDLING.NO_INTERRUPTION
        # Of size 1, so that a response is generated no faster than it is read, and can be interrupted.
        self._out: asyncio.Queue[v1beta.BidiGenerateContentServerMessage | Exception | None] = asyncio.Queue(
            1
        )
        self._response: asyncio.Task[None] | None = None
        self._open = False
        self._usage = v1beta.UsageMetadata()
        self._calls: dict[str, v1beta.FunctionCall] = {}
        self._call_count = 0
        self._cancelled_calls: set[str] = set()
        self._results: list[v1beta.FunctionResponse] = []
        self._pending: list[v1beta.Content] = []

    async def messages(
        self, requests: AsyncIterator[v1beta.BidiGenerateContentClientMessage]
    ) -> AsyncGenerator[v1beta.BidiGenerateContentServerMessage, None]:
        """Run the session and yield its messages, until the client has half-closed and has its response.

        Raises:
            StatusError: A message of the client is invalid, or the emulator stops.
        """
        receiving = asyncio.ensure_future(self._receive_all(requests))
        draining = asyncio.ensure_future(self._drain())
        expiring = None if self._expires is None else asyncio.ensure_future(self._expire(self._expires))
        try:
            yield v1beta.BidiGenerateContentServerMessage(setup_complete={})
            while (message := await self._out.get()) is not None:
                if isinstance(message, Exception):
                    raise message
                yield message
        finally:
            tasks = [task for task in (receiving, draining, expiring, self._response) if task]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive_all(self, requests: AsyncIterator[v1beta.BidiGenerateContentClientMessage]) -> None:
        try:
            await self._send_handle()
            async for request in requests:
                await self._receive(request)
            if self._response:
                await self._response
            await self._out.put(None)
        except Exception as error:  # Raised by `messages`, which ends the call.
            await self._out.put(error)

    async def _drain(self) -> None:
        await self._state.draining.wait()
        left = self._state.grace * _GRACE_FRACTION
        await self._send(go_away={"time_left": {"seconds": int(left), "nanos": int(left % 1 * 1e9)}})
        await asyncio.sleep(left)
        await self._out.put(
            StatusError(
                grpc.StatusCode.ABORTED,
                "The emulator is stopping; resume the session with the latest handle.",
            )
        )

    async def _expire(self, expires: float) -> None:
        await self._state.clock.sleep(expires - self._state.clock.now())
        await self._out.put(token_refused("has expired, and with it the session"))

    async def _send(self, **fields: Any) -> None:
        await self._out.put(v1beta.BidiGenerateContentServerMessage(**fields))

    async def _send_handle(self) -> None:
        """Send a resumption update, with a handle if the session can be resumed from here."""
        if self._recorder:
            busy = self._open or bool(self._results)
            update = (
                {}
                if busy
                else {"new_handle": self._recorder.create_handle(self._contents), "resumable": True}
            )
            await self._send(session_resumption_update=update)

    async def _receive(self, request: v1beta.BidiGenerateContentClientMessage) -> None:
        check_json(request)
        kind = request.WhichOneof("message_type")
        if kind == "client_content":
            await self._receive_content(request.client_content)
        elif kind == "realtime_input":
            await self._receive_realtime_input(request.realtime_input)
        elif kind == "tool_response":
            await self._receive_tool_response(request.tool_response)
        elif kind == "setup":
            raise invalid_argument("setup", "must be sent once, as the first message")
        else:
            raise invalid_argument(
                "message_type", "set one of client_content, realtime_input and tool_response"
            )

    async def _receive_content(self, content: v1beta.BidiGenerateContentClientContent) -> None:
        for i, turn in enumerate(content.turns):
            if turn.role not in ("", "user", "model"):
                raise invalid_argument(
                    f"client_content.turns[{i}].role", f"{quote(turn.role)} is not one of user and model"
                )
            if not turn.parts:
                raise invalid_argument(f"client_content.turns[{i}].parts", "must have at least one part")
        await self._interrupt()
        self._contents += [*self._pending, *content.turns]
        self._pending.clear()
        if content.turn_complete:
            if not self._contents:
                raise invalid_argument("client_content.turns", "is required in an empty conversation")
            await self._start_response()

    async def _receive_realtime_input(self, message: v1beta.BidiGenerateContentRealtimeInput) -> None:
        began, turns = self._turns.process(message)
        if began and self._interruptible:
            await self._interrupt()
        for turn in turns:
            if turn.transcript and self._setup.HasField("input_audio_transcription"):
                await self._send(server_content={"input_transcription": {"text": turn.transcript}})
            parts = [{"text": text} for text in turn.texts] or [{"text": ""}]
            content = v1beta.Content(role="user", parts=parts)
            if self._open:
                self._pending.append(content)
            else:
                self._contents.append(content)
                await self._start_response()

    async def _receive_tool_response(self, response: v1beta.BidiGenerateContentToolResponse) -> None:
        path = "tool_response.function_responses"
        if not response.function_responses:
            raise invalid_argument(path, "is required")
        for i, result in enumerate(response.function_responses):
            if result.id in self._cancelled_calls:
                continue  # The result was on its way when the call was cancelled.
            call = self._calls.get(result.id)
            if call is None:
                raise invalid_argument(
                    f"{path}[{i}].id", f"{quote(result.id)} is not the id of a pending call"
                )
            if result.name != call.name:
                raise invalid_argument(
                    f"{path}[{i}].name", f"is {quote(result.name)}, but the call was of {quote(call.name)}"
                )
            self._results.append(result)
            if not result.will_continue:
                del self._calls[result.id]
        if self._results and not self._calls:
            parts = [{"function_response": result} for result in self._results]
            self._contents.append(v1beta.Content(role="user", parts=parts))
            self._results.clear()
            await self._start_response()

    async def _start_response(self) -> None:
        if self._response:
            await self._response
        self._open = True
        await self._send_handle()
        self._response = asyncio.ensure_future(self._respond())

    async def _interrupt(self) -> None:
        if self._response:
            self._response.cancel()
            await asyncio.gather(self._response, return_exceptions=True)
            self._response = None
        if not self._open:
            return
        if self._calls or self._results:
            await self._send(tool_call_cancellation={"ids": list(self._calls)})
            self._cancelled_calls.update(self._calls)
            self._calls.clear()
            self._results.clear()
            self._remove_calls()
        await self._send(server_content={"interrupted": True})
        await self._close_turn()

    def _remove_calls(self) -> None:
        """Remove the latest calls, since no model accepts a call without its result."""
        latest = self._contents.pop()
        kept = [part for part in latest.parts if not part.HasField("function_call")]
        if kept:
            self._contents.append(v1beta.Content(role=latest.role, parts=kept))

    async def _close_turn(self) -> None:
        await self._send(server_content={"turn_complete": True}, usage_metadata=self._usage)
        self._open = False
        await self._send_handle()

    async def _respond(self) -> None:
        try:
            await self._generate()
            while not self._calls:
                await self._send(server_content={"generation_complete": True})
                await self._close_turn()
                if not self._pending:
                    return
                self._contents.append(self._pending.pop(0))
                self._open = True
                await self._send_handle()
                await self._generate()
        except Exception as error:  # Raised by `messages`, which ends the call.
            await self._out.put(error)

    async def _generate(self) -> None:
        """Generate a response; the pieces that were sent stay in the conversation."""
        prompt, tokens = build_prompt(self._setup, self._contents, self._state.engine)
        self._usage = v1beta.UsageMetadata(prompt_token_count=tokens, total_token_count=tokens)
        content = v1beta.Content(role="model")
        try:
            async with aclosing(self._answers.generate(prompt)) as deltas:
                async for delta in deltas:
                    if delta.thought:
                        self._usage.thoughts_token_count += delta.tokens
                    else:
                        self._usage.response_token_count += delta.tokens
                    self._usage.total_token_count += delta.tokens
                    if delta.call is not None:
                        await self._send_call(delta.call, content)
                    elif delta.part is not None:
                        turn = {"role": "model", "parts": [delta.part]}
                        await self._send(server_content={"model_turn": turn})
                        content.parts.append(delta.part)
                    elif delta.text:
                        await self._send_piece(delta)
                        _append(content, delta)
        finally:
            if content.parts:
                self._contents.append(content)

    async def _send_call(self, function_call: v1beta.FunctionCall, content: v1beta.Content) -> None:
        self._call_count += 1
        call = v1beta.FunctionCall()
        call.CopyFrom(function_call)
        call.id = f"emulated-call-{self._call_count}"
        self._calls[call.id] = call
        content.parts.add(function_call=call)
        await self._send(tool_call={"function_calls": [call]})

    async def _send_piece(self, delta: Delta) -> None:
        config = self._setup.generation_config
        if delta.thought or _AUDIO not in config.response_modalities:
            parts = [{"text": delta.text, "thought": delta.thought}]
            await self._send(server_content={"model_turn": {"role": "model", "parts": parts}})
            return
        audio = {"mime_type": "audio/pcm;rate=24000", "data": synthesize_tone(delta.text)}
        await self._send(server_content={"model_turn": {"role": "model", "parts": [{"inline_data": audio}]}})
        if self._setup.HasField("output_audio_transcription"):
            await self._send(server_content={"output_transcription": {"text": delta.text}})


def _append(content: v1beta.Content, delta: Delta) -> None:
    last = content.parts[-1] if content.parts else None
    if last is not None and last.text and last.thought == delta.thought:
        last.text += delta.text
    else:
        content.parts.add(text=delta.text, thought=delta.thought)
