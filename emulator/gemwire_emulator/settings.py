"""The settings of an emulator, for `gemwire serve`, `gemwire.testing` and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gemwire_emulator.admission import Quota
from gemwire_emulator.engines.base import Engine
from gemwire_emulator.engines.canned import Reply
from gemwire_emulator.fault_rules import FaultRule
from gemwire_emulator.latency import LatencyProfile


@dataclass
class Settings:
    """The settings of an emulator.

    Attributes:
        host: Address to listen on.
        port: Port for gRPC; 0 for any free port.
        http_port: Port for HTTP; 0 for any free port, None for no HTTP.
        https_port: Port for HTTPS, with a certificate that is created for it; as for HTTP.
        tls_port: Port for gRPC over TLS, with the same certificate; as for HTTP.
        certificate_dir: Directory that keeps the certificate; None to delete it when the emulator stops.
        state: File that keeps resources, with the bytes of files beside it; None to keep them in memory.
        snapshot: File whose resources exist from the start, and again after `Emulator.reset`. It is only
            read. Excludes ``state``, which has its own resources.
        resources: Requests that create resources at the start; see `seed_resources.create_resources`.
            Excludes ``state``.
        engine: Engine that generates responses: ``"instant"``, ``"local"``, or an object.
        models: Further models: their names, ``name=other`` to be like another one, or mappings; see
            `base_models.ModelCatalog`.
        seed: Seed of the instant engine.
        replies: Canned replies.
        faults: Fault rules from the start.
        pace: Latency of responses.
        quota: Limits for each API key.
        callers: E-mail addresses by API key, for sharing: the caller's own, then those of groups that the
            caller belongs to. Other callers have addresses that are derived from their keys.
        frozen_at: Time at which the clock stands still, in seconds since the epoch; None for real time.
        tuning_seconds: Duration of a tuning, in the emulator's time.
        storage: Directory that stands for Cloud Storage: ``gs://bucket/a`` is the file ``bucket/a`` in it.
            None for no storage: addresses in prompts are taken unread.
        journal: File to which each call is appended as a line of JSON; None for no file.
    """

    host: str = "127.0.0.1"
    port: int = 0
    http_port: int | None = None
    https_port: int | None = None
    tls_port: int | None = None
    certificate_dir: str | Path | None = None
    state: str | Path | None = None
    snapshot: str | Path | None = None
    resources: Sequence[Mapping[str, object]] = ()
    engine: Engine | Literal["instant", "local"] | None = None
    models: Sequence[str | Mapping[str, object]] = ()
    seed: int = 0
    replies: Sequence[Reply] = ()
    faults: Sequence[FaultRule] = ()
    pace: LatencyProfile = field(default_factory=LatencyProfile)
    quota: Quota = field(default_factory=Quota)
    callers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    frozen_at: float | None = None
    tuning_seconds: float = 2.0
    storage: str | Path | None = None
    journal: str | Path | None = None
