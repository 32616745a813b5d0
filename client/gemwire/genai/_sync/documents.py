# Derived from genai/_aio/documents.py by scripts/unasync. DO NOT EDIT.
"""``client.file_search_stores.documents``: documents of file search stores."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gemwire.genai._sync.pager import Pager
from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.file_search import DeleteDocumentConfig, GetDocumentConfig, ListDocumentsConfig
from gemwire_proto.v1beta.views import Document

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import (
        DeleteDocumentConfigOrDict,
        GetDocumentConfigOrDict,
        ListDocumentsConfigOrDict,
    )


class Documents(Resource):
    """Documents of file search stores: files that were split and embedded. Needs ``gemwire[http]``."""

    def get(self, *, name: str, config: GetDocumentConfigOrDict | None = None) -> Document:
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
        return self._api.call(call, GetDocumentConfig.of(config).http_options)

    def list(self, *, parent: str, config: ListDocumentsConfigOrDict | None = None) -> Pager[Document]:
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
        return Pager.start(self._api, list_page, ListDocumentsConfig.of(config))

    def delete(self, *, name: str, config: DeleteDocumentConfigOrDict | None = None) -> None:
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
        self._api.call(self._api.backend.documents.delete(name, config), config.http_options)
