"""The Gemini API in the shape of the google-genai package, over gRPC: programs change an import.

from gemwire import genai
from gemwire.genai import types

client = genai.Client()
print(client.models.generate_content(model="gemini-2.5-flash", contents="Why is the sky blue?").text)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gemwire.genai import errors as errors
    from gemwire.genai import types as types
    from gemwire.genai._google_client import google_client as google_client
    from gemwire.genai.client import Client as Client

__all__ = ["Client", "errors", "google_client", "types"]
_MODULES = frozenset(
    {
        *(
            "batches",
            "caches",
            "chats",
            "client",
            "errors",
            "files",
            "live",
            "models",
            "operations",
            "pagers",
        ),
        *("tunings", "types", "version"),
    }
)


def __getattr__(name: str) -> object:
    if name == "Client":
        from gemwire.genai.client import Client

        return Client
    if name == "google_client":
        from gemwire.genai._google_client import google_client

        return google_client
    if name in _MODULES:
        return importlib.import_module(f"gemwire.genai.{name}")
    raise AttributeError(f"module 'gemwire.genai' has no attribute {name!r}")
