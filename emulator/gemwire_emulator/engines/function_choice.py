"""The choice of the function that a request's tools lead to, and made-up calls of it."""

from __future__ import annotations

import random
import re

from gemwire_emulator.engines.json_schema import schema_from_parameters
from gemwire_emulator.engines.sample_values import generate_value
from gemwire_proto import v1beta

_STOP_WORDS = frozenset({"the", "and", "for", "what", "get", "with", "this", "that", "you"})


def choose_function(request: v1beta.GenerateContentRequest) -> v1beta.FunctionDeclaration | None:
    """Return the function that a request's tools and mode lead to, None for a response in words.

    ANY (and VALIDATED) choose the function whose name and description share most words with the prompt;
    AUTO does so only if they share a word. After a function's response there is none.
    """
    modes = v1beta.FunctionCallingConfig.Mode
    config = request.tool_config.function_calling_config
    allowed = set(config.allowed_function_names)
    declared = [d for t in request.tools for d in t.function_declarations if not allowed or d.name in allowed]
    if not declared or config.mode == modes.NONE:
        return None
    latest = request.contents[-1] if request.contents else None
    if latest is not None and any(p.HasField("function_response") for p in latest.parts):
        return None
    prompt = _split_words(" ".join(p.text for p in latest.parts)) if latest is not None else set()
    scored = [
        (len(prompt & _split_words(f"{d.name} {d.description}")), -i, d) for i, d in enumerate(declared)
    ]
    score, _, best = max(scored, key=lambda s: s[:2])
    return None if config.mode != modes.ANY and score == 0 else best


def generate_call(request: v1beta.GenerateContentRequest, rng: random.Random) -> v1beta.FunctionCall | None:
    """Return a call of the chosen function with made-up arguments, None for a response in words.

    Raises:
        UnboundedSchemaError: No arguments are small enough.
    """
    function = choose_function(request)
    if function is None:
        return None
    arguments = generate_value(schema_from_parameters(function), rng)
    return v1beta.FunctionCall(name=function.name, args=arguments if isinstance(arguments, dict) else {})


def _split_words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).replace("_", " ").lower()
    return {w.rstrip("s") for w in re.findall(r"[a-z]{3,}", spaced)} - _STOP_WORDS
