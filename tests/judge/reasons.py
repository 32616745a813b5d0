"""Why a test of Google's does not pass: the first rule that matches its id and what it failed with."""

from __future__ import annotations

import re

PRIVATE = "google-genai's private names"
#: Patterns of ``id: message`` and the reason.
RULES = {
    r".*: private: ": PRIVATE,
    r".*(has no attribute|does not have the attribute|object has no attribute) '_(?!_)": PRIVATE,
}


def find_reason(identity: str, message: str) -> str:
    """Return the reason; an unknown one is the first line of the message."""
    told = f"{identity}: {message}"
    found = next((reason for pattern, reason in RULES.items() if re.match(pattern, told, re.DOTALL)), "")
    return found or "?? " + " ".join(message.split())[:200]
