"""A real language model on this machine, and a real model of embeddings beside it.

Needs ``gemwire[local]``. Each model is in a process of its own (`llama.Llama`), started when it is first
needed.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc

from gemwire_emulator import weights
from gemwire_emulator.engines import grammars, prompts, schemas
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.llama import Llama, Refused
from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_proto import v1beta

#: Tokens of a prompt and its answer. A prompt of that length takes eight seconds on two cores.
_CONTEXT = 2048
#: What an answer has at least.
_ROOM = 256
#: MiniLM's own.
_EMBEDDED_TOKENS = 512
_DIMENSIONS = 384
#: It may be text that means a special token to some model: ``<|im_start|>``, ``</s>``, ``[INST]``.
_SPECIAL = re.compile(r"[<\[]\S{1,40}[>\]]")
#: What small models need to stay with the matter; a request can say otherwise.
_TEMPERATURE, _TOP_P = 0.2, 0.9
_SEEDS = 2**32 - 1


class LocalEngine:
    """SmolLM2-135M-Instruct, or any GGUF; all-MiniLM-L6-v2 for embeddings."""

    name = "local"
    #: MiniLM's vector twice, scaled: products stay what they are, and callers that ask for 768 get them.
    embedding_size = 2 * _DIMENSIONS

    def __init__(self, model: str | Path | None = None, *, context: int = _CONTEXT, slots: int = 4) -> None:
        """Nothing is fetched or loaded yet; see `start`.

        Args:
            model: A GGUF file; None for the pinned model.
            context: Tokens of a prompt and its answer.
            slots: Answers that are written at once.
        """
        path = None if model is None else Path(model)
        self.version = (path or Path(weights.LANGUAGE.name)).stem.lower()
        self.input_token_limit = context - min(_ROOM, context // 2)
        self._context = context
        self.language = Llama(lambda: path or weights.ensure(weights.LANGUAGE), context=context, slots=slots)
        self.embedding = Llama(
            lambda: weights.ensure(weights.EMBEDDING),
            context=_EMBEDDED_TOKENS,
            batch=_EMBEDDED_TOKENS,
            embedding=True,
        )

    def start(self) -> None:
        """Fetch and load the language model, which the first call would do otherwise.

        Raises:
            StatusError: It cannot be had.
        """
        self.language.start()

    async def generate(self, request: Any) -> AsyncGenerator[Delta, None]:
        """See `base.Engine.generate`."""
        config = request.generation_config
        tokens = await self._tokens(prompts.messages_of(request))
        if len(tokens) > self.input_token_limit:
            limit = self.input_token_limit
            raise invalid_argument(
                "contents", f"the prompt has {len(tokens)} tokens, the model takes {limit}"
            )
        function = schemas.chosen_function(request)
        room = self._context - len(tokens)
        for index in range(max(config.candidate_count, 1)):
            body = {"prompt": tokens, **_sampling(config, index)}
            if function is not None:
                yield await self._call(function, index, {**body, "n_predict": room})
                continue
            body["n_predict"] = min(config.max_output_tokens or room, room)
            async with aclosing(self._text(config, index, body)) as deltas:
                async for delta in deltas:
                    yield delta

    async def _text(self, config: Any, index: int, body: dict[str, Any]) -> AsyncGenerator[Delta, None]:
        held = _output(config)
        if held and prompts.has_schema(config) and not config.HasField("temperature"):
            # There is little to choose, and most of it is wrong.
            held["temperature"] = 0.0
        body |= held
        if config.response_logprobs:
            body["n_probs"] = max(config.logprobs, 1)
        told, whole = 0, ""
        async with aclosing(self._events(body)) as events:
            async for event in events:
                whole += event["content"]
                finish = ""
                if event["stop"]:
                    finish = "MAX_TOKENS" if event["stop_type"] == "limit" else "STOP"
                _check_json(config, whole, done=finish == "STOP" and not config.stop_sequences)
                produced, told = event["tokens_predicted"] - told, event["tokens_predicted"]
                entries = event.get("completion_probabilities", ())
                logprobs = [_logprob(entry, config.logprobs) for entry in entries]
                if event["content"] or finish or produced:
                    yield Delta(index, event["content"], finish=finish, tokens=produced, logprobs=logprobs)

    async def _call(self, function: Any, index: int, body: dict[str, Any]) -> Delta:
        """A call of a function: which is decided, the model fills in its arguments."""
        schema = schemas.of_parameters(function)
        if not schema.get("properties"):
            return Delta(
                index, call=v1beta.FunctionCall(name=function.name, args={}), finish="STOP", tokens=1
            )
        body["grammar"] = _grammar(schema, "tools")
        body.pop("dry_multiplier", None)
        text, tokens = "", 0
        async with aclosing(self._events(body)) as events:
            async for event in events:
                text, tokens = text + event["content"], event["tokens_predicted"]
        try:
            call = v1beta.FunctionCall(name=function.name, args=json.loads(text))
        except ValueError:
            return Delta(index, finish="MALFORMED_FUNCTION_CALL", tokens=tokens)
        return Delta(index, call=call, finish="STOP", tokens=tokens)

    async def _events(self, body: dict[str, Any]) -> AsyncGenerator[Any, None]:
        # That the caller has gone is noticed where something is written, so there are events of progress
        # while a long prompt is read; without them it would be read to its end for nobody.
        asked = {**body, "return_progress": True}
        try:
            async with aclosing(self.language.stream("/completion", asked)) as events:
                async for event in events:
                    yield event
        except Refused as refused:
            raise _failure(refused) from None

    async def count_prompt(self, request: Any) -> int:
        """Tokens of the prompt that is made of a request, those of the chat's form with them."""
        return len(await self._tokens(prompts.messages_of(request)))

    async def _tokens(self, messages: list[dict[str, str]]) -> list[int]:
        """A chat as tokens. What people wrote never becomes a special token."""
        try:
            contents = [message["content"] for message in messages]
            if not any(_SPECIAL.search(text) for text in contents):
                return await self._tokenized(await self._chat(messages), special=True)
            # Each content on its own: a place is kept for it in the form of the chat.
            mark = secrets.token_hex(8)
            places = [{**message, "content": f"{mark}.{i}."} for i, message in enumerate(messages)]
            pieces = re.split(rf"({mark}\.\d+\.)", await self._chat(places))
            tokens: list[int] = []
            for i, piece in enumerate(pieces):
                place = re.fullmatch(rf"{mark}\.(\d+)\.", piece)
                text = contents[int(place[1])] if place else piece
                tokens += await self._tokenized(text, special=not place, first=i == 0) if text else []
            return tokens
        except Refused as refused:
            raise _failure(refused) from None

    async def _chat(self, messages: list[dict[str, str]]) -> str:
        try:
            answer = await self.language.ask("/apply-template", {"messages": messages})
        except Refused:
            if messages[0]["role"] != "system" or len(messages) < 2:
                raise
            # Some models have no such role: their makers say to put it before the first turn.
            first = {**messages[1], "content": "\n\n".join(m["content"] for m in messages[:2])}
            answer = await self.language.ask("/apply-template", {"messages": [first, *messages[2:]]})
        prompt: str = answer["prompt"]
        return prompt

    async def _tokenized(self, text: str, *, special: bool, first: bool = True) -> list[int]:
        body = {"content": text, "parse_special": special, "add_special": special and first}
        tokens: list[int] = (await self.language.ask("/tokenize", body))["tokens"]
        return tokens

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Tokens of some texts by themselves."""
        if not any(texts):
            return 0
        body = {"content": list(texts), "parse_special": False, "add_special": False}
        return len(self.language.ask_now("/tokenize", body)["tokens"])

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """MiniLM's vectors, twice over; a text is read up to 512 tokens."""
        try:
            answer = await self.embedding.ask(
                "/v1/embeddings", {"input": [await self._cut(t) for t in texts]}
            )
        except Refused as refused:
            raise _failure(refused) from None
        vectors = [found["embedding"] for found in sorted(answer["data"], key=lambda found: found["index"])]
        return [[x * 0.5**0.5 for x in vector] * 2 for vector in vectors]

    async def _cut(self, text: str) -> str | list[int]:
        # A letter makes three tokens at most, which is so in Korean.
        if len(text) * 3 < _EMBEDDED_TOKENS:
            return text
        tokens: list[int] = (await self.embedding.ask("/tokenize", {"content": text, "add_special": True}))[
            "tokens"
        ]
        return tokens if len(tokens) <= _EMBEDDED_TOKENS else [*tokens[: _EMBEDDED_TOKENS - 1], tokens[-1]]

    async def close(self) -> None:
        """End both processes, and what they are at."""
        await asyncio.to_thread(self.language.close)
        await asyncio.to_thread(self.embedding.close)


