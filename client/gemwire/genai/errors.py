"""Errors of calls: those of `gemwire.errors`, under the names that google-genai gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.errors import APIError as APIError
from gemwire.errors import ClientError as ClientError
from gemwire.errors import GemwireError
from gemwire.errors import ServerError as ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gemwire._transport.recording import ReplayError as ReplayError


def __getattr__(name: str) -> object:
    if name == "ReplayError":
        from gemwire._transport.recording import ReplayError

        return ReplayError
    raise AttributeError(f"module 'gemwire.genai.errors' has no attribute {name!r}")


class ExperimentalWarning(Warning):
    """The class that google-genai warns with of what may change; gemwire does not."""


class FunctionInvocationError(GemwireError, ValueError):
    """A function cannot be called with the arguments of the model."""


class UnknownFunctionCallArgumentError(GemwireError, ValueError):
    """An argument of the model cannot be converted to the annotation of its parameter."""


class UnknownApiResponseError(GemwireError, ValueError):
    """A response of the API is not JSON. Calls raise `APIError` with status INTERNAL instead."""


class ContinuationInterruptedError(GemwireError):
    """A call of ``interactions.create`` in several requests failed after some of them had succeeded.

    Attributes:
        partial_interaction: The interaction so far; None if no request was complete, and of streams.
        continuation_token: Token to go on with.
        interaction_id: Id of the stored interaction that issued the token; None if it is not stored.
        continuation_ids: Ids of all interactions that were created, in order.
    """

    def __init__(
        self,
        message: str,
        *,
        partial_interaction: object = None,
        continuation_token: str | None = None,
        interaction_id: str | None = None,
        continuation_ids: Sequence[str] | None = None,
    ) -> None:
        super().__init__(message)
        self.partial_interaction = partial_interaction
        self.continuation_token = continuation_token
        self.interaction_id = interaction_id
        self.continuation_ids = list(continuation_ids or ())


class UnsupportedFunctionError(GemwireError, ValueError):
    """An async function was given to the sync client, which cannot call it."""
