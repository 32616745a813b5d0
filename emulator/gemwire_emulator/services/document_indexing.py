"""Documents of file search stores: from the bytes of a file to chunks that can be searched.

A document is PENDING until its text has been split and embedded, and then ACTIVE or FAILED. Its operation is
in the store and its bytes are in ``state.blobs``, so that the work is resumed after a kill -9.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from gemwire_emulator.call import Call, Owner
from gemwire_emulator.errors import (
    StatusError,
    failed_precondition,
    invalid_argument,
    not_found,
    storage_full,
)
from gemwire_emulator.names import check_name
from gemwire_emulator.services import files, longrunning
from gemwire_emulator.services.metadata_filters import check_metadata
from gemwire_emulator.services.resource_lookup import check_display_name, resolve_name
from gemwire_emulator.services.text_chunks import read_text, split_text
from gemwire_emulator.services.vector_search import embed_for_storage
from gemwire_emulator.state import State
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2

#: Maximum bytes of a document, and of all documents of an API key.
MAX_DOCUMENT_SIZE = 100 * 2**20
MAX_TOTAL_SIZE = 10**9
#: Words of a chunk and of the overlap of two: the most, and those of documents without a config.
_MOST_WORDS = 512
_WORDS, _OVERLAP = 200, 20
#: Seconds, by the emulator's clock, for which a document is pending.
_PENDING = 1.0
#: Chunks that are embedded at a time; other calls may run after each.
_BATCH = 20
_STATES = v1beta.Document.State
_Request = v1beta.ImportFileRequest | v1beta.UploadToFileSearchStoreRequest


@dataclass(frozen=True)
class _Work:
    """What is left to do for an operation, as it is stored with it.

    Attributes:
        document: Name of the document.
        contents: Its bytes in ``state.blobs``: one blob.
        words: Maximum number of words of a chunk.
        overlap: Number of words that two chunks share.
        ends: Time at which the document is no longer pending, in seconds since the epoch.
    """

    document: str
    contents: list[str]
    words: int
    overlap: int
    ends: float


class DocumentIndexing:
    """The processing of documents in the background."""

    def __init__(self, state: State) -> None:
        """Create a processor."""
        self._state = state

    def resume(self) -> None:
        """Resume unfinished documents."""
        for tenant, name, keep in longrunning.list_unfinished(self._state, "fileSearchStores"):
            self._state.spawn(self._run(tenant, name, _Work(**keep)))

    def check(self, request: _Request, owner: Owner, size: int, field: str) -> None:
        """Check that a document can be added.

        Args:
            request: The request that adds it.
            owner: The caller.
            size: Its bytes.
            field: What names the bytes, for errors.

        Raises:
            StatusError: The store does not exist, a field is invalid, or the document is too large.
        """
        name = check_name(request.file_search_store_name, "fileSearchStores/*", "file_search_store_name")
        if self._state.store.get(owner.tenant, name) is None:
            raise not_found(name)
        check_metadata(request.custom_metadata, "custom_metadata")
        _get_chunk_words(request.chunking_config)
        if size > MAX_DOCUMENT_SIZE:
            raise invalid_argument(field, f"is {size} bytes; a document may have at most {MAX_DOCUMENT_SIZE}")
        rows = self._state.store.list(owner.tenant, "documents", None)
        used = sum(row.message(v1beta.Document).size_bytes for row in rows)
        if used + size > MAX_TOTAL_SIZE:
            raise storage_full(MAX_TOTAL_SIZE)

    def import_file(self, request: v1beta.ImportFileRequest, call: Call) -> operations_pb2.Operation:
        """Add an uploaded file, of which the document keeps a copy.

        Raises:
            StatusError: See `check`; or the file does not exist, is not ready, or has no bytes.
        """
        state = self._state
        name = check_name(request.file_name, "files/*", "file_name")
        blob, file = files.get_blob(state, call.tenant, name), files.get_file(state, call.tenant, name)
        if not blob:
            raise failed_precondition(name, "has no content; upload it first")
        self.check(request, call, file.size_bytes, "file_name")
        title = file.display_name or name.removeprefix("files/")
        copy = state.blobs.link(blob)
        return self._start(request, call, title, file.mime_type, copy, "")

    def add_upload(
        self, request: v1beta.UploadToFileSearchStoreRequest, owner: Owner, blob: str
    ) -> operations_pb2.Operation:
        """Add a file that was uploaded to a store.

        Args:
            request: The request.
            owner: The caller.
            blob: Its bytes in ``state.blobs``, which belong to the operation from now on.

        Raises:
            StatusError: See `check`.
        """
        self.check(request, owner, self._state.blobs.size(blob), "file")
        return self._start(request, owner, request.display_name, request.mime_type, blob, "/upload")

    def _start(
        self,
        request: _Request,
        owner: Owner,
        title: str,
        mime_type: str,
        blob: str,
        path: str,
    ) -> operations_pb2.Operation:
        state, store = self._state, request.file_search_store_name
        check_display_name(title, "display_name")
        document = v1beta.Document(
            name=resolve_name(state, "", f"{store}/documents", title, "name"),
            display_name=title,
            custom_metadata=request.custom_metadata,
            state="STATE_PENDING",
            size_bytes=state.blobs.size(blob),
            mime_type=mime_type,
        )
        for moment in (document.create_time, document.update_time):
            moment.FromDatetime(state.clock.datetime())
        metadata = v1beta.UploadToFileSearchStoreMetadata() if path else v1beta.ImportFileMetadata()
        words, overlap = _get_chunk_words(request.chunking_config)
        work = _Work(document.name, [blob], words, overlap, state.clock.now() + _PENDING)
        with state.store.transaction():
            state.store.put(owner.tenant, document.name, document, parent=store, owner=owner.caller)
            operation = longrunning.create(state, owner, f"{store}{path}", metadata, dataclasses.asdict(work))
        state.blobs.seal(blob)
        state.spawn(self._run(owner.tenant, operation.name, work))
        return operation

    async def _run(self, tenant: str, name: str, work: _Work) -> None:
        """Process a document; it may be deleted meanwhile, alone or with its store."""
        state, [blob] = self._state, work.contents
        await state.clock.sleep(max(work.ends - state.clock.now(), 0.0))
        try:
            document = self._get(tenant, work.document)
            text = await asyncio.to_thread(read_text, state.blobs.path(blob), document.mime_type)
            chunks = await asyncio.to_thread(split_text, text, work.words, work.overlap)
            extras = []
            for start in range(0, len(chunks), _BATCH):
                extras += await embed_for_storage(state.engine, chunks[start : start + _BATCH])
                await asyncio.sleep(0)
            self._activate(tenant, name, document.name, chunks, extras)
        except StatusError as error:
            self._fail(tenant, name, work.document, error)
        except Exception as error:
            why = f"the emulator failed: {type(error).__name__}: {error}"
            self._fail(tenant, name, work.document, StatusError(grpc.StatusCode.INTERNAL, why))
            raise
        state.blobs.delete(blob)

    def _get(self, tenant: str, name: str) -> v1beta.Document:
        row = self._state.store.get(tenant, name)
        if row is None:
            raise not_found(name)
        return row.message(v1beta.Document)

    def _activate(
        self, tenant: str, operation: str, name: str, chunks: Sequence[str], extras: Sequence[str]
    ) -> None:
        state = self._state
        with state.store.transaction():
            document = self._get(tenant, name)
            for number, (text, extra) in enumerate(zip(chunks, extras, strict=True)):
                chunk = v1beta.Chunk(name=f"{name}/chunks/{number}", state="STATE_ACTIVE")
                chunk.data.string_value = text
                for moment in (chunk.create_time, chunk.update_time):
                    moment.FromDatetime(state.clock.datetime())
                state.store.put(tenant, chunk.name, chunk, parent=name, extra=extra)
            self._replace(tenant, document, _STATES.STATE_ACTIVE)
            response: v1beta.UploadToFileSearchStoreResponse | v1beta.ImportFileResponse
            if "/upload/" in operation:
                response = v1beta.UploadToFileSearchStoreResponse(
                    mime_type=document.mime_type, size_bytes=document.size_bytes
                )
            else:
                response = v1beta.ImportFileResponse()
            response.parent, response.document_name = name.partition("/documents/")[0], name
            longrunning.succeed(state, tenant, operation, response)

    def _fail(self, tenant: str, operation: str, name: str, error: StatusError) -> None:
        with self._state.store.transaction():
            row = self._state.store.get(tenant, name)
            if row is not None:
                self._replace(tenant, row.message(v1beta.Document), _STATES.STATE_FAILED)
            longrunning.fail(self._state, tenant, operation, error)

    def _replace(self, tenant: str, document: v1beta.Document, state: v1beta.Document.State) -> None:
        document.state = state
        document.update_time.FromDatetime(self._state.clock.datetime())
        self._state.store.replace(tenant, document.name, document)


def _get_chunk_words(config: v1beta.ChunkingConfig) -> tuple[int, int]:
    """Return how many words a chunk has at most, and how many two neighbours share."""
    space, path = config.white_space_config, "chunking_config.white_space_config"
    words = space.max_tokens_per_chunk if space.HasField("max_tokens_per_chunk") else _WORDS
    overlap = space.max_overlap_tokens if space.HasField("max_overlap_tokens") else min(_OVERLAP, words // 10)
    if not 1 <= words <= _MOST_WORDS:
        raise invalid_argument(
            f"{path}.max_tokens_per_chunk", f"must be from 1 to {_MOST_WORDS}, got {words}"
        )
    if not 0 <= overlap < words:
        raise invalid_argument(
            f"{path}.max_overlap_tokens",
            f"must be from 0 to {words - 1}, got {overlap}",
        )
    return words, overlap
