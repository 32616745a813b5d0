"""Tokens of live sessions, which exist over HTTP only."""

from __future__ import annotations

from gemwire.genai._backends.base import Call
from gemwire.genai._convert.auth_tokens import to_auth_token
from gemwire.genai._types.auth_tokens import AuthToken, CreateAuthTokenConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta.auth_token_service import CREATE_TOKEN


class GeminiTokens:
    """Calls of AuthTokenService."""

    def create(self, config: CreateAuthTokenConfig) -> Call[AuthToken]:
        request = v1beta.CreateTokenRequest(auth_token=to_auth_token(config))
        return Call(CREATE_TOKEN, request, lambda token: AuthToken(name=token.name))
