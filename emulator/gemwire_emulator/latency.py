"""How fast answers come: profiles of latency, time to the first token, and tokens a second."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

#: What lateness is made up for, in seconds: a stream keeps its rate where the machine oversleeps, and does
#: not rush after a pause.
_CATCH_UP = 0.1


@dataclass(frozen=True)
class Pace:
    """How fast answers come. An answer that takes longer by itself is not held up.

    Attributes:
        latency: Seconds before anything.
        first: Seconds from there to the first message of a stream, or to the first token of a text that
            comes whole.
        between: Seconds between the messages of a stream.
        tokens_per_second: Tokens of text, as the engine counts them; 0 for as fast as they come.
    """

    latency: float = 0.0
    first: float = 0.0
    between: float = 0.0
    tokens_per_second: float = 0.0

    def but(self, wanted: Any) -> Pace:
        """This pace with some of it otherwise.

        Args:
            wanted: A profile's name, which leaves nothing of this one, or what is otherwise, by name.

        Raises:
            ValueError: There is no such profile, or it is none of a pace.
        """
        if isinstance(wanted, str) and wanted in PROFILES:
            return PROFILES[wanted]
        if not isinstance(wanted, dict):
            raise ValueError(f"{wanted!r} is none of {', '.join(PROFILES)}, and no JSON object")  # noqa: TRY004
        known = [f.name for f in fields(self)]
        if unknown := set(wanted) - set(known):
            raise ValueError(f"a pace has no {', '.join(sorted(unknown))}; it has {', '.join(known)}")
        for name, value in wanted.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not 0 <= value < math.inf:
                raise ValueError(f"{name}: {value!r} is no number of at least 0")
        return replace(self, **wanted)

    def written(self, text: str) -> Pace:
        """The same for a profile's name or JSON.

        Raises:
            ValueError: It is neither.
        """
        if text in PROFILES:
            return PROFILES[text]
        try:
            wanted = json.loads(text)
        except ValueError:
            wanted = text
        return self.but(wanted)


#: Orders of magnitude, to see how a program feels; no measurement of any model.
PROFILES = {
    "instant": Pace(),
    "fast": Pace(latency=0.05, first=0.2, tokens_per_second=200),
    "typical": Pace(latency=0.1, first=0.5, tokens_per_second=80),
    "slow": Pace(latency=0.5, first=2.0, tokens_per_second=15),
}


class Pacing:
    """When the parts of one answer are due."""

    def __init__(self, pace: Pace, count_tokens: Callable[[Any], int]) -> None:
        """The answer begins now."""
        self._pace = pace
        self._count_tokens = count_tokens
        self._due = asyncio.get_running_loop().time() + pace.first
        self._begun = False

    async def message(self, message: Any) -> None:
        """Wait until the next message of a stream is due."""
        now = asyncio.get_running_loop().time()
        if self._begun:
            self._due = max(self._due, now - _CATCH_UP) + self._pace.between + self._seconds(message)
        self._begun = True
        await _until(self._due, now)

    async def whole(self, response: Any) -> None:
        """Wait until a text is due that comes whole; what has no text comes at once."""
        if self._count_tokens(response):
            now = asyncio.get_running_loop().time()
            await _until(self._due + self._seconds(response), now)

    def _seconds(self, message: Any) -> float:
        rate = self._pace.tokens_per_second
        return self._count_tokens(message) / rate if rate else 0.0


async def _until(due: float, now: float) -> None:
    if due > now:
        await asyncio.sleep(due - now)
