"""What stands between a call and its handler: faults, quotas and the pace of answers. All deterministic.

Faults come as rules (`Rule`), from a file, a flag or a test, or with a call in its metadata:
``x-emulator-fault: {"status": "UNAVAILABLE", "times": 2}``.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict, deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import grpc

from gemwire_emulator.clock import Clock
from gemwire_emulator.failure import Failure, invalid
from gemwire_proto.google.rpc import error_details_pb2

if TYPE_CHECKING:
    from gemwire_emulator.dispatch import Call

FAULT_HEADER = "x-emulator-fault"
#: The numbers of a rule, and what they cannot be less than.
_LEAST = {"nth": 1, "times": 0, "after_messages": 0, "delay": 0.0, "retry_delay": -1.0}


@dataclass
class Rule:
    """A fault.

    Attributes:
        method: Regular expression that is searched in the RPC's name; empty for all.
        model: The same for the request's model.
        nth: Which matching call is hit first, from 1.
        times: How many are hit from there on; 0 for all.
        status: Status that the call ends with; empty for none.
        message: Its message.
        retry_delay: Seconds for a RetryInfo detail; negative for none.
        delay: Seconds before anything is answered.
        after_messages: Answer that many messages of a stream first.
        disconnect: End a stream without a status, as a broken connection does.
        seen: How many matching calls there were.
    """

    method: str = ""
    model: str = ""
    nth: int = 1
    times: int = 1
    status: str = ""
    message: str = "a fault that was asked for"
    retry_delay: float = -1.0
    delay: float = 0.0
    after_messages: int = 0
    disconnect: bool = False
    seen: int = field(default=0, compare=False)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Rule:
        """A rule from JSON.

        Raises:
            ValueError: A key or the status does not exist.
        """
        known = {f.name for f in fields(cls)} - {"seen"}
        if unknown := set(data) - known:
            raise ValueError(
                f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}"
            )
        rule = cls(**data)
        if rule.status and rule.status not in grpc.StatusCode.__members__:
            raise ValueError(f"status: {rule.status!r} is no status")
        for name in ("method", "model"):
            try:
                re.compile(getattr(rule, name))
            except (re.error, TypeError) as error:
                raise ValueError(f"{name}: is no regular expression: {error}") from None
        for name, least in _LEAST.items():
            value = getattr(rule, name)
            if isinstance(value, bool) or not isinstance(value, (int, type(least))) or value < least:
                raise ValueError(f"{name}: {value!r} is no number of at least {least}")
        return rule

    def hits(self, method: str, model: str) -> bool:
        """Whether this call is one that it hits; counts it."""
        if not (re.search(self.method, method) and re.search(self.model, model)):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)

    def strike(self) -> None:
        """End the call, if it is a rule that does.

        Raises:
            Failure: The status, with a RetryInfo if one was asked for.
        """
        if self.disconnect:
            # What a client makes of a connection that is gone.
            raise Failure(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        if not self.status:
            return
        details = []
        if self.retry_delay >= 0:
            delay = {"seconds": int(self.retry_delay), "nanos": int(self.retry_delay % 1 * 1e9)}
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        raise Failure(grpc.StatusCode[self.status], self.message, details)


@dataclass(frozen=True)
class Pace:
    """How fast answers come.

    Attributes:
        latency: Seconds before anything.
        first: Seconds from there to the first message of a stream.
        between: Seconds between its messages.
    """

    latency: float = 0.0
    first: float = 0.0
    between: float = 0.0


@dataclass(frozen=True)
class Quota:
    """Limits for each API key.

    Attributes:
        requests_per_minute: 0 for none.
        tokens_per_minute: Tokens of prompts; 0 for none.
    """

    requests_per_minute: int = 0
    tokens_per_minute: int = 0


class Gate:
    """Faults, quotas and pace of one emulator."""

    def __init__(
        self, clock: Clock, count_tokens: Any, *, pace: Pace = Pace(), quota: Quota = Quota()
    ) -> None:
        """``count_tokens`` gives the tokens of a request."""
        self._clock = clock
        self._count_tokens = count_tokens
        self.pace = pace
        self.quota = quota
        self.rules: list[Rule] = []
        self._used: dict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._by_header: dict[tuple[str, str], Rule] = {}

    async def enter(self, call: Call, request: Any) -> None:
        """Before the handler.

        Raises:
            Failure: A fault or a quota says so.
        """
        rules = self._rules(call, request)
        for rule in rules:
            if rule.delay:
                await asyncio.sleep(rule.delay)
            if not rule.after_messages:
                rule.strike()
        call.faults = rules
        self._charge(call, request)
        if self.pace.latency:
            await asyncio.sleep(self.pace.latency)

    def _rules(self, call: Call, request: Any) -> list[Rule]:
        method, model = call.method.path[1:], str(getattr(request, "model", ""))
        hit = [rule for rule in self.rules if rule.hits(method, model)]
        header = call.metadata.get(FAULT_HEADER)
        if header:
            # Counted by its text and the caller, so that a retry of the same call is the next one.
            key = (call.tenant, str(header))
            try:
                rule = self._by_header.get(key) or Rule.of(json.loads(header))
            except (ValueError, TypeError) as error:
                raise invalid(FAULT_HEADER, f"is no fault: {error}") from None
            self._by_header[key] = rule
            if rule.hits(method, model):
                hit.append(rule)
        return hit

    def _charge(self, call: Call, request: Any) -> None:
        quota = self.quota
        if not (quota.requests_per_minute or quota.tokens_per_minute):
            return
        used, now = self._used[call.tenant], self._clock.now()
        while used and used[0][0] <= now - 60:
            used.popleft()
        tokens = self._count_tokens(request) if quota.tokens_per_minute else 0
        for limit, spent, more, name in (
            (quota.requests_per_minute, len(used), 1, "requests"),
            (quota.tokens_per_minute, sum(t for _, t in used), tokens, "tokens"),
        ):
            if limit and spent + more > limit:
                wait = max(1, int(used[0][0] + 60 - now) + 1) if used else 60
                raise Failure(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    f"You exceeded your quota of {limit} {name} per minute.",
                    [
                        error_details_pb2.RetryInfo(retry_delay={"seconds": wait}),
                        error_details_pb2.QuotaFailure(
                            violations=[
                                {
                                    "subject": f"generativelanguage.googleapis.com/{name}_per_minute",
                                    "description": f"limit {limit}, used {spent}, asked for {more}",
                                }
                            ]
                        ),
                    ],
                )
        used.append((now, tokens))

    async def paced(self, call: Call, messages: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        """The messages of a stream, at the emulator's pace, up to a fault's place.

        Raises:
            Failure: A fault has its place in this stream.
        """
        due = {rule.after_messages: rule for rule in reversed(call.faults) if rule.after_messages}
        count = 0
        if self.pace.first:
            await asyncio.sleep(self.pace.first)
        async with aclosing(messages):
            async for message in messages:
                if count and self.pace.between:
                    await asyncio.sleep(self.pace.between)
                yield message
                count += 1
                if count in due:
                    due[count].strike()

    def reset(self) -> None:
        """Forget faults and what was used of quotas."""
        self.rules.clear()
        self._used.clear()
        self._by_header.clear()
