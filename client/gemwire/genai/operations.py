"""Long-running operations, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.operations import AsyncOperations as AsyncOperations
from gemwire.genai._sync.operations import Operations as Operations
