"""What stands between a call and its handler: faults, quotas and the pace of answers. All deterministic.

Faults come as rules, from a file, a flag or a test, or with a call in its metadata:
``x-emulator-fault: {"status": "UNAVAILABLE", "times": 2}``. A call's pace may come with it as well:
``x-emulator-pace: {"first": 0.5, "tokens_per_second": 30}``.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import grpc

from gemwire_emulator.clock import Clock
from gemwire_emulator.errors import Failure, invalid
from gemwire_emulator.latency import Pace as Pace
from gemwire_emulator.latency import Pacing
from gemwire_emulator.rules import Rule as Rule
from gemwire_proto.google.rpc import error_details_pb2
from gemwire_runtime.method import Kind

if TYPE_CHECKING:
    from gemwire_emulator.dispatch import Call

FAULT_HEADER = "x-emulator-fault"
PACE_HEADER = "x-emulator-pace"
_NO_PACE = Pace()


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
    """Faults, quotas and pace of one emulator.

    Attributes:
        rules: Faults, counting what they hit.
        pace: How fast answers come.
        quota: Limits for each API key.
    """

    def __init__(
        self,
        clock: Clock,
        count_tokens: Callable[[Any], int],
        *,
        faults: Sequence[Rule] = (),
        pace: Pace = _NO_PACE,
        quota: Quota = Quota(),
    ) -> None:
        """``count_tokens`` gives the tokens of a message; the others are what `reset` leads back to."""
        self._clock = clock
        self._count_tokens = count_tokens
        self._settings = (list(faults), pace, quota)
        self.reset()

    def reset(self) -> None:
        """The settings again; nothing has been counted or used."""
        faults, self.pace, self.quota = self._settings
        # Copies: counters are of this gate, the settings may be those of several.
        self.rules: list[Rule] = [replace(rule, seen=0) for rule in faults]
        self._used: dict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._by_header: dict[tuple[str, str], Rule] = {}

    async def enter(self, call: Call, request: Any) -> None:
        """Before the handler.

        Args:
            call: The call.
            request: Its request; None where both sides stream, and `model_known` follows.

        Raises:
            Failure: A fault or a quota says so, or what came with the call makes no sense.
        """
        pace = self._pace(call)
        rules = self._rules(call)
        if request is None:
            await self._meet(call, [rule for rule in rules if not rule.model], "")
        else:
            await self._meet(call, rules, str(getattr(request, "model", "")))
        self._charge(call, request)
        if pace.latency:
            await asyncio.sleep(pace.latency)
        call.pacing = None if pace == _NO_PACE else Pacing(pace, self._count_tokens)

    async def model_known(self, call: Call, request: Any) -> None:
        """The first message of a live session names the model: faults for models can hit it now.

        Raises:
            Failure: One does.
        """
        rules = [rule for rule in self._rules(call) if rule.model]
        await self._meet(call, rules, str(getattr(getattr(request, "setup", None), "model", "")))

    async def answered(self, call: Call, response: Any) -> None:
        """Hold a response until its text would have been written."""
        if call.pacing is not None:
            await call.pacing.whole(response)

    def paced(self, call: Call, messages: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        """The messages of a stream, at the call's pace, with the faults that have their place in it.

        Raises:
            Failure: A fault ends it here.
        """
        # Most streams are left as they are, as every layer costs each message. Only of a live session it is
        # not yet known what will hit it: see `model_known`.
        known = call.method.kind is Kind.SERVER_STREAM
        return messages if known and call.pacing is None and not call.faults else self._held(call, messages)

    async def _held(self, call: Call, messages: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        count = 0
        async with aclosing(messages):
            async for message in messages:
                if call.pacing is not None:
                    await call.pacing.message(message)
                yield message
                count += 1
                for rule in call.faults:
                    if rule.after_messages == count:
                        await self._apply(rule, call)

    async def _meet(self, call: Call, rules: Sequence[Rule], model: str) -> None:
        """Count the call for all rules before any of them strikes."""
        method = call.method.path[1:]
        hit = [rule for rule in rules if rule.hits(method, model, call.front)]
        for rule in hit:
            if not rule.after_messages:
                await self._apply(rule, call)
        call.faults.extend(hit)

    async def _apply(self, rule: Rule, call: Call) -> None:
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.goaway:
            await call.go_away()
        rule.strike()

    def _rules(self, call: Call) -> list[Rule]:
        header = call.metadata.get(FAULT_HEADER)
        if not header:
            return self.rules
        # Counted by its text and the caller, so that a retry of the same call is the next one.
        key = (call.tenant, str(header))
        rule = self._by_header.get(key)
        if rule is None:
            try:
                rule = self._by_header[key] = Rule.of(json.loads(header))
            except (ValueError, TypeError) as error:
                raise invalid(FAULT_HEADER, f"is no fault: {error}") from None
        return [*self.rules, rule]

    def _pace(self, call: Call) -> Pace:
        header = call.metadata.get(PACE_HEADER)
        if not header:
            return self.pace
        try:
            return self.pace.written(str(header))
        except ValueError as error:
            raise invalid(PACE_HEADER, f"is no pace: {error}") from None

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
