"""GenAiCacheService of Vertex AI: the cached contents of a project in a location."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.engines.instant import get_texts
from gemwire_emulator.errors import invalid_argument
from gemwire_emulator.services.caches import CacheService, get_cached_content
from gemwire_emulator.state import State
from gemwire_emulator.vertex.names import enter_location, enter_parent, resolve_model
from gemwire_emulator.vertex.translation import translate
from gemwire_proto import aiplatform_v1, v1beta
from gemwire_proto.google.protobuf import empty_pb2

_PATTERN = "cachedContents/*"


class GenAiCacheService:
    """The handlers of GenAiCacheService; those of the Gemini API do the work."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state
        self._caches = CacheService(state)

    def create_cached_content(
        self, request: aiplatform_v1.CreateCachedContentRequest, call: Call
    ) -> aiplatform_v1.CachedContent:
        """Store a prefix of prompts for one model."""
        enter_parent(call, request.parent)
        requested = request.cached_content
        model = resolve_model(self._state, requested.model, "cached_content.model", "createCachedContent")
        if not requested.model.startswith(f"{request.parent}/"):
            raise invalid_argument("cached_content.model", f"must be a model in {request.parent}")
        cached = translate(requested, v1beta.CachedContent, model=model)
        made = self._caches.create_cached_content(
            v1beta.CreateCachedContentRequest(cached_content=cached), call
        )
        return self._translate(made, call)

    def list_cached_contents(
        self, request: aiplatform_v1.ListCachedContentsRequest, call: Call
    ) -> aiplatform_v1.ListCachedContentsResponse:
        """List the cached contents that have not expired, oldest first."""
        enter_parent(call, request.parent)
        page = self._caches.list_cached_contents(translate(request, v1beta.ListCachedContentsRequest), call)
        return aiplatform_v1.ListCachedContentsResponse(
            cached_contents=[self._translate(cached, call) for cached in page.cached_contents],
            next_page_token=page.next_page_token,
        )

    def get_cached_content(
        self, request: aiplatform_v1.GetCachedContentRequest, call: Call
    ) -> aiplatform_v1.CachedContent:
        """Return a cached content without its input-only fields."""
        with enter_location(call, request.name, _PATTERN, "name") as name:
            found = self._caches.get_cached_content(v1beta.GetCachedContentRequest(name=name), call)
        return self._translate(found, call)

    def update_cached_content(
        self, request: aiplatform_v1.UpdateCachedContentRequest, call: Call
    ) -> aiplatform_v1.CachedContent:
        """Change the expiration, which is all that can change."""
        with enter_location(call, request.cached_content.name, _PATTERN, "cached_content.name") as name:
            cached = translate(request.cached_content, v1beta.CachedContent, name=name)
            cached.ClearField("model")
            wanted = v1beta.UpdateCachedContentRequest(cached_content=cached, update_mask=request.update_mask)
            changed = self._caches.update_cached_content(wanted, call)
        return self._translate(changed, call)

    def delete_cached_content(
        self, request: aiplatform_v1.DeleteCachedContentRequest, call: Call
    ) -> empty_pb2.Empty:
        """Delete a cached content."""
        with enter_location(call, request.name, _PATTERN, "name") as name:
            return self._caches.delete_cached_content(v1beta.DeleteCachedContentRequest(name=name), call)

    def _translate(self, cached: v1beta.CachedContent, call: Call) -> aiplatform_v1.CachedContent:
        made = translate(
            cached,
            aiplatform_v1.CachedContent,
            name=f"{call.tenant}/{cached.name}",
            model=f"{call.tenant}/publishers/google/{cached.model}",
        )
        whole = get_cached_content(self._state, call, cached.name)
        parts = [part for content in whole.contents for part in content.parts]
        kinds = [part.inline_data.mime_type or part.file_data.mime_type for part in parts]
        made.usage_metadata.text_count = sum(len(text) for text in get_texts(whole.contents))
        made.usage_metadata.image_count = sum(kind.startswith("image/") for kind in kinds)
        return made
