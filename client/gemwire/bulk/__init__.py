"""Resumable jobs over files: each line of the input is a request, and is answered once.

    from gemwire import bulk

    done = bulk.generate("questions.jsonl", "answers.jsonl", model="gemini-2.5-flash", concurrency=64)

The same call continues a job that was interrupted. See docs/bulk.md.
"""

from __future__ import annotations

from gemwire.bulk.executor import JobStopped as JobStopped
from gemwire.bulk.jobs import RETRY as RETRY
from gemwire.bulk.jobs import embed as embed
from gemwire.bulk.jobs import generate as generate
from gemwire.bulk.progress import Prices as Prices
from gemwire.bulk.progress import Progress as Progress

__all__ = ["RETRY", "JobStopped", "Prices", "Progress", "embed", "generate"]
