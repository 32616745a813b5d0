"""Responses from the output of an engine."""

from __future__ import annotations

from typing import Any

from gemwire_emulator.engines.base import Delta
from gemwire_emulator.services.response_builder import ResponseBuilder
from gemwire_proto import v1beta

REASONS = v1beta.Candidate.FinishReason


def writing() -> ResponseBuilder:
    return ResponseBuilder("model", "id", 5, None)


def parts(candidate: Any) -> list[tuple[str, bool, str]]:
    return [(p.text, p.thought, p.function_call.name) for p in candidate.content.parts]


def test_texts_of_a_kind_become_one_part() -> None:
    call = v1beta.FunctionCall(name="f")
    response = writing().build_response(
        [
            Delta(0, "let me ", thought=True, tokens=2),
            Delta(1, "other", tokens=1),
            Delta(0, "see", thought=True, tokens=1),
            Delta(0, "So", tokens=1, logprobs=[("So", -1.0, [("So", -1.0)])]),
            Delta(0, " it is", tokens=2, logprobs=[(" it", -2.0, [])]),
            Delta(0, call=call, tokens=3),
            Delta(0, "and", tokens=1),
            Delta(1, finish="MAX_TOKENS"),
            Delta(0, finish="STOP"),
        ]
    )
    first, second = response.candidates
    assert parts(first) == [
        ("let me see", True, ""),
        ("So it is", False, ""),
        ("", False, "f"),
        ("and", False, ""),
    ]
    assert (first.token_count, first.finish_reason, first.content.role) == (7, REASONS.STOP, "model")
    assert response.usage_metadata.thoughts_token_count == 3
    assert [c.token for c in first.logprobs_result.chosen_candidates] == ["So", " it"]
    assert len(first.logprobs_result.top_candidates) == 2
    assert parts(second) == [("other", False, "")]
    assert (second.index, second.finish_reason) == (1, REASONS.MAX_TOKENS)
    assert not second.HasField("logprobs_result")
    usage = response.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (5, 8, 16)


def test_pieces_count_as_they_come() -> None:
    answer = writing()
    pieces = [
        answer.build_message(Delta(0, "a", tokens=1)),
        answer.build_message(Delta(0, "b", finish="STOP", tokens=2)),
    ]
    assert [p.usage_metadata.candidates_token_count for p in pieces] == [1, 3]
    assert [p.candidates[0].token_count for p in pieces] == [1, 2]
    assert pieces[1].candidates[0].finish_reason == REASONS.STOP


def test_an_answer_without_text_has_no_part() -> None:
    response = writing().build_response([Delta(0, finish="MALFORMED_FUNCTION_CALL")])
    assert parts(response.candidates[0]) == []
    assert response.candidates[0].content.role == "model"