def _sampling(config: Any, index: int) -> dict[str, Any]:
    """How tokens are drawn: as the request says, else as suits a small model."""
    body = {
        "temperature": config.temperature if config.HasField("temperature") else _TEMPERATURE,
        "top_p": config.top_p if config.HasField("top_p") else _TOP_P,
        "seed": (config.seed + index) % _SEEDS if config.HasField("seed") else -1,
        # Rounding depends on what is computed together: with a seed, nothing is taken from earlier prompts.
        "cache_prompt": not config.HasField("seed"),
        "stop": list(config.stop_sequences),
    }
    penalties = [name for name in ("presence_penalty", "frequency_penalty") if config.HasField(name)]
    body |= {name: getattr(config, name) for name in penalties}
    if config.HasField("top_k"):
        body["top_k"] = config.top_k
    if not penalties:
        # Keeps it from saying the same again and again.
        body["dry_multiplier"] = 0.8
    return body


def _output(config: Any) -> dict[str, Any]:
    """What holds the answer to the form that is asked for."""
    schema = schemas.of_config(config)
    if schema is None:
        return {}
    if config.response_mime_type == "text/x.enum":
        values = schema.get("enum")
        return {"grammar": grammars.of_values(values), "dry_multiplier": 0} if values else {}
    if not prompts.has_schema(config):
        return {"grammar": grammars.of_schema({"type": "object"})}
    return {"grammar": _grammar(schema, "generation_config.response_schema"), "dry_multiplier": 0}


def _grammar(schema: dict[str, Any], field: str) -> str:
    try:
        return grammars.of_schema(schema)
    except ValueError as error:
        raise invalid_argument(field, str(error)) from None


def _check_json(config: Any, text: str, *, done: bool) -> None:
    """A grammar that llama.cpp does not understand is left aside by it without a word."""
    if config.response_mime_type != "application/json" or not text:
        return
    sound = text[0] in '{["-0123456789tfn'
    if sound and done:
        try:
            json.loads(text)
        except ValueError:
            sound = False
    if not sound:
        raise invalid_argument(
            "generation_config.response_schema", "is more than the local model can be held to"
        )


def _logprob(entry: dict[str, Any], count: int) -> tuple[str, float, list[tuple[str, float]]]:
    others = [(other["token"], other["logprob"]) for other in entry.get("top_logprobs", ())[:count]]
    return entry["token"], entry["logprob"], others


def _failure(refused: Refused) -> StatusError:
    if refused.kind == "exceed_context_size_error":
        return invalid_argument("contents", refused.message)
    code = grpc.StatusCode.INVALID_ARGUMENT if "invalid" in refused.kind else grpc.StatusCode.INTERNAL
    return StatusError(code, f"the local model: {refused.message}")
