# Derived from genai/_aio/live.py by scripts/unasync. DO NOT EDIT.
"""``client.aio.live``: conversations in both directions at once, over one stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from gemwire._transport.sync.concurrency import sleep
from gemwire.errors import GemwireError, Unavailable
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.connections import check_grpc
from gemwire.genai._types import live as conversion
from gemwire.genai._types.live import LiveConnectConfig, LiveServerMessage
from gemwire_proto import v1beta

#: Seconds between the attempts to go on over another connection.
_PAUSES = (0.05, 0.2, 0.8, 2.0)


class Live:
    """Live sessions."""

    def __init__(self, api: Api) -> None:
        """``api``: what the resources share."""
        self._api = api

    def connect(self, *, model: str, config: LiveConnectConfig | Any | None = None) -> Connecting:
        """Begin a session: ``with client.aio.live.connect(model=…) as session``.

        A session that asks for `session_resumption` goes on over another connection when its own ends, unless
        the model is in the middle of an answer.

        Args:
            model: Name of a model that serves live sessions.
            config: `LiveConnectConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
        """
        config = LiveConnectConfig.of(config)
        setup = conversion.setup(model, config)
        check_grpc(setup)
        return Connecting(self._api, setup, config.http_options)


class Connecting:
    """A session that is about to begin."""

    def __init__(self, api: Api, setup: Any, http_options: Any) -> None:
        """``setup``: its first message."""
        settings = dict(api.settings(http_options))
        # There is nothing to repeat: what was said cannot be said again.
        settings.pop("retry", None)
        self._session = Session(api, setup, settings)

    def __enter__(self) -> Session:
        self._session._open()
        return self._session

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()


class Session:
    """A live session.

    Attributes:
        session_id: Handle by which it can be resumed; empty until the service gives one.
    """

    def __init__(self, api: Api, setup: Any, settings: dict[str, Any]) -> None:
        """Begun by `Connecting`."""
        self._api = api
        self._setup = setup
        self._settings = settings
        self._stream: Any = None
        self._going = False
        # What was said since the model last finished a turn. As long as there is a handle, the service has
        # not begun to answer it, and it can be said again elsewhere.
        self._said: list[dict[str, Any]] = []
        self._unread: deque[Any] = deque()
        self.session_id = setup.session_resumption.handle

    def _open(self) -> None:
        """Connect, and wait for the service to accept the setup."""
        self._stream = self._api.generative.bidi_generate_content(**self._settings)
        self._going = False
        self._send(setup=self._setup)
        message = self._stream.read()
        if message is None or not message.HasField("setup_complete"):
            self.close()
            raise Unavailable("the service ended the session before it had begun")

    def send_client_content(self, *, turns: Any = None, turn_complete: bool = True) -> None:
        """Say something, as turns of a conversation.

        Args:
            turns: A text, a content or a list of them; see `generate_content`'s contents.
            turn_complete: Whether the model is to answer now.

        Raises:
            ValueError: They say nothing that can be sent.
            TypeError: They are of a wrong type.
            APIError: The session has ended.
        """
        content = conversion.client_content(turns, turn_complete)
        self._say(client_content=content)

    def send_realtime_input(
        self,
        *,
        media: Any = None,
        audio: Any = None,
        audio_stream_end: bool | None = None,
        video: Any = None,
        text: str | None = None,
        activity_start: Any = None,
        activity_end: Any = None,
    ) -> None:
        """Send a piece of what is streamed; one argument at a time.

        Args:
            media: A `Blob` or a picture, of sound or of sight.
            audio: A `Blob` of sound.
            audio_stream_end: The microphone is off.
            video: A `Blob` or a picture.
            text: What is typed.
            activity_start: The user begins to speak, where that is not detected.
            activity_end: The user has spoken.

        Raises:
            ValueError: There is not just one, or it is none that can be sent.
            TypeError: It is of a wrong type.
            APIError: The session has ended.
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        self._send(realtime_input=conversion.realtime_input(given))

    def send_tool_response(self, *, function_responses: Any) -> None:
        """Answer functions that the model called.

        Args:
            function_responses: One `FunctionResponse` or several, with the ids of the calls.

        Raises:
            ValueError: One has no id.
            TypeError: One is of a wrong type.
            APIError: The session has ended.
        """
        self._say(tool_response=conversion.tool_response(function_responses))

    def receive(self) -> Iterator[LiveServerMessage]:
        """What the service says, until the model has finished its turn.

        Raises:
            APIError: The session has ended.
        """
        while (message := self._next()) is not None:
            yield LiveServerMessage.of(message)
            content = message.server_content
            if content.turn_complete:
                return

    def _next(self) -> Any:
        if self._unread:
            return self._unread.popleft()
        while True:
            try:
                message = self._read()
            except GemwireError:
                if not self._resumable():
                    raise
                message = None
            if message is not None:
                return message
            if not self._resumable():
                return None
            self._resume()

    def _read(self) -> Any:
        """The next message of this connection; None when there are no more."""
        message = self._stream.read()
        if message is not None:
            self._note(message)
        return message

    def _note(self, message: Any) -> None:
        """Remember what resuming needs to know."""
        if message.HasField("session_resumption_update"):
            update = message.session_resumption_update
            # Within a turn there is nothing to resume from.
            self.session_id = update.new_handle if update.resumable else ""
        if message.server_content.turn_complete:
            self._said.clear()
        if message.HasField("go_away"):
            self._going = True

    def _say(self, **kind: Any) -> None:
        """Send what can be said again."""
        self._said.append(kind)
        if self._going and self._resumable():
            # The service is about to close this connection: a turn that begins here might not end here.
            self._resume()
            return
        try:
            self._send(**kind)
        except GemwireError:
            self._drain()
            if not self._resumable():
                raise
            self._resume()

    def _drain(self) -> None:
        """Read what came before the connection ended; the handle to resume with may be there."""
        try:
            while (message := self._read()) is not None:
                self._unread.append(message)
        except GemwireError:
            return

    def _send(self, **kind: Any) -> None:
        if self._stream is None:
            raise ValueError("the session has been closed")
        self._stream.write(v1beta.BidiGenerateContentClientMessage(**kind))

    def _resumable(self) -> bool:
        asked = self._setup.HasField("session_resumption")
        return bool(asked and self.session_id and self._stream is not None)

    def _resume(self) -> None:
        self._stream.cancel()
        self._setup.session_resumption.handle = self.session_id
        for pause in _PAUSES:
            try:
                return self._go_on()
            except Unavailable:
                # A call that follows a broken connection at once may still be given to that one.
                sleep(pause)
        return self._go_on()

    def _go_on(self) -> None:
        self._open()
        for kind in self._said:
            self._send(**kind)

    def close(self) -> None:
        """End the session."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()
