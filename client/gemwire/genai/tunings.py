"""Tuning jobs, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.tunings import AsyncTunings as AsyncTunings
from gemwire.genai._sync.tunings import Tunings as Tunings
