"""Pages of a list, and page tokens (AIP-158)."""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.store import Row


class ListRequest(Protocol):
    """A message that requests a page of a list."""

    page_size: int
    page_token: str

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:  # noqa: N802 - protobuf's name
        """Return the encoded message."""
        ...


def paginate(
    rows: Callable[[int], Iterable[Row]],
    request: ListRequest,
    *,
    default: int,
    most: int,
    accept: Callable[[Row], bool] = lambda _: True,
) -> tuple[list[Row], str]:
    """Return one page of a list.

    Args:
        rows: Returns the rows after a number.
        request: The request; its other fields must not change between pages.
        default: Size of a page for requests without one.
        most: Maximum size of a page; larger ones are reduced to it.
        accept: Returns whether a row belongs in the list.

    Returns:
        The rows, and the token of the next page, empty at the end.

    Raises:
        StatusError: INVALID_ARGUMENT; the size is negative, or the token belongs to another list.
    """
    if request.page_size < 0:
        raise invalid_argument("page_size", "must not be negative")
    size = min(request.page_size or default, most)
    after = _decode_token(request) if request.page_token else 0
    found: list[Row] = []
    for row in rows(after):
        if not accept(row):
            continue
        if len(found) == size:
            return found, _encode_token(request, found[-1].number)
        found.append(row)
    return found, ""


def _hash_request(request: ListRequest) -> bytes:
    """Return a hash of all fields that must be the same for every page."""
    same = copy.deepcopy(request)
    same.page_token, same.page_size = "", 0
    data = type(request).__name__.encode() + same.SerializeToString(deterministic=True)
    return hashlib.sha256(data).digest()[:6]


def _encode_token(request: ListRequest, number: int) -> str:
    return base64.urlsafe_b64encode(_hash_request(request) + number.to_bytes(6, "big")).decode()


def _decode_token(request: ListRequest) -> int:
    try:
        data = base64.b64decode(request.page_token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != 12 or data[:6] != _hash_request(request):
        raise invalid_argument(
            "page_token",
            "is not a token of this list; use next_page_token of the previous page, with the same request",
        )
    return int.from_bytes(data[6:], "big")
