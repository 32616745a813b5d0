"""RetrieverService: corpora and queries. Documents and chunks have modules of their own."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.errors import already_exists, failed_precondition, invalid_argument, resource_exhausted
from gemwire_emulator.field_masks import apply_update_mask
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.chunks import ChunkHandlers
from gemwire_emulator.services.config_checks import check_tokens
from gemwire_emulator.services.documents import DocumentHandlers
from gemwire_emulator.services.metadata_filters import Filters
from gemwire_emulator.services.permissions import grant_owner
from gemwire_emulator.services.resource_lookup import (
    check_display_name,
    check_update_mask,
    get_resource,
    resolve_name,
)
from gemwire_emulator.services.vector_search import SearchResult, check_result_count, search
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "corpora"
_NAME = "corpora/*"
_CORPORA = 10


class RetrieverService(DocumentHandlers, ChunkHandlers):
    """The handlers of RetrieverService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        super().__init__(state)
        self._state = state

    def create_corpus(self, request: v1beta.CreateCorpusRequest, call: Call) -> v1beta.Corpus:
        """Create an empty corpus, which the caller owns."""
        if not request.HasField("corpus"):
            raise invalid_argument("corpus", "is required")
        requested, store = request.corpus, self._state.store
        check_display_name(requested.display_name, "corpus.display_name")
        name = resolve_name(self._state, requested.name, _KIND, requested.display_name, "corpus.name")
        corpus = v1beta.Corpus(name=name, display_name=requested.display_name)
        for moment in (corpus.create_time, corpus.update_time):
            moment.FromDatetime(self._state.clock.datetime())
        with store.transaction():
            if store.get(call.tenant, name) is not None:
                raise already_exists(name)
            if store.count(call.tenant, _KIND) >= _CORPORA:
                raise resource_exhausted(_KIND, f"a project can own {_CORPORA} corpora; delete one first")
            store.put(call.tenant, name, corpus, owner=call.caller)
            grant_owner(self._state, call, name)
        return corpus

    def get_corpus(self, request: v1beta.GetCorpusRequest, call: Call) -> v1beta.Corpus:
        """Return a corpus."""
        return get_resource(self._state, call, request.name, _NAME).message(v1beta.Corpus)

    def update_corpus(self, request: v1beta.UpdateCorpusRequest, call: Call) -> v1beta.Corpus:
        """Update the display name."""
        if not request.HasField("corpus"):
            raise invalid_argument("corpus", "is required")
        corpus = get_resource(self._state, call, request.corpus.name, _NAME, "corpus.name").message(
            v1beta.Corpus
        )
        check_update_mask(request.update_mask)
        apply_update_mask(corpus, request.corpus, request.update_mask, frozenset({"display_name"}))
        check_display_name(corpus.display_name, "corpus.display_name")
        corpus.update_time.FromDatetime(self._state.clock.datetime())
        self._state.store.replace(call.tenant, corpus.name, corpus)
        return corpus

    def delete_corpus(self, request: v1beta.DeleteCorpusRequest, call: Call) -> empty_pb2.Empty:
        """Delete a corpus; one that has documents only with ``force``."""
        row = get_resource(self._state, call, request.name, _NAME)
        # Its permissions are children as well, and do not count.
        if not request.force and self._state.store.count(call.tenant, "documents", row.name):
            raise failed_precondition(row.name, "has documents; delete them first, or set force")
        self._state.store.delete(call.tenant, row.name)
        return empty_pb2.Empty()

    def list_corpora(self, request: v1beta.ListCorporaRequest, call: Call) -> v1beta.ListCorporaResponse:
        """List the caller's corpora, oldest first."""
        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, _KIND, after=after),
            request,
            default=10,
            most=20,
        )
        corpora = [row.message(v1beta.Corpus) for row in rows]
        return v1beta.ListCorporaResponse(corpora=corpora, next_page_token=token)

    async def query_corpus(
        self, request: v1beta.QueryCorpusRequest, call: Call
    ) -> v1beta.QueryCorpusResponse:
        """Return the chunks of all documents that are closest to a query."""
        get_resource(self._state, call, request.name, _NAME)
        found = await self._search(request, call, ("document", "chunk"))
        return v1beta.QueryCorpusResponse(relevant_chunks=[_to_relevant_chunk(one) for one in found])

    async def query_document(
        self, request: v1beta.QueryDocumentRequest, call: Call
    ) -> v1beta.QueryDocumentResponse:
        """Return the chunks of a document that are closest to a query."""
        get_resource(self._state, call, request.name, "corpora/*/documents/*")
        found = await self._search(request, call, ("chunk",))
        return v1beta.QueryDocumentResponse(relevant_chunks=[_to_relevant_chunk(one) for one in found])

    async def _search(
        self,
        request: v1beta.QueryCorpusRequest | v1beta.QueryDocumentRequest,
        call: Call,
        levels: tuple[str, ...],
    ) -> list[SearchResult]:
        if not request.query.strip():
            raise invalid_argument("query", "is required")
        check_tokens(self._state.engine, [request.query], "query")
        count = check_result_count(request.results_count, "results_count")
        filters = Filters(request.metadata_filters, "metadata_filters", levels)
        return await search(self._state, call, request.name, request.query, filters, count)


def _to_relevant_chunk(found: SearchResult) -> v1beta.RelevantChunk:
    return v1beta.RelevantChunk(chunk_relevance_score=found.score, chunk=found.chunk, document=found.document)
