"""Tokens with which browsers and apps open live sessions."""

from __future__ import annotations

import datetime

from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig
from gemwire.genai._types.live import LiveConnectConfig


class LiveConnectConstraints(Config):
    """What a token is good for.

    Attributes:
        model: Name of the model.
        config: Config of the session.
    """

    model: str | None = None
    config: LiveConnectConfig | None = None


class CreateAuthTokenConfig(CallConfig):
    """Config of a new token.

    Attributes:
        expire_time: Time until which sessions with the token last. Default: 30 minutes from now.
        new_session_expire_time: Time until which the token opens sessions. Default: 60 seconds from now.
        uses: Number of sessions that the token opens. Default: 1.
        live_connect_constraints: What sessions may be opened. Default: any.
        lock_additional_fields: Names of further fields of the session's config that a session may not change.
    """

    expire_time: datetime.datetime | None = None
    new_session_expire_time: datetime.datetime | None = None
    uses: int | None = None
    live_connect_constraints: LiveConnectConstraints | None = None
    lock_additional_fields: list[str] | None = None


class CreateAuthTokenParameters(Config):
    """Arguments of ``auth_tokens.create``.

    Attributes:
        config: Config of the token.
    """

    config: CreateAuthTokenConfig | None = None


class AuthToken(Config):
    """A token.

    Attributes:
        name: The token itself, to be used as an API key.
        expire_time: Time until which sessions with the token last.
        new_session_expire_time: Time until which the token opens sessions.
        uses: Number of sessions that the token opens.
    """

    name: str | None = None
    expire_time: datetime.datetime | None = None
    new_session_expire_time: datetime.datetime | None = None
    uses: int | None = None
