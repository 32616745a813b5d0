"""Simulated latency: profiles of delays, and the schedule of one response."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from google.protobuf.message import Message

from gemwire_emulator.errors import quote
from gemwire_emulator.fault_rules import MAXIMUM

#: Seconds of lateness that a stream makes up for: it keeps its rate where the machine oversleeps, and does
#: not rush after a pause.
_CATCH_UP = 0.1


@dataclass(frozen=True)
class LatencyProfile:
    """Delays of responses. A response that takes longer by itself is not delayed.

    Attributes:
        latency: Seconds before anything is sent.
        first: Further seconds to the first message of a stream, or to the first token of a text that is
            sent whole.
        between: Seconds between the messages of a stream.
        tokens_per_second: Tokens of text, as the engine counts them; 0 for no limit.
    """

    latency: float = 0.0
    first: float = 0.0
    between: float = 0.0
    tokens_per_second: float = 0.0

    def override(self, changes: object) -> LatencyProfile:
        """Return this profile with some values changed.

        Args:
            changes: Values by name, or the name of a profile, which replaces all values.

        Raises:
            ValueError: There is no such profile, or a name or value is invalid.
        """
        if isinstance(changes, str) and changes in PROFILES:
            return PROFILES[changes]
        if not isinstance(changes, Mapping):
            raise ValueError(  # noqa: TRY004 - it is data
                f"{quote(changes)} is not one of {', '.join(PROFILES)}, or a JSON object"
            )
        known = [f.name for f in fields(self)]
        if unknown := set(changes) - set(known):
            raise ValueError(f"unknown field {', '.join(sorted(unknown))}; a pace has {', '.join(known)}")
        for name, value in changes.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not 0 <= value <= MAXIMUM:
                raise ValueError(f"{name}: {quote(value)} is not a number of at least 0, at most {MAXIMUM}")
        return replace(self, **changes)

    def override_with(self, text: str) -> LatencyProfile:
        """Return this profile with the changes that a text names: a profile, or JSON as for `override`.

        Raises:
            ValueError: The text is neither.
        """
        if text in PROFILES:
            return PROFILES[text]
        try:
            changes = json.loads(text)
        except (ValueError, RecursionError):
            changes = text
        return self.override(changes)


#: Orders of magnitude for trying out a program; not measured on any model.
PROFILES = {
    "instant": LatencyProfile(),
    "fast": LatencyProfile(latency=0.05, first=0.2, tokens_per_second=200),
    "typical": LatencyProfile(latency=0.1, first=0.5, tokens_per_second=80),
    "slow": LatencyProfile(latency=0.5, first=2.0, tokens_per_second=15),
}


class ResponsePacer:
    """The schedule of one response."""

    def __init__(self, profile: LatencyProfile, count_tokens: Callable[[Message], int]) -> None:
        """Create a schedule that begins now."""
        self._profile = profile
        self._count_tokens = count_tokens
        self._due = asyncio.get_running_loop().time() + profile.first
        self._started = False

    async def wait_for_message(self, message: Message) -> None:
        """Wait until the next message of a stream is due."""
        now = asyncio.get_running_loop().time()
        if self._started:
            self._due = max(self._due, now - _CATCH_UP) + self._profile.between + self._seconds(message)
        self._started = True
        await _sleep_until(self._due, now)

    async def wait_for_response(self, response: Message) -> None:
        """Wait until a text that is sent whole is due; a response without text is due at once."""
        if self._count_tokens(response):
            now = asyncio.get_running_loop().time()
            await _sleep_until(self._due + self._seconds(response), now)

    def _seconds(self, message: Message) -> float:
        rate = self._profile.tokens_per_second
        return self._count_tokens(message) / rate if rate else 0.0


async def _sleep_until(due: float, now: float) -> None:
    if due > now:
        await asyncio.sleep(due - now)
