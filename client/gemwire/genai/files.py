"""Files, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.files import AsyncFiles as AsyncFiles
from gemwire.genai._sync.files import Files as Files
