# Derived from _async/answering.py by scripts/unasync. DO NOT EDIT.
"""Answers to drafts: requests whose bytes are there already."""

from __future__ import annotations

from typing import Any

from gemwire._convert import calling
from gemwire._convert.configs import GenerateContentConfig
from gemwire._convert.draft import Draft
from gemwire._convert.responses import GenerateContentResponse
from gemwire._sync.api import Api
from gemwire._sync.calling import Calling, generate
from gemwire._sync.responses import Responses
from gemwire._transport.raw import serialised
from gemwire_proto.v1beta.generative_service import GENERATE_CONTENT, STREAM_GENERATE_CONTENT


def answered(
    api: Api, draft: Draft, config: GenerateContentConfig, functions: calling.Functions
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
        return generate(call, draft, functions, calling.settings(config))
    return GenerateContentResponse.of(call(draft), config.response_schema)


def streamed(
    api: Api, draft: Draft, config: GenerateContentConfig, functions: calling.Functions
) -> Responses:
    """The same piece by piece; see `answered`."""
    settings = api.settings(config.http_options)
    method = serialised(STREAM_GENERATE_CONTENT)

    def call(draft: Draft) -> Any:
        wire = method.request(draft.data(), method.request.routes(model=draft.model))
        return api.generative._caller.server_stream(method, wire, (), **settings)

    if functions:
        return Calling.begun(call, draft, functions, calling.settings(config))
    return Responses(call(draft), config.response_schema)
