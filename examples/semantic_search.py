"""Search in text files by meaning.

python semantic_search.py "When is high water?" notes/*.txt
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from gemwire.embeddings import BlockingEmbedder

MODEL = "gemini-embedding-001"


def read_paragraphs(paths: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the paragraphs of files, each with the file's name."""
    for path in paths:
        for paragraph in Path(path).read_text(encoding="utf-8").split("\n\n"):
            if paragraph.strip():
                yield path, paragraph.strip()


def main(question: str, paths: list[str]) -> None:
    """Print the three paragraphs that are closest to the question."""
    passages = list(read_paragraphs(paths))
    with BlockingEmbedder(model=MODEL, task_type="RETRIEVAL_DOCUMENT") as documents:
        vectors = documents.embed_all([text for _, text in passages])
    with BlockingEmbedder(model=MODEL, task_type="RETRIEVAL_QUERY") as queries:
        wanted = queries.embed(question)
    scores = [sum(x * y for x, y in zip(vector, wanted, strict=True)) for vector in vectors]
    for score, (path, text) in sorted(zip(scores, passages, strict=True), reverse=True)[:3]:
        print(f"{score:.2f}  {path}: {text}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
