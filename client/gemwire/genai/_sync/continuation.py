# Derived from genai/_aio/continuation.py by scripts/unasync. DO NOT EDIT.
"""Automatic continuation: further calls while a response ends at the limit of one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from gemwire.errors import APIError, DeadlineExceeded, ServerError
from gemwire.genai._backends.base import GenerateRequest
from gemwire.genai._convert import continuation
from gemwire.genai._sync.api import Api
from gemwire.genai._types.response_headers import Received
from gemwire.genai.http_options import CallSettings
from gemwire_proto import v1beta


class MessageStream(Protocol):
    """The messages of one streaming call, live, recorded or replayed."""

    def __iter__(self) -> Iterator[v1beta.GenerateContentResponse]: ...
    def cancel(self) -> bool: ...
    @property
    def carries_json_only(self) -> bool: ...
    def initial_metadata(self) -> Received: ...


def generate(
    api: Api, request: GenerateRequest, settings: CallSettings, *, continues: bool
) -> tuple[v1beta.GenerateContentResponse, Received]:
    """Call the model until its response is complete; return it, and the headers of the last part.

    Args:
        api: The API of the client.
        request: The request; it is unchanged afterwards.
        settings: Settings of each call.
        continues: Whether to go on at all.
    """
    to_call = api.backend.models.generate_content
    response, received = api.unary(*to_call(request), settings)
    if not continues or not (token := continuation.find_token(response)):
        return response, received
    first = continuation.get_token(request)
    whole, sent = response, first
    try:
        while token and token != sent:
            continuation.set_token(request, token)
            sent = token
            response, received = api.unary(*to_call(request), settings)
            continuation.append(whole, response)
            token = continuation.find_token(response)
    except APIError as error:
        error.hint = error.hint or (
            "The response had begun: with automatic_continuation=False, each part is returned by itself."
        )
        raise
    finally:
        continuation.set_token(request, first)
    return whole, received


class ContinuedStream:
    """The messages of a streaming call and of those that go on with it.

    A stream that breaks after the service has sent a token is resumed from there.

    Attributes:
        carries_json_only: Whether messages may have JSON-only fields.
    """

    carries_json_only = True

    def __init__(
        self,
        stream: MessageStream,
        start: Callable[[], MessageStream],
        request: GenerateRequest,
    ) -> None:
        """Read a stream; ``start`` makes the call of the request again."""
        self._stream = stream
        self._start = start
        self._request = request
        self._cancelled = False

    def __iter__(self) -> Iterator[v1beta.GenerateContentResponse]:
        hops, first = continuation.StreamedHops(), continuation.get_token(self._request)
        while True:
            failure: APIError | None = None
            try:
                for message in self._stream:
                    yield hops.observe(message)
            except ServerError as error:
                # The time of a call is that of the program, and no reason to begin another.
                if self._cancelled or isinstance(error, DeadlineExceeded):
                    raise
                failure = error
            token = hops.end(failure)
            if not token or self._cancelled:
                return
            continuation.set_token(self._request, token)
            try:
                self._stream = self._start()
            finally:
                continuation.set_token(self._request, first)

    def cancel(self) -> bool:
        """End the call, from any thread; no further one is made."""
        self._cancelled = True
        return self._stream.cancel()

    def initial_metadata(self) -> Received:
        """Return the headers of the current call."""
        return self._stream.initial_metadata()
