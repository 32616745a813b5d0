"""What of a live session's conversation the engine gets: all of it, or what fits the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gemwire_emulator.engines.base import Engine
from gemwire_emulator.engines.instant import texts_of
from gemwire_emulator.errors import invalid_argument
from gemwire_proto import v1beta


def prompt_of(setup: Any, contents: Sequence[Any], engine: Engine) -> tuple[Any, int]:
    """The request for the next answer, and its tokens.

    Args:
        setup: The session's BidiGenerateContentSetup. The oldest turns are left out where it asks for that.
        contents: What was said.
        engine: Counts, and has a limit.

    Raises:
        StatusError: The conversation is longer than the model takes.
    """
    fixed = engine.count_tokens(texts_of([setup.system_instruction]))
    counts = [engine.count_tokens(texts_of([content])) for content in contents]
    start, total = 0, fixed + sum(counts)
    compression = setup.context_window_compression
    if compression.WhichOneof("compression_mechanism"):
        trigger = compression.trigger_tokens or engine.input_token_limit * 8 // 10
        target = compression.sliding_window.target_tokens or trigger // 2
        if total > trigger:
            start = _shortened(contents, counts, target - fixed)
            total = fixed + sum(counts[start:])
    if total > engine.input_token_limit:
        raise invalid_argument(
            "client_content.turns", f"the window of {engine.input_token_limit} tokens is full"
        )
    prompt = v1beta.GenerateContentRequest(
        model=setup.model,
        contents=contents[start:],
        tools=setup.tools,
        generation_config=setup.generation_config,
    )
    if setup.HasField("system_instruction"):
        prompt.system_instruction.CopyFrom(setup.system_instruction)
    return prompt, total


def _shortened(contents: Sequence[Any], counts: list[int], target: int) -> int:
    """Where to begin, at a user's turn, so that no more than the target is left; at the last turn at most."""
    starts = [
        i
        for i, content in enumerate(contents)
        if i and content.role != "model" and not any(p.HasField("function_response") for p in content.parts)
    ]
    left = sum(counts)
    for start in starts:
        if sum(counts[start:]) <= target:
            return start
    return starts[-1] if starts and left > target else 0
