# Derived from _transport/aio/pager.py by scripts/unasync. DO NOT EDIT.
"""Pagers: the items of a list, fetched page by page (AIP-158)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

_Item = TypeVar("_Item")
_Response = TypeVar("_Response", bound=Message)


class Pager(Generic[_Item, _Response]):
    """The items of a list; further pages are fetched while iterating.

    Iterating again starts over with the first page, which is kept. `pages` yields the responses. Any
    other attribute is that of the latest response.
    """

    def __init__(self, fetch: Callable[[str], _Response], first: _Response, items: str) -> None:
        """Wrap the first page, whose field ``items`` holds the items; ``fetch`` gets the page of a token."""
        self._fetch = fetch
        self._first = first
        self._latest = first
        self._items = items

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {type(self._first).__name__}.{self._items}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._latest, name)

    @property
    def next_page_token(self) -> str:
        """Token of the page after the latest; empty at the end."""
        return _next_token(self._latest)

    @property
    def pages(self) -> Iterator[_Response]:
        """The responses, page by page, from the first."""
        return self._pages()

    def _pages(self) -> Iterator[_Response]:
        page = self._latest = self._first
        yield page
        while token := _next_token(page):
            page = self._latest = self._fetch(token)
            yield page

    def __iter__(self) -> Iterator[_Item]:
        for page in self._pages():
            for item in getattr(page, self._items):
                yield item


def _next_token(page: Message) -> str:
    token: str = getattr(page, "next_page_token")  # noqa: B009 - of every paged method's response
    return token
