"""The errors of calls, whatever makes them: those of grpc, and ours with the same interface."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from gemwire_runtime.status_code import StatusCode

if TYPE_CHECKING:
    import grpc


class CallError(Exception):
    """A call failed: a code, a text, and trailing metadata with the details. Users never see it."""

    def __init__(
        self, code: StatusCode, details: str, trailers: Sequence[tuple[str, str | bytes]] = ()
    ) -> None:
        super().__init__(details)
        self._code = code
        self._details = details
        self._trailers = tuple(trailers)

    def code(self) -> StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> tuple[Any, ...]:
        return self._trailers


#: What a failed call raises.
RpcError: TypeAlias = "CallError | grpc.RpcError"


def has_code(error: RpcError, code: StatusCode) -> bool:
    """Return whether an error has a code, which grpc has a class of its own for."""
    found = error.code()
    return found is not None and found.name == code.name


def rpc_errors() -> tuple[type[RpcError], ...]:
    """Return the classes of `RpcError`, for ``except``: grpc's is among them once grpc is loaded."""
    return CallError, getattr(sys.modules.get("grpc"), "RpcError", CallError)
