# Derived from _transport/aio/pager.py by scripts/unasync. DO NOT EDIT.
"""The items of a paged list, fetched page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

_Item = TypeVar("_Item")
_Response = TypeVar("_Response", bound=Message)


class Pager(Generic[_Item, _Response]):
    """Items of a list, further pages fetched on the way.

    Iterating again starts over with the first page, which is kept. `pages` gives the responses
    themselves. Any other attribute is that of the latest response. AIP-158.
    """

    def __init__(self, fetch: Callable[[str], _Response], first: _Response, items: str) -> None:
        """The first page is there already.

        Args:
            fetch: Gets the page of a token.
            first: The first page.
            items: The response's field that holds the items.
        """
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
        return self._latest.next_page_token  # type: ignore[attr-defined, no-any-return]

    @property
    def pages(self) -> Iterator[_Response]:
        """The responses, page by page, from the first."""
        return self._pages()

    def _pages(self) -> Iterator[_Response]:
        page = self._latest = self._first
        yield page
        while token := page.next_page_token:  # type: ignore[attr-defined]
            page = self._latest = self._fetch(token)
            yield page

    def __iter__(self) -> Iterator[_Item]:
        for page in self._pages():
            for item in getattr(page, self._items):
                yield item
