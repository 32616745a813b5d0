"""How an emulator is made, in one place: what `gemwire serve`, `gemwire.testing` and programs set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gemwire_emulator.admission import Quota
from gemwire_emulator.engines.base import Engine
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import LatencyProfile


@dataclass
class Settings:
    """How an emulator is made.

    Attributes:
        host: Address to listen on.
        port: Port for gRPC; 0 for any that is free.
        http_port: Port for HTTP; 0 for any that is free, None for no HTTP.
        https_port: The same for HTTPS, with a certificate that is made for it.
        certificate_dir: Directory in which that certificate is kept; None for one that is deleted in the end.
        state: File to remember in, with the bytes of files beside it; None for memory.
        snapshot: File whose resources are there from the start, and again after `Emulator.reset`. It is only
            read. Not with ``state``, which has its own.
        resources: Requests that make more at the start; see `preparation.prepare`. Not with ``state`` either.
        engine: What writes answers: ``"instant"``, ``"local"``, or an engine.
        seed: Seed of the instant engine.
        replies: CannedReplies replies.
        faults: Faults from the start.
        pace: How fast answers come.
        quota: Limits for each API key.
        frozen_at: Time that stands still (seconds since the epoch); None for the real one.
        tuning_seconds: How long a tuning takes, in the emulator's time.
        journal: File that gets a line of JSON for every call; None for none.
    """

    host: str = "127.0.0.1"
    port: int = 0
    http_port: int | None = None
    https_port: int | None = None
    certificate_dir: str | Path | None = None
    state: str | Path | None = None
    snapshot: str | Path | None = None
    resources: Sequence[Mapping[str, Any]] = ()
    engine: Engine | Literal["instant", "local"] | None = None
    seed: int = 0
    replies: Sequence[Reply] = ()
    faults: Sequence[FaultRule] = ()
    pace: LatencyProfile = field(default_factory=LatencyProfile)
    quota: Quota = field(default_factory=Quota)
    frozen_at: float | None = None
    tuning_seconds: float = 2.0
    journal: str | Path | None = None
