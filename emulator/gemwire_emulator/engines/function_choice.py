"""The choice of the functions that a request's tools lead to, and calls with arguments of the prompt."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from gemwire_emulator.engines.json_schema import JsonSchema, schema_from_parameters
from gemwire_emulator.engines.sample_values import generate_value
from gemwire_proto import v1beta

_STOP_WORDS = frozenset({"the", "and", "for", "what", "get", "with", "this", "that", "you"})
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:,\d{3})*(?:\.\d{1,15})?(?![\w])")
#: Words with a capital letter that do not begin a sentence.
_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z]\w*(?: [A-Z]\w*)*")
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
#: Characters of a prompt, and sentences of it, that are looked at.
_LOOKED_AT, _SENTENCES = 20_000, 20


def choose_function(request: v1beta.GenerateContentRequest) -> v1beta.FunctionDeclaration | None:
    """Return the function that a request's tools and mode lead to, None for a response in words.

    ANY (and VALIDATED) choose the function that fits the prompt best; AUTO does so only if one fits: if it
    shares words with the prompt, or takes as many numbers as are in it. After a function's response there is
    none.
    """
    declared = _list_declared(request)
    if not declared:
        return None
    always = request.tool_config.function_calling_config.mode == v1beta.FunctionCallingConfig.Mode.ANY
    return _find_best(declared, _get_prompt(request), always=always)


def generate_calls(request: v1beta.GenerateContentRequest, rng: random.Random) -> list[v1beta.FunctionCall]:
    """Return calls of the functions that fit sentences of a prompt; none for a response in words.

    Arguments are numbers, names and enum values of the prompt as far as it has them, else made up.

    Raises:
        UnboundedSchemaError: No arguments are small enough.
    """
    function = choose_function(request)
    if function is None:
        return []
    declared, prompt = _list_declared(request), _get_prompt(request)
    calls: dict[str, v1beta.FunctionCall] = {}
    for sentence in _SENTENCE_END.split(prompt)[:_SENTENCES]:
        best = _find_best(declared, sentence, always=False)
        if best is not None and best.name not in calls:
            calls[best.name] = _call(best, sentence, rng)
    return list(calls.values()) or [_call(function, prompt, rng)]


def _list_declared(request: v1beta.GenerateContentRequest) -> list[v1beta.FunctionDeclaration]:
    """Return the functions that may be called now."""
    config = request.tool_config.function_calling_config
    allowed = set(config.allowed_function_names)
    declared = [d for t in request.tools for d in t.function_declarations if not allowed or d.name in allowed]
    if not declared or config.mode == v1beta.FunctionCallingConfig.Mode.NONE:
        return []
    latest = request.contents[-1] if request.contents else None
    if latest is not None and any(p.HasField("function_response") for p in latest.parts):
        return []
    return declared


def _get_prompt(request: v1beta.GenerateContentRequest) -> str:
    return " ".join(p.text for c in request.contents[-1:] for p in c.parts)[:_LOOKED_AT]


def _find_best(
    declared: Sequence[v1beta.FunctionDeclaration], text: str, *, always: bool
) -> v1beta.FunctionDeclaration | None:
    words, numbers = _split_words(text), len(_NUMBER.findall(text))
    scored = []
    for i, function in enumerate(declared):
        score = len(words & _split_words(f"{function.name} {function.description}"))
        if numbers:
            score += numbers == sum(map(_is_number, _get_properties(function).values()))
        scored.append((score, -i, function))
    score, _, best = max(scored, key=lambda s: s[:2])
    return best if always or score else None


def _call(function: v1beta.FunctionDeclaration, text: str, rng: random.Random) -> v1beta.FunctionCall:
    made = generate_value(schema_from_parameters(function), rng)
    arguments = made if isinstance(made, dict) else {}
    numbers = [float(number.replace(",", "")) for number in _NUMBER.findall(text)]
    names = _NAME.findall(text)
    for name, schema in _get_properties(function).items():
        if name not in arguments or not isinstance(schema, dict):
            continue
        if mentioned := [one for one in schema.get("enum", ()) if str(one).lower() in text.lower()]:
            arguments[name] = mentioned[0]
        elif "enum" in schema or "const" in schema:
            continue
        elif _is_number(schema):
            if numbers and _fits(numbers[0], schema):
                arguments[name] = numbers.pop(0)
        elif names and _takes_name(schema, names[0]):
            arguments[name] = names.pop(0)
    return v1beta.FunctionCall(name=function.name, args=arguments)


def _get_properties(function: v1beta.FunctionDeclaration) -> dict[str, JsonSchema]:
    properties: dict[str, JsonSchema] = schema_from_parameters(function).get("properties", {})
    return properties


def _is_number(schema: object) -> bool:
    return isinstance(schema, dict) and schema.get("type") in ("integer", "number")


def _fits(number: float, schema: JsonSchema) -> bool:
    if schema["type"] == "integer" and number != int(number):
        return False
    if schema.keys() & {"exclusiveMinimum", "exclusiveMaximum", "multipleOf"}:
        return False
    return bool(schema.get("minimum", number) <= number <= schema.get("maximum", number))


def _takes_name(schema: JsonSchema, name: str) -> bool:
    if schema.get("type") != "string" or schema.keys() & {"format", "pattern"}:
        return False
    return bool(schema.get("minLength", 0) <= len(name) <= schema.get("maxLength", len(name)))


def _split_words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text).replace("_", " ").lower()
    return {w.rstrip("s") for w in re.findall(r"[a-z]{3,}", spaced)} - _STOP_WORDS
