"""The sentences of an answer as segments, which grounding ties to sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from gemwire_proto import v1beta

#: Sentences of an answer that are looked at.
_SENTENCES = 100
_SENTENCE = re.compile(r"\S.*?(?:[.!?]+(?=\s|$)|\n\s*\n|$)", re.DOTALL)


def iter_segments(text: str) -> Iterator[v1beta.Segment]:
    """Yield the sentences of a text; offsets are in bytes, as those of the service."""
    for found in islice(_SENTENCE.finditer(text), _SENTENCES):
        start = len(text[: found.start()].encode())
        yield v1beta.Segment(start_index=start, end_index=start + len(found[0].encode()), text=found[0])
