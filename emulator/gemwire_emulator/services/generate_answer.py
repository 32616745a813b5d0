"""GenerateAnswer: extractive answers from passages.

No text is generated, except by canned replies: an answer consists of the sentences of the sources that are
closest to the question, whose number depends on the style.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gemwire_emulator.call import Call
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.config_checks import check_tokens
from gemwire_emulator.services.metadata_filters import Filters
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.resource_lookup import get_resource
from gemwire_emulator.services.safety import find_blocking_rating
from gemwire_emulator.services.vector_search import check_result_count, dot_product, search
from gemwire_emulator.state import State
from gemwire_proto import v1beta

_STYLES = v1beta.GenerateAnswerRequest.AnswerStyle
#: Sentences in an answer of each style.
_SENTENCES: dict[int, int] = {_STYLES.EXTRACTIVE: 1, _STYLES.ABSTRACTIVE: 2, _STYLES.VERBOSE: 5}
_CATEGORIES = v1beta.HarmCategory
_FILTERED = (
    _CATEGORIES.HARM_CATEGORY_HARASSMENT,
    _CATEGORIES.HARM_CATEGORY_HATE_SPEECH,
    _CATEGORIES.HARM_CATEGORY_SEXUALLY_EXPLICIT,
    _CATEGORIES.HARM_CATEGORY_DANGEROUS_CONTENT,
)
#: Sources whose sentences are ranked, and default number of retrieved chunks.
_SOURCES = 5
#: Minimum score of further sentences, relative to the best one.
_MIN_RELATIVE_SCORE = 0.6
#: Midpoint and steepness of the logistic function from similarity to probability. With MiniLM, related texts
#: have 0.5 and more, unrelated ones 0.1 and less.
_MIDPOINT = 0.3
_STEEPNESS = 12.0
_SENTENCE = re.compile(r"\S.*?(?:[.!?]+[\"')\]]*(?=\s|$)|\n\s*\n|$)", re.DOTALL)


@dataclass(frozen=True)
class _Source:
    """A text that an answer may quote, and its identity in attributions."""

    identity: v1beta.AttributionSourceId
    text: str


@dataclass(frozen=True)
class _Sentence:
    """A sentence of a source; its place is (index of the source, index in the source)."""

    score: float
    place: tuple[int, int]
    text: str


class AnswerHandlers:
    """The handler of GenerateAnswer."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    async def generate_answer(
        self, request: v1beta.GenerateAnswerRequest, call: Call
    ) -> v1beta.GenerateAnswerResponse:
        """Return the sentences of the sources that are closest to the question."""
        self._check(request, call)
        question = _join_text(request.contents[-1])
        if request.HasField("inline_passages"):
            sources = _inline_sources(request.inline_passages)
        else:
            sources = await self._retrieve(request.semantic_retriever, call)
        texts = [*get_texts(request.contents), *(source.text for source in sources)]
        rating = find_blocking_rating(texts, request.safety_settings)
        if rating is not None:
            return v1beta.GenerateAnswerResponse(
                input_feedback={"block_reason": "SAFETY", "safety_ratings": [rating]}
            )
        check_tokens(self._state.engine, texts, "contents")
        reply = self._state.engine.find_reply(request.contents, request.model)
        if reply is not None:
            return self._build_canned(reply.text)
        return await self._answer(question, sources, request.answer_style)

    def _check(self, request: v1beta.GenerateAnswerRequest, call: Call) -> None:
        check_model(self._state, request.model, "model", call)
        if "generateAnswer" not in self._state.models.get_methods(request.model):
            raise invalid_argument(
                "model", f"{request.model} does not support generateAnswer; models/aqa does"
            )
        if not request.contents:
            raise invalid_argument("contents", "is required")
        for i, content in enumerate(request.contents):
            if not _join_text(content):
                raise invalid_argument(f"contents[{i}].parts", "must have text")
        if request.answer_style not in _SENTENCES:
            raise invalid_argument(
                "answer_style", "is required; must be one of ABSTRACTIVE, EXTRACTIVE and VERBOSE"
            )
        if not 0 <= request.temperature <= 1:
            raise invalid_argument("temperature", f"must be from 0 to 1, got {request.temperature:g}")
        for i, setting in enumerate(request.safety_settings):
            if setting.category not in _FILTERED:
                names = ", ".join(_CATEGORIES.Name(c) for c in _FILTERED)
                raise invalid_argument(f"safety_settings[{i}].category", f"must be one of {names}")
        if request.WhichOneof("grounding_source") is None:
            raise invalid_argument("grounding_source", "set one of inline_passages and semantic_retriever")

    async def _retrieve(self, config: v1beta.SemanticRetrieverConfig, call: Call) -> list[_Source]:
        field = "semantic_retriever"
        get_resource(self._state, call, config.source, "corpora/*|corpora/*/documents/*", f"{field}.source")
        query = _join_text(config.query)
        if not query:
            raise invalid_argument(f"{field}.query", "is required, with text")
        check_tokens(self._state.engine, [query], f"{field}.query")
        if config.HasField("max_chunks_count") and config.max_chunks_count < 1:
            raise invalid_argument(
                f"{field}.max_chunks_count", f"must be at least 1, got {config.max_chunks_count}"
            )
        filters = Filters(config.metadata_filters, f"{field}.metadata_filters", ("document", "chunk"))
        count = check_result_count(config.max_chunks_count or _SOURCES, f"{field}.max_chunks_count")
        found = await search(self._state, call, config.source, query, filters, count)
        min_score = (
            config.minimum_relevance_score if config.HasField("minimum_relevance_score") else -math.inf
        )
        return [
            _Source(
                v1beta.AttributionSourceId(
                    semantic_retriever_chunk={"source": config.source, "chunk": one.chunk.name}
                ),
                one.chunk.data.string_value,
            )
            for one in found
            if one.score >= min_score
        ]

    async def _answer(
        self, question: str, sources: Sequence[_Source], style: int
    ) -> v1beta.GenerateAnswerResponse:
        sentences = await self._rank_sentences(question, sources)
        answer = v1beta.Candidate(content={"role": "model", "parts": [{"text": ""}]})
        if not sentences:
            answer.finish_reason = v1beta.Candidate.FinishReason.OTHER
            return v1beta.GenerateAnswerResponse(answer=answer, answerable_probability=0.0)
        chosen = _select(sentences, style)
        chosen.sort(key=lambda s: s.place)
        answer.content.parts[0].text = " ".join(s.text for s in chosen)
        answer.finish_reason = v1beta.Candidate.FinishReason.STOP
        answer.token_count = self._state.engine.count_tokens([answer.content.parts[0].text])
        for number in dict.fromkeys(s.place[0] for s in chosen):
            answer.grounding_attributions.add(
                source_id=sources[number].identity, content={"parts": [{"text": sources[number].text}]}
            )
        probability = 1 / (1 + math.exp(-_STEEPNESS * (sentences[0].score - _MIDPOINT)))
        return v1beta.GenerateAnswerResponse(answer=answer, answerable_probability=probability)

    def _build_canned(self, text: str) -> v1beta.GenerateAnswerResponse:
        """Return a canned reply, with probability 1 and without sources."""
        answer = v1beta.Candidate(
            content={"role": "model", "parts": [{"text": text}]},
            finish_reason=v1beta.Candidate.FinishReason.STOP,
            token_count=self._state.engine.count_tokens([text]),
        )
        return v1beta.GenerateAnswerResponse(answer=answer, answerable_probability=1.0)

    async def _rank_sentences(self, question: str, sources: Sequence[_Source]) -> list[_Sentence]:
        """Return the sentences of the closest sources, closest first."""
        if not sources:
            return []
        target, *vectors = await self._state.engine.embed([question, *(source.text for source in sources)])
        scores = [dot_product(target, vector) for vector in vectors]
        # Only sentences of the best sources are ranked, since each of them is embedded.
        best = sorted(range(len(sources)), key=lambda i: -scores[i])[:_SOURCES]
        places = [
            ((i, j), sentence.strip())
            for i in best
            for j, sentence in enumerate(_SENTENCE.findall(sources[i].text))
        ]
        vectors = await self._state.engine.embed([text for _, text in places])
        sentences = [
            _Sentence(dot_product(target, vector), place, text)
            for (place, text), vector in zip(places, vectors, strict=True)
        ]
        return sorted(sentences, key=lambda s: (-s.score, s.place))


