"""DecisionService: answers as numbers. There is no model for them: they come from the engine's embeddings.

An answer is likely if its description is close to the input; the numbers depend on the input alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.services.interaction_prompts import parse_input
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.state import State
from gemwire_proto import interactions as api
from gemwire_proto.google.protobuf import struct_pb2

#: How much closeness counts.
_SHARPNESS = 8.0
_LOWEST, _HIGHEST = 0.01, 0.99


class DecisionService:
    """The handlers of DecisionService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    async def create_decision(
        self, request: api.CreateDecisionRequest, call: Call
    ) -> api.CreateDecisionResponse:
        """Answer questions about an input."""
        name = request.model if "/" in request.model else f"models/{request.model}"
        check_model(self._state, name, "model", call, "generateContent")
        if not request.HasField("input"):
            raise invalid_argument("input", "is required")
        if not request.questions:
            raise invalid_argument("questions", "is required")
        subject = _extract_text(request.input)
        answers, texts = {}, [subject]
        for key, question in sorted(request.questions.items()):
            instructions = _extract_text(question.instructions)
            options = _list_options(question, f"questions[{key}]")
            texts += [instructions, *options.values()]
            closeness = await self._compare(f"{instructions}\n{subject}", list(options.values()))
            answers[key] = _build_answer(question.type, options, closeness)
        tokens = self._state.engine.count_tokens(texts)
        usage = api.Usage(total_input_tokens=tokens, total_output_tokens=0, total_tokens=tokens)
        return api.CreateDecisionResponse(answers=answers, usage=usage)

    async def _compare(self, text: str, others: Sequence[str]) -> list[float]:
        """Return how likely it is that each of some texts belongs to a text; the sum is 1."""
        first, *vectors = await self._state.engine.embed([text, *others])
        closeness = [sum(a * b for a, b in zip(first, vector, strict=True)) for vector in vectors]
        weights = [math.exp(_SHARPNESS * (one - max(closeness))) for one in closeness]
        return [weight / sum(weights) for weight in weights]


def _extract_text(value: struct_pb2.Value) -> str:
    return "\n".join(content.text for step in parse_input(value) for content in step.content if content.text)


def _list_options(question: api.Question, path: str) -> dict[str, str]:
    """Return the descriptions of the possible answers by their names."""
    criteria: object = json_format.MessageToDict(question.criteria) if question.HasField("criteria") else {}
    if question.type == "noul":
        given = criteria if isinstance(criteria, Mapping) else {}
        return {
            "true": str(given.get("true_description") or "yes, true"),
            "false": str(given.get("false_description") or "no, false"),
        }
    if question.type == "choice" and isinstance(criteria, Mapping) and len(criteria) > 1:
        return {str(name): str(text) for name, text in sorted(criteria.items())}
    if question.type == "score" and isinstance(criteria, list) and len(criteria) > 1:
        return {str(at): str(text) for at, text in enumerate(criteria)}
    if question.type not in {"choice", "score"}:
        raise invalid_argument(f"{path}.type", f"{quote(question.type)} is not one of choice, noul, score")
    form = "an object" if question.type == "choice" else "a list"
    raise invalid_argument(f"{path}.criteria", f"must be {form} with two descriptions or more")


def _build_answer(kind: str, options: Mapping[str, str], likely: Sequence[float]) -> api.Answer:
    names = list(options)
    probabilities = dict(zip(names, likely, strict=True))
    if kind == "noul":
        value = min(max(probabilities["true"], _LOWEST), _HIGHEST)
        return api.Answer(type=kind, noul=value, confidence=max(value, 1 - value))
    best = max(names, key=probabilities.__getitem__)
    answer = api.Answer(type=kind, confidence=probabilities[best], probabilities=probabilities)
    if kind == "choice":
        answer.choice = best
    else:
        answer.score = sum(int(name) * share for name, share in probabilities.items())
        for name, text in options.items():
            answer.legend[name] = text
    return answer
