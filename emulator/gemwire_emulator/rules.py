"""Faults as rules: which calls they hit, and what becomes of those."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from typing import Any

import grpc

from gemwire_emulator.errors import Disconnect, Failure
from gemwire_proto.google.rpc import error_details_pb2

#: Ways in, as `Call.front` names them.
FRONTS = ("grpc", "http", "websocket")
#: The numbers of a rule, and what they cannot be less than.
_LEAST = {"nth": 1, "times": 0, "after_messages": 0, "delay": 0.0, "retry_delay": -1.0}


@dataclass
class Rule:
    """A fault.

    Attributes:
        method: Regular expression that is searched in the RPC's name; empty for all.
        model: The same for the request's model; a live session names it in its setup.
        front: Hit only calls that come this way, ``"grpc"``, ``"http"`` or ``"websocket"``; empty for all.
        nth: Which matching call is hit first, from 1.
        times: How many are hit from there on; 0 for all.
        status: Status that the call ends with; empty for none.
        message: Its message.
        retry_delay: Seconds for a RetryInfo detail; negative for none.
        delay: Seconds of silence.
        after_messages: Answer that many messages of a stream first, and do all this then.
        disconnect: Break the connection, without a status.
        goaway: Send GOAWAY: the call goes on, the next ones come over another connection.
        seen: How many matching calls there were.
    """

    method: str = ""
    model: str = ""
    front: str = ""
    nth: int = 1
    times: int = 1
    status: str = ""
    message: str = "a fault that was asked for"
    retry_delay: float = -1.0
    delay: float = 0.0
    after_messages: int = 0
    disconnect: bool = False
    goaway: bool = False
    seen: int = field(default=0, compare=False)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Rule:
        """A rule from JSON.

        Raises:
            ValueError: A key or the status does not exist, or a value is none for its key.
        """
        known = {f.name for f in fields(cls)} - {"seen"}
        if unknown := set(data) - known:
            raise ValueError(
                f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}"
            )
        rule = cls(**data)
        if rule.status and rule.status not in grpc.StatusCode.__members__:
            raise ValueError(f"status: {rule.status!r} is no status")
        if rule.front and rule.front not in FRONTS:
            raise ValueError(f"front: {rule.front!r} is none of {', '.join(FRONTS)}")
        if not isinstance(rule.message, str):
            raise ValueError(f"message: {rule.message!r} is no text")  # noqa: TRY004 - of data, not of types
        for name in ("disconnect", "goaway"):
            if not isinstance(getattr(rule, name), bool):
                raise ValueError(f"{name}: {getattr(rule, name)!r} is neither true nor false")  # noqa: TRY004
        for name in ("method", "model"):
            try:
                re.compile(getattr(rule, name))
            except (re.error, TypeError) as error:
                raise ValueError(f"{name}: is no regular expression: {error}") from None
        for name, least in _LEAST.items():
            value = getattr(rule, name)
            number = isinstance(value, (int, type(least))) and not isinstance(value, bool)
            # NaN is neither less than anything nor more, and nobody waits for infinity to end.
            if not number or not least <= value < math.inf:
                raise ValueError(f"{name}: {value!r} is no number of at least {least}")
        return rule

    def hits(self, method: str, model: str, front: str) -> bool:
        """Whether this call is one that it hits; counts it."""
        if self.front not in ("", front):
            return False
        if not (re.search(self.method, method) and re.search(self.model, model)):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)

    def strike(self) -> None:
        """End the call, if it is a rule that does.

        Raises:
            Disconnect: Its connection is to break.
            Failure: The status, with a RetryInfo if one was asked for.
        """
        if self.disconnect:
            raise Disconnect
        if not self.status:
            return
        details = []
        if self.retry_delay >= 0:
            delay = {"seconds": int(self.retry_delay), "nanos": int(self.retry_delay % 1 * 1e9)}
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        raise Failure(grpc.StatusCode[self.status], self.message, details)
