# Derived from genai/_aio/caches.py by scripts/unasync. DO NOT EDIT.
"""``client.caches``: cached content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._sync.pager import Pager
from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.caches import (
    CreateCachedContentConfig,
    DeleteCachedContentConfig,
    DeleteCachedContentResponse,
    GetCachedContentConfig,
    ListCachedContentsConfig,
    UpdateCachedContentConfig,
)
from gemwire_proto.v1beta.views import CachedContent

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import (
        CreateCachedContentConfigOrDict,
        DeleteCachedContentConfigOrDict,
        GetCachedContentConfigOrDict,
        ListCachedContentsConfigOrDict,
        UpdateCachedContentConfigOrDict,
    )


class Caches(Resource):
    """Cached content: stored once by the service, and referred to by `GenerateContentConfig.cached_content`.

    Cached tokens are billed at a lower rate than those that are sent again.
    """

    def create(self, *, model: str, config: CreateCachedContentConfigOrDict | None = None) -> CachedContent:
        """Create a cache.

        Args:
            model: Name of the model that will use the cache; no other can.
            config: `CreateCachedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CreateCachedContentConfig.of(config)
        return self._api.call(self._api.backend.caches.create(model, config), config.http_options)

    def get(self, *, name: str, config: GetCachedContentConfigOrDict | None = None) -> CachedContent:
        """Get the metadata of a cache, without its content.

        Args:
            name: Name of the cache, with or without ``cachedContents/``.
            config: `GetCachedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.caches.get(name)
        return self._api.call(call, GetCachedContentConfig.of(config).http_options)

    def list(self, *, config: ListCachedContentsConfigOrDict | None = None) -> Pager[CachedContent]:
        """List caches.

        Args:
            config: `ListCachedContentsConfig`, or a dict of its fields.

        Raises:
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        config = ListCachedContentsConfig.of(config)
        return Pager.start(self._api, self._api.backend.caches.list, config)

    def update(self, *, name: str, config: UpdateCachedContentConfigOrDict | None = None) -> CachedContent:
        """Update the expiration of a cache.

        Args:
            name: Name of the cache, with or without ``cachedContents/``.
            config: `UpdateCachedContentConfig`, or a dict of its fields: ``ttl`` or ``expire_time``.

        Raises:
            ValueError: The name is invalid, or neither field is set.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = UpdateCachedContentConfig.of(config)
        return self._api.call(self._api.backend.caches.update(name, config), config.http_options)

    def delete(
        self, *, name: str, config: DeleteCachedContentConfigOrDict | None = None
    ) -> DeleteCachedContentResponse:
        """Delete a cache.

        Args:
            name: Name of the cache, with or without ``cachedContents/``.
            config: `DeleteCachedContentConfig`, or a dict of its fields.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.caches.delete(name)
        return self._api.call(call, DeleteCachedContentConfig.of(config).http_options)
