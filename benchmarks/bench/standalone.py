"""Figures of the benchmarks that stand by themselves: what each prints as JSON, read as rows.

They give medians, and medians of ratios within their rounds; a process of theirs is one sample here.
"""

from __future__ import annotations

from typing import Any

from measure import GEMWIRE, Figure

TEXTS, TEXTS_RATIO = "embeddings", "embeddings against one call each"
EMBEDDING_MEMORY = "memory of one stream of embeddings"
LISTS, ARRAYS = "Embedder, lists", "Embedder, arrays"


#: A chat as a client keeps it, and how else its requests come about.
CHAT, CHAT_TURNS, CHAT_UNIT = "chat, request built", "turns", "µs CPU"
OBJECTS, DICTS = "proto-plus objects", "proto-plus of dicts"
_BUILDERS = {
    "gemwire": GEMWIRE,
    "messages": "protobuf messages",
    "proto-plus": OBJECTS,
    "proto-plus, dicts": DICTS,
}


def prepared(found: dict[str, dict[str, float]]) -> list[Figure]:
    """The building of requests that share much, without sending."""
    figures = []
    for name, row in found.items():
        samples = {_BUILDERS.get(variant, variant): [value] for variant, value in row.items()}
        words = name.split()
        if words[0] == "chat," and words[-1].startswith("turn"):
            figures.append(Figure(CHAT, CHAT_UNIT, samples, float(words[1]), CHAT_TURNS))
        else:
            figures.append(Figure(name, CHAT_UNIT, samples))
    return figures


def embeddings(found: dict[str, Any]) -> list[Figure]:
    """Texts a second, and the memory of a long stream."""
    rate, ratio = Figure(TEXTS, "texts a second"), Figure(TEXTS_RATIO, "times the texts a second")
    used = Figure("embeddings, CPU", "µs CPU a text")
    for name, row in found["texts"].items():
        rate.add(name, row["texts_per_second"])
        ratio.add(name, row["ratio"])
        used.add(name, row["cpu_us"])
    curve = [
        Figure(EMBEDDING_MEMORY, "MB", {ARRAYS: [size / 1e6]}, float(texts), "texts")
        for texts, size in found["memory"].items()
    ]
    return [rate, ratio, used, *curve]


def bulk(found: dict[str, Any]) -> list[Figure]:
    """Jobs over files beside a loop by hand, and going on with one that is nearly done."""
    rows: dict[str, Figure] = {}
    for way, row in found["speed"].items():
        for what, value in row.items():
            rows.setdefault(what, Figure(f"job over a file, {what}", "")).add(way, value)
    row = found["resume"]
    name = f"job with {row['lines']:,} lines finished, seen to be so"
    return [
        *rows.values(),
        Figure(name, "s", {GEMWIRE: [row["seconds"]]}),
        Figure(f"{name}, peak memory", "MB", {GEMWIRE: [row["peak MB of the process"]]}),
    ]
