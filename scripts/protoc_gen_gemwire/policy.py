"""The call policy: deadline, retries and idempotency of every RPC, from ``protos/call_policy.json``.

The file is a gRPC service config (grpc/service_config.md), so that other
languages can hand it to their channel as it is. Unlike the one that Google
publishes, it must name every RPC exactly once and nothing else. One list in it is
ours, which gRPC does not look at: ``idempotent``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path


class PolicyError(Exception):
    """The policy file and the protos disagree."""


@dataclass(frozen=True)
class Policy:
    """Defaults of one RPC.

    Attributes:
        timeout: Seconds for the whole call, all attempts included; None for no deadline.
        retry_codes: Names of the status codes after which a call is repeated.
        initial: Seconds, upper bound of the first pause.
        maximum: Seconds, upper bound of any pause.
        multiplier: Growth of the bound from one pause to the next.
        idempotent: Whether the file says that it changes nothing on the server.
    """

    timeout: float | None
    retry_codes: tuple[str, ...]
    initial: float
    maximum: float
    multiplier: float
    idempotent: bool = False


def _seconds(text: str) -> float:
    if not text.endswith("s"):
        raise PolicyError(f"call_policy.json: {text!r} is not a duration such as '60s'")
    return float(text[:-1])


def load(path: Path, rpcs: Iterable[str]) -> dict[str, Policy]:
    """Read the policies and hold them against the RPCs of the protos.

    Args:
        path: The policy file.
        rpcs: Full names of all RPCs, ``package.Service/Method``.

    Returns:
        A policy for each of them.

    Raises:
        PolicyError: An RPC is named twice, has no policy, or does not exist.
    """
    config = json.loads(path.read_text(encoding="utf-8"))
    policies: dict[str, Policy] = {}
    for entry in config["methodConfig"]:
        retry = entry.get("retryPolicy")
        policy = Policy(
            timeout=_seconds(entry["timeout"]) if "timeout" in entry else None,
            retry_codes=tuple(retry["retryableStatusCodes"]) if retry else (),
            initial=_seconds(retry["initialBackoff"]) if retry else 1.0,
            maximum=_seconds(retry["maxBackoff"]) if retry else 10.0,
            multiplier=float(retry["backoffMultiplier"]) if retry else 1.3,
        )
        for name in entry["name"]:
            full = f"{name['service']}/{name['method']}"
            if full in policies:
                raise PolicyError(f"{path.name}: {full} has two policies; keep one")
            policies[full] = policy
    known = set(rpcs)
    for full in sorted(policies.keys() - known):
        raise PolicyError(f"{path.name}: {full} is no RPC of the protos; remove or rename it")
    for full in sorted(known - policies.keys()):
        raise PolicyError(f"{path.name}: {full} has no policy; add one")
    for full in config.get("idempotent", ()):
        if full not in known:
            raise PolicyError(f"{path.name}: idempotent: {full} is no RPC of the protos; remove or rename it")
        if policies[full].idempotent:
            raise PolicyError(f"{path.name}: idempotent: {full} is there twice; keep one")
        policies[full] = replace(policies[full], idempotent=True)
    return policies
