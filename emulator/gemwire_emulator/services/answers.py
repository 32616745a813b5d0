"""Parts that are added to the output of an engine: thoughts, and programs that were run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.function_choice import choose_function
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.engines.programs import find_program
from gemwire_emulator.engines.sandbox import Sandbox
from gemwire_emulator.services.thought_signatures import needs_signatures, sign
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: Characters of a prompt that a thought repeats.
_QUOTED = 100


class Answers:
    """The answers of all models."""

    def __init__(self, state: State) -> None:
        """Create the answers of an emulator."""
        self._state = state
        self._sandbox = Sandbox()

    async def generate(
        self, prompt: v1beta.GenerateContentRequest, answer: str | None = None
    ) -> AsyncGenerator[Delta, None]:
        """Generate the candidates for a valid prompt in pieces, as an engine does.

        Args:
            prompt: The prompt.
            answer: The answer that is known already; None to have the engine generate one.
        """
        thinks = self._thinks(prompt)
        first = self._think(prompt) if thinks else []
        ran = await self._run_program(prompt)
        if ran:
            first += [Delta(part=part, tokens=self._count_part(part)) for part in ran]
            prompt = _append_parts(prompt, ran)
        source = self._state.engine.generate(prompt) if answer is None else self._yield_text(answer)
        signs = thinks or needs_signatures(prompt.model)
        begun: set[int] = set()
        signed: set[int] = set()
        async with aclosing(source) as deltas:
            async for delta in deltas:
                index = delta.index
                if index not in begun:
                    begun.add(index)
                    for one in first:
                        yield Delta(index, one.text, thought=one.thought, part=one.part, tokens=one.tokens)
                if delta.call is not None and signs and index not in signed:
                    signed.add(index)
                    delta.signature = sign(delta.call)
                elif delta.finish and thinks and index not in signed:
                    delta.signature = sign(None)
                yield delta

    def _thinks(self, prompt: v1beta.GenerateContentRequest) -> bool:
        """Return whether a request wants thoughts, or their budget spent, and its model has them."""
        model, thinking = self._state.models.find(prompt.model), prompt.generation_config.thinking_config
        if model is None or not model.thinking:
            return False
        if thinking.HasField("thinking_budget") and thinking.thinking_budget == 0:
            return False
        return bool(thinking.include_thoughts or thinking.thinking_budget or thinking.thinking_level)

    def _think(self, prompt: v1beta.GenerateContentRequest) -> list[Delta]:
        """Return thoughts, which count, and which are shown only if the request says so."""
        thinking = prompt.generation_config.thinking_config
        asked = " ".join("".join(get_texts(prompt.contents[-1:])).split())[:_QUOTED]
        texts = [
            "**Emulated thought**\n\nNo model thinks here; this stands for a summary of thoughts. ",
            f"The prompt is: {asked}\n\n" if asked else "The prompt has no text.\n\n",
        ]
        tokens = [self._state.engine.count_tokens([text]) for text in texts]
        if thinking.thinking_budget > 0:
            tokens[1] = max(min(tokens[1], thinking.thinking_budget - tokens[0]), 0)
            tokens[0] = min(tokens[0], thinking.thinking_budget)
        if not thinking.include_thoughts:
            return [Delta(thought=True, tokens=sum(tokens))]
        return [Delta(text=t, thought=True, tokens=n) for t, n in zip(texts, tokens, strict=True)]

    async def _run_program(self, prompt: v1beta.GenerateContentRequest) -> list[v1beta.Part]:
        """Return the program for a prompt and its result as parts, if the model may run programs."""
        if not any(tool.HasField("code_execution") for tool in prompt.tools) or choose_function(prompt):
            return []
        program = find_program("\n".join(get_texts(prompt.contents[-1:])))
        if program is None:
            return []
        run = await self._sandbox.run(program)
        code = v1beta.Part(executable_code={"language": "PYTHON", "code": program})
        result = v1beta.Part(code_execution_result={"outcome": run.outcome, "output": run.output})
        return [code, result]

    def _count_part(self, part: v1beta.Part) -> int:
        return self._state.engine.count_tokens([part.executable_code.code, part.code_execution_result.output])

    async def _yield_text(self, text: str) -> AsyncGenerator[Delta, None]:
        yield Delta(0, text, finish="STOP", tokens=self._state.engine.count_tokens([text]))


def _append_parts(
    prompt: v1beta.GenerateContentRequest, parts: Sequence[v1beta.Part]
) -> v1beta.GenerateContentRequest:
    """Return a prompt whose last content has further parts."""
    longer = v1beta.GenerateContentRequest()
    longer.CopyFrom(prompt)
    longer.contents[-1].parts.extend(parts)
    return longer
