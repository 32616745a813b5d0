"""Resource names from what programs write."""

from __future__ import annotations

import re

_REFUSED = ("..", "?", "&", "#", " ", "\n")


def model_name(model: object, argument: str = "model") -> str:
    """``models/m`` for "m"; names with a collection stay as they are.

    Args:
        model: The name.
        argument: What to call it in an error.

    Raises:
        ValueError: It is empty, or cannot be a name.
        TypeError: It is no text.
    """
    if not isinstance(model, str):
        raise TypeError(f"{argument}: expected the name of a model, got {type(model).__name__}")
    if not model or any(part in model for part in _REFUSED):
        raise ValueError(f"{argument}: {model!r} is no name of a model; one is 'gemini-2.5-flash'")
    if model.startswith(("models/", "tunedModels/", "dynamic/")):
        return model
    return f"models/{model}"


def file_name(name: object) -> str:
    """``files/f`` for "f", and for an address that ends like that.

    Raises:
        ValueError: It is empty, or cannot be a name.
        TypeError: It is no text.
    """
    name = getattr(name, "name", None) or name
    if not isinstance(name, str):
        raise TypeError(f"name: expected the name of a file, got {type(name).__name__}")
    found = re.search(r"(?:^|/)files/([a-z0-9-]+)", name) or re.fullmatch(r"([a-z0-9-]+)", name)
    if not found:
        raise ValueError(f"name: {name!r} is no name of a file; one is 'files/abc-123'")
    return f"files/{found[1]}"


def resource_name(name: object, collection: str, argument: str = "name") -> str:
    """``collection/n`` for "n"; a name that has it already stays as it is.

    Raises:
        ValueError: It is empty, or cannot be a name.
        TypeError: It is no text.
    """
    name = getattr(name, "name", None) or name
    if not isinstance(name, str):
        raise TypeError(f"{argument}: expected a name, got {type(name).__name__}")
    if not name or any(part in name for part in _REFUSED):
        raise ValueError(f"{argument}: {name!r} is no name; one is '{collection}/abc-123'")
    return name if name.startswith(f"{collection}/") else f"{collection}/{name}"
