"""Ids of the tokens of contents, which Vertex AI tells."""

from __future__ import annotations

from typing import TypeAlias

from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig, HttpResponse

ComputeTokensConfig: TypeAlias = CallConfig


class TokensInfo(Config):
    """The tokens of one content.

    Attributes:
        role: Role of the content.
        token_ids: Ids of its tokens.
        tokens: The bytes that each token stands for.
    """

    role: str | None = None
    token_ids: list[int] | None = None
    tokens: list[bytes] | None = None


class ComputeTokensResponse(Config):
    """The tokens of contents.

    Attributes:
        sdk_http_response: Headers of the response.
        tokens_info: Those of each content, in order.
    """

    sdk_http_response: HttpResponse | None = None
    tokens_info: list[TokensInfo] | None = None
