"""File search stores of the Gemini API, which exist over HTTP only."""

from __future__ import annotations

import dataclasses

from gemwire.genai._backends.base import Call, Page
from gemwire.genai._convert import file_search
from gemwire.genai._convert.file_search import STORES
from gemwire.genai._convert.resource_names import to_resource_name
from gemwire.genai._types.file_search import (
    CreateFileSearchStoreConfig,
    DeleteFileSearchStoreConfig,
    ImportFileConfig,
    ImportFileOperation,
    ListFileSearchStoresConfig,
    UploadToFileSearchStoreOperation,
)
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.longrunning import operations
from gemwire_proto.v1beta.file_search_store_service import (
    CREATE_FILE_SEARCH_STORE,
    DELETE_FILE_SEARCH_STORE,
    GET_FILE_SEARCH_STORE,
    IMPORT_FILE,
    LIST_FILE_SEARCH_STORES,
)
from gemwire_proto.v1beta.views import FileSearchStore

_GET_OPERATION = dataclasses.replace(operations.GET_OPERATION, http_only=True)


class GeminiFileSearchStores:
    """Calls of FileSearchStoreService and Operations."""

    to_upload = staticmethod(file_search.to_upload_request)
    from_upload = staticmethod(file_search.from_upload_operation)
    to_media = staticmethod(file_search.to_media_name)

    def create(self, config: CreateFileSearchStoreConfig) -> Call[FileSearchStore]:
        request = v1beta.CreateFileSearchStoreRequest(file_search_store=file_search.to_store(config))
        return Call(CREATE_FILE_SEARCH_STORE, request, FileSearchStore.of)

    def get(self, name: str) -> Call[FileSearchStore]:
        request = v1beta.GetFileSearchStoreRequest(name=to_resource_name(name, STORES))
        return Call(GET_FILE_SEARCH_STORE, request, FileSearchStore.of)

    def list(self, config: ListFileSearchStoresConfig, page_token: str) -> Call[Page[FileSearchStore]]:
        request = v1beta.ListFileSearchStoresRequest(page_size=config.page_size or 0, page_token=page_token)
        return Call(LIST_FILE_SEARCH_STORES, request, _to_page)

    def delete(self, name: str, config: DeleteFileSearchStoreConfig) -> Call[None]:
        request = v1beta.DeleteFileSearchStoreRequest(
            name=to_resource_name(name, STORES), force=bool(config.force)
        )
        return Call(DELETE_FILE_SEARCH_STORE, request, lambda _: None)

    def import_file(self, store: str, file: str, config: ImportFileConfig) -> Call[ImportFileOperation]:
        request = file_search.to_import_request(store, file, config)
        return Call(IMPORT_FILE, request, file_search.from_import_operation)

    def get_import_operation(self, name: str) -> Call[ImportFileOperation]:
        request = operations_pb2.GetOperationRequest(name=name)
        return Call(_GET_OPERATION, request, file_search.from_import_operation)

    def get_upload_operation(self, name: str) -> Call[UploadToFileSearchStoreOperation]:
        request = operations_pb2.GetOperationRequest(name=name)
        return Call(_GET_OPERATION, request, file_search.from_upload_operation)


def _to_page(response: v1beta.ListFileSearchStoresResponse) -> Page[FileSearchStore]:
    items = [FileSearchStore.of(store) for store in response.file_search_stores]
    return Page("file_search_stores", items, response.next_page_token)
