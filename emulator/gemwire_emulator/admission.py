"""Admission control: the faults, quotas and latency that a call meets before its handler. All deterministic.

Fault rules come from a file, a flag or a test, or with a call in its metadata:
``x-emulator-fault: {"status": "UNAVAILABLE", "times": 2}``. A call may bring its latency as well:
``x-emulator-pace: {"first": 0.5, "tokens_per_second": 30}``.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.clock import Clock
from gemwire_emulator.errors import invalid_argument, quota_exceeded, token_misused
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import LatencyProfile, ResponsePacer
from gemwire_runtime.method import Kind

FAULT_HEADER = "x-emulator-fault"
PACE_HEADER = "x-emulator-pace"
#: Rules of headers whose calls are counted; further ones replace the oldest.
_MAX_HEADER_RULES = 10_000
_NO_LATENCY = LatencyProfile()


@dataclass(frozen=True)
class Quota:
    """Limits for each API key.

    Attributes:
        requests_per_minute: 0 for no limit.
        tokens_per_minute: Tokens of prompts; 0 for no limit.
    """

    requests_per_minute: int = 0
    tokens_per_minute: int = 0


class AdmissionController:
    """The fault rules, latency and quota of one emulator.

    Attributes:
        rules: Fault rules, which count the calls that they match.
        pace: Latency of responses.
        quota: Limits for each API key.
    """

    def __init__(
        self,
        clock: Clock,
        count_tokens: Callable[[Message | None], int],
        *,
        faults: Sequence[FaultRule] = (),
        pace: LatencyProfile = _NO_LATENCY,
        quota: Quota = Quota(),
    ) -> None:
        """Create a controller.

        Args:
            clock: Time by which quotas are counted.
            count_tokens: Returns the tokens of a message's text.
            faults: Rules that `reset` restores.
            pace: Latency that `reset` restores.
            quota: Limits that `reset` restores.
        """
        self._clock = clock
        self._count_tokens = count_tokens
        self._settings = (list(faults), pace, quota)
        self.reset()

    def reset(self) -> None:
        """Restore the settings, with nothing counted or used."""
        faults, self.pace, self.quota = self._settings
        # Copies: the counters belong to this controller, the settings may be shared.
        self.rules: list[FaultRule] = [replace(rule, seen=0) for rule in faults]
        self._used: dict[str, deque[tuple[float, int]]] = defaultdict(deque)
        self._header_rules: dict[tuple[str, str], FaultRule] = {}

    async def admit(self, call: Call, request: Message | None) -> None:
        """Apply faults, quotas and latency to a call before its handler runs.

        Args:
            call: The call.
            request: Its request; None for a bidi call, for which `apply_model_faults` follows.

        Raises:
            StatusError: A fault or a quota ends the call, or its metadata is malformed.
        """
        if call.live_token and call.method.kind is not Kind.BIDI:
            raise token_misused("opens live sessions only")
        pace = self._pace(call)
        rules = self._rules(call)
        if request is None:
            await self._apply_rules(call, [rule for rule in rules if not rule.model], "")
        else:
            await self._apply_rules(call, rules, str(getattr(request, "model", "")))
        self._charge_quota(call, request)
        if pace.latency:
            await asyncio.sleep(pace.latency)
        call.pacer = None if pace == _NO_LATENCY else ResponsePacer(pace, self._count_tokens)

    async def apply_model_faults(self, call: Call, request: Message) -> None:
        """Apply the rules that name a model to a live session, whose first message names its model.

        Raises:
            StatusError: A fault ends the call.
        """
        rules = [rule for rule in self._rules(call) if rule.model]
        await self._apply_rules(call, rules, str(getattr(getattr(request, "setup", None), "model", "")))

    async def pace_response(self, call: Call, response: Message) -> None:
        """Wait until a response is due."""
        if call.pacer is not None:
            await call.pacer.wait_for_response(response)

    def pace_stream(
        self, call: Call, messages: AsyncGenerator[Message, None]
    ) -> AsyncGenerator[Message, None]:
        """Return the messages of a stream with the latency and the mid-stream faults of the call.

        Raises:
            StatusError: A fault ends the stream.
        """
        # Most streams are passed through, since every layer costs time for each message. A bidi call is
        # always wrapped, as its model, and with it the matching faults, is not known yet.
        known = call.method.kind is Kind.SERVER_STREAM
        if known and call.pacer is None and not call.faults:
            return messages
        return self._paced(call, messages)

    async def _paced(
        self, call: Call, messages: AsyncGenerator[Message, None]
    ) -> AsyncGenerator[Message, None]:
        count = 0
        async with aclosing(messages):
            async for message in messages:
                if call.pacer is not None:
                    await call.pacer.wait_for_message(message)
                yield message
                count += 1
                for rule in call.faults:
                    if rule.after_messages == count:
                        await self._apply(rule, call)

    async def _apply_rules(self, call: Call, rules: Sequence[FaultRule], model: str) -> None:
        method = call.method.path[1:]
        # All rules count the call before one of them can end it.
        matching = [rule for rule in rules if rule.matches(method, model, call.front)]
        for rule in matching:
            if not rule.after_messages:
                await self._apply(rule, call)
        call.faults.extend(matching)

    async def _apply(self, rule: FaultRule, call: Call) -> None:
        if rule.delay:
            await asyncio.sleep(rule.delay)
        if rule.goaway:
            await call.go_away()
        rule.raise_error()

    def _rules(self, call: Call) -> list[FaultRule]:
        header = call.metadata.get(FAULT_HEADER)
        if not header:
            return self.rules
        # Counted by its text and the caller, so that a retry counts as the next call.
        key = (call.tenant, str(header))
        rule = self._header_rules.get(key)
        if rule is None:
            try:
                rule = self._header_rules[key] = FaultRule.from_json(json.loads(header))
            except (ValueError, TypeError, RecursionError) as error:
                raise invalid_argument(FAULT_HEADER, f"is not a fault rule: {error}") from None
            if len(self._header_rules) > _MAX_HEADER_RULES:
                del self._header_rules[next(iter(self._header_rules))]
        return [*self.rules, rule]

    def _pace(self, call: Call) -> LatencyProfile:
        header = call.metadata.get(PACE_HEADER)
        if not header:
            return self.pace
        try:
            return self.pace.override_with(str(header))
        except ValueError as error:
            raise invalid_argument(PACE_HEADER, f"is not a pace: {error}") from None

    def _charge_quota(self, call: Call, request: Message | None) -> None:
        quota = self.quota
        if not (quota.requests_per_minute or quota.tokens_per_minute):
            return
        used, now = self._used[call.tenant], self._clock.now()
        while used and used[0][0] <= now - 60:
            used.popleft()
        tokens = self._count_tokens(request) if quota.tokens_per_minute else 0
        for limit, spent, more, unit in (
            (quota.requests_per_minute, len(used), 1, "requests"),
            (quota.tokens_per_minute, sum(t for _, t in used), tokens, "tokens"),
        ):
            if limit and spent + more > limit:
                wait = max(1, int(used[0][0] + 60 - now) + 1) if used else 60
                raise quota_exceeded(limit, spent, more, unit, wait)
        used.append((now, tokens))
