"""TextService and DiscussService: the PaLM methods, on the same engine as all others."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.names import check
from gemwire_emulator.services.config_checks import check_legacy, check_tokens
from gemwire_emulator.services.model_catalog import check_model, learned
from gemwire_emulator.services.safety import blocked
from gemwire_emulator.state import State
from gemwire_proto import v1beta

#: The service takes no more texts in one batch.
_BATCH = 100
#: HarmCategory has the PaLM categories first.
_LAST_PALM_CATEGORY = v1beta.HarmCategory.Value("HARM_CATEGORY_DANGEROUS")
_DEFAULT_THRESHOLD = "BLOCK_MEDIUM_AND_ABOVE"


class TextService:
    """The handlers of TextService."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    async def generate_text(self, request: Any, call: Call) -> Any:
        """Completions of a prompt."""
        check_model(self._state, request.model, "model", call, "generateText")
        _check_prompt(self._state, request.prompt)
        check_legacy(request)
        for i, setting in enumerate(request.safety_settings):
            if not 0 < setting.category <= _LAST_PALM_CATEGORY:
                raise invalid_argument(f"safety_settings[{i}].category", "is no category of the PaLM models")
        rating = blocked([request.prompt.text], request.safety_settings, "prompt.text")
        if rating is not None:
            return _held_back(rating, request.safety_settings)
        text = learned(self._state, request.model, request.prompt.text, call)
        outputs = [text] * max(request.candidate_count, 1) if text is not None else None
        if outputs is None:
            contents = [{"role": "user", "parts": [{"text": request.prompt.text}]}]
            outputs = await _answers(self._state, request, contents)
        return v1beta.GenerateTextResponse(candidates=[{"output": output} for output in outputs])

    async def embed_text(self, request: Any, call: Call) -> Any:
        """One vector."""
        check(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "embedText")
        return v1beta.EmbedTextResponse(embedding=(await self._vectors([("text", request.text)]))[0])

    async def batch_embed_text(self, request: Any, call: Call) -> Any:
        """A vector for each text, in their order."""
        check(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "embedText")
        if request.texts and request.requests:
            raise invalid_argument("requests", "excludes texts; set one of them")
        for i, one in enumerate(request.requests):
            if one.model != request.model:
                raise invalid_argument(
                    f"requests[{i}].model", f"must be {request.model}, the model of the batch"
                )
        texts = [(f"texts[{i}]", text) for i, text in enumerate(request.texts)]
        texts += [(f"requests[{i}].text", one.text) for i, one in enumerate(request.requests)]
        if not texts:
            raise invalid_argument("texts", "is required, or requests")
        if len(texts) > _BATCH:
            raise invalid_argument(
                "texts" if request.texts else "requests",
                f"has {len(texts)} entries; at most {_BATCH} are allowed",
            )
        return v1beta.BatchEmbedTextResponse(embeddings=await self._vectors(texts))

    def count_text_tokens(self, request: Any, call: Call) -> Any:
        """Tokens of a prompt."""
        check(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "countTextTokens")
        if not request.prompt.text:
            raise invalid_argument("prompt.text", "is required")
        tokens = self._state.engine.count_tokens([request.prompt.text])
        return v1beta.CountTextTokensResponse(token_count=tokens)

    async def _vectors(self, texts: list[tuple[str, str]]) -> list[Any]:
        for field, text in texts:
            if not text:
                raise invalid_argument(field, "must not be empty")
            check_tokens(self._state.engine, [text], field)
        vectors = await self._state.engine.embed([text for _, text in texts])
        return [v1beta.Embedding(value=vector) for vector in vectors]


