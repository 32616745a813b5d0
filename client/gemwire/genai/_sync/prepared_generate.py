# Derived from genai/_aio/prepared_generate.py by scripts/unasync. DO NOT EDIT.
"""Answers to drafts: requests whose bytes are there already."""

from __future__ import annotations

from typing import Any

from gemwire._transport.serialized_message import serialised
from gemwire.genai._convert import function_calls
from gemwire.genai._convert.request_bytes import Draft
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.function_calling import Calling, generate
from gemwire.genai._sync.response_stream import Responses
from gemwire.genai._types.call_configs import GenerateContentConfig
from gemwire.genai._types.responses import GenerateContentResponse
from gemwire_proto.v1beta.generative_service import GENERATE_CONTENT, STREAM_GENERATE_CONTENT


def answered(
    api: Api, draft: Draft, config: GenerateContentConfig, functions: function_calls.Functions
) -> GenerateContentResponse:
    """The answer to a draft.

    Args:
        api: What the resources share.
        draft: The request; where functions are called, their calls are added to it.
        config: What it was made with.
        functions: What the model may call.

    Raises:
        UnsupportedFunctionError: A function is async, and the client is not.
        APIError: A call failed.
    """
    settings = api.settings(config.http_options)
    method = serialised(GENERATE_CONTENT)

    def call(draft: Draft) -> Any:
        wire = method.request(draft.data(), method.request.routes(model=draft.model))
        return api.generative._caller.unary(method, wire, (), **settings)

    if functions:
        return generate(call, draft, functions, function_calls.settings(config))
    return GenerateContentResponse.of(call(draft), config.response_schema)


def streamed(
    api: Api, draft: Draft, config: GenerateContentConfig, functions: function_calls.Functions
) -> Responses:
    """The same piece by piece; see `answered`."""
    settings = api.settings(config.http_options)
    method = serialised(STREAM_GENERATE_CONTENT)

    def call(draft: Draft) -> Any:
        wire = method.request(draft.data(), method.request.routes(model=draft.model))
        return api.generative._caller.server_stream(method, wire, (), **settings)

    if functions:
        return Calling.begun(call, draft, functions, function_calls.settings(config))
    return Responses(call(draft), config.response_schema)
