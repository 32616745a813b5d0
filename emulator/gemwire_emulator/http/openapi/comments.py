"""Comments of the protos by full name, from the files that ``scripts/generate`` writes."""

from __future__ import annotations

import json
from functools import cache

from gemwire_proto.families import FAMILIES


def find_comment(owner: str, member: str = "") -> str:
    """Return the comment of a name in the protos; empty if there is none.

    Args:
        owner: Full name of a message, an enum or a service.
        member: Name of a field, a value or an RPC of it; empty for the owner itself.
    """
    return _load().get(owner, {}).get(member, "")


@cache
def _load() -> dict[str, dict[str, str]]:
    comments: dict[str, dict[str, str]] = {}
    for family in FAMILIES:
        comments |= json.loads(family.comments.read_bytes())
    return comments
