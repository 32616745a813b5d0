"""An engine without a model: immediate, deterministic by seed, and recognizable as emulated.

It honours everything that a request can demand (tokens, stop sequences, candidates, schemas, enums, function
calls), so that the code around a model can be tested without one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

from google.protobuf import json_format

from gemwire_emulator.engines.base import Delta
from gemwire_emulator.engines.function_choice import generate_calls
from gemwire_emulator.engines.json_schema import schema_from_config
from gemwire_emulator.engines.sample_values import UnboundedSchemaError, generate_text
from gemwire_emulator.engines.vectors import add_hashed, normalize
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf.struct_pb2 import Struct

#: Tokens: words of at most six characters, single signs; spaces belong to the following word.
_TOKEN = re.compile(r"\s*(?:\w{1,6}|[^\w\s])|\s+")
_WORDS = (  # noqa: SIM905 - it is a text
    "the answer depends on what one looks at first and light water air time each small part moves in its "
    "own way because nothing here was thought only chosen by a seed so that every run gives the same words"
).split()
#: Tokens of a piece of a stream.
_PIECE_TOKENS = 4
#: Words of a response.
_LENGTH = 48
_DIMENSIONS = 768
#: Characters of a prompt from which its tokens are counted in a thread.
_LARGE_PROMPT = 2**17
#: Bytes of a function's result from which a response names its size only.
_MAX_QUOTED_RESULT = 2**14
#: Characters of a passage that a response quotes.
_MAX_QUOTED_PASSAGE = 200


class InstantEngine:
    """Words chosen by a seed; see `base.Engine` for the attributes."""

    name = "instant"
    version = "emulated-instant-001"
    embedding_size = _DIMENSIONS
    input_token_limit = 1_048_576

    def __init__(self, seed: int = 0) -> None:
        """Create an engine; the same seed gives the same responses."""
        self._seed = seed

    async def generate(self, request: v1beta.GenerateContentRequest) -> AsyncGenerator[Delta, None]:
        """See `base.Engine.generate`."""
        config = request.generation_config
        for index in range(max(config.candidate_count, 1)):
            # Depends on the prompt and both seeds, not on the order of calls.
            rng = random.Random(self._digest(request, config.seed, index))  # noqa: S311 - not a secret
            try:
                calls = generate_calls(request, rng)
            except UnboundedSchemaError:
                yield Delta(index, finish="MALFORMED_FUNCTION_CALL")
                continue
            for call in calls:
                tokens = self.count_tokens([json.dumps(dict(call.args), default=str)])
                yield Delta(index, call=call, finish="STOP" if call is calls[-1] else "", tokens=tokens)
            if calls:
                continue
            for delta in self._generate_text(request, index, rng):
                yield delta

    def _digest(self, request: v1beta.GenerateContentRequest, seed: int, index: int) -> bytes:
        prompt = b"".join(c.SerializeToString(deterministic=True) for c in request.contents)
        return hashlib.sha256(f"{self._seed}/{seed}/{index}/{request.model}/".encode() + prompt).digest()

    def _generate_text(
        self, request: v1beta.GenerateContentRequest, index: int, rng: random.Random
    ) -> Iterator[Delta]:
        config = request.generation_config
        schema, finish = schema_from_config(config), "STOP"
        if schema is None:
            text = self._generate_prose(request, rng)
        else:
            try:
                text = generate_text(schema, rng, enum=config.response_mime_type == "text/x.enum")
            except UnboundedSchemaError:
                text, finish = "", "MAX_TOKENS"
        ends = [at for stop in config.stop_sequences if stop and (at := text.find(stop)) >= 0]
        if ends:
            text = text[: min(ends)]
        tokens = _TOKEN.findall(text)
        if config.max_output_tokens and len(tokens) > config.max_output_tokens:
            tokens, finish = tokens[: config.max_output_tokens], "MAX_TOKENS"
        pieces = [tokens[i : i + _PIECE_TOKENS] for i in range(0, len(tokens), _PIECE_TOKENS)] or [[]]
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            logprobs = self._generate_logprobs(piece, config, rng) if config.response_logprobs else []
            yield Delta(
                index, "".join(piece), finish=finish if last else "", tokens=len(piece), logprobs=logprobs
            )

    def _generate_prose(self, request: v1beta.GenerateContentRequest, rng: random.Random) -> str:
        prompt = next(reversed(get_texts(request.contents)), "")
        last = request.contents[-1].parts if request.contents else ()
        results = [p.function_response for p in last if p.HasField("function_response")]
        system = " ".join(get_texts([request.system_instruction]))
        opening = f"Emulated answer to: {prompt.strip()[:200]}" if prompt else "Emulated answer"
        if results:
            opening = "Emulated answer from " + "; ".join(
                f"{r.name}: {_quote_result(r.response)}" for r in results
            )
        ran = [p.code_execution_result for p in last if p.HasField("code_execution_result")]
        if ran:
            lines = ran[-1].output.strip().splitlines() or ["nothing"]
            opening += f". The program printed: {lines[-1][:_MAX_QUOTED_PASSAGE]}"
        if passage := _find_passage(request.contents):
            opening += f". According to {passage}"
        if system:
            opening += f" (told to: {system.strip()[:200]})"
        return opening + ". " + " ".join(rng.choice(_WORDS) for _ in range(_LENGTH)).capitalize() + "."

    def _generate_logprobs(
        self, piece: list[str], config: v1beta.GenerationConfig, rng: random.Random
    ) -> list[tuple[str, float, list[tuple[str, float]]]]:
        found = []
        for token in piece:
            chosen = -rng.random()
            others = [(rng.choice(_WORDS), chosen - rng.random()) for _ in range(max(config.logprobs - 1, 0))]
            found.append((token, chosen, [(token, chosen), *others]))
        return found

    async def count_prompt(self, request: v1beta.GenerateContentRequest) -> int:
        """Return the tokens of texts, of inline text data, and of function declarations."""
        declared = [d for tool in request.tools for d in tool.function_declarations]
        texts = get_texts([request.system_instruction, *request.contents]) + get_text_files(request.contents)
        texts += [f"{d.name} {d.description}" for d in declared]
        if sum(map(len, texts)) < _LARGE_PROMPT:
            return self.count_tokens(texts)
        # One by one, as a single call of `findall` would stop all threads.
        return await asyncio.to_thread(lambda: sum(1 for text in texts for _ in _TOKEN.finditer(text)))

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Return the number of words of at most six characters, and of signs."""
        return sum([len(_TOKEN.findall(text)) for text in texts])

    async def tokenize(self, text: str) -> list[tuple[int, bytes]]:
        """Return what `count_tokens` counts; ids are checksums."""
        tokens = [token.encode(errors="replace") for token in _TOKEN.findall(text)]
        return [(zlib.crc32(token), token) for token in tokens]

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return hashed words and word parts: texts that share words are close, meaning is not known."""
        return [_embed_words(text) for text in texts]

    async def close(self) -> None:
        """See `base.Engine.close`."""


def _find_passage(contents: Sequence[v1beta.Content]) -> str:
    """Return the first passage that a search in files found for a prompt, with its title; empty for none."""
    for part in contents[-1].parts if contents else ():
        if part.HasField("tool_response") and "passages" in part.tool_response.response.fields:
            for passage in part.tool_response.response.fields["passages"].list_value.values:
                fields = passage.struct_value.fields
                title, text = (fields[name].string_value for name in ("title", "text"))
                return f"{title}: {text[:_MAX_QUOTED_PASSAGE].strip()}"
    return ""


def _quote_result(result: Struct) -> str:
    size = result.ByteSize()
    return f"{size} bytes" if size > _MAX_QUOTED_RESULT else json.dumps(struct_to_json(result))


def _embed_words(text: str) -> list[float]:
    vector = [0.0] * _DIMENSIONS
    # Of a text without words, its signs.
    for word in re.findall(r"\w+", text.lower()) or text.split():
        parts = [word, *(word[i : i + 4] for i in range(max(len(word) - 3, 0)))]
        for part in parts:
            add_hashed(vector, part.encode(), 1.0 if part == word else 0.5)
    return normalize(vector)


def get_texts(contents: Iterable[v1beta.Content]) -> list[str]:
    """Return the texts of contents, in order."""
    return [text for content in contents for part in content.parts if (text := part.text)]


def get_text_files(contents: Iterable[v1beta.Content]) -> list[str]:
    """Return the texts that contents hold as inline data."""
    # HasField, since reading an absent field creates its object: a third of the time for a short prompt.
    blobs = [p.inline_data for content in contents for p in content.parts if p.HasField("inline_data")]
    return [blob.data.decode(errors="replace") for blob in blobs if blob.mime_type.startswith("text/")]


def struct_to_json(struct: Struct) -> dict[str, object]:
    """Convert a Struct to Python values."""
    return json_format.MessageToDict(struct)
