"""Backend of the Gemini API: google.ai.generativelanguage.v1beta."""

from __future__ import annotations

from gemwire.genai._backends.base import Backend
from gemwire.genai._backends.gemini.batches import GeminiBatches
from gemwire.genai._backends.gemini.caches import GeminiCaches
from gemwire.genai._backends.gemini.documents import GeminiDocuments
from gemwire.genai._backends.gemini.file_search_stores import GeminiFileSearchStores
from gemwire.genai._backends.gemini.files import GeminiFiles
from gemwire.genai._backends.gemini.live import GeminiLive
from gemwire.genai._backends.gemini.media import GeminiMedia
from gemwire.genai._backends.gemini.models import GeminiModels
from gemwire.genai._backends.gemini.tokens import GeminiTokens
from gemwire.genai._backends.gemini.tunings import GeminiTunings
from gemwire.genai._types.family import GEMINI as FAMILY
from gemwire.genai._types.generate_content import GenerateContentResponse
from gemwire_proto.v1beta.generative_service import SERVICE

_MODELS = GeminiModels()
GEMINI = Backend(
    vertexai=False,
    family=FAMILY,
    response=GenerateContentResponse,
    service=SERVICE,
    base_url_variable="GOOGLE_GEMINI_BASE_URL",
    versions=("v1", "v1beta", "v1alpha"),
    models=_MODELS,
    media=GeminiMedia(),
    caches=GeminiCaches(),
    files=GeminiFiles(),
    file_search_stores=GeminiFileSearchStores(),
    documents=GeminiDocuments(),
    tokens=GeminiTokens(),
    tunings=GeminiTunings(),
    batches=GeminiBatches(_MODELS),
    live=GeminiLive(),
)
