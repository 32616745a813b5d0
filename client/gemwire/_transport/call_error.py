"""The error of a call that was not made by grpc, with the interface of grpc's errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc


class CallError(grpc.RpcError):
    """A call failed: a code, a text, and trailing metadata with the details. Users never see it."""

    def __init__(
        self, code: grpc.StatusCode, details: str, trailers: Sequence[tuple[str, str | bytes]] = ()
    ) -> None:
        super().__init__(details)
        self._code = code
        self._details = details
        self._trailers = tuple(trailers)

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details

    def trailing_metadata(self) -> tuple[Any, ...]:
        return self._trailers
