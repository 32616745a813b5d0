"""File search stores, their documents, and the operations that add them."""

from __future__ import annotations

import re
from typing import TypeVar

from gemwire.genai._convert.fields import write_config_field
from gemwire.genai._convert.resource_names import to_file_name, to_model_name, to_resource_name
from gemwire.genai._types.file_search import (
    CreateFileSearchStoreConfig,
    ImportFileConfig,
    ImportFileOperation,
    UploadToFileSearchStoreConfig,
    UploadToFileSearchStoreOperation,
)
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning.operations_pb2 import Operation
from gemwire_proto.v1beta import views
from gemwire_runtime.pool import POOL
from gemwire_runtime.views import fields_of

STORES = "fileSearchStores"
_STORE_FIELDS = fields_of(views.FileSearchStore)
_IMPORT_FIELDS = fields_of(views.ImportFileRequest)
_UPLOAD_FIELDS = fields_of(views.UploadToFileSearchStoreRequest)
_NOT_SENT = frozenset({"http_options", "should_return_http_response"})
_Operation = TypeVar("_Operation", ImportFileOperation, UploadToFileSearchStoreOperation)


def to_store(config: CreateFileSearchStoreConfig) -> v1beta.FileSearchStore:
    """Build the store to create."""
    store = v1beta.FileSearchStore(display_name=config.display_name or "")
    if config.embedding_model is not None:
        store.embedding_model = to_model_name(config.embedding_model, "config.embedding_model")
    return store


def to_document_name(name: object) -> str:
    """Return the full name of a document, which begins with that of its store."""
    found = getattr(name, "name", None) or name
    if not isinstance(found, str):
        raise TypeError(f"name: expected the name of a document, got {type(name).__name__}")
    if not re.fullmatch(rf"{STORES}/[^/\s?#]+/documents/[^/\s?#]+", found):
        raise ValueError(
            f"name: {found!r} is not the name of a document, such as '{STORES}/abc-123/documents/def-456'"
        )
    return found


def to_import_request(store: object, file: object, config: ImportFileConfig) -> v1beta.ImportFileRequest:
    """Build the request that adds an uploaded file to a store."""
    request = v1beta.ImportFileRequest(
        file_search_store_name=to_resource_name(store, STORES, "file_search_store_name"),
        file_name=to_file_name(file),
    )
    for name, value in config.given():
        if name not in _NOT_SENT:
            write_config_field(_IMPORT_FIELDS[name], request, value)
    return request


def to_upload_request(
    store: object, config: UploadToFileSearchStoreConfig
) -> v1beta.UploadToFileSearchStoreRequest:
    """Build the request that begins the upload of a file to a store."""
    name = to_resource_name(store, STORES, "file_search_store_name")
    request = v1beta.UploadToFileSearchStoreRequest(file_search_store_name=name)
    for field, value in config.given():
        if field not in _NOT_SENT:
            write_config_field(_UPLOAD_FIELDS[field], request, value)
    return request


def from_import_operation(message: Operation) -> ImportFileOperation:
    """Convert an operation that imports a file."""
    operation = _from_operation(message, ImportFileOperation)
    if message.HasField("response"):
        operation.response = views.ImportFileResponse.of(
            v1beta.ImportFileResponse.FromString(message.response.value)
        )
    return operation


def from_upload_operation(message: Operation) -> UploadToFileSearchStoreOperation:
    """Convert an operation that processes an uploaded file."""
    operation = _from_operation(message, UploadToFileSearchStoreOperation)
    if message.HasField("response"):
        operation.response = views.UploadToFileSearchStoreResponse.of(
            v1beta.UploadToFileSearchStoreResponse.FromString(message.response.value)
        )
    return operation


def _from_operation(message: Operation, kind: type[_Operation]) -> _Operation:
    operation = kind(name=message.name or None, done=message.done or None)
    if message.HasField("error"):
        from google.protobuf import json_format

        operation.error = json_format.MessageToDict(message.error, descriptor_pool=POOL)
    return operation


def to_media_name(media_id: object) -> str:
    """Return the name of media of a store: ``fileSearchStores/s/media/m``."""
    if not isinstance(media_id, str):
        raise TypeError(f"media_id: expected a string, got {type(media_id).__name__}")
    name = media_id.lstrip("/")
    if not re.fullmatch(rf"{STORES}/[^/?#]+/media/[^/?#]+", name):
        raise ValueError(f"media_id: {media_id!r} is not one, such as 'fileSearchStores/abc/media/123'")
    return name
