"""Documents of file search stores, which exist over HTTP only."""

from __future__ import annotations

from gemwire.genai._backends.base import Call, Page
from gemwire.genai._convert.file_search import STORES, to_document_name
from gemwire.genai._convert.resource_names import to_resource_name
from gemwire.genai._types.file_search import DeleteDocumentConfig, ListDocumentsConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta.file_search_store_service import DELETE_DOCUMENT, GET_DOCUMENT, LIST_DOCUMENTS
from gemwire_proto.v1beta.views import Document


class GeminiDocuments:
    """Calls of FileSearchStoreService for documents."""

    def get(self, name: str) -> Call[Document]:
        return Call(GET_DOCUMENT, v1beta.GetDocumentRequest(name=to_document_name(name)), Document.of)

    def list(self, parent: str, config: ListDocumentsConfig, page_token: str) -> Call[Page[Document]]:
        request = v1beta.ListDocumentsRequest(
            parent=to_resource_name(parent, STORES, "parent"),
            page_size=config.page_size or 0,
            page_token=page_token,
        )
        return Call(LIST_DOCUMENTS, request, _to_page)

    def delete(self, name: str, config: DeleteDocumentConfig) -> Call[None]:
        request = v1beta.DeleteDocumentRequest(name=to_document_name(name), force=bool(config.force))
        return Call(DELETE_DOCUMENT, request, lambda _: None)


def _to_page(response: v1beta.ListDocumentsResponse) -> Page[Document]:
    items = [Document.of(document) for document in response.documents]
    return Page("documents", items, response.next_page_token)
