"""TextService and DiscussService: the PaLM methods."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing
from typing import TypeAlias

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, quote
from gemwire_emulator.names import check_name
from gemwire_emulator.services.config_checks import check_palm_config, check_tokens
from gemwire_emulator.services.model_catalog import check_model, get_trained_answer
from gemwire_emulator.services.safety import find_blocking_rating
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_PalmRequest: TypeAlias = "v1beta.GenerateTextRequest | v1beta.GenerateMessageRequest"
_SAMPLING = frozenset({"candidate_count", "max_output_tokens", "temperature", "top_p", "top_k"})
#: Maximum texts of a batch.
_BATCH = 100
#: The PaLM categories are the first of HarmCategory.
_LAST_PALM_CATEGORY = v1beta.HarmCategory.Value("HARM_CATEGORY_DANGEROUS")
_DEFAULT_THRESHOLD = "BLOCK_MEDIUM_AND_ABOVE"


class TextService:
    """The handlers of TextService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    async def generate_text(
        self, request: v1beta.GenerateTextRequest, call: Call
    ) -> v1beta.GenerateTextResponse:
        """Generate completions of a prompt."""
        check_model(self._state, request.model, "model", call, "generateText")
        _check_prompt(self._state, request.prompt)
        check_palm_config(request)
        for i, setting in enumerate(request.safety_settings):
            if not 0 < setting.category <= _LAST_PALM_CATEGORY:
                raise invalid_argument(f"safety_settings[{i}].category", "is not a category of PaLM models")
        rating = find_blocking_rating([request.prompt.text], request.safety_settings, "prompt.text")
        if rating is not None:
            return _build_blocked(rating, request.safety_settings)
        text = get_trained_answer(self._state, request.model, request.prompt.text, call)
        if text is not None:
            outputs = [text] * max(request.candidate_count, 1)
        else:
            contents = [v1beta.Content(role="user", parts=[{"text": request.prompt.text}])]
            outputs = await _generate(self._state, request, contents)
        return v1beta.GenerateTextResponse(candidates=[{"output": output} for output in outputs])

    async def embed_text(self, request: v1beta.EmbedTextRequest, call: Call) -> v1beta.EmbedTextResponse:
        """Embed a text."""
        check_name(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "embedText")
        return v1beta.EmbedTextResponse(embedding=(await self._embed([("text", request.text)]))[0])

    async def batch_embed_text(
        self, request: v1beta.BatchEmbedTextRequest, call: Call
    ) -> v1beta.BatchEmbedTextResponse:
        """Embed texts, in order."""
        check_name(request.model, "models/*", "model")
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
            raise invalid_argument("texts", "is required, unless requests is set")
        if len(texts) > _BATCH:
            raise invalid_argument(
                "texts" if request.texts else "requests",
                f"has {len(texts)} entries; at most {_BATCH} are allowed",
            )
        return v1beta.BatchEmbedTextResponse(embeddings=await self._embed(texts))

    def count_text_tokens(
        self, request: v1beta.CountTextTokensRequest, call: Call
    ) -> v1beta.CountTextTokensResponse:
        """Count the tokens of a prompt."""
        check_name(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "countTextTokens")
        if not request.prompt.text:
            raise invalid_argument("prompt.text", "is required")
        tokens = self._state.engine.count_tokens([request.prompt.text])
        return v1beta.CountTextTokensResponse(token_count=tokens)

    async def _embed(self, texts: list[tuple[str, str]]) -> list[v1beta.Embedding]:
        for field, text in texts:
            if not text:
                raise invalid_argument(field, "must not be empty")
            check_tokens(self._state.engine, [text], field)
        vectors = await self._state.engine.embed([text for _, text in texts])
        return [v1beta.Embedding(value=vector) for vector in vectors]


