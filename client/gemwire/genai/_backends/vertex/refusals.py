"""Fields and methods of the Gemini API that Vertex AI does not have, with what to use instead."""

from __future__ import annotations

from typing import NoReturn

_INSTEAD = {
    "files": "give gs:// addresses as file_uri; Google's storage package uploads",
    "file_search_stores": "use Tool.retrieval",
    "documents": "use Tool.retrieval",
    "auth_tokens": "its tokens are OAuth's",
    "batches.create_embeddings": "create a batch of requests in gs://",
}


class Refused:
    """A resource of which Vertex AI has nothing."""

    def __init__(self, resource: str) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        method = name.removeprefix("to_")
        raise method_error(f"{self._resource}.{method}")


def method_error(method: str) -> ValueError:
    """Return the error of a method that only the Gemini API has."""
    instead = next(text for name, text in _INSTEAD.items() if method.startswith(name))
    return ValueError(f"{method} belongs to the Gemini API; Vertex AI does not have it; {instead}")


def unserved_error(method: str, instead: str) -> ValueError:
    """Return the error of a method of Vertex AI that gemwire does not have."""
    return ValueError(f"{method}: gemwire does not have this method; {instead}")


def field_error(path: str) -> ValueError:
    """Return the error of a field that only the Gemini API has."""
    return ValueError(f"{path} belongs to the Gemini API; Vertex AI does not have it")
