"""Caches of Vertex AI."""

from __future__ import annotations

from gemwire.genai._backends.base import Call, Page
from gemwire.genai._backends.vertex.family import VERTEX
from gemwire.genai._backends.vertex.names import Names
from gemwire.genai._backends.vertex.rpcs import Rpcs
from gemwire.genai._convert.caches import COLLECTION, to_cached_content, to_cached_content_update
from gemwire.genai._types.caches import (
    CreateCachedContentConfig,
    DeleteCachedContentResponse,
    ListCachedContentsConfig,
    UpdateCachedContentConfig,
)
from gemwire_proto import aiplatform_v1
from gemwire_proto.aiplatform_v1.gen_ai_cache_service import (
    CREATE_CACHED_CONTENT,
    DELETE_CACHED_CONTENT,
    GET_CACHED_CONTENT,
    LIST_CACHED_CONTENTS,
    UPDATE_CACHED_CONTENT,
)
from gemwire_proto.v1beta.views import CachedContent
from gemwire_runtime.pydantic_models import Fields

_SHOWN = VERTEX.view(CachedContent)


class VertexCaches:
    """Calls of GenAiCacheService."""

    def __init__(self, names: Names, rpcs: Rpcs) -> None:
        self._names = names
        self._rpcs = rpcs

    def create(self, model: str, config: CreateCachedContentConfig) -> Call[CachedContent]:
        parent, name = self._names.parent, self._names.to_model(model)
        fields: Fields = {"parent": parent, "cached_content": to_cached_content(name, config, VERTEX)}
        request = aiplatform_v1.CreateCachedContentRequest(**fields)
        if config.kms_key_name is not None:
            request.cached_content.encryption_spec.kms_key_name = config.kms_key_name
        return Call(self._rpcs(CREATE_CACHED_CONTENT), request, _SHOWN.of)

    def get(self, name: str) -> Call[CachedContent]:
        request = aiplatform_v1.GetCachedContentRequest(name=self._names.to_resource(name, COLLECTION))
        return Call(self._rpcs(GET_CACHED_CONTENT), request, _SHOWN.of)

    def list(self, config: ListCachedContentsConfig, page_token: str) -> Call[Page[CachedContent]]:
        request = aiplatform_v1.ListCachedContentsRequest(
            parent=self._names.parent, page_size=config.page_size or 0, page_token=page_token
        )
        return Call(self._rpcs(LIST_CACHED_CONTENTS), request, _to_page)

    def update(self, name: str, config: UpdateCachedContentConfig) -> Call[CachedContent]:
        """Call UpdateCachedContent with the fields of the config that are set."""
        full_name = self._names.to_resource(name, COLLECTION)
        cache, paths = to_cached_content_update(full_name, config, VERTEX)
        fields: Fields = {"cached_content": cache, "update_mask": {"paths": paths}}
        request = aiplatform_v1.UpdateCachedContentRequest(**fields)
        return Call(self._rpcs(UPDATE_CACHED_CONTENT), request, _SHOWN.of)

    def delete(self, name: str) -> Call[DeleteCachedContentResponse]:
        request = aiplatform_v1.DeleteCachedContentRequest(name=self._names.to_resource(name, COLLECTION))
        return Call(self._rpcs(DELETE_CACHED_CONTENT), request, lambda _: DeleteCachedContentResponse())


def _to_page(response: aiplatform_v1.ListCachedContentsResponse) -> Page[CachedContent]:
    items = [_SHOWN.of(cache) for cache in response.cached_contents]
    return Page("cached_contents", items, response.next_page_token)
