"""An engine without a model: at once, deterministic by seed, and saying that it is one.

It keeps to everything that a request can demand (tokens, stop sequences,
candidates, schemas, enums, function calls), so that the code around a model
can be tested without one.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import struct
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from gemwire_emulator.engines import schemas
from gemwire_emulator.engines.base import Delta

#: Tokens of a made-up text: words of at most six characters, single signs, spaces with the word.
_TOKEN = re.compile(r"\s*(?:\w{1,6}|[^\w\s])|\s+")
_WORDS = (  # noqa: SIM905 - it is a text
    "the answer depends on what one looks at first and light water air time each small part moves in its "
    "own way because nothing here was thought only chosen by a seed so that every run gives the same words"
).split()
#: Tokens in a piece of a stream, and in an answer that sets no limit.
_PIECE = 4
_LENGTH = 48
_DIMENSIONS = 768


class InstantEngine:
    """Words by a seed."""

    name = "instant"
    version = "emulated-instant-001"
    embedding_size = _DIMENSIONS
    input_token_limit = 1_048_576

    def __init__(self, seed: int = 0) -> None:
        """``seed``: with the same, the same answers."""
        self._seed = seed

    async def generate(self, request: Any) -> AsyncGenerator[Delta, None]:
        """See `base.Engine.generate`."""
        config = request.generation_config
        for index in range(max(config.candidate_count, 1)):
            # The prompt decides, with the emulator's seed and the request's: order of calls does not.
            shuffled = random.Random(self._digest(request, config.seed, index))  # noqa: S311 - not a secret
            try:
                call = schemas.generate_call(request, shuffled)
            except schemas.UnboundedSchemaError:
                yield Delta(index, finish="MALFORMED_FUNCTION_CALL")
                continue
            if call is not None:
                yield Delta(
                    index,
                    call=call,
                    finish="STOP",
                    tokens=self.count_tokens([json.dumps(dict(call.args), default=str)]),
                )
                continue
            for delta in self._text(request, index, shuffled):
                yield delta

    def _digest(self, request: Any, seed: int, index: int) -> bytes:
        prompt = b"".join(c.SerializeToString(deterministic=True) for c in request.contents)
        return hashlib.sha256(f"{self._seed}/{seed}/{index}/{request.model}/".encode() + prompt).digest()

    def _text(self, request: Any, index: int, shuffled: random.Random) -> Any:
        config = request.generation_config
        schema, finish = schemas.schema_from_config(config), "STOP"
        if schema is None:
            text = self._prose(request, shuffled)
        else:
            try:
                text = schemas.generate_text(
                    schema, shuffled, enum=config.response_mime_type == "text/x.enum"
                )
            except schemas.UnboundedSchemaError:
                text, finish = "", "MAX_TOKENS"
        ends = [at for stop in config.stop_sequences if stop and (at := text.find(stop)) >= 0]
        if ends:
            text = text[: min(ends)]
        tokens = _TOKEN.findall(text)
        if config.max_output_tokens and len(tokens) > config.max_output_tokens:
            tokens, finish = tokens[: config.max_output_tokens], "MAX_TOKENS"
        pieces = [tokens[i : i + _PIECE] for i in range(0, len(tokens), _PIECE)] or [[]]
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            probable = self._logprobs(piece, config, shuffled) if config.response_logprobs else []
            yield Delta(
                index, "".join(piece), finish=finish if last else "", tokens=len(piece), logprobs=probable
            )

    def _prose(self, request: Any, shuffled: random.Random) -> str:
        said = next(reversed(get_texts(request.contents)), "")
        results = [
            p.function_response
            for c in request.contents[-1:]
            for p in c.parts
            if p.HasField("function_response")
        ]
        system = " ".join(get_texts([request.system_instruction]))
        opening = f"Emulated answer to: {said.strip()[:200]}" if said else "Emulated answer"
        if results:
            opening = "Emulated answer from " + "; ".join(
                f"{r.name}: {json.dumps(struct_to_json(r.response))}" for r in results
            )
        if system:
            opening += f" (told to: {system.strip()[:200]})"
        return opening + ". " + " ".join(shuffled.choice(_WORDS) for _ in range(_LENGTH)).capitalize() + "."

    def _logprobs(self, piece: list[str], config: Any, shuffled: random.Random) -> Any:
        found = []
        for token in piece:
            chosen = -shuffled.random()
            others = [
                (shuffled.choice(_WORDS), chosen - shuffled.random())
                for _ in range(max(config.logprobs - 1, 0))
            ]
            found.append((token, chosen, [(token, chosen), *others]))
        return found

    async def count_prompt(self, request: Any) -> int:
        """Tokens of its texts, also of those that are data, and of the functions it declares."""
        declared = [d for tool in request.tools for d in tool.function_declarations]
        texts = get_texts([request.system_instruction, *request.contents]) + get_text_files(request.contents)
        return self.count_tokens([*texts, *(f"{d.name} {d.description}" for d in declared)])

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Words of at most six characters, and signs."""
        return sum([len(_TOKEN.findall(text)) for text in texts])

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Hashed words and word parts: texts that share words are close; meaning is not known."""
        return [_hashed(text) for text in texts]

    async def close(self) -> None:
        """Nothing to end."""


def _hashed(text: str) -> list[float]:
    vector = [0.0] * _DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        parts = [word, *(word[i : i + 4] for i in range(max(len(word) - 3, 0)))]
        for part in parts:
            weight = 1.0 if part == word else 0.5
            # Several places for each: that two words share one by chance weighs little then.
            for place in struct.unpack(">8I", hashlib.blake2b(part.encode(), digest_size=32).digest()):
                vector[place % _DIMENSIONS] += weight if place >> 31 else -weight
    length = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]


def get_texts(contents: Any) -> list[str]:
    """The texts of contents, in order."""
    return [text for content in contents for part in content.parts if (text := part.text)]


def get_text_files(contents: Any) -> list[str]:
    """The texts that are in contents as data."""
    # Asked for, data that is not there becomes an object: this is a third of counting a short prompt.
    blobs = [p.inline_data for content in contents for p in content.parts if p.HasField("inline_data")]
    return [blob.data.decode(errors="replace") for blob in blobs if blob.mime_type.startswith("text/")]


def struct_to_json(struct: Any) -> Any:
    """A Struct as Python values."""
    from google.protobuf import json_format

    return json_format.MessageToDict(struct)
