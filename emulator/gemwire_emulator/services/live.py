"""BidiGenerateContent: the setup of live sessions; `services.live_session` runs them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from gemwire_emulator.call import Call
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.names import check_name
from gemwire_emulator.services.answers import Answers
from gemwire_emulator.services.auth_tokens import count_use, open_session
from gemwire_emulator.services.config_checks import check_config, check_tokens
from gemwire_emulator.services.live_session import LiveSession
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.schema_checks import check_json, check_tools
from gemwire_emulator.services.session_resumption import SessionRecorder, restore_contents
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: Generation settings that live sessions do not support.
_UNSUPPORTED = (
    "logprobs",
    "response_json_schema",
    "response_json_schema_ordered",
    "response_logprobs",
    "response_mime_type",
    "response_schema",
    "stop_sequences",
)


class LiveHandlers:
    """The handler of BidiGenerateContent."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state
        self._answers = Answers(state)

    async def bidi_generate_content(
        self, requests: AsyncIterator[v1beta.BidiGenerateContentClientMessage], call: Call
    ) -> AsyncGenerator[v1beta.BidiGenerateContentServerMessage, None]:
        """Run a live session, from its setup until the client half-closes."""
        async for request in requests:
            first = request
            break
        else:
            raise invalid_argument("setup", "is required, as the first message")
        if first.WhichOneof("message_type") != "setup":
            raise invalid_argument("setup", "must be the first message")
        setup, expires = first.setup, None
        if call.live_token:
            opened = open_session(self._state, call, setup)
            setup, expires = opened.setup, opened.expires
        _check_setup(self._state, setup, call)
        contents: list[v1beta.Content] = []
        recorder = None
        if setup.HasField("session_resumption"):
            recorder = SessionRecorder(self._state, call, setup.model)
            if setup.session_resumption.handle:
                contents = restore_contents(self._state, call, setup.session_resumption.handle, setup.model)
        if call.live_token and not setup.session_resumption.handle:
            count_use(self._state, call)
        session = LiveSession(self._state, self._answers, setup, contents, recorder, expires)
        async with aclosing(session.messages(requests)) as messages:
            async for message in messages:
                yield message


def _check_setup(state: State, setup: v1beta.BidiGenerateContentSetup, call: Call) -> None:
    check_name(setup.model, "models/*", "setup.model")
    check_model(state, setup.model, "setup.model", call, "bidiGenerateContent")
    check_json(setup, "setup")
    check_tools(setup.tools, "setup.tools")
    config, path = setup.generation_config, "setup.generation_config"
    given = {field.name for field, _ in config.ListFields()}
    for name in _UNSUPPORTED:
        if name in given:
            raise invalid_argument(f"{path}.{name}", "is not supported in a live session")
    check_config(config, path)
    if config.candidate_count > 1:
        raise invalid_argument(f"{path}.candidate_count", "must be 1 in a live session")
    if any(part.WhichOneof("data") != "text" for part in setup.system_instruction.parts):
        raise invalid_argument("setup.system_instruction.parts", "must be text")
    check_tokens(state.engine, get_texts([setup.system_instruction]), "setup.system_instruction")
    detection = setup.realtime_input_config.automatic_activity_detection
    for name in ("prefix_padding_ms", "silence_duration_ms"):
        if getattr(detection, name) < 0:
            path = "setup.realtime_input_config.automatic_activity_detection"
            raise invalid_argument(f"{path}.{name}", "must not be negative")
    compression = setup.context_window_compression
    target, trigger = compression.sliding_window.target_tokens, compression.trigger_tokens
    for name, value in (("sliding_window.target_tokens", target), ("trigger_tokens", trigger)):
        if value < 0:
            raise invalid_argument(f"setup.context_window_compression.{name}", "must not be negative")
    if trigger and target >= trigger:
        raise invalid_argument(
            "setup.context_window_compression.sliding_window.target_tokens",
            f"must be less than trigger_tokens, {trigger}",
        )