class DiscussService:
    """The handlers of DiscussService."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    async def generate_message(self, request: Any, call: Call) -> Any:
        """Replies to the last message."""
        check(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "generateMessage")
        check_legacy(request)
        prompt = request.prompt
        _check_messages(prompt)
        messages = self._fitting(prompt)
        rating = blocked(_texts([*_standing(prompt), *messages]), (), "prompt")
        if rating is not None:
            return v1beta.GenerateMessageResponse(messages=messages, filters=[_filter(rating)])
        contents = [
            {
                "role": "model" if (len(messages) - i) % 2 == 0 else "user",
                "parts": [{"text": message.content}],
            }
            for i, message in enumerate(messages)
        ]
        replies = await _answers(self._state, request, contents, _instruction(prompt))
        author = messages[-2].author if len(messages) > 1 else ""
        return v1beta.GenerateMessageResponse(
            candidates=[{"author": author or "1", "content": reply} for reply in replies], messages=messages
        )

    def count_message_tokens(self, request: Any, call: Call) -> Any:
        """Tokens of a conversation with its context and examples."""
        check(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "countMessageTokens")
        prompt = request.prompt
        _check_messages(prompt)
        tokens = self._state.engine.count_tokens(_texts([*_standing(prompt), *prompt.messages]))
        return v1beta.CountMessageTokensResponse(token_count=tokens)

    def _fitting(self, prompt: Any) -> list[Any]:
        """The messages that the model has room for, beside context and examples.

        Raises:
            StatusError: There is no room for even the last one.
        """
        engine = self._state.engine
        left = engine.input_token_limit - engine.count_tokens(_texts(_standing(prompt)))
        kept: list[Any] = []
        for message in reversed(prompt.messages):
            left -= engine.count_tokens([message.content])
            if left < 0:
                break
            kept.insert(0, message)
        if not kept:
            raise invalid_argument(
                "prompt", f"is longer than the {engine.input_token_limit} tokens that the model takes"
            )
        return kept


def _check_prompt(state: State, prompt: Any) -> None:
    if not prompt.text:
        raise invalid_argument("prompt.text", "is required")
    check_tokens(state.engine, [prompt.text], "prompt.text")


def _check_messages(prompt: Any) -> None:
    if not prompt.messages:
        raise invalid_argument("prompt.messages", "is required")
    named = {f"prompt.messages[{i}]": message for i, message in enumerate(prompt.messages)}
    for i, example in enumerate(prompt.examples):
        named[f"prompt.examples[{i}].input"] = example.input
        named[f"prompt.examples[{i}].output"] = example.output
    for path, message in named.items():
        if not message.content:
            raise invalid_argument(f"{path}.content", "is required")
    for i, (before, after) in enumerate(zip(prompt.messages, prompt.messages[1:])):  # noqa: B905
        if before.author and before.author == after.author:
            raise invalid_argument(
                f"prompt.messages[{i + 1}].author", f"{quote(after.author)} wrote the message before, too"
            )
    authors = {message.author for message in prompt.messages}
    if len(authors) > 2:
        raise invalid_argument("prompt.messages", f"has {len(authors)} authors; a conversation has two")


def _standing(prompt: Any) -> list[Any]:
    """What comes before the messages and is never dropped."""
    examples = [message for example in prompt.examples for message in (example.input, example.output)]
    return [*([v1beta.Message(content=prompt.context)] if prompt.context else []), *examples]


def _texts(messages: Iterable[Any]) -> list[str]:
    return [message.content for message in messages]


def _instruction(prompt: Any) -> str:
    """Context and examples as one system instruction: examples are models of style, not turns."""
    lines = [prompt.context] if prompt.context else []
    lines += [f"Example. Asked: {e.input.content} Replied: {e.output.content}" for e in prompt.examples]
    return "\n".join(lines)


async def _answers(
    state: State, request: Any, contents: list[dict[str, Any]], instruction: str = ""
) -> list[str]:
    """What the engine says, one text for each candidate."""
    asked = v1beta.GenerateContentRequest(model=request.model, contents=contents)
    if instruction:
        asked.system_instruction.parts.add(text=instruction)
    for name in ("candidate_count", "max_output_tokens", "temperature", "top_p", "top_k"):
        if name in request.DESCRIPTOR.fields_by_name and request.HasField(name):
            setattr(asked.generation_config, name, getattr(request, name))
    asked.generation_config.stop_sequences.extend(getattr(request, "stop_sequences", ()))
    texts: dict[int, str] = {}
    async with aclosing(state.engine.generate(asked)) as deltas:
        async for delta in deltas:
            texts[delta.index] = texts.get(delta.index, "") + ("" if delta.thought else delta.text)
    return [texts[index] for index in sorted(texts)]


def _filter(rating: dict[str, Any]) -> Any:
    return v1beta.ContentFilter(reason="SAFETY", message=f"marked as {rating['category']}")


def _held_back(rating: dict[str, Any], settings: Any) -> Any:
    """The answer without candidates that a safety filter leaves."""
    category = v1beta.HarmCategory.Value(rating["category"])
    default = v1beta.SafetySetting(category=category, threshold=_DEFAULT_THRESHOLD)
    setting = next((s for s in settings if s.category == category), default)
    return v1beta.GenerateTextResponse(
        filters=[_filter(rating)], safety_feedback=[{"rating": rating, "setting": setting}]
    )
