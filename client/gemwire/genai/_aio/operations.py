"""``client.operations``: work that goes on at the server."""

from __future__ import annotations

from typing import Any, TypeVar

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._types import videos
from gemwire.genai._types.resource_configs import GetOperationConfig

_Operation = TypeVar("_Operation", bound=videos.Operation)


class AsyncOperations:
    """Work that goes on at the server."""

    def __init__(self, api: AsyncApi) -> None:
        """``api``: what the resources share."""
        self._api = api

    async def get(
        self, operation: _Operation, *, config: GetOperationConfig | Any | None = None
    ) -> _Operation:
        """An operation as it is now.

        Args:
            operation: It, as `generate_videos` gave it, or one of that name.
            config: `GetOperationConfig`, or a dict of its fields.

        Raises:
            ValueError: It has no name, or makes no videos.
            TypeError: It is no operation.
            APIError: The call failed.
        """
        if not isinstance(operation, videos.Operation):
            raise TypeError(f"operation: expected what generate_videos gave, got {type(operation).__name__}")
        if not operation.name:
            raise ValueError("operation: has no name")
        settings = self._api.settings(GetOperationConfig.of(config).http_options)
        message = await self._api.predictions.get_operation({"name": operation.name}, **settings)
        return videos.operation(message)  # type: ignore[return-value]  # the only kind there is
