# Derived from genai/_aio/file_search_stores.py by scripts/unasync. DO NOT EDIT.
"""``client.file_search_stores``: stores of files that models search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.documents import Documents
from gemwire.genai._sync.files import Progress, Source, download_media
from gemwire.genai._sync.pager import Pager
from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.file_search import (
    CreateFileSearchStoreConfig,
    DeleteFileSearchStoreConfig,
    GetFileSearchStoreConfig,
    ImportFileConfig,
    ImportFileOperation,
    ListFileSearchStoresConfig,
    UploadToFileSearchStoreConfig,
    UploadToFileSearchStoreOperation,
)
from gemwire.genai._types.files import DownloadMediaConfig
from gemwire_proto.v1beta.views import FileSearchStore

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import (
        CreateFileSearchStoreConfigOrDict,
        DeleteFileSearchStoreConfigOrDict,
        DownloadMediaConfigOrDict,
        GetFileSearchStoreConfigOrDict,
        ImportFileConfigOrDict,
        ListFileSearchStoresConfigOrDict,
        UploadToFileSearchStoreConfigOrDict,
    )


class FileSearchStores(Resource):
    """Stores of files that models search with the tool `FileSearch`. Needs ``gemwire[http]``.

    Attributes:
        documents: The documents of the stores.
    """

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        self.documents = Documents(api)

    def create(self, *, config: CreateFileSearchStoreConfigOrDict | None = None) -> FileSearchStore:
        """Create an empty store. The call is not retried, as repeating it creates another store.

        Args:
            config: `CreateFileSearchStoreConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The config is invalid.
            APIError: The call failed.
        """
        config = CreateFileSearchStoreConfig.of(config)
        return self._api.call(self._api.backend.file_search_stores.create(config), config.http_options)

    def get(self, *, name: str, config: GetFileSearchStoreConfigOrDict | None = None) -> FileSearchStore:
        """Get a store, with the numbers of its documents.

        Args:
            name: Name of the store, with or without ``fileSearchStores/``.
            config: `GetFileSearchStoreConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.file_search_stores.get(name)
        return self._api.call(call, GetFileSearchStoreConfig.of(config).http_options)

    def list(self, *, config: ListFileSearchStoresConfigOrDict | None = None) -> Pager[FileSearchStore]:
        """List stores, oldest first.

        Args:
            config: `ListFileSearchStoresConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        list_page = self._api.backend.file_search_stores.list
        return Pager.start(self._api, list_page, ListFileSearchStoresConfig.of(config))

    def delete(self, *, name: str, config: DeleteFileSearchStoreConfigOrDict | None = None) -> None:
        """Delete a store.

        Args:
            name: Name of the store, with or without ``fileSearchStores/``.
            config: `DeleteFileSearchStoreConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The name is invalid.
            FailedPrecondition: The store has documents; set ``config.force``.
            APIError: The call failed.
        """
        config = DeleteFileSearchStoreConfig.of(config)
        call = self._api.backend.file_search_stores.delete(name, config)
        self._api.call(call, config.http_options)

    def import_file(
        self, *, file_search_store_name: str, file_name: str, config: ImportFileConfigOrDict | None = None
    ) -> ImportFileOperation:
        """Add an uploaded file to a store. The call is not retried, as repeating it adds the file again.

        Args:
            file_search_store_name: Name of the store, with or without ``fileSearchStores/``.
            file_name: Name of the file, with or without ``files/``, or its URI.
            config: `ImportFileConfig`, or a dict of its fields.

        Returns:
            The operation; poll it with ``client.operations.get``.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = ImportFileConfig.of(config)
        call = self._api.backend.file_search_stores.import_file(file_search_store_name, file_name, config)
        return self._api.call(call, config.http_options)

    def download_media(self, *, media_id: str, config: DownloadMediaConfigOrDict | None = None) -> bytes:
        """Download media that an answer was grounded on. After a broken connection it resumes.

        Args:
            media_id: The id in the grounding metadata: ``fileSearchStores/…/media/…``.
            config: `DownloadMediaConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The id is invalid.
            APIError: The download failed.
        """
        name = self._api.backend.file_search_stores.to_media(media_id)
        options = DownloadMediaConfig.of(config).http_options
        return download_media(self._api, name, "file_search_stores.download_media", options)

    def upload_to_file_search_store(
        self,
        *,
        file_search_store_name: str,
        file: Source,
        config: UploadToFileSearchStoreConfigOrDict | None = None,
        progress: Progress | None = None,
    ) -> UploadToFileSearchStoreOperation:
        """Add a file to a store, uploading it in chunks. After a broken connection it resumes.

        Args:
            file_search_store_name: Name of the store, with or without ``fileSearchStores/``.
            file: Path of a file; bytes; a file object, from its current position; or an iterable of bytes.
            config: `UploadToFileSearchStoreConfig`, or a dict of its fields. Its ``http_options.timeout``
                limits the whole upload; without it there is no limit.
            progress: Called after each chunk with the bytes uploaded so far, and the size if it is known.

        Returns:
            The operation; poll it with ``client.operations.get``.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            OSError: The file cannot be read.
            ValueError: An argument is invalid, or the media type is unknown; set ``config.mime_type``.
            TypeError: An argument is of a wrong type.
            APIError: The upload failed.
        """
        config = UploadToFileSearchStoreConfig.of(config)
        backend = self._api.backend.file_search_stores
        request = backend.to_upload(file_search_store_name, config)
        self._api.extend(request, config.http_options)
        rest = self._api.transfers("file_search_stores.upload_to_file_search_store")
        settings = self._api.transfer_settings(config.http_options)
        try:
            with details_as_json:
                operation = rest.upload_document(file, document=request, progress=progress, **settings)
        except ValueError as error:
            if str(error).startswith("mime_type: "):
                raise ValueError(f"config.{error}") from None
            raise
        return backend.from_upload(operation)
