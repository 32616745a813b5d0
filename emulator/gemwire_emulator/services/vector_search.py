"""Semantic search: the embeddings of chunks, and the chunks that are closest to a query."""

from __future__ import annotations

import asyncio
import base64
import heapq
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Protocol

from gemwire_emulator.call import Call
from gemwire_emulator.engines.canned import CannedReplies
from gemwire_emulator.errors import invalid_argument, not_found
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta

_RESULTS = 10
_MOST_RESULTS = 100
#: Chunks after which other calls may run.
_YIELD_AFTER = 200


@dataclass(frozen=True)
class SearchResult:
    """A chunk that a search found.

    Attributes:
        score: Dot product of its vector and the query's, both of unit length.
        chunk: The chunk.
        document: Its document.
    """

    score: float
    chunk: v1beta.Chunk
    document: v1beta.Document


class Filter(Protocol):
    """What decides which documents and chunks are searched."""

    def accept(self, level: str, resource: v1beta.Document | v1beta.Chunk) -> bool:
        """Return whether a resource is searched; its level is ``document`` or ``chunk``."""
        ...


def dot_product(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the dot product of two vectors; for unit length their similarity, from -1 to 1."""
    total: float = sum(map(mul, one, other))
    return total


async def embed_for_storage(engine: CannedReplies, texts: Sequence[str]) -> list[str]:
    """Embed the texts of chunks, in the form of `Row.extra`.

    The engine is stored with each vector, since a state file may be opened later with another engine, whose
    vectors are not comparable.
    """
    vectors = await engine.embed(texts) if texts else []
    return [
        json.dumps(
            {"engine": _get_engine_id(engine), "vector": base64.b64encode(array("f", v).tobytes()).decode()}
        )
        for v in vectors
    ]


def check_result_count(count: int, field: str) -> int:
    """Return the number of results, or its default.

    Raises:
        StatusError: INVALID_ARGUMENT; it is out of range.
    """
    if not 0 <= count <= _MOST_RESULTS:
        raise invalid_argument(field, f"must be from 1 to {_MOST_RESULTS}, got {count}")
    return count or _RESULTS


async def search(
    state: State, call: Call, source: str, query: str, filters: Filter, count: int
) -> list[SearchResult]:
    """Return the active chunks of a corpus, store or document that are closest to a query, closest first.

    Args:
        state: State of the emulator.
        call: The call.
        source: Name of an existing corpus, file search store or document.
        query: The query.
        filters: Filters for chunks and documents.
        count: Maximum number of results.

    Raises:
        StatusError: NOT_FOUND; the source was deleted meanwhile.
    """
    [wanted] = await state.engine.embed([query])
    best: list[tuple[float, int, Row, v1beta.Document]] = []
    stale: list[tuple[Row, v1beta.Document]] = []

    def consider(row: Row, document: v1beta.Document, vector: Sequence[float]) -> None:
        # Of equal scores the older chunk comes first. Numbers are distinct, so rows are never compared.
        entry = (dot_product(wanted, vector), -row.number, row, document)
        if len(best) < count:
            heapq.heappush(best, entry)
        else:
            heapq.heappushpop(best, entry)

    for number, (row, document) in enumerate(_filter_chunks(state, call, source, filters), start=1):
        vector = _get_vector(state.engine, row)
        if vector is None:
            stale.append((row, document))
        else:
            consider(row, document, vector)
        if number % _YIELD_AFTER == 0:
            await asyncio.sleep(0)
    for start in range(0, len(stale), _YIELD_AFTER):
        some = stale[start : start + _YIELD_AFTER]
        for (row, document), vector in zip(
            some, await _embed_again(state, call, [r for r, _ in some]), strict=True
        ):
            consider(row, document, vector)
    if state.store.get(call.tenant, source) is None:
        raise not_found(source)
    return [
        SearchResult(score, row.message(v1beta.Chunk), document)
        for score, _, row, document in sorted(best, key=lambda e: e[:2], reverse=True)
    ]


def _filter_chunks(
    state: State, call: Call, source: str, filters: Filter
) -> Iterator[tuple[Row, v1beta.Document]]:
    """Yield the active chunks that match the filters, with their documents."""
    active = v1beta.Chunk.State.STATE_ACTIVE
    for document in _iter_documents(state, call, source):
        message = document.message(v1beta.Document)
        if not filters.accept("document", message):
            continue
        for row in state.store.list(call.tenant, "chunks", document.name):
            chunk = row.message(v1beta.Chunk)
            if chunk.state == active and filters.accept("chunk", chunk):
                yield row, message


def _iter_documents(state: State, call: Call, source: str) -> Iterator[Row]:
    if "/documents/" not in source:
        yield from state.store.list(call.tenant, "documents", source)
    elif (row := state.store.get(call.tenant, source)) is not None:
        yield row


async def _embed_again(state: State, call: Call, rows: Sequence[Row]) -> list[array[float]]:
    """Embed chunks again whose vectors another engine computed, and store the new vectors."""
    texts = [row.message(v1beta.Chunk).data.string_value for row in rows]
    vectors = []
    for row, extra in zip(rows, await embed_for_storage(state.engine, texts), strict=True):
        vectors.append(_decode(json.loads(extra)["vector"]))
        now = state.store.get(call.tenant, row.name)
        if now is not None and now.body == row.body:
            state.store.replace(call.tenant, row.name, row.message(v1beta.Chunk), extra)
    return vectors


def _get_engine_id(engine: CannedReplies) -> str:
    return f"{engine.name}/{engine.version}/{engine.embedding_size}"


def _get_vector(engine: CannedReplies, row: Row) -> array[float] | None:
    kept = json.loads(row.extra)
    if kept.get("engine") != _get_engine_id(engine):
        return None
    return _decode(kept["vector"])


def _decode(text: str) -> array[float]:
    return array("f", base64.b64decode(text))
