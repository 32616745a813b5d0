"""Why a test of Google's does not pass: the first rule that matches its id and what it failed with."""

from __future__ import annotations

import re

_PRIVATE = "google-genai's private names"
_VERTEX = "types and methods of Vertex AI alone"
_CALLED = "gemwire calls the service, google-genai refuses"
_WAITING = "not supported yet"
#: Patterns of ``id: message`` and the reason.
_RULES = {
    r".*: private: ": _PRIVATE,
    r".*(has no attribute|does not have the attribute|have no attribute) '_(?!_)": _PRIVATE,
    r".*Mock object has no attribute": _PRIVATE,
    r"(gaos|local_tokenizer|common|interactions)/": _PRIVATE,
    r".*unexpected keyword argument '(api_client_?|modules|api_client)'": _PRIVATE,
    r".*'(Api|AsyncApi|MagicMock|Mock|function|Models|AsyncModels)' object has no attribute": _PRIVATE,
    r"(shared/)?models/test_generate_(images|videos).*only supported in": _CALLED,
    r"models/test_count_tokens.*only supported in": _CALLED,
    r"batches/test_list.*filter parameter": "gemwire sends the filter",
    r".*DID NOT RAISE ValueError": "gemwire accepts schemas that google-genai refuses",
    r".*'404' not in '400 INVALID_ARGUMENT": "over gRPC a malformed name is an invalid argument",
    r".*(refused|missing): ": _VERTEX,
    r".*got Placeholder": _VERTEX,
    r".*(segment_image|recontext_image|validate_reward|edit_image)": _VERTEX,
    r".*(Value|Type)Error: (config|contents|model|image_config)\b.*(has no field|expected)": (
        "pydantic's exception class is expected"
    ),
    r".*(sdk_http_response|should_return_http_response|'NoneType' object has no attribute 'headers')": (
        "a response over gRPC has no HTTP response"
    ),
    r".*models/[\w.-]+ was not found": "the emulator does not have the model",
    r".*(NOT_FOUND|NotFound|was not found)": "recordings of Google's have the resource, the emulator has not",
    r".*(Name or service not known|Cannot connect|ConnectError|nodename)": "calls another host",
    r".*DID NOT RAISE": "the emulator accepts what the service refuses",
    r".*Should have raised exception": "the emulator accepts what the service refuses",
    r".*(has no attribute|No module|ImportError|cannot import)": _WAITING,
}


def find_reason(identity: str, message: str) -> str:
    """Return the reason; where no rule has one, what the test said."""
    told = f"{identity}: {message}"
    found = next((reason for pattern, reason in _RULES.items() if re.match(pattern, told, re.DOTALL)), "")
    return found or "; ".join(message.split("\n")[:1])[:100]
