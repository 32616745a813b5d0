"""``client.operations``: long-running operations of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from gemwire.genai._aio.resource import AsyncResource
from gemwire.genai._types.file_search import ImportFileOperation, UploadToFileSearchStoreOperation
from gemwire.genai._types.videos import GenerateVideosOperation, GetOperationConfig, Operation

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import GetOperationConfigOrDict


class AsyncOperations(AsyncResource):
    """Long-running operations of the service."""

    @overload
    async def get(
        self, operation: ImportFileOperation, *, config: GetOperationConfigOrDict | None = None
    ) -> ImportFileOperation: ...
    @overload
    async def get(
        self, operation: UploadToFileSearchStoreOperation, *, config: GetOperationConfigOrDict | None = None
    ) -> UploadToFileSearchStoreOperation: ...
    @overload
    async def get(
        self, operation: GenerateVideosOperation, *, config: GetOperationConfigOrDict | None = None
    ) -> GenerateVideosOperation: ...
    async def get(self, operation: Operation, *, config: GetOperationConfigOrDict | None = None) -> Operation:
        """Get the current state of an operation.

        Args:
            operation: The operation that `generate_videos`, `import_file` or `upload_to_file_search_store`
                returned, or one of the same class and name.
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
                f"operation: expected the operation that a method returned, got {type(operation).__name__}"
            )
        if not operation.name:
            raise ValueError("operation: has no name; pass an operation that a method returned")
        http_options = GetOperationConfig.of(config).http_options
        stores = self._api.backend.file_search_stores
        if isinstance(operation, ImportFileOperation):
            return await self._api.call(stores.get_import_operation(operation.name), http_options)
        if isinstance(operation, UploadToFileSearchStoreOperation):
            return await self._api.call(stores.get_upload_operation(operation.name), http_options)
        return await self._api.call(self._api.backend.media.get_operation(operation.name), http_options)
