"""File search stores and their documents. The Gemini API has them over HTTP only."""

from __future__ import annotations

import datetime
from typing import TypeAlias

from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig, HttpResponse
from gemwire.genai._types.videos import Operation
from gemwire_proto.v1beta import views

GetDocumentConfig: TypeAlias = CallConfig
GetFileSearchStoreConfig: TypeAlias = CallConfig


class DeleteDocumentConfig(CallConfig):
    """Config of a call that deletes a document.

    Attributes:
        force: Whether its chunks are deleted as well. Default: False; a document with chunks is not deleted.
    """

    force: bool | None = None


class DeleteFileSearchStoreConfig(CallConfig):
    """Config of a call that deletes a file search store.

    Attributes:
        force: Whether its documents are deleted as well. Default: False; a store with documents stays.
    """

    force: bool | None = None


class ListDocumentsConfig(CallConfig):
    """Config of a call that lists documents.

    Attributes:
        page_size: Maximum number of documents per page. Default: the service decides.
        page_token: Token of the page to begin with. Default: the first page.
    """

    page_size: int | None = None
    page_token: str | None = None


class ListFileSearchStoresConfig(CallConfig):
    """Config of a call that lists file search stores.

    Attributes:
        page_size: Maximum number of stores per page. Default: the service decides.
        page_token: Token of the page to begin with. Default: the first page.
    """

    page_size: int | None = None
    page_token: str | None = None


class CreateFileSearchStoreConfig(CallConfig):
    """Config of a new file search store.

    Attributes:
        display_name: Display name of the store.
        embedding_model: Model that embeds the documents. Default: the service decides.
    """

    display_name: str | None = None
    embedding_model: str | None = None


class FileSearchStore(Config):
    """A store of documents that a model can search.

    Attributes:
        name: Name of the store, ``fileSearchStores/…``.
        display_name: Display name of the store.
        create_time: Time of creation.
        update_time: Time of the last change.
        active_documents_count: Number of documents that can be searched.
        pending_documents_count: Number of documents that are being processed.
        failed_documents_count: Number of documents that could not be processed.
        size_bytes: Size of all documents in bytes.
        embedding_model: Model that embeds the documents.
    """

    name: str | None = None
    display_name: str | None = None
    create_time: datetime.datetime | None = None
    update_time: datetime.datetime | None = None
    active_documents_count: int | None = None
    pending_documents_count: int | None = None
    failed_documents_count: int | None = None
    size_bytes: int | None = None
    embedding_model: str | None = None


class ListFileSearchStoresResponse(Config):
    """A page of file search stores.

    Attributes:
        sdk_http_response: Headers of the response.
        next_page_token: Token of the next page; None on the last.
        file_search_stores: The stores.
    """

    sdk_http_response: HttpResponse | None = None
    next_page_token: str | None = None
    file_search_stores: list[FileSearchStore] | None = None


class WhiteSpaceConfig(Config):
    """Chunks that end at white space.

    Attributes:
        max_tokens_per_chunk: Maximum number of tokens of a chunk.
        max_overlap_tokens: Maximum number of tokens that two neighbours share.
    """

    max_tokens_per_chunk: int | None = None
    max_overlap_tokens: int | None = None


class ChunkingConfig(Config):
    """How a document is split into chunks.

    Attributes:
        white_space_config: Chunks that end at white space.
    """

    white_space_config: WhiteSpaceConfig | None = None


class ImportFileConfig(CallConfig):
    """Config of importing an uploaded file into a file search store.

    Attributes:
        custom_metadata: Metadata of the document, for filters.
        chunking_config: How the document is split. Default: the service decides.
    """

    custom_metadata: list[views.CustomMetadata] | None = None
    chunking_config: ChunkingConfig | None = None


class UploadToFileSearchStoreConfig(ImportFileConfig):
    """Config of uploading a file into a file search store.

    Attributes:
        should_return_http_response: Whether the response has its body as text as well.
        mime_type: Media type of the file. Default: guessed from its path.
        display_name: Display name of the document.
    """

    should_return_http_response: bool | None = None
    mime_type: str | None = None
    display_name: str | None = None


class ImportFileResponse(Config):
    """The document that an import made.

    Attributes:
        sdk_http_response: Headers of the response.
        parent: Name of the store.
        document_name: Name of the document.
    """

    sdk_http_response: HttpResponse | None = None
    parent: str | None = None
    document_name: str | None = None


class UploadToFileSearchStoreResponse(ImportFileResponse):
    """The document that an upload made."""


class UploadToFileSearchStoreResumableResponse(Config):
    """The answer to the beginning of an upload.

    Attributes:
        sdk_http_response: Headers of the response, which have the address of the upload.
    """

    sdk_http_response: HttpResponse | None = None


class ImportFileOperation(Operation):
    """Operation that imports a file.

    Attributes:
        response: The document; None until the operation has succeeded.
    """

    response: ImportFileResponse | None = None


class UploadToFileSearchStoreOperation(Operation):
    """Operation that processes an uploaded file.

    Attributes:
        response: The document; None until the operation has succeeded.
    """

    response: UploadToFileSearchStoreResponse | None = None
