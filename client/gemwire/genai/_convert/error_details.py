"""The details of errors in the form that google-genai gives them."""

from __future__ import annotations

from gemwire.errors import APIError


class DetailsAsJson:
    """A block whose errors have the response of the API as their details, as JSON."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, APIError):
            error.details = error.to_json()


details_as_json = DetailsAsJson()
