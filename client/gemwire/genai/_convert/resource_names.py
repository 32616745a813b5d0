"""Resource names."""

from __future__ import annotations

import re

#: What no name has.
FORBIDDEN = re.compile(r"\.\.|[?&# \n]")

_OF_VERTEX = ("projects/", "publishers/", "endpoints/")


def to_model_name(model: object, argument: str = "model") -> str:
    """Return the full name of a model: ``models/m`` for "m". Names with a collection stay as they are."""
    if not isinstance(model, str):
        raise TypeError(f"{argument}: expected the name of a model, got {type(model).__name__}")
    if not model or FORBIDDEN.search(model):
        raise ValueError(
            f"{argument}: {model!r} is not the name of a model, such as 'gemini-2.5-flash' "
            "(invalid model parameter)"  # as google-genai says
        )
    if model.startswith(("models/", "tunedModels/", "dynamic/")):
        return model
    if model.startswith(_OF_VERTEX):
        raise ValueError(f"{argument}: {model!r} belongs to Vertex AI; use vertexai=True")
    return f"models/{model}"


def to_file_name(name: object) -> str:
    """Return the full name of a file: ``files/f`` for "f" or for a URI that ends with it."""
    name = getattr(name, "name", None) or name
    if not isinstance(name, str):
        raise TypeError(f"name: expected the name of a file, got {type(name).__name__}")
    found = re.search(r"(?:^|/)files/([a-z0-9-]+)", name) or re.fullmatch(r"([a-z0-9-]+)", name)
    if not found:
        raise ValueError(f"name: {name!r} is not the name of a file, such as 'files/abc-123'")
    return f"files/{found[1]}"


def to_resource_name(name: object, collection: str, argument: str = "name") -> str:
    """Return the full name of a resource: ``collection/n`` for "n" or for "collection/n"."""
    name = getattr(name, "name", None) or name
    if not isinstance(name, str):
        raise TypeError(f"{argument}: expected a name, got {type(name).__name__}")
    if not name or FORBIDDEN.search(name):
        raise ValueError(f"{argument}: {name!r} is not a name, such as '{collection}/abc-123'")
    return name if name.startswith(f"{collection}/") else f"{collection}/{name}"
