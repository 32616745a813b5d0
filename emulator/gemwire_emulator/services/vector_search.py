"""Search by meaning: the vectors of chunks, and which chunks are closest to a query."""

from __future__ import annotations

import asyncio
import base64
import heapq
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.engines.canned import CannedReplies
from gemwire_emulator.errors import invalid_argument, not_found
from gemwire_emulator.services.metadata_filters import Filters
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta

_RESULTS = 10
_MOST_RESULTS = 100
#: Chunks between which other calls get their turn.
_TURN = 200


@dataclass(frozen=True)
class Found:
    """A chunk that a search found.

    Attributes:
        score: Product of its vector and the query's, both of unit length.
        chunk: The chunk.
        document: What it lies in.
    """

    score: float
    chunk: Any
    document: Any


def product(one: Sequence[float], other: Sequence[float]) -> float:
    """How close two vectors of unit length are, from -1 to 1."""
    total: float = sum(map(mul, one, other))
    return total


async def keepable_vectors(engine: CannedReplies, texts: Sequence[str]) -> list[str]:
    """The vectors of chunks' texts, as they go into `Row.extra`.

    The engine is noted with them: a state file may be opened with another one later, whose vectors
    mean something else.
    """
    vectors = await engine.embed(texts) if texts else []
    return [
        json.dumps(
            {"engine": _identity(engine), "vector": base64.b64encode(array("f", v).tobytes()).decode()}
        )
        for v in vectors
    ]


def check_count(count: int, field: str) -> int:
    """The most results to return.

    Raises:
        StatusError: INVALID_ARGUMENT; more are asked for than there ever are, or fewer than none.
    """
    if not 0 <= count <= _MOST_RESULTS:
        raise invalid_argument(field, f"must be from 1 to {_MOST_RESULTS}, got {count}")
    return count or _RESULTS


async def search(
    state: State, call: Call, source: str, query: str, filters: Filters, count: int
) -> list[Found]:
    """The active chunks of a corpus or document that are closest to a query, closest first.

    Args:
        state: Where.
        call: Who asks.
        source: Name of the corpus or document; it exists.
        query: What to look for.
        filters: What a chunk and its document must pass.
        count: How many at most.

    Raises:
        StatusError: NOT_FOUND; the source went away meanwhile.
    """
    [wanted] = await state.engine.embed([query])
    best: list[tuple[float, int, Row, Any]] = []
    stale: list[tuple[Row, Any]] = []

    def consider(row: Row, document: Any, vector: Sequence[float]) -> None:
        # The older of two equals comes first; numbers differ, so nothing behind them is compared.
        entry = (product(wanted, vector), -row.number, row, document)
        if len(best) < count:
            heapq.heappush(best, entry)
        else:
            heapq.heappushpop(best, entry)

    for number, (row, document) in enumerate(_passing(state, call, source, filters), start=1):
        vector = _vector(state.engine, row)
        if vector is None:
            stale.append((row, document))
        else:
            consider(row, document, vector)
        if number % _TURN == 0:
            await asyncio.sleep(0)
    for start in range(0, len(stale), _TURN):
        some = stale[start : start + _TURN]
        for (row, document), vector in zip(
            some, await _renewed(state, call, [r for r, _ in some]), strict=True
        ):
            consider(row, document, vector)
    if state.store.get(call.tenant, source) is None:
        raise not_found(source)
    return [
        Found(score, row.message(v1beta.Chunk), document)
        for score, _, row, document in sorted(best, key=lambda e: e[:2], reverse=True)
    ]


def _passing(state: State, call: Call, source: str, filters: Filters) -> Iterator[tuple[Row, Any]]:
    """The active chunks that pass, with their documents."""
    active = v1beta.Chunk.State.STATE_ACTIVE
    for document in _documents(state, call, source):
        message = document.message(v1beta.Document)
        if not filters.accept("document", message):
            continue
        for row in state.store.list(call.tenant, "chunks", document.name):
            chunk = row.message(v1beta.Chunk)
            if chunk.state == active and filters.accept("chunk", chunk):
                yield row, message


def _documents(state: State, call: Call, source: str) -> Iterator[Row]:
    if "/documents/" not in source:
        yield from state.store.list(call.tenant, "documents", source)
    elif (row := state.store.get(call.tenant, source)) is not None:
        yield row


async def _renewed(state: State, call: Call, rows: Sequence[Row]) -> list[array[float]]:
    """New vectors for chunks whose vectors another engine made; kept, so that it is done once."""
    texts = [row.message(v1beta.Chunk).data.string_value for row in rows]
    vectors = []
    for row, extra in zip(rows, await keepable_vectors(state.engine, texts), strict=True):
        vectors.append(_decoded(json.loads(extra)["vector"]))
        now = state.store.get(call.tenant, row.name)
        if now is not None and now.body == row.body:
            state.store.replace(call.tenant, row.name, row.message(v1beta.Chunk), extra)
    return vectors


def _identity(engine: CannedReplies) -> str:
    return f"{engine.name}/{engine.version}/{engine.embedding_size}"


def _vector(engine: CannedReplies, row: Row) -> array[float] | None:
    kept = json.loads(row.extra)
    if kept.get("engine") != _identity(engine):
        return None
    return _decoded(kept["vector"])


def _decoded(text: str) -> array[float]:
    return array("f", base64.b64decode(text))
