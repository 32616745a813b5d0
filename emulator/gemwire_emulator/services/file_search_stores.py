"""FileSearchStoreService: stores of files that models search, and their documents."""

from __future__ import annotations

from collections import Counter

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, not_empty, resource_exhausted
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.document_indexing import DocumentIndexing
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.resource_lookup import check_display_name, get_resource, resolve_name
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "fileSearchStores"
_STORE = "fileSearchStores/*"
_DOCUMENT = "fileSearchStores/*/documents/*"
#: Model of stores that name none.
_EMBEDDING_MODEL = "models/gemini-embedding-001"
#: Stores of an API key.
_STORES = 10
_STATES = v1beta.Document.State


class FileSearchStoreService:
    """The handlers of FileSearchStoreService.

    Attributes:
        indexing: Adds documents.
    """

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state
        self.indexing = DocumentIndexing(state)

    def create_file_search_store(
        self, request: v1beta.CreateFileSearchStoreRequest, call: Call
    ) -> v1beta.FileSearchStore:
        """Create an empty store."""
        requested, state = request.file_search_store, self._state
        check_display_name(requested.display_name, "file_search_store.display_name")
        model = requested.embedding_model or _EMBEDDING_MODEL
        check_model(state, model, "file_search_store.embedding_model", call, "embedContent")
        store = v1beta.FileSearchStore(
            name=resolve_name(state, "", _KIND, requested.display_name, "file_search_store.name"),
            display_name=requested.display_name,
            embedding_model=model,
        )
        for moment in (store.create_time, store.update_time):
            moment.FromDatetime(state.clock.datetime())
        with state.store.transaction():
            if state.store.count(call.tenant, _KIND) >= _STORES:
                raise resource_exhausted(_KIND, f"a project can have {_STORES} stores; delete one first")
            state.store.put(call.tenant, store.name, store, owner=call.caller)
        return store

    def get_file_search_store(
        self, request: v1beta.GetFileSearchStoreRequest, call: Call
    ) -> v1beta.FileSearchStore:
        """Return a store with the numbers of its documents."""
        return self._read(call, get_resource(self._state, call, request.name, _STORE))

    def list_file_search_stores(
        self, request: v1beta.ListFileSearchStoresRequest, call: Call
    ) -> v1beta.ListFileSearchStoresResponse:
        """List the caller's stores, oldest first."""
        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, _KIND, after=after),
            request,
            default=10,
            most=20,
        )
        stores = [self._read(call, row) for row in rows]
        return v1beta.ListFileSearchStoresResponse(file_search_stores=stores, next_page_token=token)

    def delete_file_search_store(
        self, request: v1beta.DeleteFileSearchStoreRequest, call: Call
    ) -> empty_pb2.Empty:
        """Delete a store; one that has documents only with ``force``."""
        row = get_resource(self._state, call, request.name, _STORE)
        if not request.force and self._state.store.count(call.tenant, "documents", row.name):
            raise not_empty(row.name, "FileSearchStore")
        self._state.store.delete(call.tenant, row.name)
        return empty_pb2.Empty()

    def upload_to_file_search_store(
        self, request: v1beta.UploadToFileSearchStoreRequest, call: Call
    ) -> operations_pb2.Operation:
        """Refuse an upload without bytes, which come by another path."""
        get_resource(self._state, call, request.file_search_store_name, _STORE, "file_search_store_name")
        raise invalid_argument(
            "file_search_store_name",
            "must be uploaded with the bytes of the file: POST /upload/v1beta/…:uploadToFileSearchStore",
        )

    def import_file(self, request: v1beta.ImportFileRequest, call: Call) -> operations_pb2.Operation:
        """Add an uploaded file to a store."""
        return self.indexing.import_file(request, call)

    def get_document(self, request: v1beta.GetDocumentRequest, call: Call) -> v1beta.Document:
        """Return a document."""
        return get_resource(self._state, call, request.name, _DOCUMENT).message(v1beta.Document)

    def list_documents(
        self, request: v1beta.ListDocumentsRequest, call: Call
    ) -> v1beta.ListDocumentsResponse:
        """List the documents of a store, oldest first."""
        store = get_resource(self._state, call, request.parent, _STORE, "parent").name
        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, "documents", store, after),
            request,
            default=10,
            most=20,
        )
        documents = [row.message(v1beta.Document) for row in rows]
        return v1beta.ListDocumentsResponse(documents=documents, next_page_token=token)

    def delete_document(self, request: v1beta.DeleteDocumentRequest, call: Call) -> empty_pb2.Empty:
        """Delete a document; one that has chunks only with ``force``."""
        row = get_resource(self._state, call, request.name, _DOCUMENT)
        if not request.force and self._state.store.count(call.tenant, "chunks", row.name):
            raise not_empty(row.name, "Document")
        self._state.store.delete(call.tenant, row.name)
        return empty_pb2.Empty()

    def _read(self, call: Call, row: Row) -> v1beta.FileSearchStore:
        store = row.message(v1beta.FileSearchStore)
        rows = self._state.store.list(call.tenant, "documents", row.name)
        documents = [row.message(v1beta.Document) for row in rows]
        counts = Counter(document.state for document in documents)
        store.active_documents_count = counts[_STATES.STATE_ACTIVE]
        store.pending_documents_count = counts[_STATES.STATE_PENDING]
        store.failed_documents_count = counts[_STATES.STATE_FAILED]
        store.size_bytes = sum(document.size_bytes for document in documents)
        return store
