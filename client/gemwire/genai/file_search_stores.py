"""File search stores, under the module's name in google-genai."""

from __future__ import annotations

from gemwire.genai._aio.file_search_stores import AsyncFileSearchStores as AsyncFileSearchStores
from gemwire.genai._sync.file_search_stores import FileSearchStores as FileSearchStores
