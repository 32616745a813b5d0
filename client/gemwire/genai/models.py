"""Models, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.models import AsyncModels as AsyncModels
from gemwire.genai._sync.models import Models as Models
