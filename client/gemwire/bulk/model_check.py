"""The check of a model before a job starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemwire.errors import Unimplemented


def check_model(client_arguments: Mapping[str, Any], model: str) -> None:
    """Raise unless the model exists and these credentials may use it.

    Args:
        client_arguments: Arguments of `gemwire.genai.Client`.
        model: Full name of the model.

    Raises:
        APIError: The model does not exist, or access is denied.
    """
    from gemwire.genai.client import Client

    if not model.startswith(("models/", "tunedModels/")):
        return
    with Client(**client_arguments) as client:
        try:
            client.models.get(model=model)
        except Unimplemented:
            return  # A gateway without ModelService: the first line is the check.
