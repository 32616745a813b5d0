"""The messages of Vertex AI."""

from __future__ import annotations

from google.protobuf.message import Message

from gemwire.genai._types.family import Family
from gemwire.genai._types.generate_content import GenerateContentResponse
from gemwire_proto import aiplatform_v1, v1beta
from gemwire_proto.v1beta import views

#: Those that calls begin with; counterparts of what they hold follow from their fields.
_KINDS: dict[type[Message], type[Message]] = {
    v1beta.CachedContent: aiplatform_v1.CachedContent,
    v1beta.Content: aiplatform_v1.Content,
    v1beta.CountTokensResponse: aiplatform_v1.CountTokensResponse,
    v1beta.FunctionCall: aiplatform_v1.FunctionCall,
    v1beta.GenerateContentRequest: aiplatform_v1.GenerateContentRequest,
    v1beta.GenerateContentResponse: aiplatform_v1.GenerateContentResponse,
    v1beta.GenerationConfig: aiplatform_v1.GenerationConfig,
    v1beta.Part: aiplatform_v1.Part,
    v1beta.Tool: aiplatform_v1.Tool,
}
_NAMES = {
    "content": "Content",
    "part": "Part",
    "request": "GenerateContentRequest",
    "response": "GenerateContentResponse",
    "cached_content": "CachedContent",
}

VERTEX = Family(
    home=f"{__name__}:VERTEX",
    package="google.cloud.aiplatform.v1",
    kinds=_KINDS,
    **{name: getattr(aiplatform_v1, kind) for name, kind in _NAMES.items()},
)
RESPONSE = VERTEX.view(GenerateContentResponse)
for _base in (views.Content, views.Part):
    # From now on, messages of either family are known as each other's counterparts.
    VERTEX.view(_base)
