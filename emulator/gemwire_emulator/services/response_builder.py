"""The conversion of an engine's output to responses: messages of a stream, or one whole response."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gemwire_emulator.engines.base import Delta
from gemwire_proto import v1beta

_REASONS = v1beta.Candidate.FinishReason
_BLOCKS = v1beta.GenerateContentResponse.PromptFeedback.BlockReason


class ResponseBuilder:
    """The responses of one call."""

    def __init__(self, version: str, identity: str, prompt_tokens: int, cached_tokens: int | None) -> None:
        """Create a builder.

        Args:
            version: The model_version.
            identity: The response_id.
            prompt_tokens: Tokens of the prompt.
            cached_tokens: Tokens of its cached content; None without cached content.
        """
        self._version = version
        self._identity = identity
        self._prompt = prompt_tokens
        self._cached = cached_tokens
        self._tokens = 0
        self._thought_tokens = 0
        self._by_modality: dict[str, int] = {}
        self._tool_tokens = 0
        self._first_parts: Sequence[v1beta.Part] = ()
        self._begun: set[int] = set()

    def add_search(self, tokens: int, parts: Sequence[v1beta.Part]) -> None:
        """Note a search that the prompt made.

        Args:
            tokens: Tokens of its result, which count as the prompt's.
            parts: Parts that each candidate begins with.
        """
        self._tool_tokens = tokens
        self._first_parts = parts

    def build_blocked(self, rating: v1beta.SafetyRating) -> v1beta.GenerateContentResponse:
        """Return a response without candidates for a prompt that a rating blocks."""
        response = self._start_response()
        response.prompt_feedback.block_reason = _BLOCKS.SAFETY
        response.prompt_feedback.safety_ratings.append(rating)
        return response

    def build_message(self, delta: Delta) -> v1beta.GenerateContentResponse:
        """Return the message of a stream for a piece."""
        self._count(delta)
        response = self._start_response(whole=bool(delta.finish))
        self._add(response.candidates.add(index=delta.index), delta)
        return response

    def build_response(self, deltas: Iterable[Delta]) -> v1beta.GenerateContentResponse:
        """Return one response for all pieces."""
        # Texts are joined before messages are created: merging messages took longer than the rest of a call.
        joined = _join(deltas)
        for delta in joined:
            self._count(delta)
        response = self._start_response(whole=True)
        candidates: dict[int, v1beta.Candidate] = {}
        for delta in joined:
            if delta.index not in candidates:
                candidates[delta.index] = response.candidates.add(index=delta.index)
            self._add(candidates[delta.index], delta)
        return response

    def _count(self, delta: Delta) -> None:
        if delta.thought:
            self._thought_tokens += delta.tokens
            return
        self._tokens += delta.tokens
        if delta.tokens:
            media = delta.part.inline_data.mime_type.partition("/")[0].upper() if delta.part else ""
            modality = media or "TEXT"
            self._by_modality[modality] = self._by_modality.get(modality, 0) + delta.tokens

    def _add(self, candidate: v1beta.Candidate, delta: Delta) -> None:
        if delta.index not in self._begun:
            self._begun.add(delta.index)
            candidate.content.parts.extend(self._first_parts)
        _add(candidate, delta)

    def _start_response(self, *, whole: bool = False) -> v1beta.GenerateContentResponse:
        """Return a response with the usage so far, and with its details if that is the ``whole`` of it."""
        response = v1beta.GenerateContentResponse(model_version=self._version, response_id=self._identity)
        usage = response.usage_metadata
        usage.prompt_token_count = self._prompt
        usage.candidates_token_count = self._tokens
        usage.tool_use_prompt_token_count = self._tool_tokens
        usage.thoughts_token_count = self._thought_tokens
        usage.total_token_count = self._prompt + self._tool_tokens + self._thought_tokens + self._tokens
        for modality, tokens in self._by_modality.items() if whole else ():
            usage.candidates_tokens_details.add(modality=modality, token_count=tokens)
        if self._cached is not None:
            usage.cached_content_token_count = self._cached
        return response


def _join(deltas: Iterable[Delta]) -> list[Delta]:
    """Join consecutive texts of the same kind in a candidate."""
    found: list[Delta] = []
    latest: dict[int, Delta] = {}
    for delta in deltas:
        before = latest.get(delta.index)
        if before and _is_text(before) and _is_text(delta) and before.thought == delta.thought:
            before.text += delta.text
            before.tokens += delta.tokens
            before.finish = delta.finish or before.finish
            before.signature = delta.signature or before.signature
            before.logprobs += delta.logprobs
        elif before and before.part and delta.part and _is_audio(before.part) and _is_audio(delta.part):
            before.part.inline_data.data += delta.part.inline_data.data
            before.tokens += delta.tokens
            before.finish = delta.finish
        else:
            found.append(delta)
            latest[delta.index] = delta
    return found


def _is_audio(part: v1beta.Part) -> bool:
    return part.inline_data.mime_type.startswith("audio/")


def _is_text(delta: Delta) -> bool:
    return delta.call is None and delta.part is None


def _add(candidate: v1beta.Candidate, delta: Delta) -> None:
    content = candidate.content
    content.role = "model"
    if delta.call is not None:
        content.parts.add(function_call=delta.call)
    elif delta.part is not None:
        content.parts.append(delta.part)
    elif delta.text or delta.signature or not (delta.finish or delta.thought):
        part = content.parts.add(text=delta.text)
        if delta.thought:
            part.thought = True
    if delta.signature:
        content.parts[-1].thought_signature = delta.signature
    if delta.finish:
        candidate.finish_reason = _REASONS.Value(delta.finish)
    if not delta.thought:
        candidate.token_count += delta.tokens
    for token, probability, others in delta.logprobs:
        candidate.logprobs_result.chosen_candidates.add(token=token, log_probability=probability)
        candidate.logprobs_result.top_candidates.add(
            candidates=[{"token": t, "log_probability": p} for t, p in others]
        )
