"""What calls raise: the errors of `gemwire.errors`, under the names that google-genai gives them."""

from __future__ import annotations

from gemwire.errors import APIError as APIError
from gemwire.errors import ClientError as ClientError
from gemwire.errors import GemwireError
from gemwire.errors import ServerError as ServerError


class UnsupportedFunctionError(GemwireError, ValueError):
    """A function cannot be called the way it is asked for: an async one by the sync client."""
