"""What the protos say of their names: ``comments.json``, which ``scripts/generate`` writes."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from gemwire_proto import DESCRIPTOR_SET


def describe(descriptor: Any) -> str:
    """What is said of a message, an enum or a service."""
    return get_comment(descriptor.full_name)


def get_comment(owner: str, name: str = "") -> str:
    """What is said of a field, a value or an RPC.

    Args:
        owner: Full name of its message, enum or service.
        name: Its own; empty for the owner itself.
    """
    return _all().get(owner, {}).get(name, "")


@cache
def _all() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(DESCRIPTOR_SET.with_name("comments.json").read_bytes())
    return found
