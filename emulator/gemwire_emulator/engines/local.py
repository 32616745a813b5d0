"""An engine with a real language model and a real embedding model on this machine.

Requires ``gemwire[local]``. Each model runs in a process of its own (`llama.LlamaProcess`), started on first
use.
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
from gemwire_emulator.engines import grammars, prompts
from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.function_choice import choose_function
from gemwire_emulator.engines.json_schema import JsonSchema, schema_from_config, schema_from_parameters
from gemwire_emulator.engines.llama import JsonBody, LlamaError, LlamaProcess
from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_proto import v1beta

#: Maximum tokens of a prompt and its response. A prompt of that length takes eight seconds on two cores.
_CONTEXT = 2048
#: Tokens that are reserved for the response.
_ROOM = 256
#: Maximum tokens of MiniLM.
_EMBEDDED_TOKENS = 512
_DIMENSIONS = 384
#: Text that may be a special token of some model: ``<|im_start|>``, ``</s>``, ``[INST]``.
_SPECIAL = re.compile(r"[<\[]\S{1,40}[>\]]")
#: Defaults that keep small models on topic; the first candidate takes the likeliest tokens.
_TEMPERATURE, _TOP_P = 0.2, 0.9
_SEEDS = 2**32 - 1


class LocalEngine:
    """SmolLM2-135M-Instruct, or any GGUF model; all-MiniLM-L6-v2 for embeddings."""

    name = "local"
    #: MiniLM's vector twice, scaled: dot products stay the same, and callers get the usual 768 dimensions.
    embedding_size = 2 * _DIMENSIONS

    def __init__(self, model: str | Path | None = None, *, context: int = _CONTEXT, slots: int = 4) -> None:
        """Create an engine; models are downloaded and loaded on first use, or by `start`.

        Args:
            model: A GGUF file; None for the pinned model.
            context: Maximum tokens of a prompt and its response.
            slots: Number of concurrent responses.
        """
        path = None if model is None else Path(model)
        self.version = (path or Path(weights.LANGUAGE.name)).stem.lower()
        self.input_token_limit = context - min(_ROOM, context // 2)
        self._context = context
        self._is_guided = path is None
        self.language = LlamaProcess(
            lambda: path or weights.ensure(weights.LANGUAGE), context=context, slots=slots
        )
        self.embedding = LlamaProcess(
            lambda: weights.ensure(weights.EMBEDDING),
            context=_EMBEDDED_TOKENS,
            batch=_EMBEDDED_TOKENS,
            embedding=True,
        )

    def start(self) -> None:
        """Download and load the language model, which the first call would do otherwise.

        Raises:
            StatusError: It is not available.
        """
        self.language.start()

    async def generate(self, request: v1beta.GenerateContentRequest) -> AsyncGenerator[Delta, None]:
        """See `base.Engine.generate`."""
        config = request.generation_config
        messages = prompts.build_messages(request)
        tokens = await self._tokenize_chat(messages)
        if len(tokens) > self.input_token_limit:
            limit = self.input_token_limit
            raise invalid_argument(
                "contents", f"the prompt has {len(tokens)} tokens; the model accepts {limit}"
            )
        if self._is_guided and prompts.is_single_question(request):
            # Not part of the prompt that is counted, as the service's own instructions are not.
            guided = await self._tokenize_chat([*prompts.GUIDANCE, *messages])
            tokens = guided if len(guided) <= self.input_token_limit else tokens
        function = choose_function(request)
        room = self._context - len(tokens)
        for index in range(max(config.candidate_count, 1)):
            body = {"prompt": tokens, **_sampling(config, index)}
            if function is not None:
                yield await self._generate_call(function, index, {**body, "n_predict": room})
                continue
            body["n_predict"] = min(config.max_output_tokens or room, room)
            async with aclosing(self._generate_text(config, index, body)) as deltas:
                async for delta in deltas:
                    yield delta

    async def _generate_text(
        self, config: v1beta.GenerationConfig, index: int, body: JsonBody
    ) -> AsyncGenerator[Delta, None]:
        constraints = _output(config)
        if constraints and prompts.has_schema(config) and not config.HasField("temperature"):
            # With a schema there is little choice, and most alternatives are wrong.
            constraints["temperature"] = 0.0
        body |= constraints
        if config.response_logprobs:
            body["n_probs"] = max(config.logprobs, 1)
        counted, whole = 0, ""
        async with aclosing(self._events(body)) as events:
            async for event in events:
                whole += event["content"]
                finish = ""
                if event["stop"]:
                    finish = "MAX_TOKENS" if event["stop_type"] == "limit" else "STOP"
                _check_json(config, whole, done=finish == "STOP" and not config.stop_sequences)
                produced, counted = event["tokens_predicted"] - counted, event["tokens_predicted"]
                entries = event.get("completion_probabilities", ())
                logprobs = [_logprob(entry, config.logprobs) for entry in entries]
                if event["content"] or finish or produced:
                    yield Delta(index, event["content"], finish=finish, tokens=produced, logprobs=logprobs)

    async def _generate_call(self, function: v1beta.FunctionDeclaration, index: int, body: JsonBody) -> Delta:
        """Generate a call of a function, whose arguments the model fills in."""
        schema = schema_from_parameters(function)
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

    async def _events(self, body: JsonBody) -> AsyncGenerator[Any, None]:
        # The server notices that its client has gone only when it writes. Progress events let it notice while
        # it processes a long prompt.
        with_progress = {**body, "return_progress": True}
        try:
            async with aclosing(self.language.stream("/completion", with_progress)) as events:
                async for event in events:
                    yield event
        except LlamaError as error:
            raise _to_status_error(error) from None

    async def count_prompt(self, request: v1beta.GenerateContentRequest) -> int:
        """Return the tokens of the prompt for a request, including those of the chat template."""
        return len(await self._tokenize_chat(prompts.build_messages(request)))

    async def _tokenize_chat(self, messages: list[dict[str, str]]) -> list[int]:
        """Tokenize a chat, without ever turning its contents into special tokens."""
        try:
            contents = [message["content"] for message in messages]
            if not any(_SPECIAL.search(text) for text in contents):
                return await self._tokenize(await self._apply_template(messages), special=True)
            # Each content is tokenized by itself, and inserted at its placeholder in the chat template.
            mark = secrets.token_hex(8)
            places = [{**message, "content": f"{mark}.{i}."} for i, message in enumerate(messages)]
            pieces = re.split(rf"({mark}\.\d+\.)", await self._apply_template(places))
            tokens: list[int] = []
            for i, piece in enumerate(pieces):
                place = re.fullmatch(rf"{mark}\.(\d+)\.", piece)
                text = contents[int(place[1])] if place else piece
                tokens += await self._tokenize(text, special=not place, first=i == 0) if text else []
            return tokens
        except LlamaError as error:
            raise _to_status_error(error) from None

    async def _apply_template(self, messages: list[dict[str, str]]) -> str:
        try:
            answer = await self.language.request("/apply-template", {"messages": messages})
        except LlamaError:
            if messages[0]["role"] != "system" or len(messages) < 2:
                raise
            # Some models have no system role; its text goes before the first turn.
            first = {**messages[1], "content": "\n\n".join(m["content"] for m in messages[:2])}
            answer = await self.language.request("/apply-template", {"messages": [first, *messages[2:]]})
        prompt: str = answer["prompt"]
        return prompt

    async def _tokenize(self, text: str, *, special: bool, first: bool = True) -> list[int]:
        body = {"content": text, "parse_special": special, "add_special": special and first}
        tokens: list[int] = (await self.language.request("/tokenize", body))["tokens"]
        return tokens

    def count_tokens(self, texts: Sequence[str]) -> int:
        """See `base.Engine.count_tokens`."""
        if not any(texts):
            return 0
        body = {"content": list(texts), "parse_special": False, "add_special": False}
        return len(self.language.request_sync("/tokenize", body)["tokens"])

    async def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """See `base.Engine.tokenize`."""
        body = {"content": text, "parse_special": False, "add_special": False, "with_pieces": True}
        try:
            tokens = (await self.language.request("/tokenize", body))["tokens"]
        except LlamaError as error:
            raise _to_status_error(error) from None
        # A piece that is no whole character is a list of bytes.
        return [
            (token["id"], piece.encode() if isinstance(piece := token["piece"], str) else bytes(piece))
            for token in tokens
        ]

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return MiniLM's vectors, repeated; a text is truncated to 512 tokens."""
        try:
            answer = await self.embedding.request(
                "/v1/embeddings", {"input": [await self._truncate(t) for t in texts]}
            )
        except LlamaError as error:
            raise _to_status_error(error) from None
        vectors = [found["embedding"] for found in sorted(answer["data"], key=lambda found: found["index"])]
        return [[x * 0.5**0.5 for x in vector] * 2 for vector in vectors]

    async def _truncate(self, text: str) -> str | list[int]:
        # A character takes at most three tokens, as in Korean.
        if len(text) * 3 < _EMBEDDED_TOKENS:
            return text
        tokens: list[int] = (
            await self.embedding.request("/tokenize", {"content": text, "add_special": True})
        )["tokens"]
        return tokens if len(tokens) <= _EMBEDDED_TOKENS else [*tokens[: _EMBEDDED_TOKENS - 1], tokens[-1]]

    async def close(self) -> None:
        """Stop both processes."""
        await asyncio.to_thread(self.language.close)
        await asyncio.to_thread(self.embedding.close)


