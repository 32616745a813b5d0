"""The chunks of RetrieverService, one at a time or in atomic batches of up to 100."""

from __future__ import annotations

from collections.abc import Sequence

from gemwire_emulator.call import Call
from gemwire_emulator.errors import already_exists, invalid_argument
from gemwire_emulator.field_masks import apply_update_mask
from gemwire_emulator.names import check_name
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.metadata_filters import check_metadata
from gemwire_emulator.services.resource_lookup import check_update_mask, get_resource, resolve_name
from gemwire_emulator.services.vector_search import embed_for_storage
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "chunks"
_PARENT = "corpora/*/documents/*"
_NAME = "corpora/*/documents/*/chunks/*"
_TOKENS = 2043
_BATCH = 100
_WRITABLE = frozenset({"data", "custom_metadata"})


class ChunkHandlers:
    """The handlers of chunks.

    A chunk is embedded within the call that writes it, so that it can be queried as soon as the call returns.
    A batch is stored once all its vectors are computed, completely or not at all.
    """

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    async def create_chunk(self, request: v1beta.CreateChunkRequest, call: Call) -> v1beta.Chunk:
        """Create a chunk."""
        get_resource(self._state, call, request.parent, _PARENT, "parent")
        [chunk] = await self._create(request.parent, [request], call, [""])
        return chunk

    async def batch_create_chunks(
        self, request: v1beta.BatchCreateChunksRequest, call: Call
    ) -> v1beta.BatchCreateChunksResponse:
        """Create up to 100 chunks of one document."""
        _check_batch(request.requests)
        parent = request.parent or request.requests[0].parent
        get_resource(self._state, call, parent, _PARENT, "parent" if request.parent else "requests[0].parent")
        for i, one in enumerate(request.requests):
            if one.parent != parent:
                raise invalid_argument(
                    f"requests[{i}].parent", f"must be {parent}, the document of the batch"
                )
        paths = [f"requests[{i}]." for i in range(len(request.requests))]
        chunks = await self._create(parent, request.requests, call, paths)
        return v1beta.BatchCreateChunksResponse(chunks=chunks)

    def get_chunk(self, request: v1beta.GetChunkRequest, call: Call) -> v1beta.Chunk:
        """Return a chunk."""
        return get_resource(self._state, call, request.name, _NAME).message(v1beta.Chunk)

    async def update_chunk(self, request: v1beta.UpdateChunkRequest, call: Call) -> v1beta.Chunk:
        """Update the text, which is embedded again, or the metadata, which are replaced as a whole."""
        [chunk] = await self._update([request], call, [""])
        return chunk

    async def batch_update_chunks(
        self, request: v1beta.BatchUpdateChunksRequest, call: Call
    ) -> v1beta.BatchUpdateChunksResponse:
        """Update up to 100 chunks of one document, each by its own mask."""
        _check_batch(request.requests)
        paths = [f"requests[{i}]." for i in range(len(request.requests))]
        self._check_same_document(
            request.parent, [one.chunk.name for one in request.requests], paths, "chunk.name", call
        )
        return v1beta.BatchUpdateChunksResponse(chunks=await self._update(request.requests, call, paths))

    def delete_chunk(self, request: v1beta.DeleteChunkRequest, call: Call) -> empty_pb2.Empty:
        """Delete a chunk."""
        self._state.store.delete(call.tenant, get_resource(self._state, call, request.name, _NAME).name)
        return empty_pb2.Empty()

    def batch_delete_chunks(self, request: v1beta.BatchDeleteChunksRequest, call: Call) -> empty_pb2.Empty:
        """Delete up to 100 chunks of one document."""
        _check_batch(request.requests)
        paths = [f"requests[{i}]." for i in range(len(request.requests))]
        names = [one.name for one in request.requests]
        self._check_same_document(request.parent, names, paths, "name", call)
        with self._state.store.transaction():
            for name, path in zip(names, paths, strict=True):
                get_resource(self._state, call, name, _NAME, f"{path}name")
                self._state.store.delete(call.tenant, name)
        return empty_pb2.Empty()

    def list_chunks(self, request: v1beta.ListChunksRequest, call: Call) -> v1beta.ListChunksResponse:
        """List the chunks of a document, oldest first."""
        document = get_resource(self._state, call, request.parent, _PARENT, "parent").name
        rows, token = paginate(
            lambda after: self._state.store.list(call.tenant, _KIND, document, after),
            request,
            default=10,
            most=100,
        )
        chunks = [row.message(v1beta.Chunk) for row in rows]
        return v1beta.ListChunksResponse(chunks=chunks, next_page_token=token)

    async def _create(
        self,
        parent: str,
        requests: Sequence[v1beta.CreateChunkRequest],
        call: Call,
        paths: Sequence[str],
    ) -> list[v1beta.Chunk]:
        """Store new chunks of a document.

        Args:
            parent: The document.
            requests: The requests.
            call: The call.
            paths: Path of each request in the request of the call, for errors.
        """
        store = self._state.store
        chunks: list[v1beta.Chunk] = []
        for one, path in zip(requests, paths, strict=True):
            if not one.HasField("chunk"):
                raise invalid_argument(f"{path}chunk", "is required")
            self._check(one.chunk, f"{path}chunk")
            name = resolve_name(self._state, one.chunk.name, f"{parent}/{_KIND}", "", f"{path}chunk.name")
            chunk = v1beta.Chunk(
                name=name,
                data=one.chunk.data,
                custom_metadata=one.chunk.custom_metadata,
                state="STATE_ACTIVE",
            )
            for moment in (chunk.create_time, chunk.update_time):
                moment.FromDatetime(self._state.clock.datetime())
            chunks.append(chunk)
        extras = await embed_for_storage(self._state.engine, [chunk.data.string_value for chunk in chunks])
        with store.transaction():
            # It may have been deleted while the vectors were computed.
            get_resource(self._state, call, parent, _PARENT, "parent")
            for chunk, extra in zip(chunks, extras, strict=True):
                if store.get(call.tenant, chunk.name) is not None:
                    raise already_exists(chunk.name)
                store.put(call.tenant, chunk.name, chunk, parent=parent, owner=call.caller, extra=extra)
        return chunks

    async def _update(
        self, requests: Sequence[v1beta.UpdateChunkRequest], call: Call, paths: Sequence[str]
    ) -> list[v1beta.Chunk]:
        """Update chunks; the arguments are those of `_create`."""
        for one, path in zip(requests, paths, strict=True):
            self._apply_update(one, call, path)
        changed = [i for i, one in enumerate(requests) if _writes_text(one)]
        texts = [self._apply_update(requests[i], call, paths[i]).data.string_value for i in changed]
        extras = dict(zip(changed, await embed_for_storage(self._state.engine, texts), strict=True))
        chunks = []
        with self._state.store.transaction():
            for i, one in enumerate(requests):
                # Again, since another call may have changed other fields while the vectors were computed.
                chunk = self._apply_update(one, call, paths[i])
                self._state.store.replace(call.tenant, chunk.name, chunk, extras.get(i))
                chunks.append(chunk)
        return chunks

    def _apply_update(self, request: v1beta.UpdateChunkRequest, call: Call, path: str) -> v1beta.Chunk:
        """Return a chunk with an update applied."""
        if not request.HasField("chunk"):
            raise invalid_argument(f"{path}chunk", "is required")
        chunk = get_resource(self._state, call, request.chunk.name, _NAME, f"{path}chunk.name").message(
            v1beta.Chunk
        )
        check_update_mask(request.update_mask, f"{path}update_mask")
        apply_update_mask(chunk, request.chunk, request.update_mask, _WRITABLE, f"{path}update_mask")
        self._check(chunk, f"{path}chunk")
        chunk.update_time.FromDatetime(self._state.clock.datetime())
        return chunk

    def _check(self, chunk: v1beta.Chunk, field: str) -> None:
        if not chunk.data.string_value.strip():
            raise invalid_argument(f"{field}.data", "is required, with text")
        tokens = self._state.engine.count_tokens([chunk.data.string_value])
        if tokens > _TOKENS:
            raise invalid_argument(f"{field}.data", f"has {tokens} tokens; at most {_TOKENS} are allowed")
        check_metadata(chunk.custom_metadata, f"{field}.custom_metadata")

    def _check_same_document(
        self, parent: str, names: Sequence[str], paths: Sequence[str], field: str, call: Call
    ) -> None:
        """Check that the chunks of a batch are in one document, and distinct."""
        if parent:
            get_resource(self._state, call, parent, _PARENT, "parent")
        for i, (name, path) in enumerate(zip(names, paths, strict=True)):
            check_name(name, _NAME, f"{path}{field}")
            document = name.rsplit("/", 2)[0]
            parent = parent or document
            if document != parent:
                raise invalid_argument(f"{path}{field}", f"must be in {parent}, the document of the batch")
            if name in names[:i]:
                raise invalid_argument(f"{path}{field}", f"{name} is in the batch already")


def _writes_text(request: v1beta.UpdateChunkRequest) -> bool:
    paths = request.update_mask.paths
    return "data" in paths or ("*" in paths and request.chunk.HasField("data"))


def _check_batch(requests: Sequence[object]) -> None:
    if not requests:
        raise invalid_argument("requests", "is required")
    if len(requests) > _BATCH:
        raise invalid_argument("requests", f"has {len(requests)} entries; at most {_BATCH} are allowed")
