"""``client.auth_tokens``: tokens that open live sessions in place of an API key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._aio.resource import AsyncResource
from gemwire.genai._types.auth_tokens import AuthToken, CreateAuthTokenConfig

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import CreateAuthTokenConfigOrDict


class AsyncTokens(AsyncResource):
    """Tokens for programs on users' devices, which must not have an API key. Needs ``gemwire[http]``."""

    async def create(self, *, config: CreateAuthTokenConfigOrDict | None = None) -> AuthToken:
        """Create a token. The call is not retried, as repeating it creates another one.

        A client with ``api_key=token.name`` opens live sessions with it, and makes no other calls. What
        ``live_connect_constraints`` has cannot be changed by a session: with ``lock_additional_fields`` only
        the fields that are set, and those that it names; without it, nothing.

        Args:
            config: `CreateAuthTokenConfig`, or a dict of its fields.

        Returns:
            The token. Its ``name`` is a secret.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The config is invalid.
            TypeError: A field is of a wrong type.
            APIError: The call failed.
        """
        config = CreateAuthTokenConfig.of(config)
        return await self._api.call(self._api.backend.tokens.create(config), config.http_options)
