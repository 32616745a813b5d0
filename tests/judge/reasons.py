"""Why a test of Google's does not pass: the first rule that matches its id and what it failed with."""

from __future__ import annotations

import re

_PRIVATE = "google-genai's private names"
_PARTS = "it makes resources of google-genai's private client"
_VERTEX = "Vertex AI, or types and methods of it alone"
_CALLED = "gemwire calls the service, google-genai refuses"
_HTTP = "it gives or replaces the HTTP client; gemwire has connections of its own"
_PYDANTIC = "pydantic's exception class is expected"
_LENIENT = "the emulator accepts what the service refuses"
_WAITING = "not supported yet"
#: Patterns of ``id: message`` and the reason.
_RULES = {
    r".*: private: ": _PRIVATE,
    r".*(has no attribute|does not have the attribute|have no attribute) '_(?!_)": _PRIVATE,
    r"(local_tokenizer|common)/": _PRIVATE,
    r".*Mock object has no attribute": _PARTS,
    r".*unexpected keyword argument '(api_client_?|modules)'": _PARTS,
    r".*missing 1 required positional argument: 'settings'": _PARTS,
    r"live/.*'(ws_connect|McpTool|ClientConnection)'": _PARTS,
    r".*'(Api|AsyncApi|MagicMock|Mock|function)' object has no attribute": _PARTS,
    r".*(Vertex AI is not supported|belongs to Vertex AI)": _VERTEX,
    r"(shared/)?models/test_generate_(images|videos).*only supported in": _CALLED,
    r"models/test_count_tokens.*only supported in": _CALLED,
    r"batches/test_list.*filter parameter": _CALLED,
    r".*http_options\.(\w*client_args|httpx\w*|aiohttp\w*)": _HTTP,
    r".*Unavailable: 503": _HTTP,
    r"types/.*FunctionDecla": "functions are declared with JSON Schema, by google-genai with a Schema",
    r"types/.*response_json_schema": "functions are declared with JSON Schema, by google-genai with a Schema",
    r".*DID NOT RAISE ValueError": "gemwire accepts more than google-genai",
    r".*'404' not in '400 INVALID_ARGUMENT": "over gRPC a malformed name is an invalid argument",
    r".*(refused|missing): ": _VERTEX,
    r".*got Placeholder": _VERTEX,
    r".*types that only Vertex AI uses": _VERTEX,
    r".*(segment_image|recontext_image|validate_reward|edit_image)": _VERTEX,
    r".*(Value|Type)Error: (config|contents|model|image_config|parts)\b.*(has no field|expected)": _PYDANTIC,
    r".*DID NOT RAISE (pydantic\.)?ValidationError": _PYDANTIC,
    r"(files/test_download|models/test_generate_videos).*(has no uri|where None = Video)": (
        "over gRPC the video is in the response, without a uri"
    ),
    r".*(sdk_http_response|should_return_http_response|'NoneType' object has no attribute 'headers')": (
        "a response over gRPC has no HTTP response"
    ),
    r".*models/[\w.-]+ was not found": "the emulator does not have the model",
    r".*(NOT_FOUND|NotFound|was not found)": "recordings of Google's have the resource, the emulator has not",
    r".*(Name or service not known|Cannot connect|ConnectError|nodename)": "it calls another host",
    r".*DID NOT RAISE": _LENIENT,
    r".*Should have raised exception": _LENIENT,
    r".*([Ee]mulated|A seed|assert (\d|False|None|\[))": "the emulator's engine is no real model",
    r"(gaos|interactions)/": "agents, environments, interactions and the like: " + _WAITING,
    r".*(has no attribute|No module|ImportError|cannot import|Skipped|is not one of)": _WAITING,
}


def find_reason(identity: str, message: str) -> str:
    """Return the reason of a test's failure."""
    told = f"{identity}: {message}"
    found = next((reason for pattern, reason in _RULES.items() if re.match(pattern, told, re.DOTALL)), "")
    return found or "the outcome differs"
