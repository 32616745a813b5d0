"""Documents of file search stores, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.documents import AsyncDocuments as AsyncDocuments
from gemwire.genai._sync.documents import Documents as Documents
