"""What an engine writes, as responses: pieces of a stream, or everything as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gemwire_emulator.engines.base import Delta
from gemwire_proto import v1beta

_REASONS = v1beta.Candidate.FinishReason
_BLOCKS = v1beta.GenerateContentResponse.PromptFeedback.BlockReason


class ResponseBuilder:
    """One answer, as it grows."""

    def __init__(self, version: str, identity: str, prompt_tokens: int, cached_tokens: int | None) -> None:
        """Nothing is written yet.

        Args:
            version: Of the model.
            identity: The answer's response_id.
            prompt_tokens: What the prompt took.
            cached_tokens: How many of them were cached; None without cached content.
        """
        self._version = version
        self._identity = identity
        self._prompt = prompt_tokens
        self._cached = cached_tokens
        self._tokens = 0

    def blocked(self, rating: dict[str, Any]) -> Any:
        """There is no answer: this rating blocks the prompt."""
        response = self._response()
        response.prompt_feedback.block_reason = _BLOCKS.SAFETY
        response.prompt_feedback.safety_ratings.add(**rating)
        return response

    def piece(self, delta: Delta) -> Any:
        """A piece as a message of a stream."""
        self._tokens += delta.tokens
        response = self._response()
        _add(response.candidates.add(index=delta.index), delta)
        return response

    def whole(self, deltas: Iterable[Delta]) -> Any:
        """All pieces as one message."""
        # They are joined while they are texts: joining sixteen messages took longer than all else of a call.
        joined = _joined(deltas)
        self._tokens = sum(delta.tokens for delta in joined)
        response = self._response()
        candidates: dict[int, Any] = {}
        for delta in joined:
            if delta.index not in candidates:
                candidates[delta.index] = response.candidates.add(index=delta.index)
            _add(candidates[delta.index], delta)
        return response

    def _response(self) -> Any:
        response = v1beta.GenerateContentResponse(model_version=self._version, response_id=self._identity)
        usage = response.usage_metadata
        usage.prompt_token_count = self._prompt
        usage.candidates_token_count = self._tokens
        usage.total_token_count = self._prompt + self._tokens
        if self._cached is not None:
            usage.cached_content_token_count = self._cached
        return response


def _joined(deltas: Iterable[Delta]) -> list[Delta]:
    """Texts of the same kind that follow each other in a candidate become one; the rest stays as it is."""
    found: list[Delta] = []
    latest: dict[int, Delta] = {}
    for delta in deltas:
        before = latest.get(delta.index)
        if before and before.call is None and delta.call is None and before.thought == delta.thought:
            before.text += delta.text
            before.tokens += delta.tokens
            before.finish = delta.finish or before.finish
            before.logprobs += delta.logprobs
        else:
            found.append(delta)
            latest[delta.index] = delta
    return found


def _add(candidate: Any, delta: Delta) -> None:
    content = candidate.content
    content.role = "model"
    if delta.call is not None:
        content.parts.add(function_call=delta.call)
    elif delta.text or not delta.finish:
        part = content.parts.add(text=delta.text)
        if delta.thought:
            part.thought = True
    if delta.finish:
        candidate.finish_reason = _REASONS.Value(delta.finish)
    candidate.token_count += delta.tokens
    for token, probability, others in delta.logprobs:
        candidate.logprobs_result.chosen_candidates.add(token=token, log_probability=probability)
        candidate.logprobs_result.top_candidates.add(
            candidates=[{"token": t, "log_probability": p} for t, p in others]
        )
