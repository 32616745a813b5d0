"""Errors of calls: those of `gemwire.errors`, under the names that google-genai gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.errors import APIError as APIError
from gemwire.errors import ClientError as ClientError
from gemwire.errors import GemwireError
from gemwire.errors import ServerError as ServerError

if TYPE_CHECKING:
    from gemwire._transport.recording import ReplayError as ReplayError


def __getattr__(name: str) -> object:
    if name == "ReplayError":
        from gemwire._transport.recording import ReplayError

        return ReplayError
    raise AttributeError(f"module 'gemwire.genai.errors' has no attribute {name!r}")


class UnsupportedFunctionError(GemwireError, ValueError):
    """An async function was given to the sync client, which cannot call it."""
