"""The canonical statuses of calls, by the names and numbers of google/rpc/code.proto and grpc.StatusCode."""

from __future__ import annotations

from enum import IntEnum


class StatusCode(IntEnum):
    """The outcome of a call. grpc has its own class, which would bring all of grpc."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @classmethod
    def of(cls, number: int) -> StatusCode:
        """Return the status of a number; UNKNOWN for one that has none."""
        return cls(number) if 0 <= number <= cls.UNAUTHENTICATED else cls.UNKNOWN
