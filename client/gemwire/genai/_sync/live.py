# Derived from genai/_aio/live.py by scripts/unasync. DO NOT EDIT.
"""``client.live``: sessions that stream in both directions."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from gemwire._transport.credentials import LiveToken
from gemwire._transport.sync.concurrency import sleep
from gemwire.errors import GemwireError, Unavailable
from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._convert.tools import find_sessions, without_sessions
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.function_executor import check_functions, expand_sessions
from gemwire.genai._sync.live_stream import InputStreaming
from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.content import ContentListUnion, PILImage
from gemwire.genai._types.live import LiveConnectConfig, LiveServerMessage
from gemwire.genai.http_options import CallSettings
from gemwire_proto.v1beta import BidiGenerateContentClientMessage, BidiGenerateContentServerMessage
from gemwire_proto.v1beta.views import ActivityEnd, ActivityStart, Blob, FunctionResponse
from gemwire_runtime import json_only
from gemwire_runtime.method import DEFAULT
from gemwire_runtime.sync.caller import BidiStream

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import LiveConnectConfigOrDict
    from gemwire_proto.v1beta.views import BlobDict, FunctionResponseDict


FunctionResponseUnion: TypeAlias = "FunctionResponse | FunctionResponseDict"

#: Seconds between the attempts to resume a session over another connection.
_RESUME_DELAYS = (0.05, 0.2, 0.8, 2.0)


class Live(Resource):
    """Live sessions: audio, video and text are streamed in both directions at once."""

    def connect(self, *, model: str, config: LiveConnectConfigOrDict | None = None) -> SessionContext:
        """Start a session: ``with client.aio.live.connect(model=…) as session``.

        If ``config.session_resumption`` is set, the session continues over another connection when its own
        one ends, unless the model is in the middle of a turn.

        Functions in ``config.tools``, and the tools of MCP sessions, are declared; the program answers calls
        of them with `Session.send_tool_response`.

        Args:
            model: Name of a model that supports live sessions.
            config: `LiveConnectConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
        """
        return SessionContext(self._api, model, LiveConnectConfig.of(config))


class SessionContext:
    """A session that starts when its ``with`` block is entered, and ends with the block."""

    def __init__(self, api: Api, model: str, config: LiveConnectConfig) -> None:
        """See `Live.connect`."""
        check_functions([session.call_tool for session in find_sessions(config.tools)])
        self._api = api
        self._model = model
        self._config = config
        known = config.model_copy(update={"tools": without_sessions(config.tools)})
        self._session = Session(api, self._to_setup(known), api.settings(config.http_options))

    def _to_setup(self, config: LiveConnectConfig) -> BidiGenerateContentClientMessage:
        return self._api.backend.live.to_setup(self._model, config)

    def __enter__(self) -> Session:
        if find_sessions(self._config.tools):
            self._session.replace_setup(self._to_setup(expand_sessions(self._config)))
        self._session.open()
        return self._session

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()


class Session(InputStreaming):
    """A live session.

    Attributes:
        session_id: Handle to resume the session with; empty until the service sends one.
    """

    def __init__(self, api: Api, setup: BidiGenerateContentClientMessage, settings: CallSettings) -> None:
        """See `Live.connect`, which makes sessions."""
        self._api = api
        self._setup = setup
        self._settings = settings
        self._stream: (
            BidiStream[BidiGenerateContentClientMessage, BidiGenerateContentServerMessage] | None
        ) = None
        self._ends_soon = False
        # What was sent since the model finished its last turn. While there is a handle, the service has not
        # begun to answer it, so that it can be sent again over another connection.
        self._unanswered: list[BidiGenerateContentClientMessage] = []
        self._unread: deque[BidiGenerateContentServerMessage] = deque()
        self.session_id: str = setup.setup.session_resumption.handle

    def replace_setup(self, setup: BidiGenerateContentClientMessage) -> None:
        """Replace the first message of a session that is not open yet."""
        self._setup = setup

    def open(self) -> None:
        """Connect and wait until the service accepts the setup. Entering `SessionContext` calls it.

        Raises:
            APIError: The session cannot be started.
        """
        live = self._api.backend.live
        # Over gRPC alone, the call refuses such a field by its path.
        is_json = self._api.resolved[0] != "grpc" and json_only.paths(self._setup.setup)
        method = live.JSON_METHOD if is_json else live.METHOD
        if isinstance(self._api.caller.authorization, LiveToken):
            method = live.TOKEN_METHOD
        # Without the retry setting: what was sent is lost with its connection.
        self._stream = self._api.caller.bidi(
            method,
            timeout=self._settings.get("timeout", DEFAULT),
            metadata=self._settings.get("metadata", ()),
        )
        self._ends_soon = False
        self._write(self._setup)
        message = self._stream.read()
        if message is None or not message.HasField("setup_complete"):
            self.close()
            raise Unavailable("the service ended the session before it was set up")

    def send_client_content(
        self, *, turns: ContentListUnion | None = None, turn_complete: bool = True
    ) -> None:
        """Send turns of the conversation.

        Args:
            turns: Text, a content or a list of them; see ``contents`` of `generate_content`.
            turn_complete: Whether the model should answer now.

        Raises:
            ValueError: The turns are invalid.
            TypeError: The turns are of a wrong type.
            APIError: The session has ended.
        """
        self._send(self._api.backend.live.to_client_content(turns, turn_complete))

    def send_realtime_input(
        self,
        *,
        media: Blob | BlobDict | PILImage | None = None,
        audio: Blob | BlobDict | None = None,
        audio_stream_end: bool | None = None,
        video: Blob | BlobDict | PILImage | None = None,
        text: str | None = None,
        activity_start: ActivityStart | Mapping[str, object] | None = None,
        activity_end: ActivityEnd | Mapping[str, object] | None = None,
    ) -> None:
        """Send streamed input; takes one argument per call.

        Args:
            media: `Blob` of audio or an image, or an image.
            audio: `Blob` of audio.
            audio_stream_end: Whether the audio stream has ended, such as when the microphone is muted.
            video: `Blob` of a video frame, or an image.
            text: Text.
            activity_start: Start of the user's activity, if automatic detection is disabled.
            activity_end: End of the user's activity, if automatic detection is disabled.

        Raises:
            ValueError: None or several arguments are set, or the argument is invalid.
            TypeError: The argument is of a wrong type.
            APIError: The session has ended.
        """
        arguments = {name: value for name, value in locals().items() if name != "self"}
        self._write(self._api.backend.live.to_realtime_input(arguments))

    def send_tool_response(
        self,
        *,
        function_responses: FunctionResponseUnion | Sequence[FunctionResponseUnion],
    ) -> None:
        """Send the results of function calls.

        Args:
            function_responses: One `FunctionResponse` or several, each with the ``id`` of its call.

        Raises:
            ValueError: A response has no id.
            TypeError: A response is of a wrong type.
            APIError: The session has ended.
        """
        self._send(self._api.backend.live.to_tool_response(function_responses))

    def send(self, *, input: object = None, end_of_turn: bool = False) -> None:
        """Send anything that one of the other methods sends.

        Deprecated, as in google-genai: use `send_client_content`, `send_realtime_input` or
        `send_tool_response`.

        Args:
            input: Contents, media or the results of functions: objects of ``types``, dicts or lists of them.
                None to end the turn.
            end_of_turn: Whether the model should answer contents now.

        Raises:
            ValueError: The input is invalid.
            TypeError: The input is of a wrong type.
            APIError: The session has ended.
        """
        warnings.warn(
            "send is deprecated: use send_client_content, send_realtime_input or send_tool_response",
            DeprecationWarning,
            stacklevel=2,
        )
        message = self._api.backend.live.to_message(input, end_of_turn)
        (self._write(message) if message.HasField("realtime_input") else self._send(message))

    def receive(self) -> Iterator[LiveServerMessage]:
        """Yield messages of the service until the model has completed its turn.

        Raises:
            APIError: The session has ended.
        """
        while (message := self._next_message()) is not None:
            yield LiveServerMessage.of(message)
            if message.server_content.turn_complete:
                return

    def _next_message(self) -> BidiGenerateContentServerMessage | None:
        if (ahead := self._take_ahead()) is not None:
            return ahead
        if self._unread:
            return self._unread.popleft()
        while True:
            try:
                message = self._read()
            except GemwireError:
                if not self._resumable():
                    raise
                message = None
            if message is not None or not self._resumable():
                return message
            self._resume()

    def _read(self) -> BidiGenerateContentServerMessage | None:
        """Read the next message of the connection, None at its end, and note what resuming needs."""
        with details_as_json:
            message = self._require_stream().read()
        if message is None:
            return None
        if message.HasField("session_resumption_update"):
            update = message.session_resumption_update
            # A session cannot be resumed from the middle of a turn.
            self.session_id = update.new_handle if update.resumable else ""
        if message.server_content.turn_complete:
            self._unanswered.clear()
        if message.HasField("go_away"):
            self._ends_soon = True
        return message

    def _send(self, message: BidiGenerateContentClientMessage) -> None:
        """Send a message, over another connection if this one ends."""
        self._unanswered.append(message)
        if self._ends_soon and self._resumable():
            # The service announced the end of this connection: the turn might not complete on it.
            self._resume()
            return
        try:
            self._write(message)
        except GemwireError:
            self._drain()
            if not self._resumable():
                raise
            self._resume()

    def _drain(self) -> None:
        """Read what arrived before the connection ended, which may hold the handle to resume with."""
        try:
            while (message := self._read()) is not None:
                self._unread.append(message)
        except GemwireError:
            return

    def _write(self, message: BidiGenerateContentClientMessage) -> None:
        with details_as_json:
            self._require_stream().write(message)

    def _require_stream(
        self,
    ) -> BidiStream[BidiGenerateContentClientMessage, BidiGenerateContentServerMessage]:
        if self._stream is None:
            raise ValueError("the session is closed; start another with connect")
        return self._stream

    def _resumable(self) -> bool:
        requested = self._setup.setup.HasField("session_resumption")
        return bool(requested and self.session_id and self._stream is not None)

    def _resume(self) -> None:
        self._require_stream().cancel()
        self._setup.setup.session_resumption.handle = self.session_id
        for delay in _RESUME_DELAYS:
            try:
                return self._reopen()
            except Unavailable:
                # A call that directly follows a broken connection may still be assigned to it.
                sleep(delay)
        return self._reopen()

    def _reopen(self) -> None:
        self.open()
        for message in self._unanswered:
            self._write(message)

    def close(self) -> None:
        """End the session."""
        self._drop_ahead()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()
