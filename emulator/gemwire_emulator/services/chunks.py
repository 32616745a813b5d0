"""The chunks of RetrieverService: one at a time, and by the hundred, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gemwire_emulator.call import Call
from gemwire_emulator.errors import already_exists, invalid_argument
from gemwire_emulator.field_masks import apply
from gemwire_emulator.names import check
from gemwire_emulator.paging import page
from gemwire_emulator.services.metadata_filters import check_metadata
from gemwire_emulator.services.resource_lookup import check_masked, existing, new_name
from gemwire_emulator.services.vector_search import keepable_vectors
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.protobuf import empty_pb2

_KIND = "chunks"
_PARENT = "corpora/*/documents/*"
_NAME = "corpora/*/documents/*/chunks/*"
_TOKENS = 2043
_BATCH = 100
_WRITABLE = frozenset({"data", "custom_metadata"})


class Chunks:
    """The handlers of chunks.

    A chunk is embedded within the call that writes it: whoever has the answer can query it. Nothing is
    stored before all vectors are there, so that a batch is stored whole or not at all.
    """

    def __init__(self, state: State) -> None:
        """``state``: what the handlers share."""
        self._state = state

    async def create_chunk(self, request: Any, call: Call) -> Any:
        """One chunk."""
        existing(self._state, call, request.parent, _PARENT, "parent")
        [chunk] = await self._create(request.parent, [request], call, [""])
        return chunk

    async def batch_create_chunks(self, request: Any, call: Call) -> Any:
        """Up to 100 chunks of one document."""
        _check_batch(request.requests)
        parent = request.parent or request.requests[0].parent
        existing(self._state, call, parent, _PARENT, "parent" if request.parent else "requests[0].parent")
        for i, one in enumerate(request.requests):
            if one.parent != parent:
                raise invalid_argument(
                    f"requests[{i}].parent", f"must be {parent}, the document of the batch"
                )
        paths = [f"requests[{i}]." for i in range(len(request.requests))]
        chunks = await self._create(parent, request.requests, call, paths)
        return v1beta.BatchCreateChunksResponse(chunks=chunks)

    def get_chunk(self, request: Any, call: Call) -> Any:
        """One chunk."""
        return existing(self._state, call, request.name, _NAME).message(v1beta.Chunk)

    async def update_chunk(self, request: Any, call: Call) -> Any:
        """Change the text, which is embedded anew, or the metadata, which are replaced as a whole."""
        [chunk] = await self._update([request], call, [""])
        return chunk

    async def batch_update_chunks(self, request: Any, call: Call) -> Any:
        """Change up to 100 chunks of one document, each by its own mask."""
        _check_batch(request.requests)
        paths = [f"requests[{i}]." for i in range(len(request.requests))]
        self._check_inside(
            request.parent, [one.chunk.name for one in request.requests], paths, "chunk.name", call
        )
        return v1beta.BatchUpdateChunksResponse(chunks=await self._update(request.requests, call, paths))

    def delete_chunk(self, request: Any, call: Call) -> Any:
        """Delete one chunk."""
        self._state.store.delete(call.tenant, existing(self._state, call, request.name, _NAME).name)
        return empty_pb2.Empty()

    def batch_delete_chunks(self, request: Any, call: Call) -> Any:
        """Delete up to 100 chunks of one document."""
        _check_batch(request.requests)
        paths = [f"requests[{i}]." for i in range(len(request.requests))]
        names = [one.name for one in request.requests]
        self._check_inside(request.parent, names, paths, "name", call)
        with self._state.store.transaction():
            for name, path in zip(names, paths, strict=True):
                existing(self._state, call, name, _NAME, f"{path}name")
                self._state.store.delete(call.tenant, name)
        return empty_pb2.Empty()

    def list_chunks(self, request: Any, call: Call) -> Any:
        """The chunks of a document, oldest first."""
        document = existing(self._state, call, request.parent, _PARENT, "parent").name
        rows, token = page(
            lambda after: self._state.store.list(call.tenant, _KIND, document, after),
            request,
            default=10,
            most=100,
        )
        chunks = [row.message(v1beta.Chunk) for row in rows]
        return v1beta.ListChunksResponse(chunks=chunks, next_page_token=token)

    async def _create(self, parent: str, requests: Any, call: Call, paths: Sequence[str]) -> list[Any]:
        """Store new chunks of a document.

        Args:
            parent: The document.
            requests: CreateChunkRequests.
            call: Who asks.
            paths: Where each of the requests is in the request of the call.
        """
        store, chunks = self._state.store, []
        for one, path in zip(requests, paths, strict=True):
            if not one.HasField("chunk"):
                raise invalid_argument(f"{path}chunk", "is required")
            self._check(one.chunk, f"{path}chunk")
            name = new_name(self._state, one.chunk.name, f"{parent}/{_KIND}", "", f"{path}chunk.name")
            chunk = v1beta.Chunk(
                name=name,
                data=one.chunk.data,
                custom_metadata=one.chunk.custom_metadata,
                state="STATE_ACTIVE",
            )
            for moment in (chunk.create_time, chunk.update_time):
                moment.FromDatetime(self._state.clock.datetime())
            chunks.append(chunk)
        extras = await keepable_vectors(self._state.engine, [chunk.data.string_value for chunk in chunks])
        with store.transaction():
            # It may have gone while the vectors were made.
            existing(self._state, call, parent, _PARENT, "parent")
            for chunk, extra in zip(chunks, extras, strict=True):
                if store.get(call.tenant, chunk.name) is not None:
                    raise already_exists(chunk.name)
                store.put(call.tenant, chunk.name, chunk, parent=parent, owner=call.caller, extra=extra)
        return chunks

    async def _update(self, requests: Any, call: Call, paths: Sequence[str]) -> list[Any]:
        """Write the masked fields of chunks; the arguments are those of `_create`."""
        for one, path in zip(requests, paths, strict=True):
            self._updated(one, call, path)
        written = [i for i, one in enumerate(requests) if _writes_text(one)]
        texts = [self._updated(requests[i], call, paths[i]).data.string_value for i in written]
        extras = dict(zip(written, await keepable_vectors(self._state.engine, texts), strict=True))
        chunks = []
        with self._state.store.transaction():
            for i, one in enumerate(requests):
                # Once more: another call may have written other fields while the vectors were made.
                chunk = self._updated(one, call, paths[i])
                self._state.store.replace(call.tenant, chunk.name, chunk, extras.get(i))
                chunks.append(chunk)
        return chunks

    def _updated(self, request: Any, call: Call, path: str) -> Any:
        """A chunk as an update makes it."""
        if not request.HasField("chunk"):
            raise invalid_argument(f"{path}chunk", "is required")
        chunk = existing(self._state, call, request.chunk.name, _NAME, f"{path}chunk.name").message(
            v1beta.Chunk
        )
        check_masked(request, f"{path}update_mask")
        apply(chunk, request.chunk, request.update_mask, _WRITABLE, f"{path}update_mask")
        self._check(chunk, f"{path}chunk")
        chunk.update_time.FromDatetime(self._state.clock.datetime())
        return chunk

    def _check(self, chunk: Any, field: str) -> None:
        if not chunk.data.string_value.strip():
            raise invalid_argument(f"{field}.data", "is required, with text")
        tokens = self._state.engine.count_tokens([chunk.data.string_value])
        if tokens > _TOKENS:
            raise invalid_argument(f"{field}.data", f"has {tokens} tokens; at most {_TOKENS} are allowed")
        check_metadata(chunk.custom_metadata, f"{field}.custom_metadata")

    def _check_inside(
        self, parent: str, names: Sequence[str], paths: Sequence[str], field: str, call: Call
    ) -> None:
        """Refuse a batch whose chunks are not all in one document, or that names one of them twice."""
        if parent:
            existing(self._state, call, parent, _PARENT, "parent")
        for i, (name, path) in enumerate(zip(names, paths, strict=True)):
            check(name, _NAME, f"{path}{field}")
            document = name.rsplit("/", 2)[0]
            parent = parent or document
            if document != parent:
                raise invalid_argument(f"{path}{field}", f"must lie in {parent}, the document of the batch")
            if name in names[:i]:
                raise invalid_argument(f"{path}{field}", f"{name} is in the batch already")


def _writes_text(request: Any) -> bool:
    paths = request.update_mask.paths
    return "data" in paths or ("*" in paths and request.chunk.HasField("data"))


def _check_batch(requests: Any) -> None:
    if not requests:
        raise invalid_argument("requests", "is required")
    if len(requests) > _BATCH:
        raise invalid_argument("requests", f"has {len(requests)} entries; at most {_BATCH} are allowed")
