"""Batch jobs, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.batches import AsyncBatches as AsyncBatches
from gemwire.genai._sync.batches import Batches as Batches