def _select(sentences: Sequence[_Sentence], style: int) -> list[_Sentence]:
    """Return the best sentence and close ones; a verbose answer also takes others of the same source."""
    best = sentences[0]
    further = [
        s
        for s in sentences[1:]
        if s.score >= best.score * _MIN_RELATIVE_SCORE
        or (style == _STYLES.VERBOSE and s.place[0] == best.place[0])
    ]
    return [best, *further[: _SENTENCES[style] - 1]]


def _inline_sources(passages: v1beta.GroundingPassages) -> list[_Source]:
    """Return the parts of the inline passages of a request.

    Raises:
        StatusError: INVALID_ARGUMENT; there are no passages, or one has no text.
    """
    field = "inline_passages.passages"
    if not passages.passages:
        raise invalid_argument(field, "is required, with at least one passage")
    sources: list[_Source] = []
    for i, passage in enumerate(passages.passages):
        if not _join_text(passage.content):
            raise invalid_argument(f"{field}[{i}].content", "is required, with text")
        for j, part in enumerate(passage.content.parts):
            if part.text.strip():
                identity = v1beta.AttributionSourceId(
                    grounding_passage={"passage_id": passage.id, "part_index": j}
                )
                sources.append(_Source(identity, part.text))
    return sources


def _join_text(content: v1beta.Content) -> str:
    return "\n".join(part.text for part in content.parts if part.text).strip()
