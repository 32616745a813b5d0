"""Fields and methods of the Gemini API that Vertex AI does not have, with what to use instead."""

from __future__ import annotations

_METHODS = {
    "files": "give gs:// addresses as file_uri; Google's storage package uploads",
    "batches.create_embeddings": "create a batch of requests in gs://",
    "live.connect": "use client.aio.live of the Gemini API",
}


def method_error(method: str) -> ValueError:
    """Return the error of a method that only the Gemini API has."""
    instead = next(text for name, text in _METHODS.items() if method.startswith(name))
    return ValueError(f"{method} is of the Gemini API; Vertex AI does not have it; {instead}")


def field_error(path: str) -> ValueError:
    """Return the error of a field that only the Gemini API has."""
    return ValueError(f"{path} is of the Gemini API; Vertex AI does not have it")
