"""Answers to drafts: requests whose bytes are there already."""

from __future__ import annotations

from typing import Any

from gemwire._transport.serialized_message import with_serialized_request
from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.function_calling import AsyncCalling, generate
from gemwire.genai._aio.response_stream import AsyncResponses
from gemwire.genai._convert import function_calls
from gemwire.genai._convert.request_bytes import Draft
from gemwire.genai._types.call_configs import GenerateContentConfig
from gemwire.genai._types.responses import GenerateContentResponse
from gemwire_proto.v1beta.generative_service import GENERATE_CONTENT, STREAM_GENERATE_CONTENT


async def answered(
    api: AsyncApi, draft: Draft, config: GenerateContentConfig, functions: function_calls.Functions
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
    method = with_serialized_request(GENERATE_CONTENT)

    async def call(draft: Draft) -> Any:
        wire = method.request(draft.data(), method.request.routes(model=draft.model))
        return await api.generative._caller.unary(method, wire, (), **settings)

    if functions:
        return await generate(call, draft, functions, function_calls.settings(config))
    return GenerateContentResponse.of(await call(draft), config.response_schema)


async def streamed(
    api: AsyncApi, draft: Draft, config: GenerateContentConfig, functions: function_calls.Functions
) -> AsyncResponses:
    """The same piece by piece; see `answered`."""
    settings = api.settings(config.http_options)
    method = with_serialized_request(STREAM_GENERATE_CONTENT)

    async def call(draft: Draft) -> Any:
        wire = method.request(draft.data(), method.request.routes(model=draft.model))
        return await api.generative._caller.server_stream(method, wire, (), **settings)

    if functions:
        return await AsyncCalling.begun(call, draft, functions, function_calls.settings(config))
    return AsyncResponses(await call(draft), config.response_schema)
