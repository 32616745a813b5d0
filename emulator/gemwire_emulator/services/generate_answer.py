"""GenerateAnswer: answers out of passages, in the passages' own words.

Nothing is written, canned replies aside: the sentences that are closest to the question are taken
from the sources, more or fewer of them by the style that was asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.engines.instant import texts_of
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.config_checks import check_tokens
from gemwire_emulator.services.metadata_filters import Filters
from gemwire_emulator.services.model_catalog import check_model, serves
from gemwire_emulator.services.resource_lookup import existing
from gemwire_emulator.services.safety import blocked
from gemwire_emulator.services.vector_search import check_count, product, search
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_STYLES: Any = v1beta.GenerateAnswerRequest.AnswerStyle
#: Sentences in an answer of each style.
_SENTENCES: dict[int, int] = {_STYLES.EXTRACTIVE: 1, _STYLES.ABSTRACTIVE: 2, _STYLES.VERBOSE: 5}
_CATEGORIES: Any = v1beta.HarmCategory
_FILTERED = (
    _CATEGORIES.HARM_CATEGORY_HARASSMENT,
    _CATEGORIES.HARM_CATEGORY_HATE_SPEECH,
    _CATEGORIES.HARM_CATEGORY_SEXUALLY_EXPLICIT,
    _CATEGORIES.HARM_CATEGORY_DANGEROUS_CONTENT,
)
#: Sources whose sentences are looked at one by one, and chunks fetched when the request names no number.
_READ = 5
#: Further sentences must be this close to the question, in parts of the best one's closeness.
_WORTH_ADDING = 0.6
#: Similarity at which an answer is as likely as not, and how fast that changes around it. Related
#: texts have 0.5 and more under MiniLM, unrelated ones 0.1 and less.
_EVEN = 0.3
_STEEPNESS = 12.0
_SENTENCE = re.compile(r"\S.*?(?:[.!?]+[\"')\]]*(?=\s|$)|\n\s*\n|$)", re.DOTALL)


@dataclass(frozen=True)
class _Source:
    """A text that an answer may be taken from, and what an attribution calls it."""

    identity: Any
    text: str


@dataclass(frozen=True)
class _Sentence:
    """A sentence of a source; its place is (number of the source, number in it)."""

    score: float
    place: tuple[int, int]
    text: str


class Answers:
    """The handler of GenerateAnswer."""

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    async def generate_answer(self, request: Any, call: Call) -> Any:
        """What the sources say that is closest to the question."""
        self._check(request, call)
        question = _text(request.contents[-1])
        if request.HasField("inline_passages"):
            sources = _inline(request.inline_passages)
        else:
            sources = await self._retrieved(request.semantic_retriever, call)
        texts = [*texts_of(request.contents), *(source.text for source in sources)]
        rating = blocked(texts, request.safety_settings)
        if rating is not None:
            feedback = {"block_reason": "SAFETY", "safety_ratings": [rating]}
            return v1beta.GenerateAnswerResponse(input_feedback=feedback)
        check_tokens(self._state.engine, texts, "contents")
        reply = self._state.engine.reply_to(request)
        if reply is not None:
            return self._canned(reply.text)
        return await self._answer(question, sources, request.answer_style)

    def _check(self, request: Any, call: Call) -> None:
        check_model(self._state, request.model, "model", call)
        if not serves(request.model, "generateAnswer"):
            raise invalid_argument("model", f"{request.model} does not serve generateAnswer; models/aqa does")
        if not request.contents:
            raise invalid_argument("contents", "is required")
        for i, content in enumerate(request.contents):
            if not _text(content):
                raise invalid_argument(f"contents[{i}].parts", "must have text")
        if request.answer_style not in _SENTENCES:
            raise invalid_argument(
                "answer_style", "is required; it is one of ABSTRACTIVE, EXTRACTIVE and VERBOSE"
            )
        if not 0 <= request.temperature <= 1:
            raise invalid_argument("temperature", f"must be from 0 to 1, got {request.temperature:g}")
        for i, setting in enumerate(request.safety_settings):
            if setting.category not in _FILTERED:
                names = ", ".join(_CATEGORIES.Name(c) for c in _FILTERED)
                raise invalid_argument(f"safety_settings[{i}].category", f"must be one of {names}")
        if request.WhichOneof("grounding_source") is None:
            raise invalid_argument("grounding_source", "set one of inline_passages and semantic_retriever")

    async def _retrieved(self, config: Any, call: Call) -> list[_Source]:
        field = "semantic_retriever"
        existing(self._state, call, config.source, "corpora/*|corpora/*/documents/*", f"{field}.source")
        query = _text(config.query)
        if not query:
            raise invalid_argument(f"{field}.query", "is required, with text")
        check_tokens(self._state.engine, [query], f"{field}.query")
        if config.HasField("max_chunks_count") and config.max_chunks_count < 1:
            raise invalid_argument(
                f"{field}.max_chunks_count", f"must be at least 1, got {config.max_chunks_count}"
            )
        filters = Filters(config.metadata_filters, f"{field}.metadata_filters", ("document", "chunk"))
        count = check_count(config.max_chunks_count or _READ, f"{field}.max_chunks_count")
        found = await search(self._state, call, config.source, query, filters, count)
        least = config.minimum_relevance_score if config.HasField("minimum_relevance_score") else -math.inf
        return [
            _Source(
                {"semantic_retriever_chunk": {"source": config.source, "chunk": one.chunk.name}},
                one.chunk.data.string_value,
            )
            for one in found
            if one.score >= least
        ]

    async def _answer(self, question: str, sources: Sequence[_Source], style: int) -> Any:
        sentences = await self._ranked_sentences(question, sources)
        answer = v1beta.Candidate(content={"role": "model", "parts": [{"text": ""}]})
        if not sentences:
            # Without a source there is nothing to say.
            answer.finish_reason = v1beta.Candidate.FinishReason.OTHER
            return v1beta.GenerateAnswerResponse(answer=answer, answerable_probability=0.0)
        chosen = _chosen(sentences, style)
        chosen.sort(key=lambda s: s.place)
        answer.content.parts[0].text = " ".join(s.text for s in chosen)
        answer.finish_reason = v1beta.Candidate.FinishReason.STOP
        answer.token_count = self._state.engine.count_tokens([answer.content.parts[0].text])
        for number in dict.fromkeys(s.place[0] for s in chosen):
            answer.grounding_attributions.add(
                source_id=sources[number].identity, content={"parts": [{"text": sources[number].text}]}
            )
        probability = 1 / (1 + math.exp(-_STEEPNESS * (sentences[0].score - _EVEN)))
        return v1beta.GenerateAnswerResponse(answer=answer, answerable_probability=probability)

    def _canned(self, text: str) -> Any:
        """A reply that a test asked for: certain, and of no source."""
        answer = v1beta.Candidate(
            content={"role": "model", "parts": [{"text": text}]},
            finish_reason=v1beta.Candidate.FinishReason.STOP,
            token_count=self._state.engine.count_tokens([text]),
        )
        return v1beta.GenerateAnswerResponse(answer=answer, answerable_probability=1.0)

    async def _ranked_sentences(self, question: str, sources: Sequence[_Source]) -> list[_Sentence]:
        """The sentences of the sources that are closest to the question, closest first."""
        if not sources:
            return []
        asked, *vectors = await self._state.engine.embed([question, *(source.text for source in sources)])
        scores = [product(asked, vector) for vector in vectors]
        # Sentences are embedded one by one, so only those of the best sources are.
        read = sorted(range(len(sources)), key=lambda i: -scores[i])[:_READ]
        places = [
            ((i, j), sentence.strip())
            for i in read
            for j, sentence in enumerate(_SENTENCE.findall(sources[i].text))
        ]
        vectors = await self._state.engine.embed([text for _, text in places])
        sentences = [
            _Sentence(product(asked, vector), place, text)
            for (place, text), vector in zip(places, vectors, strict=True)
        ]
        return sorted(sentences, key=lambda s: (-s.score, s.place))


def _chosen(sentences: Sequence[_Sentence], style: int) -> list[_Sentence]:
    """The closest sentence, and what is worth adding to it; a verbose answer goes on in its source."""
    best = sentences[0]
    worth = [
        s
        for s in sentences[1:]
        if s.score >= best.score * _WORTH_ADDING or (style == _STYLES.VERBOSE and s.place[0] == best.place[0])
    ]
    return [best, *worth[: _SENTENCES[style] - 1]]


def _inline(passages: Any) -> list[_Source]:
    """The parts of the passages of a request.

    Raises:
        StatusError: There is no passage, or one is no text.
    """
    field = "inline_passages.passages"
    if not passages.passages:
        raise invalid_argument(field, "is required, with at least one passage")
    sources = []
    for i, passage in enumerate(passages.passages):
        if not _text(passage.content):
            raise invalid_argument(f"{field}[{i}].content", "is required, with text")
        for j, part in enumerate(passage.content.parts):
            if part.text.strip():
                identity = {"grounding_passage": {"passage_id": passage.id, "part_index": j}}
                sources.append(_Source(identity, part.text))
    return sources


def _text(content: Any) -> str:
    return "\n".join(part.text for part in content.parts if part.text).strip()
