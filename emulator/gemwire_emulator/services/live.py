"""BidiGenerateContent: how a live session begins. `services.session` is how it goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.engines.instant import texts_of
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.names import check
from gemwire_emulator.services.config_checks import check_config, check_tokens
from gemwire_emulator.services.live_session import Session
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.schema_checks import check_json, check_tools
from gemwire_emulator.services.session_resumption import Memory, restored
from gemwire_emulator.state import State

#: Generation settings that a live session does not have.
_UNSUPPORTED = (
    "logprobs",
    "response_json_schema",
    "response_json_schema_ordered",
    "response_logprobs",
    "response_mime_type",
    "response_schema",
    "stop_sequences",
)


class Live:
    """The handler of BidiGenerateContent."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    async def bidi_generate_content(
        self, requests: AsyncIterator[Any], call: Call
    ) -> AsyncGenerator[Any, None]:
        """A session, from its setup to the end of the client's side."""
        async for request in requests:
            first = request
            break
        else:
            raise invalid_argument("setup", "is required, as the first message")
        if first.WhichOneof("message_type") != "setup":
            raise invalid_argument("setup", "must be the first message")
        setup = first.setup
        _check_setup(self._state, setup, call)
        contents: list[Any] = []
        memory = None
        if setup.HasField("session_resumption"):
            memory = Memory(self._state, call, setup.model)
            if setup.session_resumption.handle:
                contents = restored(self._state, call, setup.session_resumption.handle, setup.model)
        session = Session(self._state, setup, contents, memory)
        async with aclosing(session.messages(requests)) as messages:
            async for message in messages:
                yield message


def _check_setup(state: State, setup: Any, call: Call) -> None:
    check(setup.model, "models/*", "setup.model")
    check_model(state, setup.model, "setup.model", call, "bidiGenerateContent")
    check_json(setup, "setup")
    check_tools(setup.tools, "setup.tools")
    config, path = setup.generation_config, "setup.generation_config"
    for name in _UNSUPPORTED:
        field = config.DESCRIPTOR.fields_by_name[name]
        if config.HasField(name) if field.has_presence else getattr(config, name):
            raise invalid_argument(f"{path}.{name}", "is not supported in a live session")
    check_config(config, path)
    if config.candidate_count > 1:
        raise invalid_argument(f"{path}.candidate_count", "must be 1 in a live session")
    if any(part.WhichOneof("data") != "text" for part in setup.system_instruction.parts):
        raise invalid_argument("setup.system_instruction.parts", "must be text")
    check_tokens(state.engine, texts_of([setup.system_instruction]), "setup.system_instruction")
    detection = setup.realtime_input_config.automatic_activity_detection
    for name in ("prefix_padding_ms", "silence_duration_ms"):
        if getattr(detection, name) < 0:
            path = "setup.realtime_input_config.automatic_activity_detection"
            raise invalid_argument(f"{path}.{name}", "must not be negative")
    compression = setup.context_window_compression
    window, trigger = compression.sliding_window.target_tokens, compression.trigger_tokens
    for name, value in (("sliding_window.target_tokens", window), ("trigger_tokens", trigger)):
        if value < 0:
            raise invalid_argument(f"setup.context_window_compression.{name}", "must not be negative")
    if trigger and window >= trigger:
        raise invalid_argument(
            "setup.context_window_compression.sliding_window.target_tokens",
            f"must be less than trigger_tokens, {trigger}",
        )
