"""File search stores and their documents. The Gemini API has them over HTTP only."""

from __future__ import annotations

from typing import TypeAlias

from gemwire.genai._types.config import Config
from gemwire.genai._types.http_options import CallConfig, HttpResponse, ListConfig
from gemwire.genai._types.videos import Operation
from gemwire_proto.v1beta import views

GetDocumentConfig: TypeAlias = CallConfig
GetFileSearchStoreConfig: TypeAlias = CallConfig
ListDocumentsConfig: TypeAlias = ListConfig
ListFileSearchStoresConfig: TypeAlias = ListConfig


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


class CreateFileSearchStoreConfig(CallConfig):
    """Config of a new file search store.

    Attributes:
        display_name: Display name of the store.
        embedding_model: Model that embeds the documents. Default: the service decides.
    """

    display_name: str | None = None
    embedding_model: str | None = None


class ImportFileConfig(CallConfig):
    """Config of importing an uploaded file into a file search store.

    Attributes:
        custom_metadata: Metadata of the document, for filters.
        chunking_config: How the document is split. Default: the service decides.
    """

    custom_metadata: list[views.CustomMetadata] | None = None
    chunking_config: views.ChunkingConfig | None = None


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

    response: views.ImportFileResponse | None = None


class UploadToFileSearchStoreOperation(Operation):
    """Operation that processes an uploaded file.

    Attributes:
        response: The document; None until the operation has succeeded.
    """

    response: views.UploadToFileSearchStoreResponse | None = None