class DiscussService:
    """The handlers of DiscussService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    async def generate_message(
        self, request: v1beta.GenerateMessageRequest, call: Call
    ) -> v1beta.GenerateMessageResponse:
        """Generate replies to the last message."""
        check_name(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "generateMessage")
        check_palm_config(request)
        prompt = request.prompt
        _check_messages(prompt)
        messages = self._drop_oldest(prompt)
        rating = find_blocking_rating(_get_contents([*_get_preamble(prompt), *messages]), (), "prompt")
        if rating is not None:
            return v1beta.GenerateMessageResponse(messages=messages, filters=[_build_filter(rating)])
        contents = [
            v1beta.Content(
                role="model" if (len(messages) - i) % 2 == 0 else "user",
                parts=[{"text": message.content}],
            )
            for i, message in enumerate(messages)
        ]
        replies = await _generate(self._state, request, contents, _build_instruction(prompt))
        author = messages[-2].author if len(messages) > 1 else ""
        return v1beta.GenerateMessageResponse(
            candidates=[{"author": author or "1", "content": reply} for reply in replies], messages=messages
        )

    def count_message_tokens(
        self, request: v1beta.CountMessageTokensRequest, call: Call
    ) -> v1beta.CountMessageTokensResponse:
        """Count the tokens of a conversation with its context and examples."""
        check_name(request.model, "models/*", "model")
        check_model(self._state, request.model, "model", call, "countMessageTokens")
        prompt = request.prompt
        _check_messages(prompt)
        tokens = self._state.engine.count_tokens(_get_contents([*_get_preamble(prompt), *prompt.messages]))
        return v1beta.CountMessageTokensResponse(token_count=tokens)

    def _drop_oldest(self, prompt: v1beta.MessagePrompt) -> list[v1beta.Message]:
        """Return the latest messages that fit the model's token limit, with context and examples.

        Raises:
            StatusError: INVALID_ARGUMENT; the last message does not fit.
        """
        engine = self._state.engine
        left = engine.input_token_limit - engine.count_tokens(_get_contents(_get_preamble(prompt)))
        kept: list[v1beta.Message] = []
        for message in reversed(prompt.messages):
            left -= engine.count_tokens([message.content])
            if left < 0:
                break
            kept.insert(0, message)
        if not kept:
            raise invalid_argument(
                "prompt", f"is longer than the {engine.input_token_limit} tokens that the model accepts"
            )
        return kept


def _check_prompt(state: State, prompt: v1beta.TextPrompt) -> None:
    if not prompt.text:
        raise invalid_argument("prompt.text", "is required")
    check_tokens(state.engine, [prompt.text], "prompt.text")


def _check_messages(prompt: v1beta.MessagePrompt) -> None:
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
                f"prompt.messages[{i + 1}].author",
                f"{quote(after.author)} is also the author of the previous message",
            )
    authors = {message.author for message in prompt.messages}
    if len(authors) > 2:
        raise invalid_argument("prompt.messages", f"has {len(authors)} authors; a conversation has two")


def _get_preamble(prompt: v1beta.MessagePrompt) -> list[v1beta.Message]:
    """Return context and examples, which precede the messages and are never dropped."""
    examples = [message for example in prompt.examples for message in (example.input, example.output)]
    return [*([v1beta.Message(content=prompt.context)] if prompt.context else []), *examples]


def _get_contents(messages: Iterable[v1beta.Message]) -> list[str]:
    return [message.content for message in messages]


def _build_instruction(prompt: v1beta.MessagePrompt) -> str:
    """Return context and examples as a system instruction, since examples are not turns."""
    lines = [prompt.context] if prompt.context else []
    lines += [f"Example. Asked: {e.input.content} Replied: {e.output.content}" for e in prompt.examples]
    return "\n".join(lines)


async def _generate(
    state: State, request: _PalmRequest, contents: list[v1beta.Content], instruction: str = ""
) -> list[str]:
    """Generate one text for each candidate."""
    requested = v1beta.GenerateContentRequest(model=request.model, contents=contents)
    if instruction:
        requested.system_instruction.parts.add(text=instruction)
    for field, value in request.ListFields():
        if field.name in _SAMPLING:
            setattr(requested.generation_config, field.name, value)
    requested.generation_config.stop_sequences.extend(getattr(request, "stop_sequences", ()))
    texts: dict[int, str] = {}
    async with aclosing(state.engine.generate(requested)) as deltas:
        async for delta in deltas:
            texts[delta.index] = texts.get(delta.index, "") + ("" if delta.thought else delta.text)
    return [texts[index] for index in sorted(texts)]


def _build_filter(rating: v1beta.SafetyRating) -> v1beta.ContentFilter:
    category = v1beta.HarmCategory.Name(rating.category)
    return v1beta.ContentFilter(reason="SAFETY", message=f"marked as {category}")


def _build_blocked(
    rating: v1beta.SafetyRating, settings: Iterable[v1beta.SafetySetting]
) -> v1beta.GenerateTextResponse:
    """Return a response without candidates for a prompt that a rating blocks."""
    default = v1beta.SafetySetting(category=rating.category, threshold=_DEFAULT_THRESHOLD)
    setting = next((s for s in settings if s.category == rating.category), default)
    return v1beta.GenerateTextResponse(
        filters=[_build_filter(rating)], safety_feedback=[{"rating": rating, "setting": setting}]
    )
