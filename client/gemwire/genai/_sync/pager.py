# Derived from genai/_aio/pager.py by scripts/unasync. DO NOT EDIT.
"""Lists as programs see them: a page at a time, or all items of all pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar, overload

from gemwire_runtime.views import view

_Item = TypeVar("_Item")


class Pager(Generic[_Item]):
    """A page of a list, and the way to the next.

    ``pager[0]`` and ``len(pager)`` are of the page that is there, which `next_page` replaces. Iterating gives
    all items of all pages from the first one on, each time anew, and leaves the page that is there alone.
    """

    def __init__(
        self,
        fetch: Callable[[str], Any],
        first: Any,
        name: str,
        config: dict[str, Any],
        shown: Callable[[Any], Any] = view,
    ) -> None:
        """The first page is there already.

        Args:
            fetch: Gets the response of a page's token.
            first: The first response.
            name: Its field that holds the items.
            config: What the list was asked for with.
            shown: What is made of an item.
        """
        self._fetch = fetch
        self._first = first
        self._name = name
        self._shown = shown
        self._given = config
        self._walk: Iterator[_Item] | None = None
        self._turn_to(first)
        self._size: int = config.get("page_size") or len(self._page)

    def _turn_to(self, response: Any) -> None:
        self._page: list[_Item] = self._items(response)
        self._token: str = response.next_page_token

    def _items(self, response: Any) -> list[_Item]:
        return [self._shown(item) for item in getattr(response, self._name)]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._name}, {len(self)} here>"

    @property
    def name(self) -> str:
        """What is listed, such as ``models``."""
        return self._name

    @property
    def page(self) -> list[_Item]:
        """The items of the page that is there."""
        return self._page

    @property
    def page_size(self) -> int:
        """Items that were asked for at a time; where nothing was said, those of the first page."""
        return self._size

    @property
    def config(self) -> dict[str, Any]:
        """What the next page is asked for with; its ``page_token`` is empty at the end."""
        return {**self._given, "page_token": self._token}

    def __len__(self) -> int:
        return len(self._page)

    @overload
    def __getitem__(self, at: int) -> _Item: ...
    @overload
    def __getitem__(self, at: slice) -> list[_Item]: ...
    def __getitem__(self, at: int | slice) -> _Item | list[_Item]:
        return self._page[at]

    def next_page(self) -> list[_Item]:
        """Turn to the next page. A call that failed may be made again.

        Returns:
            Its items; in the middle of a list there may be none.

        Raises:
            IndexError: There is none.
            APIError: The call failed.
        """
        if not self._token:
            raise IndexError("No more pages to fetch.")
        self._turn_to(self._fetch(self._token))
        return self._page

    @property
    def pages(self) -> Iterator[list[_Item]]:
        """The items of each page, from the first on."""
        return self._pages()

    def _pages(self) -> Iterator[list[_Item]]:
        response = self._first
        yield self._items(response)
        while token := response.next_page_token:
            response = self._fetch(token)
            yield self._items(response)

    def __iter__(self) -> Iterator[_Item]:
        for page in self._pages():
            for item in page:
                yield item

    def __next__(self) -> _Item:
        # google-genai's pagers are iterators of their own as well: programs call next() on them.
        if self._walk is None:
            self._walk = self.__iter__()
        return self._walk.__next__()


def paged(
    fetch: Callable[[str], Any], name: str, config: Any, shown: Callable[[Any], Any] = view
) -> Pager[Any]:
    """A list, its first page fetched.

    Args:
        fetch: Gets the response of a page's token.
        name: Its field that holds the items.
        config: A config with ``page_size`` and ``page_token``.
        shown: What is made of an item.

    Raises:
        APIError: The call failed.
    """
    first = fetch(config.page_token or "")
    return Pager(fetch, first, name, config.to_dict(), shown)
