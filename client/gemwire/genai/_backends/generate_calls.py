"""Calls that generate content, from requests that are messages, or bytes that are prepared."""

from __future__ import annotations

from gemwire._transport.serialized_message import with_serialized_request
from gemwire.genai._backends.base import GenerateCall, GenerateRequest
from gemwire.genai._convert.request_bytes import RequestDraft, SerializedRequest
from gemwire_runtime.method import AnyMethod


def to_generate_call(method: AnyMethod, request: GenerateRequest) -> GenerateCall:
    """Return the RPC that a request goes to, and the request as it takes it."""
    if isinstance(request, RequestDraft):
        return to_serialized_call(method, request.serialize(), request.model)
    return method, request


def to_serialized_call(method: AnyMethod, request: SerializedRequest, model: str) -> GenerateCall:
    """Return the RPC that takes serialized requests, and a request of it."""
    method = with_serialized_request(method)
    routing = method.request.routing_type(model=model)
    return method, method.request(request.data, routing, suspect=request.suspect)
