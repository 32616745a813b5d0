"""What must hold. Each line is a ratio within one run, or a growth; a line that does not hold fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import calls
import imports
import pipelines
import slow_streams
import standalone
import sync_calls
from measure import (
    AIOHTTP,
    GEMWIRE,
    GEMWIRE_GENAI,
    GEMWIRE_GENAI_H2,
    GEMWIRE_H2,
    GOOGLE,
    GOOGLE_GENAI,
    RAW,
    Figure,
)
from tls import TLS

Figures = Mapping["tuple[str, float | None]", Figure]


@dataclasses.dataclass(frozen=True)
class Limit:
    """One line of the table.

    Attributes:
        work: What is done.
        row: Name of the figure.
        bound: At most, or at least; None for a line that is there to be read.
        to: Compared with this variant; None where the figure itself counts.
        at: The point of a curve.
        variant: Whose figure it is.
        least: Whether the bound is the least that it may be.
        unit: Of the bound.
    """

    work: str
    row: str
    bound: float | None
    to: str | None = None
    at: float | None = None
    variant: str = GEMWIRE
    least: bool = False
    unit: str = ""

    def value(self, figures: Figures) -> float | None:
        """What was measured; None where it was not."""
        figure = figures.get((self.row, self.at))
        if figure is None or not {self.variant, self.to or self.variant} <= figure.samples.keys():
            return None
        return figure.value(self.variant) if self.to is None else figure.ratio(self.variant, self.to)

    def holds(self, value: float) -> bool:
        """Whether it is within the bound."""
        if self.bound is None:
            return True
        return value >= self.bound if self.least else value <= self.bound


def _limit_h2(suffix: str) -> list[Limit]:
    """Return the limits of the h2 transport, with TLS and without."""
    return [
        Limit(f"{work}, h2{suffix} vs raw stub", row + suffix, bound, RAW, variant=GEMWIRE_H2)
        for work, row, bound in (
            ("async unary", calls.BARE, 0.45),
            ("async stream per chunk", calls.BARE_STREAM, 0.30),
            ("sync unary", sync_calls.UNARY, 0.65),
            ("sync stream per chunk", sync_calls.BARE_STREAM, 0.55),
        )
    ]


_EMBEDDINGS = "embeddings through Embedder vs one call each"
TABLE = (
    Limit("async unary, CPU vs raw stub", calls.BARE, 1.12, RAW),
    Limit("async unary, CPU vs google-genai", calls.UNARY, 0.15, GOOGLE_GENAI),
    Limit("async stream per chunk vs raw stub", calls.BARE_STREAM, 1.04, RAW),
    Limit("async stream per chunk vs google-ai-generativelanguage", calls.STREAM, 0.60, GOOGLE),
    Limit("async stream per chunk vs google-genai", calls.STREAM, 0.12, GOOGLE_GENAI),
    Limit("sync stream per chunk vs raw sync stub", sync_calls.BARE_STREAM, 0.75, RAW),
    *_limit_h2(""),
    *_limit_h2(TLS),
    Limit(
        "async stream, 200 at a time, 20 ms apart, h2 vs raw stub",
        calls.SPARSE_200,
        0.65,
        RAW,
        variant=GEMWIRE_H2,
    ),
    Limit("async unary, gemwire.genai over h2 vs raw stub", calls.UNARY, 0.55, RAW, variant=GEMWIRE_GENAI_H2),
    Limit(
        "async stream per chunk, gemwire.genai over h2 vs raw stub",
        calls.STREAM,
        0.35,
        RAW,
        variant=GEMWIRE_GENAI_H2,
    ),
    Limit("async unary, h2 vs google-genai", calls.UNARY, 0.10, GOOGLE_GENAI, variant=GEMWIRE_H2),
    Limit("async stream per chunk, h2 vs google-genai", calls.STREAM, 0.07, GOOGLE_GENAI, variant=GEMWIRE_H2),
    Limit("1,000 streams, 100 a connection: time vs ideal", slow_streams.TIME.format(50), 1.5, at=1000),
    Limit("1,000 streams, 100 a connection: failures", slow_streams.FAILURES.format(50), 0, at=1000),
    Limit(
        "1,000 streams, 100 a connection, h2: time vs ideal",
        slow_streams.TIME.format(50),
        1.25,
        at=1000,
        variant=GEMWIRE_H2,
    ),
    Limit(
        "1,000 streams, 100 a connection, h2: failures",
        slow_streams.FAILURES.format(50),
        0,
        at=1000,
        variant=GEMWIRE_H2,
    ),
    Limit("1,000-turn chat, build vs proto-plus", standalone.CHAT, 0.01, standalone.DICTS, 1000),
    Limit(f"{_EMBEDDINGS}: lists", standalone.TEXTS_RATIO, 4, variant=standalone.LISTS, least=True, unit="x"),
    Limit(
        f"{_EMBEDDINGS}: arrays", standalone.TEXTS_RATIO, 8, variant=standalone.ARRAYS, least=True, unit="x"
    ),
    Limit(
        "pipeline of 1M items: added an item", pipelines.CHEAP_ADDED, 15, variant=pipelines.WORST, unit=" µs"
    ),
    Limit("pipeline of calls: added a call", pipelines.CALL_ADDED, 15, variant=pipelines.WORST, unit=" µs"),
    Limit("pipeline: memory, 10k to 1M items", pipelines.GROWTH, 5, variant=pipelines.WORST, unit=" MB"),
    Limit("import gemwire vs google.genai", imports.IMPORT, 0.3, GOOGLE_GENAI),
    Limit("import gemwire vs google.ai.generativelanguage_v1beta", imports.IMPORT, 0.3, GOOGLE),
)


#: The same under other conditions: what the lines above do not say.
ALSO = (
    Limit("async stream, 20 ms apart, h2 vs raw stub", calls.SPARSE, None, RAW, variant=GEMWIRE_H2),
    Limit("async unary, the raw stub itself vs google-genai", calls.UNARY, None, GOOGLE_GENAI, variant=RAW),
    Limit(
        "async unary, gemwire.genai vs google-genai", calls.UNARY, None, GOOGLE_GENAI, variant=GEMWIRE_GENAI
    ),
    Limit("async unary vs google-genai with aiohttp", calls.UNARY, None, AIOHTTP),
    Limit(
        "async stream, the raw stub itself vs google-ai-generativelanguage",
        calls.STREAM,
        None,
        GOOGLE,
        variant=RAW,
    ),
    Limit("async stream, the raw stub itself vs google-genai", calls.STREAM, None, GOOGLE_GENAI, variant=RAW),
    Limit(
        "async stream, gemwire.genai vs google-genai", calls.STREAM, None, GOOGLE_GENAI, variant=GEMWIRE_GENAI
    ),
    Limit("async stream vs google-genai with aiohttp", calls.STREAM, None, AIOHTTP),
    Limit("async stream, 20 ms apart, vs raw stub", calls.SPARSE, None, RAW),
    Limit("async stream, 20 ms apart, vs google-genai", calls.SPARSE, None, GOOGLE_GENAI),
    Limit("1,000 streams, 100 ms apart: time vs ideal", slow_streams.TIME.format(100), None, at=1000),
    Limit(
        "1,000-turn chat, build vs proto-plus objects kept", standalone.CHAT, None, standalone.OBJECTS, 1000
    ),
    Limit("import to first request, h2 vs grpcio", imports.READY, None, GEMWIRE, variant=GEMWIRE_H2),
    Limit("import to first request vs google-genai", imports.READY, None, GOOGLE_GENAI),
    Limit(
        "import to first request, gemwire.genai vs google-genai",
        imports.READY,
        None,
        GOOGLE_GENAI,
        variant=GEMWIRE_GENAI,
    ),
    Limit("import to first request vs google-ai-generativelanguage", imports.READY, None, GOOGLE),
)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A line and what was measured."""

    limit: Limit
    value: float | None

    @property
    def passed(self) -> bool:
        """What was not measured has not passed."""
        return self.value is not None and self.limit.holds(self.value)

    @property
    def measured(self) -> str:
        """The value, to be read."""
        return "not measured" if self.value is None else f"{self.value:.3g}{self.limit.unit}"

    @property
    def bound(self) -> str:
        """The bound, to be read."""
        if self.limit.bound is None:
            return ""
        return f"at {'least' if self.limit.least else 'most'} {self.limit.bound:g}{self.limit.unit}"

    @property
    def word(self) -> str:
        """What it comes to."""
        if self.limit.bound is None:
            return "also"
        return "pass" if self.passed else "FAIL"

    def __str__(self) -> str:
        return f"{self.word}  {self.limit.work}: {self.measured}{self.bound and ', '}{self.bound}"


def verdicts(figures: Figures) -> list[Verdict]:
    """One for each limit, and for what else was measured."""
    found = [Verdict(limit, limit.value(figures)) for limit in (*TABLE, *ALSO)]
    return [verdict for verdict in found if verdict.limit.bound is not None or verdict.value is not None]
