"""Fault rules: which calls fail, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import grpc

from gemwire_emulator.errors import Disconnect, StatusError, retry_info
from gemwire_emulator.patterns import check_pattern, matches

#: Protocols of calls, the values of `Call.front`.
FRONTS = ("grpc", "http", "websocket")
#: The largest count, and the largest number of seconds, of rules and profiles: 30 years.
MAXIMUM = 10**9
#: The numbers of a rule with their minimum.
_MINIMUM = {"nth": 1, "times": 0, "after_messages": 0, "delay": 0.0, "retry_delay": -1.0}


@dataclass
class FaultRule:
    """A rule by which calls fail.

    Attributes:
        method: Regular expression of RE2 that is searched in the RPC's name; empty for all RPCs.
        model: Regular expression of RE2 that is searched in the request's model; a live session names its
            model in its setup. Empty for all models.
        front: Match only calls of this protocol, ``"grpc"``, ``"http"`` or ``"websocket"``; empty for all.
        nth: The first matching call that fails, from 1.
        times: How many calls fail from there on; 0 for all.
        status: Status that the call ends with; empty for none.
        message: Its message.
        retry_delay: Seconds for a RetryInfo detail; negative for none.
        delay: Seconds to wait first.
        after_messages: Send this many messages of a stream first.
        disconnect: Break the connection instead of sending a status.
        goaway: Send GOAWAY: the call goes on, the next ones use another connection.
        seen: Number of matching calls so far.
    """

    method: str = ""
    model: str = ""
    front: str = ""
    nth: int = 1
    times: int = 1
    status: str = ""
    message: str = "injected fault"
    retry_delay: float = -1.0
    delay: float = 0.0
    after_messages: int = 0
    disconnect: bool = False
    goaway: bool = False
    seen: int = field(default=0, compare=False)

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> FaultRule:
        """Create a rule from decoded JSON.

        Raises:
            ValueError: A key or a value is invalid.
        """
        known = {f.name for f in fields(cls)} - {"seen"}
        if unknown := set(data) - known:
            raise ValueError(
                f"unknown field {', '.join(sorted(unknown))}; a fault has {', '.join(sorted(known))}"
            )
        rule = cls(**data)  # type: ignore[arg-type]
        if rule.status and rule.status not in grpc.StatusCode.__members__:
            raise ValueError(f"status: {rule.status!r} is not a status code")
        if rule.front and rule.front not in FRONTS:
            raise ValueError(f"front: {rule.front!r} is not one of {', '.join(FRONTS)}")
        if not isinstance(rule.message, str):
            raise ValueError(f"message: {rule.message!r} is not a string")  # noqa: TRY004 - it is data
        for name in ("disconnect", "goaway"):
            if not isinstance(getattr(rule, name), bool):
                raise ValueError(f"{name}: {getattr(rule, name)!r} is not true or false")  # noqa: TRY004
        for name in ("method", "model"):
            check_pattern(name, getattr(rule, name))
        for name, minimum in _MINIMUM.items():
            value = getattr(rule, name)
            number = isinstance(value, (int, type(minimum))) and not isinstance(value, bool)
            # The comparison is false for NaN.
            if not number or not minimum <= value <= MAXIMUM:
                raise ValueError(
                    f"{name}: {value!r} is not a number of at least {minimum}, at most {MAXIMUM}"
                )
        return rule

    def matches(self, method: str, model: str, front: str) -> bool:
        """Count a call if it matches; return whether it is to fail."""
        if self.front not in ("", front):
            return False
        if not (matches(self.method, method) and matches(self.model, model)):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)

    def raise_error(self) -> None:
        """Raise the error of the rule, if it has one.

        Raises:
            Disconnect: The rule breaks the connection.
            StatusError: The rule has a status.
        """
        if self.disconnect:
            raise Disconnect
        if self.status:
            details = [retry_info(self.retry_delay)] if self.retry_delay >= 0 else []
            raise StatusError(grpc.StatusCode[self.status], self.message, details)
