"""``client.file_search_stores.documents``: documents of file search stores."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gemwire.genai._aio.pager import AsyncPager
from gemwire.genai._aio.resource import AsyncResource
from gemwire.genai._types.file_search import DeleteDocumentConfig, GetDocumentConfig, ListDocumentsConfig
from gemwire_proto.v1beta.views import Document

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import (
        DeleteDocumentConfigOrDict,
        GetDocumentConfigOrDict,
        ListDocumentsConfigOrDict,
    )


class AsyncDocuments(AsyncResource):
    """Documents of file search stores: files that were split and embedded. Needs ``gemwire[http]``."""

    async def get(self, *, name: str, config: GetDocumentConfigOrDict | None = None) -> Document:
        """Get a document, without its text.

        Args:
            name: Name of the document, ``fileSearchStores/…/documents/…``.
            config: `GetDocumentConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.documents.get(name)
        return await self._api.call(call, GetDocumentConfig.of(config).http_options)

    async def list(
        self, *, parent: str, config: ListDocumentsConfigOrDict | None = None
    ) -> AsyncPager[Document]:
        """List the documents of a store, oldest first.

        Args:
            parent: Name of the store.
            config: `ListDocumentsConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: An argument is invalid.
            APIError: The call failed.
        """
        list_page = partial(self._api.backend.documents.list, parent)
        return await AsyncPager.start(self._api, list_page, ListDocumentsConfig.of(config))

    async def delete(self, *, name: str, config: DeleteDocumentConfigOrDict | None = None) -> None:
        """Delete a document.

        Args:
            name: Name of the document.
            config: `DeleteDocumentConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The name is invalid.
            FailedPrecondition: The document has chunks; set ``config.force``.
            APIError: The call failed.
        """
        config = DeleteDocumentConfig.of(config)
        await self._api.call(self._api.backend.documents.delete(name, config), config.http_options)
