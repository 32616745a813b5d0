"""RetrieverService: search by meaning, and the filters that narrow it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from emulator_calls import Caller, emulator

from gemwire_emulator.engines.instant import InstantEngine

C = "corpora/c"
BOOKS = {
    "sky": ("The sky is blue because air scatters light.", {"year": 2010.0, "genre": "essay"}),
    "bread": ("Bread is baked from flour and water.", {"year": 2015.0, "genre": "recipe"}),
    "sea": ("The sea is blue as well, where it is deep.", {"year": 2020.0, "tags": ["water", "blue"]}),
    "bare": ("A fox sleeps under a tree.", {}),
}


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def metadata(values: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {
        float: lambda v: {"numeric_value": v},
        str: lambda v: {"string_value": v},
        list: lambda v: {"string_list_value": {"values": v}},
    }
    return [{"key": key, **kinds[type(value)](value)} for key, value in values.items()]


async def library(call: Caller, at: str = "document") -> None:
    """Create a document with a chunk for each book, with metadata on the document or on the chunk."""
    await call("CreateCorpus", corpus={"name": C})
    for name, (text, known) in BOOKS.items():
        of = {at: metadata(known)}
        document = {"name": f"{C}/documents/{name}", "custom_metadata": of.get("document", [])}
        await call("CreateDocument", parent=C, document=document)
        chunk = {
            "name": f"{C}/documents/{name}/chunks/{name}",
            "data": {"string_value": text},
            "custom_metadata": of.get("chunk", []),
        }
        await call("CreateChunk", parent=document["name"], chunk=chunk)


async def found(call: Caller, query: str = "what is blue", **fields: Any) -> list[str]:
    answer = await call("QueryCorpus", name=C, query=query, **fields)
    return [one.chunk.name.rsplit("/", 1)[-1] for one in answer.relevant_chunks]


def condition(operation: str, value: Any) -> dict[str, Any]:
    return {"operation": operation, ("string_value" if isinstance(value, str) else "numeric_value"): value}


def where(key: str, *conditions: tuple[str, Any]) -> dict[str, Any]:
    return {"key": key, "conditions": [condition(*one) for one in conditions]}


def test_the_closest_come_first() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await library(call)
            answer = await call("QueryCorpus", name=C, query="Why is the sky blue?")
            scores = [one.chunk_relevance_score for one in answer.relevant_chunks]
            assert scores == sorted(scores, reverse=True)
            assert len(scores) == 4
            first = answer.relevant_chunks[0]
            assert first.chunk.data.string_value == BOOKS["sky"][0]
            assert first.document.name == f"{C}/documents/sky"
            assert len(first.document.custom_metadata) == 2
            assert (await found(call, "How is bread baked with water?"))[0] == "bread"
            assert (await found(call, "a sleeping fox"))[0] == "bare"
            assert len(await found(call, results_count=2)) == 2
            inside = await call("QueryDocument", name=f"{C}/documents/bread", query="Why is the sky blue?")
            assert [one.document.name for one in inside.relevant_chunks] == [f"{C}/documents/bread"]
            exact = await call("QueryDocument", name=f"{C}/documents/bread", query=BOOKS["bread"][0])
            assert exact.relevant_chunks[0].chunk_relevance_score == pytest.approx(1, abs=1e-5)

    run(test())


def test_ten_of_many_are_found_unless_more_are_asked_for() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await call("CreateCorpus", corpus={"name": C})
            assert await found(call) == []
            d = f"{C}/documents/d"
            await call("CreateDocument", parent=C, document={"name": d})
            for batch in range(5):
                requests = [
                    {
                        "parent": d,
                        "chunk": {
                            "name": f"{d}/chunks/n{batch}-{i}",
                            "data": {"string_value": "all are the same" if batch else f"number {i}"},
                        },
                    }
                    for i in range(100)
                ]
                await call("BatchCreateChunks", parent=d, requests=requests)
            # Of equals, the oldest.
            assert await found(call, "all the same") == [f"n1-{i}" for i in range(10)]
            assert len(await found(call, results_count=100)) == 100

    run(test())


@pytest.mark.parametrize("level", ["document", "chunk"])
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([("year", ("LESS", 2015.0))], {"sky"}),
        ([("year", ("LESS_EQUAL", 2015.0))], {"sky", "bread"}),
        ([("year", ("EQUAL", 2015.0))], {"bread"}),
        ([("year", ("NOT_EQUAL", 2015.0))], {"sky", "sea"}),
        ([("year", ("GREATER_EQUAL", 2015.0))], {"bread", "sea"}),
        ([("year", ("GREATER", 2015.0))], {"sea"}),
        ([("genre", ("EQUAL", "essay"))], {"sky"}),
        ([("genre", ("NOT_EQUAL", "essay"))], {"bread"}),
        ([("tags", ("INCLUDES", "blue"))], {"sea"}),
        ([("tags", ("EXCLUDES", "blue"))], set()),
        ([("tags", ("EXCLUDES", "red"))], {"sea"}),
        # Conditions of one filter are alternatives, several filters must all pass.
        ([("year", ("LESS", 2011.0), ("GREATER", 2019.0))], {"sky", "sea"}),
        ([("genre", ("EQUAL", "essay"), ("EQUAL", "recipe"))], {"sky", "bread"}),
        ([("year", ("GREATER", 2010.0)), ("year", ("LESS", 2020.0))], {"bread"}),
        ([("year", ("LESS", 2011.0), ("GREATER", 2014.0)), ("genre", ("EQUAL", "recipe"))], {"bread"}),
        # A value of another kind finds nothing, and is no error.
        ([("year", ("EQUAL", "2015"))], set()),
        ([("genre", ("GREATER", 1.0))], set()),
        ([("genre", ("LESS", "z"))], set()),
        ([("tags", ("EQUAL", "blue"))], set()),
        ([("genre", ("INCLUDES", "essay"))], set()),
        ([("none", ("NOT_EQUAL", 1.0))], set()),
    ],
)
def test_filters(level: str, filters: Sequence[Any], expected: set[str]) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await library(call, level)
            chosen = [where(f"{level}.custom_metadata.{key}", *conditions) for key, *conditions in filters]
            assert set(await found(call, metadata_filters=chosen)) == expected
            other = "chunk" if level == "document" else "document"
            chosen = [where(f"{other}.custom_metadata.{key}", *conditions) for key, *conditions in filters]
            assert await found(call, metadata_filters=chosen) == []

    run(test())


SOME = where("chunk.custom_metadata.k", ("EQUAL", 1.0))


@pytest.mark.parametrize("rpc", ["QueryCorpus", "QueryDocument"])
@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"name": ""}, "INVALID_ARGUMENT", "name"),
        ({"name": "x"}, "INVALID_ARGUMENT", "name"),
        ({"query": " "}, "INVALID_ARGUMENT", "query"),
        ({"query": "x " * 1_048_577}, "INVALID_ARGUMENT", "query"),
        ({"results_count": -1}, "INVALID_ARGUMENT", "results_count"),
        ({"results_count": 101}, "INVALID_ARGUMENT", "results_count"),
        ({"metadata_filters": [{}]}, "INVALID_ARGUMENT", "metadata_filters[0].key"),
        (
            {"metadata_filters": [SOME, {**SOME, "key": "year"}]},
            "INVALID_ARGUMENT",
            "metadata_filters[1].key",
        ),
        (
            {"metadata_filters": [{**SOME, "key": "chunk.custom_metadata."}]},
            "INVALID_ARGUMENT",
            "metadata_filters[0].key",
        ),
        ({"metadata_filters": [{"key": SOME["key"]}]}, "INVALID_ARGUMENT", "metadata_filters[0].conditions"),
        (
            {"metadata_filters": [{"key": SOME["key"], "conditions": [{"operation": "EQUAL"}]}]},
            "INVALID_ARGUMENT",
            "metadata_filters[0].conditions[0].value",
        ),
        (
            {"metadata_filters": [{"key": SOME["key"], "conditions": [{"string_value": "x"}]}]},
            "INVALID_ARGUMENT",
            "metadata_filters[0].conditions[0].operation",
        ),
        (
            {"metadata_filters": [SOME, where(SOME["key"], ("EQUAL", "text"))]},
            "INVALID_ARGUMENT",
            "metadata_filters[1].key",
        ),
    ],
)
def test_bad_queries_are_refused(rpc: str, fields: dict[str, Any], code: str, field: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await library(call)
            name = C if rpc == "QueryCorpus" else f"{C}/documents/sky"
            refusal = await call.refused(rpc, **{"name": name, "query": "blue", **fields})
            assert (refusal.code, refusal.fields) == (code, [field])

    run(test())


def test_a_document_is_searched_by_chunks_alone() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            await library(call)
            filters = [where("document.custom_metadata.year", ("LESS", 3000.0))]
            name = f"{C}/documents/sky"
            refusal = await call.refused("QueryDocument", name=name, query="x", metadata_filters=filters)
            assert refusal.fields == ["metadata_filters[0].key"]
            assert (await call.refused("QueryCorpus", name="corpora/x", query="x")).code == "NOT_FOUND"
            refusal = await call.refused("QueryDocument", name=f"{C}/documents/x", query="x")
            assert refusal.code == "NOT_FOUND"

    run(test())


class Reversed(InstantEngine):
    """Another engine: its vectors are of the same kind, and none of the other's means anything to it."""

    version = "reversed"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[-x for x in reversed(vector)] for vector in await super().embed(texts)]


def test_vectors_are_kept_and_renewed_for_another_engine(tmp_path: Path) -> None:
    async def test() -> None:
        state = tmp_path / "state.db"
        async with emulator(state=state) as (_, call):
            await library(call)
            before = await call("QueryCorpus", name=C, query="Why is the sky blue?")
        async with emulator(state=state) as (_, call):
            assert await call("QueryCorpus", name=C, query="Why is the sky blue?") == before
        for _ in range(2):
            async with emulator(state=state, engine=Reversed()) as (_, call):
                after = await call("QueryCorpus", name=C, query="Why is the sky blue?")
                assert [r.chunk.name for r in after.relevant_chunks] == [
                    r.chunk.name for r in before.relevant_chunks
                ]
                assert after.relevant_chunks[0].chunk_relevance_score == pytest.approx(
                    before.relevant_chunks[0].chunk_relevance_score, abs=1e-6
                )

    run(test())
