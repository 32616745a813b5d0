"""Cached contents, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.caches import AsyncCaches as AsyncCaches
from gemwire.genai._sync.caches import Caches as Caches
