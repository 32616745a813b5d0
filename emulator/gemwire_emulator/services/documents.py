"""The documents of RetrieverService."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.errors import already_exists, failed_precondition, invalid_argument, resource_exhausted
from gemwire_emulator.field_masks import apply_update_mask
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.metadata_filters import check_metadata
from gemwire_emulator.services.resource_lookup import (
    check_display_name,
    check_update_mask,
    get_resource,
    resolve_name,
)
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "documents"
_PARENT = "corpora/*"
_NAME = "corpora/*/documents/*"
#: Maximum documents of a corpus.
_DOCUMENTS = 10_000
_WRITABLE = frozenset({"display_name", "custom_metadata"})


class DocumentHandlers:
    """The handlers of documents."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def create_document(self, request: v1beta.CreateDocumentRequest, call: Call) -> v1beta.Document:
        """Create an empty document in a corpus."""
        corpus = get_resource(self._state, call, request.parent, _PARENT, "parent").name
        if not request.HasField("document"):
            raise invalid_argument("document", "is required")
        requested, store = request.document, self._state.store
        _check(requested)
        name = resolve_name(
            self._state, requested.name, f"{corpus}/{_KIND}", requested.display_name, "document.name"
        )
        document = v1beta.Document(
            name=name, display_name=requested.display_name, custom_metadata=requested.custom_metadata
        )
        for moment in (document.create_time, document.update_time):
            moment.FromDatetime(self._state.clock.datetime())
        with store.transaction():
            if store.get(call.tenant, name) is not None:
                raise already_exists(name)
            if store.count(call.tenant, _KIND, corpus) >= _DOCUMENTS:
                raise resource_exhausted(corpus, f"a corpus holds {_DOCUMENTS} documents")
            store.put(call.tenant, name, document, parent=corpus, owner=call.caller)
        return document

    def get_document(self, request: v1beta.GetDocumentRequest, call: Call) -> v1beta.Document:
        """Return a document."""
        return get_resource(self._state, call, request.name, _NAME).message(v1beta.Document)

    def update_document(self, request: v1beta.UpdateDocumentRequest, call: Call) -> v1beta.Document:
        """Update the display name or the metadata, which are replaced as a whole."""
        if not request.HasField("document"):
            raise invalid_argument("document", "is required")
        row = get_resource(self._state, call, request.document.name, _NAME, "document.name")
        document = row.message(v1beta.Document)
        check_update_mask(request.update_mask)
        apply_update_mask(document, request.document, request.update_mask, _WRITABLE)
        _check(document)
        document.update_time.FromDatetime(self._state.clock.datetime())
        self._state.store.replace(call.tenant, document.name, document)
        return document

    def delete_document(self, request: v1beta.DeleteDocumentRequest, call: Call) -> empty_pb2.Empty:
        """Delete a document; one that has chunks only with ``force``."""
        row = get_resource(self._state, call, request.name, _NAME)
        if not request.force and self._state.store.count(call.tenant, "chunks", row.name):
            raise failed_precondition(row.name, "has chunks; delete them first, or set force")
        self._state.store.delete(call.tenant, row.name)
        return empty_pb2.Empty()

    def list_documents(
        self, request: v1beta.ListDocumentsRequest, call: Call
    ) -> v1beta.ListDocumentsResponse:
        """List the documents of a corpus, oldest first."""
        corpus = get_resource(self._state, call, request.parent, _PARENT, "parent").name
        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, _KIND, corpus, after),
            request,
            default=10,
            most=20,
        )
        documents = [row.message(v1beta.Document) for row in rows]
        return v1beta.ListDocumentsResponse(documents=documents, next_page_token=token)


def _check(document: v1beta.Document) -> None:
    check_display_name(document.display_name, "document.display_name")
    check_metadata(document.custom_metadata, "document.custom_metadata")
