"""Pages of a list, and the tokens that lead from one to the next (AIP-158)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.store import Row


def page(
    rows: Callable[[int], Iterable[Row]],
    request: Any,
    *,
    default: int,
    most: int,
    wanted: Callable[[Row], bool] = lambda _: True,
) -> tuple[list[Row], str]:
    """One page.

    Args:
        rows: Gives the rows behind a number.
        request: Has page_size and page_token; its other fields must not change between pages.
        default: Rows in a page that asks for no size.
        most: Rows in any page; larger sizes are cut down to it.
        wanted: Whether a row belongs in the list.

    Returns:
        The rows, and the token of the next page, empty at the end.

    Raises:
        StatusError: The size is negative, or the token is none of this list.
    """
    if request.page_size < 0:
        raise invalid_argument("page_size", "must not be negative")
    size = min(request.page_size or default, most)
    after = _number(request) if request.page_token else 0
    found: list[Row] = []
    for row in rows(after):
        if not wanted(row):
            continue
        if len(found) == size:
            return found, _token(request, found[-1].number)
        found.append(row)
    return found, ""


def _signature(request: Any) -> bytes:
    """What a token is good for: the same list, asked for in the same way."""
    same = type(request)()
    same.CopyFrom(request)
    same.ClearField("page_token")
    same.ClearField("page_size")
    return hashlib.sha256(
        same.DESCRIPTOR.full_name.encode() + same.SerializeToString(deterministic=True)
    ).digest()[:6]


def _token(request: Any, number: int) -> str:
    return base64.urlsafe_b64encode(_signature(request) + number.to_bytes(6, "big")).decode()


def _number(request: Any) -> int:
    try:
        data = base64.b64decode(request.page_token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != 12 or data[:6] != _signature(request):
        raise invalid_argument(
            "page_token",
            "is no token of this list; use next_page_token of the page before, with the same request",
        )
    return int.from_bytes(data[6:], "big")
