# Derived from genai/_aio/operations.py by scripts/unasync. DO NOT EDIT.
"""``client.operations``: long-running operations of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.videos import GenerateVideosOperation, GetOperationConfig, Operation

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import GetOperationConfigOrDict


class Operations(Resource):
    """Long-running operations of the service."""

    def get(
        self, operation: Operation, *, config: GetOperationConfigOrDict | None = None
    ) -> GenerateVideosOperation:
        """Get the current state of an operation.

        Args:
            operation: The operation that `generate_videos` returned, or one with the same name.
            config: `GetOperationConfig`, or a dict of its fields.

        Returns:
            A new object; ``operation`` is not changed.

        Raises:
            ValueError: The operation has no name, or generates no videos.
            TypeError: ``operation`` is not an operation.
            APIError: The call failed.
        """
        if not isinstance(operation, Operation):
            raise TypeError(
                f"operation: expected the operation that generate_videos returned, "
                f"got {type(operation).__name__}"
            )
        call = self._api.backend.media.get_operation(operation)
        return self._api.call(call, GetOperationConfig.of(config).http_options)
