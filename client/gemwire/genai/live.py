"""Live sessions, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.live import AsyncLive as AsyncLive
from gemwire.genai._aio.live import AsyncSession as AsyncSession
