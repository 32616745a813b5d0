"""A call as handlers see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from google.protobuf.message import Message

from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import ResponsePacer
from gemwire_runtime.method import Method


class Owner(Protocol):
    """Who has a resource: the caller that creates it; see `Call` for the attributes."""

    tenant: str
    caller: str


async def _ignore_go_away() -> None:
    """Do nothing: this front cannot move a client to another connection."""


class Call:
    """One call of an RPC.

    Attributes:
        method: The RPC.
        metadata: Request metadata; keys are lower case.
        tenant: The API key; callers with different keys do not see each other's resources.
        caller: Identity of the caller, for owners and permissions.
        front: Protocol of the call: ``"grpc"``, ``"http"`` or ``"websocket"``.
        peer: Address of the client in gRPC's form, ``ipv4:127.0.0.1:51234``.
        remaining: Returns the seconds until the caller's deadline, None without a deadline.
        live_token: Token of live sessions that takes the place of an API key; empty without one.
        go_away: Asks the client to make its next calls over another connection.
        is_vertex: Whether the RPC is Vertex AI's, not the Gemini API's.
        faults: Fault rules that matched the call; set by admission control.
        answers: Answers that the tuned model of the call was trained on, by their prompts.
        pacer: Schedule of the response; set by admission control. None to respond without delay.
    """

    __slots__ = (
        "answers",
        "caller",
        "faults",
        "front",
        "go_away",
        "is_vertex",
        "live_token",
        "metadata",
        "method",
        "pacer",
        "peer",
        "remaining",
        "tenant",
    )

    def __init__(
        self,
        method: Method[Message, Message],
        metadata: Mapping[str, str | bytes],
        *,
        front: str = "grpc",
        peer: str = "",
        remaining: Callable[[], float | None] = lambda: None,
        go_away: Callable[[], Awaitable[None]] = _ignore_go_away,
    ) -> None:
        """Create a call; see the class for the arguments."""
        self.method = method
        self.metadata = metadata
        key = str(metadata.get("x-goog-api-key", ""))
        token = str(metadata.get("authorization", "")).removeprefix("Token ")
        self.live_token = next((one for one in (token, key) if one.startswith("auth_tokens/")), "")
        self.tenant = key
        self.caller = f"key:{key}" if key else "anonymous"
        self.front = front
        self.peer = peer
        self.remaining = remaining
        self.go_away = go_away
        self.is_vertex = method.service.startswith("google.cloud.aiplatform.")
        self.faults: list[FaultRule] = []
        self.answers: Mapping[str, str] = {}
        self.pacer: ResponsePacer | None = None
