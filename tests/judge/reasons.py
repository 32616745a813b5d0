"""Why a test of Google's does not pass: the first rule that matches its id and what it failed with."""

from __future__ import annotations

import re

_PRIVATE = "google-genai's private names"
_PARTS = "it makes resources of google-genai's private client"
_VERTEX = "Vertex AI, or types and methods of it alone"
_CALLED = "gemwire calls the service, google-genai refuses"
_HTTP = "it gives or replaces the HTTP client; gemwire has connections of its own"
_PYDANTIC = "pydantic's exception class is expected"
_MORE = "gemwire accepts more than google-genai"
_LENIENT = "the emulator accepts what the service refuses"
_WORDS = "the refusal is in other words"
_LOGS = "gemwire logs under names of its own"
_NO_HTTP = "a response over gRPC has no HTTP response"
_JSON_ENUM = "values of enums that only JSON has are read, but cannot be set"
_WAITING = "not supported yet"
#: Tests that call nothing; no emulator has a part in their outcome.
_OFFLINE = r"(?!(client|gaos|interactions|live|transformers|types)/)"
#: Patterns of ``id: message`` and the reason.
_RULES = {
    r".*: private: ": _PRIVATE,
    r".*(has no attribute|does not have the attribute|have no attribute) '_(?!_)": _PRIVATE,
    r"(local_tokenizer|common)/": _PRIVATE,
    r".*Mock object has no attribute": _PARTS,
    r".*unexpected keyword argument '(api_client_?|modules)'": _PARTS,
    r".*missing 1 required positional argument: 'settings'": _PARTS,
    r"live/.*'(ws_connect|McpTool|ClientConnection)'": _PARTS,
    r"models/test_gc_continuation_token": _PARTS,
    r".*'(Api|AsyncApi|MagicMock|Mock|function)' object has no attribute": _PARTS,
    r".*(Vertex AI is not supported|belongs to Vertex AI)": _VERTEX,
    r".*(DefaultCredentialsError|default credentials have none|Vertex AI needs one)": (
        "Vertex AI: credentials and project are looked up when the client is made"
    ),
    r".*(quota_project_id|got Mock)": "Vertex AI: credentials are google-auth's own objects",
    r"interactions/test_integration.*is not one of v1beta1": _VERTEX,
    r"(shared/)?models/test_generate_(images|videos)": _CALLED,
    r"(shared/)?tunings/test_list": _CALLED,
    r"models/test_count_tokens.*only supported in": _CALLED,
    r"batches/test_list.*filter parameter": _CALLED,
    r"client/test_httpx2_client.*has no field": "an unknown argument of the HTTP client is refused by name",
    r"client/test_async_httpx_event_loops.*session=abc": "cookies are kept for each event loop",
    r".*http_options\.(\w*client_args|httpx\w*|aiohttp\w*)": _HTTP,
    r".*(Unavailable: 503|Extra data: line 2)": _HTTP,
    r"types/.*(tuple|union)_?\w*return_type": "results of unions and tuples are declared with JSON Schema",
    r".*Regex pattern did not match": _WORDS,
    r".*(logs_to_logger|logs_only_once)": _LOGS,
    r".*sent_once_on_wire": "the header User-Agent is gemwire's",
    r".*replay": "recordings of HTTP are not read; gemwire has its own",
    r"client/test_change_client_mode": "recordings of HTTP are not read; gemwire has its own",
    r".*from_mcp_call_tool": "what a function returned is kept as JSON, not as objects",
    r".*constructor_with_pil_image": "a picture without a format of its own is sent without loss",
    r".*constructor_with_file_value": "the display name of a file is not part of a prompt over gRPC",
    r".*test_without_pil_installed": "unions name Pillow's class as text",
    r".*PydanticUserError: Please use": "TypedDicts are typing's, which pydantic takes from Python 3.12 on",
    r".*synchronous_stream_call_raises": "refused when it is called, not when it is read",
    r".*DID NOT WARN": "google-genai's deprecations are not repeated",
    r".*api_version: '(v1main)?' is not one of": "an API version that the service lacks is refused",
    r".*is not one of (ENVIRONMENT|OUTCOME)": _JSON_ENUM,
    r".*DID NOT RAISE ValueError": _MORE,
    r"gaos/.*DID NOT RAISE": _MORE,
    r".*'404' not in ": "a malformed name is an invalid argument over gRPC, or refused before it is sent",
    r"batches/.*webhook_config": f"webhooks of one batch: {_WAITING}",
    r".*(refused|missing): ": _VERTEX,
    r".*got Placeholder": _VERTEX,
    r".*types that only Vertex AI uses": _VERTEX,
    r".*(segment_image|recontext_image|validate_reward|edit_image)": _VERTEX,
    r".*(Value|Type)Error: (config|contents|model|image_config|parts)\b.*(has no field|expected)": _PYDANTIC,
    r".*DID NOT RAISE (pydantic\.)?ValidationError": _PYDANTIC,
    r".*(sdk_http_response|should_return_http_response|'NoneType'.* no attribute 'headers')": _NO_HTTP,
    r".*assert 'content-type' in": "headers of a response over gRPC are its metadata",
    r".*assert 'Content-Type' in": "headers of a response over gRPC are its metadata",
    r".*models/[\w.-]+ was not found": "the emulator does not have the model",
    r".*(NOT_FOUND|NotFound|was not found)": "recordings of Google's have the resource, the emulator has not",
    r".*(Name or service not known|Cannot connect|ConnectError|nodename)": "it calls another host",
    rf"{_OFFLINE}.*DID NOT RAISE": _LENIENT,
    rf"{_OFFLINE}.*Should have raised exception": _LENIENT,
    rf"{_OFFLINE}.*([Ee]mulated|A seed|assert (\d|False|None|\[))": "the emulator's engine is no real model",
    r"(gaos|interactions)/": "agents, environments, interactions and the like: " + _WAITING,
    r".*(has no attribute|No module|ImportError|cannot import|Skipped|is not one of|is missing)": _WAITING,
}


def find_reason(identity: str, message: str) -> str:
    """Return the reason of a test's failure."""
    told = f"{identity}: {message}"
    found = next((reason for pattern, reason in _RULES.items() if re.match(pattern, told, re.DOTALL)), "")
    return found or "the outcome differs"
