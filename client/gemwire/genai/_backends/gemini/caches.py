"""Caches of the Gemini API."""

from __future__ import annotations

from gemwire.genai._backends.base import Call, Page
from gemwire.genai._backends.gemini.vertex_only import check_fields
from gemwire.genai._convert.caches import COLLECTION, to_cached_content, to_cached_content_update
from gemwire.genai._convert.resource_names import to_model_name, to_resource_name
from gemwire.genai._types.caches import (
    CreateCachedContentConfig,
    DeleteCachedContentResponse,
    ListCachedContentsConfig,
    UpdateCachedContentConfig,
)
from gemwire.genai._types.family import GEMINI
from gemwire_proto import v1beta
from gemwire_proto.v1beta.cache_service import (
    CREATE_CACHED_CONTENT,
    DELETE_CACHED_CONTENT,
    GET_CACHED_CONTENT,
    LIST_CACHED_CONTENTS,
    UPDATE_CACHED_CONTENT,
)
from gemwire_proto.v1beta.views import CachedContent


class GeminiCaches:
    """Calls of CacheService."""

    def create(self, model: str, config: CreateCachedContentConfig) -> Call[CachedContent]:
        check_fields(config)
        request = v1beta.CreateCachedContentRequest(
            cached_content=to_cached_content(to_model_name(model), config, GEMINI)
        )
        return Call(CREATE_CACHED_CONTENT, request, CachedContent.of)

    def get(self, name: str) -> Call[CachedContent]:
        request = v1beta.GetCachedContentRequest(name=to_resource_name(name, COLLECTION))
        return Call(GET_CACHED_CONTENT, request, CachedContent.of)

    def list(self, config: ListCachedContentsConfig, page_token: str) -> Call[Page[CachedContent]]:
        request = v1beta.ListCachedContentsRequest(page_size=config.page_size or 0, page_token=page_token)
        return Call(LIST_CACHED_CONTENTS, request, _to_page)

    def update(self, name: str, config: UpdateCachedContentConfig) -> Call[CachedContent]:
        """Call UpdateCachedContent with the fields of the config that are set."""
        cache, paths = to_cached_content_update(to_resource_name(name, COLLECTION), config, GEMINI)
        request = v1beta.UpdateCachedContentRequest(cached_content=cache, update_mask={"paths": paths})
        return Call(UPDATE_CACHED_CONTENT, request, CachedContent.of)

    def delete(self, name: str) -> Call[DeleteCachedContentResponse]:
        request = v1beta.DeleteCachedContentRequest(name=to_resource_name(name, COLLECTION))
        return Call(DELETE_CACHED_CONTENT, request, lambda _: DeleteCachedContentResponse())


def _to_page(response: v1beta.ListCachedContentsResponse) -> Page[CachedContent]:
    items = [CachedContent.of(cache) for cache in response.cached_contents]
    return Page("cached_contents", items, response.next_page_token)
