"""Pagers of lists: a page at a time, or all items of all pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar, overload

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._backends.base import Call, Page
from gemwire.genai._types.http_options import HttpResponse, ListConfig
from gemwire.genai._types.models import ListModelsConfig

_Item = TypeVar("_Item")
_Config = TypeVar("_Config", ListConfig, ListModelsConfig)


class AsyncPager(Generic[_Item]):
    """A page of a list, and the way to the next.

    ``pager[0]`` and ``len(pager)`` refer to the current page. Iteration yields the items of all pages, from
    the first one on each time. `next_page` and iteration replace the current page: after an iteration, it is
    the last one.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Page[_Item]]],
        first: Page[_Item],
        config: ListConfig | ListModelsConfig,
    ) -> None:
        """Begin at a page."""
        self._fetch = fetch
        self._first = self._current = first
        self._config: dict[str, object] = config.to_dict()
        self._page_size: int = config.page_size or len(first.items)
        self._iterator: AsyncIterator[_Item] | None = None

    @classmethod
    async def start(
        cls, api: AsyncApi, list_page: Callable[[_Config, str], Call[Page[_Item]]], config: _Config
    ) -> AsyncPager[_Item]:
        """Request the first page of a list.

        Args:
            api: The connection of the client.
            list_page: Builds the call for the page of a token.
            config: A config with ``page_size`` and ``page_token``.

        Raises:
            ValueError: A field of the config is invalid.
            APIError: The call failed.
        """

        async def fetch(token: str) -> Page[_Item]:
            return await api.call(list_page(config, token), config.http_options)

        return cls(fetch, await fetch(config.page_token or ""), config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name}, {len(self)} here>"

    @property
    def name(self) -> str:
        """Name of the list, such as ``models``."""
        return self._first.name

    @property
    def page(self) -> list[_Item]:
        """Items of the current page."""
        return self._current.items

    @property
    def page_size(self) -> int:
        """Requested number of items per page; where none was requested, that of the first page."""
        return self._page_size

    @property
    def config(self) -> dict[str, object]:
        """Config of the request for the next page; its ``page_token`` is empty at the end."""
        return {**self._config, "page_token": self._current.next_page_token}

    @property
    def sdk_http_response(self) -> HttpResponse | None:
        """Headers of the response that the current page came in."""
        return self._current.sdk_http_response

    def __len__(self) -> int:
        return len(self.page)

    @overload
    def __getitem__(self, at: int) -> _Item: ...
    @overload
    def __getitem__(self, at: slice) -> list[_Item]: ...
    def __getitem__(self, at: int | slice) -> _Item | list[_Item]:
        return self.page[at]

    async def next_page(self) -> list[_Item]:
        """Request the next page. After an error, it may be requested again.

        Returns:
            Its items; a page in the middle of a list may be empty.

        Raises:
            IndexError: The current page is the last one.
            APIError: The call failed.
        """
        if not self._current.next_page_token:
            raise IndexError("No more pages to fetch.")
        self._current = await self._fetch(self._current.next_page_token)
        return self.page

    @property
    def pages(self) -> AsyncIterator[list[_Item]]:
        """Items of each page, from the first page on."""
        return self._iterate_pages()

    async def _iterate_pages(self) -> AsyncIterator[list[_Item]]:
        page = self._current = self._first
        yield page.items
        while token := page.next_page_token:
            page = self._current = await self._fetch(token)
            yield page.items

    async def __aiter__(self) -> AsyncIterator[_Item]:
        async for page in self._iterate_pages():
            for item in page:
                yield item

    async def __anext__(self) -> _Item:
        # google-genai's pagers are iterators as well: programs call next() on them.
        if self._iterator is None:
            self._iterator = self.__aiter__()
        return await self._iterator.__anext__()
