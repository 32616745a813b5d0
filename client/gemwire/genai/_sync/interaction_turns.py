# Derived from genai/_aio/interaction_turns.py by scripts/unasync. DO NOT EDIT.
"""Automatic continuation of interactions: further requests while one ends at the limit of a request."""

from __future__ import annotations

import time
from collections.abc import Iterator

from gemwire.errors import DeadlineExceeded, GemwireError
from gemwire.genai._convert.interaction_turns import StreamedTurn, find_token, merge, to_following
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.event_stream import EventMessages
from gemwire.genai._types.interactions import Interaction
from gemwire.genai._types.response_headers import attach_headers
from gemwire.genai.errors import ContinuationInterruptedError
from gemwire.genai.http_options import CallSettings
from gemwire_proto import interactions
from gemwire_proto.interactions import interaction_service as rpcs


class TurnDeadline:
    """The timeout of a turn, which all of its requests share."""

    def __init__(self, settings: CallSettings) -> None:
        """Begin to count."""
        self._settings = settings
        seconds = settings.get("timeout")
        self._end = time.monotonic() + seconds if isinstance(seconds, (int, float)) else None

    def settings(self) -> CallSettings:
        """Return the settings of the next request.

        Raises:
            DeadlineExceeded: The time is over.
        """
        made = self._settings.copy()
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise DeadlineExceeded("the timeout was over before the interaction was complete")
            made["timeout"] = left
        return made


def create(
    api: Api, request: interactions.CreateInteractionRequest, settings: CallSettings, *, continues: bool
) -> Interaction:
    """Create an interaction, and those that go on with it; return them as one.

    Raises:
        ContinuationInterruptedError: A request failed after others had succeeded.
    """
    deadline = TurnDeadline(settings)
    response, received = api.unary(rpcs.CREATE_INTERACTION, request, deadline.settings())
    parts, sent = [Interaction.of(response)], request.continuation_token
    while continues and (token := find_token(parts[-1])) and token != sent:
        owner = parts[-1].id or ""
        following = to_following(request, token, owner)
        try:
            response, received = api.unary(rpcs.CREATE_INTERACTION, following, deadline.settings())
        except GemwireError as error:
            whole = merge(parts)
            stored = following.previous_interaction_id == owner
            raise _interrupt(error, whole, token, owner if stored else "", whole.continuation_ids) from error
        parts.append(Interaction.of(response))
        sent = token
    whole = merge(parts) if continues else parts[0]
    attach_headers(whole, received)
    return whole


class TurnEvents:
    """The events of an interaction, and of those that go on with it."""

    def __init__(
        self,
        stream: EventMessages,
        api: Api,
        request: interactions.CreateInteractionRequest,
        deadline: TurnDeadline,
    ) -> None:
        """Read the stream of the first request."""
        self._stream = stream
        self._api = api
        self._request = request
        self._deadline = deadline
        self._cancelled = False

    def __iter__(self) -> Iterator[interactions.InteractionSSEEvent]:
        turn = StreamedTurn(self._request)
        while True:
            failure: GemwireError | None = None
            try:
                for event in self._stream:
                    yield turn.observe(event)
            except GemwireError as error:
                if self._cancelled:
                    raise
                failure = error
            while following := None if self._cancelled else turn.end(failure):
                try:
                    request = to_following(self._request, *following)
                    self._stream = start(self._api, request, self._deadline.settings())
                    break
                except GemwireError as error:
                    failure = error
            else:
                if failure is None:
                    return
                if found := turn.find_resumption():
                    raise _interrupt(failure, None, *found) from failure
                raise failure

    def cancel(self) -> bool:
        """End the call, from any thread; no further one is made."""
        self._cancelled = True
        return self._stream.cancel()


def start(api: Api, request: interactions.CreateInteractionRequest, settings: CallSettings) -> EventMessages:
    """Start the stream of one request."""
    return api.caller.server_stream(rpcs.STREAM_CREATE_INTERACTION, request, (), **settings)


def _interrupt(
    failure: GemwireError, partial: Interaction | None, token: str, owner: str, ids: list[str]
) -> ContinuationInterruptedError:
    """Build the error of a turn that broke after some of its requests had succeeded."""
    return ContinuationInterruptedError(
        f"the interaction was interrupted: {failure} Pass the continuation_token of this error to "
        "interactions.create to go on.",
        partial_interaction=partial,
        continuation_token=token,
        interaction_id=owner or None,
        continuation_ids=ids,
    )
