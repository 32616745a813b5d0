"""Limits on requests and tokens per minute, shared by all clients, event loops and threads of a process.

    limits = Limits(requests_per_minute=1000, tokens_per_minute=1_000_000)

    await limits.acquire(1200)          # or limits.acquire_blocking(1200) in a sync program
    async with limits.reserve(1200) as permit:
        response = await client.generate_content(...)
        permit.settle(response)         # charge the tokens that were really used

`gemwire.pipeline.map` takes them as ``limits=``. See docs/pipelines.md.
"""

from __future__ import annotations

from gemwire.limits.limiter import Limits, Reservation
from gemwire.limits.permit import Permit
from gemwire.limits.token_count import CHARACTERS_PER_TOKEN, TOKENS_PER_IMAGE, estimate

__all__ = ["CHARACTERS_PER_TOKEN", "TOKENS_PER_IMAGE", "Limits", "Permit", "Reservation", "estimate"]
