"""Responses that end at the limit of one request, and go on in the next: automatic continuation.

The service ends such a response with the finish reason CONTINUATION and a token; the same request with the
token goes on. The number of that reason is not public, so that a message may hold none or an unknown one.
"""

from __future__ import annotations

from gemwire.errors import APIError
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._types.generate_content import GenerateContentConfig
from gemwire_proto import v1beta

_Request = v1beta.GenerateContentRequest | RequestDraft
_REASONS = v1beta.Candidate.DESCRIPTOR.enum_types_by_name["FinishReason"].values_by_number
_USAGE = v1beta.GenerateContentResponse.UsageMetadata.DESCRIPTOR.fields
_COUNTS = tuple(field.name for field in _USAGE if field.name.endswith("_count"))
_DETAILS = tuple(field.name for field in _USAGE if field.message_type is not None)
#: Calls in a row without progress after which a stream that breaks is given up.
_MAX_RECONNECTS = 3


def is_enabled(config: GenerateContentConfig, request: _Request) -> bool:
    """Return whether responses are continued, which is the default where requests have tokens."""
    return config.automatic_continuation is not False and isinstance(
        _message(request), v1beta.GenerateContentRequest
    )


def _message(request: _Request) -> v1beta.GenerateContentRequest:
    return request.last if isinstance(request, RequestDraft) else request


def is_final(candidate: v1beta.Candidate) -> bool:
    """Return whether a candidate has ended for good."""
    return candidate.finish_reason in _REASONS and bool(candidate.finish_reason)


def find_token(response: v1beta.GenerateContentResponse) -> bytes:
    """Return the token with which a response goes on; empty if it is complete."""
    if not response.candidates or response.HasField("prompt_feedback"):
        return b""
    candidate = response.candidates[0]
    token: bytes = candidate.continuation_token
    return b"" if token and is_final(candidate) else token


def set_token(request: _Request, token: bytes) -> None:
    """Set the token of the next request; it goes over HTTP then."""
    _message(request).continuation_token = token


def get_token(request: _Request) -> bytes:
    """Return the token of a request."""
    token: bytes = _message(request).continuation_token
    return token


def append(whole: v1beta.GenerateContentResponse, following: v1beta.GenerateContentResponse) -> None:
    """Append the response that goes on with another one: parts are appended, token counts are added."""
    for candidate, more in zip(whole.candidates, following.candidates, strict=False):
        _append_candidate(candidate, more)
    whole.candidates.extend(following.candidates[len(whole.candidates) :])
    for candidate in whole.candidates[len(following.candidates) :]:
        _clear_end(candidate)
    add_usage(whole, following.usage_metadata)
    rest = v1beta.GenerateContentResponse()
    rest.CopyFrom(following)
    rest.ClearField("candidates")
    rest.ClearField("usage_metadata")
    whole.MergeFrom(rest)


def add_usage(
    response: v1beta.GenerateContentResponse, usage: v1beta.GenerateContentResponse.UsageMetadata
) -> None:
    """Add token counts to those of a response."""
    if not usage.ListFields():
        return
    total = response.usage_metadata
    counts = {name: getattr(total, name) + getattr(usage, name) for name in _COUNTS}
    total.MergeFrom(usage)
    for name in _COUNTS:
        setattr(total, name, counts[name])
    for name in _DETAILS:
        sums: dict[int, int] = {}
        details = getattr(total, name)
        for one in details:
            sums[one.modality] = sums.get(one.modality, 0) + one.token_count
        del details[:]
        details.extend(v1beta.ModalityTokenCount(modality=m, token_count=n) for m, n in sums.items())


def _clear_end(candidate: v1beta.Candidate) -> None:
    for name in ("finish_reason", "finish_message", "continuation_token"):
        candidate.ClearField(name)


def _append_candidate(candidate: v1beta.Candidate, more: v1beta.Candidate) -> None:
    parts = len(candidate.content.parts)
    chunks = len(candidate.grounding_metadata.grounding_chunks)
    supports = len(candidate.grounding_metadata.grounding_supports)
    tokens = candidate.token_count
    _clear_end(candidate)
    candidate.MergeFrom(more)
    if tokens:
        candidate.token_count = tokens + more.token_count
    latest = {rating.category: rating for rating in list(candidate.safety_ratings)}
    del candidate.safety_ratings[:]
    candidate.safety_ratings.extend(latest.values())
    for support in candidate.grounding_metadata.grounding_supports[supports:]:
        indices = [index + chunks for index in support.grounding_chunk_indices]
        support.grounding_chunk_indices[:] = indices
        if support.HasField("segment"):
            support.segment.part_index += parts


class StreamedHops:
    """The calls that one stream consists of: what came of the current one, and whether another follows."""

    def __init__(self) -> None:
        """Begin with the first call."""
        self._before = v1beta.GenerateContentResponse.UsageMetadata()
        self._reconnects = 0
        self._last_error: APIError | None = None
        self._begin(b"")

    def _begin(self, token: bytes) -> None:
        self._sent, self._token = token, b""
        self._ended, self._is_final, self._has_content = False, False, False
        self._usage = v1beta.GenerateContentResponse.UsageMetadata()

    def observe(self, chunk: v1beta.GenerateContentResponse) -> v1beta.GenerateContentResponse:
        """Note a chunk and return it without what belongs to one call alone."""
        if chunk.HasField("prompt_feedback"):
            self._is_final = True
        if chunk.candidates:
            candidate = chunk.candidates[0]
            self._has_content = self._has_content or bool(candidate.content.parts)
            self._ended = self._ended or bool(candidate.finish_reason)
            if is_final(candidate):
                self._is_final, self._token = True, b""
            else:
                self._token = candidate.continuation_token or self._token
                if self._token:
                    candidate.ClearField("finish_reason")
        if chunk.HasField("usage_metadata"):
            self._usage.CopyFrom(chunk.usage_metadata)  # the total of the call so far
            add_usage(chunk, self._before)
        return chunk

    def end(self, error: APIError | None) -> bytes:
        """End a call; return the token of the next one, empty if there is none.

        Args:
            error: The error that ended it.

        Raises:
            APIError: The stream broke and cannot be resumed.
        """
        is_new = bool(self._token) and self._token != self._sent
        if error or is_new or self._has_content:
            self._last_error = error
        token = self._find_next(is_new)
        if token:
            total = v1beta.GenerateContentResponse(usage_metadata=self._before)
            add_usage(total, self._usage)
            self._before = total.usage_metadata
            self._begin(token)
        elif error is not None:
            raise error
        elif self._last_error is not None and not self._ended and not self._is_final:
            raise self._last_error
        return token

    def _find_next(self, is_new: bool) -> bytes:
        if self._is_final or (self._ended and not is_new):
            return b""
        if is_new:
            self._reconnects = 0
            return self._token
        if self._has_content or self._reconnects >= _MAX_RECONNECTS:
            return b""
        self._reconnects += 1
        return self._sent