def _sampling(config: v1beta.GenerationConfig, index: int) -> JsonBody:
    """Return the sampling parameters of a request, with defaults for a small model."""
    chosen = config.HasField("top_p") or config.HasField("top_k")
    default = _TEMPERATURE if index or chosen else 0.0
    body: JsonBody = {
        "temperature": config.temperature if config.HasField("temperature") else default,
        "top_p": config.top_p if config.HasField("top_p") else _TOP_P,
        "seed": (config.seed + index) % _SEEDS if config.HasField("seed") else -1,
        # Rounding depends on what is computed together, so a seed excludes cached prompts.
        "cache_prompt": not config.HasField("seed"),
        "stop": list(config.stop_sequences),
    }
    penalties = [name for name in ("presence_penalty", "frequency_penalty") if config.HasField(name)]
    body |= {name: getattr(config, name) for name in penalties}
    if config.HasField("top_k"):
        body["top_k"] = config.top_k
    if not penalties:
        # Prevents repetition.
        body["dry_multiplier"] = 0.8
    return body


def _output(config: v1beta.GenerationConfig) -> JsonBody:
    """Return the parameters that constrain the response to the requested format."""
    schema = schema_from_config(config)
    if schema is None:
        return {}
    if config.response_mime_type == "text/x.enum":
        values = schema.get("enum")
        return {"grammar": grammars.grammar_from_values(values), "dry_multiplier": 0} if values else {}
    if not prompts.has_schema(config):
        return {"grammar": grammars.grammar_from_schema({"type": "object"})}
    return {"grammar": _grammar(schema, "generation_config.response_schema"), "dry_multiplier": 0}


def _grammar(schema: JsonSchema, field: str) -> str:
    try:
        return grammars.grammar_from_schema(schema)
    except ValueError as error:
        raise invalid_argument(field, str(error)) from None


def _check_json(config: v1beta.GenerationConfig, text: str, *, done: bool) -> None:
    """Check that a response is JSON, since llama.cpp silently ignores a grammar that it does not support."""
    if config.response_mime_type != "application/json" or not text:
        return
    sound = text[0] in '{["-0123456789tfn'
    if sound and done:
        try:
            json.loads(text)
        except ValueError:
            sound = False
    if not sound:
        raise invalid_argument("generation_config.response_schema", "is too complex for the local model")


def _logprob(entry: dict[str, Any], count: int) -> tuple[str, float, list[tuple[str, float]]]:
    others = [(other["token"], other["logprob"]) for other in entry.get("top_logprobs", ())[:count]]
    return entry["token"], entry["logprob"], others


def _to_status_error(error: LlamaError) -> StatusError:
    if error.kind == "exceed_context_size_error":
        return invalid_argument("contents", error.message)
    code = grpc.StatusCode.INVALID_ARGUMENT if "invalid" in error.kind else grpc.StatusCode.INTERNAL
    return StatusError(code, f"the local model: {error.message}")
