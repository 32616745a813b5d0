"""The context window of live sessions: the turns of a conversation that become the prompt."""

from __future__ import annotations

from collections.abc import Sequence

from gemwire_emulator.engines.base import Engine
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import invalid_argument
from gemwire_proto import v1beta


def build_prompt(
    setup: v1beta.BidiGenerateContentSetup, contents: Sequence[v1beta.Content], engine: Engine
) -> tuple[v1beta.GenerateContentRequest, int]:
    """Return the request for the next response, and its tokens.

    Args:
        setup: Setup of the session. With context window compression the oldest turns are dropped.
        contents: The conversation.
        engine: The engine.

    Raises:
        StatusError: INVALID_ARGUMENT; the conversation exceeds the model's token limit.
    """
    fixed = engine.count_tokens(get_texts([setup.system_instruction]))
    counts = [engine.count_tokens(get_texts([content])) for content in contents]
    start, total = 0, fixed + sum(counts)
    compression = setup.context_window_compression
    if compression.WhichOneof("compression_mechanism"):
        trigger = compression.trigger_tokens or engine.input_token_limit * 8 // 10
        target = compression.sliding_window.target_tokens or trigger // 2
        if total > trigger:
            start = _find_start(contents, counts, target - fixed)
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


def _find_start(contents: Sequence[v1beta.Content], counts: list[int], target: int) -> int:
    """Return the first user turn from which on at most ``target`` tokens remain, else the last one."""
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
