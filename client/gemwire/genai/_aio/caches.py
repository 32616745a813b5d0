"""``client.caches``: content that many requests share."""

from __future__ import annotations

from typing import Any

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.pager import AsyncPager, paged
from gemwire.genai._convert.caches import COLLECTION, created, updated
from gemwire.genai._convert.resource_names import resource_name
from gemwire.genai._types.resource_configs import (
    CreateCachedContentConfig,
    DeleteCachedContentConfig,
    GetCachedContentConfig,
    ListCachedContentsConfig,
    UpdateCachedContentConfig,
)
from gemwire_proto.v1beta import views


class AsyncCaches:
    """Content that many requests share: stored once, named in `GenerateContentConfig.cached_content`."""

    def __init__(self, api: AsyncApi) -> None:
        """``api``: what the resources share."""
        self._api = api

    async def create(
        self, *, model: str, config: CreateCachedContentConfig | Any | None = None
    ) -> views.CachedContent:
        """Store content.

        Args:
            model: Name of the model that it is for.
            config: `CreateCachedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CreateCachedContentConfig.of(config)
        response = await self._api.caches.create_cached_content(
            cached_content=created(model, config), **self._api.settings(config.http_options)
        )
        return views.CachedContent.of(response)

    async def get(
        self, *, name: str, config: GetCachedContentConfig | Any | None = None
    ) -> views.CachedContent:
        """One cache: what is known of it, not what is stored.

        Args:
            name: Its name, with or without ``cachedContents/``.
            config: `GetCachedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        settings = self._api.settings(GetCachedContentConfig.of(config).http_options)
        response = await self._api.caches.get_cached_content(name=resource_name(name, COLLECTION), **settings)
        return views.CachedContent.of(response)

    async def list(
        self, *, config: ListCachedContentsConfig | Any | None = None
    ) -> AsyncPager[views.CachedContent]:
        """The caches that there are.

        Args:
            config: `ListCachedContentsConfig`, or a dict of its fields.

        Raises:
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        config = ListCachedContentsConfig.of(config)
        settings = self._api.settings(config.http_options)

        def fetch(token: str) -> Any:
            asked = {"page_size": config.page_size or 0, "page_token": token}
            return self._api.caches.list_cached_contents(asked, **settings)

        return await paged(fetch, "cached_contents", config)

    async def update(
        self, *, name: str, config: UpdateCachedContentConfig | Any | None = None
    ) -> views.CachedContent:
        """Change when a cache ends.

        Args:
            name: Its name, with or without ``cachedContents/``.
            config: `UpdateCachedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name, or nothing is to be changed.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = UpdateCachedContentConfig.of(config)
        cache, paths = updated(name, config)
        response = await self._api.caches.update_cached_content(
            cached_content=cache, update_mask={"paths": paths}, **self._api.settings(config.http_options)
        )
        return views.CachedContent.of(response)

    async def delete(self, *, name: str, config: DeleteCachedContentConfig | Any | None = None) -> None:
        """End a cache.

        Args:
            name: Its name, with or without ``cachedContents/``.
            config: `DeleteCachedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        settings = self._api.settings(DeleteCachedContentConfig.of(config).http_options)
        await self._api.caches.delete_cached_content(name=resource_name(name, COLLECTION), **settings)
