"""Batches: many requests, processed in the background.

Requests and responses are lines in ``state.blobs``; after a kill -9 a batch resumes after its last response.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import grpc

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, failed_precondition, invalid_argument
from gemwire_emulator.json_codec.messages import to_json
from gemwire_emulator.names import check_name, generate_id
from gemwire_emulator.services import batch_lines, batch_state, files, longrunning
from gemwire_emulator.services.batch_lines import ItemHandler
from gemwire_emulator.services.batch_state import KIND, Batch, set_stats, update
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.priority_semaphore import PrioritySemaphore
from gemwire_emulator.services.resource_lookup import check_display_name
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2

#: Batches that are processed at a time, and requests of each.
_MAX_BATCHES = 2
_MAX_REQUESTS = 4
#: Seconds, by the emulator's clock, for which a batch is pending at least, and after which it expires.
_PENDING = 1.0
_LIFETIME = 48 * 3600.0

_CreateRequest: TypeAlias = "v1beta.BatchGenerateContentRequest | v1beta.AsyncBatchEmbedContentRequest"


class Batches:
    """The creation and processing of batches."""

    def __init__(self, state: State, handlers: Mapping[str, ItemHandler]) -> None:
        """Create a processor.

        Args:
            state: State of the emulator.
            handlers: Handlers of requests, by the kind of batch: ``generate`` and ``embed``.
        """
        self._state = state
        self._handlers = handlers
        self._semaphore = PrioritySemaphore(_MAX_BATCHES)

    def resume(self) -> None:
        """Resume unfinished batches."""
        for tenant, row in list(self._state.store.list_all_tenants(KIND)):
            operation = row.message(operations_pb2.Operation)
            if batch_state.upgrade(operation):
                self._state.store.replace(tenant, row.name, operation)
            if not operation.done:
                self._state.spawn(self._run(tenant, row.name))

    def create(self, kind: str, request: _CreateRequest, call: Call) -> operations_pb2.Operation:
        """Create a batch and start processing it.

        Args:
            kind: Kind of the batch: ``generate`` or ``embed``.
            request: The request.
            call: The call.

        Raises:
            StatusError: The request is invalid.
        """
        state, given = self._state, request.batch
        method = "batchGenerateContent" if kind == "generate" else "asyncBatchEmbedContent"
        check_model(state, request.model, "model", call, method)
        if not request.HasField("batch"):
            raise invalid_argument("batch", "is required")
        check_display_name(given.display_name, "batch.display_name")
        blob, requests = self._store_input(given, call)
        batch = type(given)(
            name=f"{KIND}/{generate_id('', state.store.next_number())}",
            model=request.model,
            display_name=given.display_name,
            priority=given.priority,
            state="BATCH_STATE_PENDING",
        )
        file = given.input_config.file_name
        if file:
            batch.input_config.file_name = file
        else:
            set_stats(batch, requests, 0, 0)
        for time in (batch.create_time, batch.update_time):
            time.FromDatetime(state.clock.datetime())
        operation = operations_pb2.Operation(name=batch.name)
        longrunning.pack(operation.metadata, batch)
        extra = {
            "contents": [blob, state.blobs.create()],
            "inline": not file,
            "kind": kind,
            "model": request.model,
            "priority": given.priority,
            "began": state.clock.now(),
        }
        state.store.put(call.tenant, batch.name, operation, owner=call.caller, extra=json.dumps(extra))
        state.spawn(self._run(call.tenant, batch.name))
        return operation

    def _store_input(self, batch: Batch, call: Call) -> tuple[str, int]:
        """Store the requests of a batch; return their blob and, of inline requests, their number."""
        source = batch.input_config.WhichOneof("source")
        if source is None:
            raise invalid_argument("batch.input_config", "set one of file_name and requests")
        if source == "file_name":
            name = check_name(batch.input_config.file_name, "files/*", "batch.input_config.file_name")
            blob = files.get_blob(self._state, call.tenant, name)
            if not blob:
                raise failed_precondition(name, "has no content; upload it first")
            return self._state.blobs.link(blob), 0
        requests = batch.input_config.requests.requests
        if not requests:
            raise invalid_argument("batch.input_config.requests.requests", "must not be empty")
        lines = b"".join(to_json(request).encode() + b"\n" for request in requests)
        return self._state.blobs.put(lines), len(requests)

    async def _run(self, tenant: str, name: str) -> None:
        """Process a batch until it is done, cancelled, deleted or expired."""
        state, row = self._state, self._state.store.get(tenant, name)
        if row is None:
            return
        extra = json.loads(row.extra)
        expires = extra["began"] + _LIFETIME
        await state.clock.sleep(extra["began"] + _PENDING - state.clock.now())
        async with self._semaphore.acquire(-extra["priority"], row.number):
            work = asyncio.ensure_future(self._process(tenant, row, extra))
            try:
                while self._is_active(tenant, row, expires) and not work.done():
                    change = asyncio.ensure_future(
                        longrunning.wait_for_change(state, tenant, name, expires - state.clock.now())
                    )
                    await asyncio.wait((work, change), return_when=asyncio.FIRST_COMPLETED)
                    change.cancel()
            finally:
                work.cancel()
                [error] = await asyncio.gather(work, return_exceptions=True)
            if isinstance(error, StatusError):
                batch_state.end(state, tenant, name, "FAILED", error)
            elif isinstance(error, Exception):
                internal = StatusError(grpc.StatusCode.INTERNAL, f"the emulator failed: {error}")
                batch_state.end(state, tenant, name, "FAILED", internal)

    def _is_active(self, tenant: str, row: Row, expires: float) -> bool:
        """Return whether a batch is still to be processed; end it where it has expired."""
        current = self._state.store.get(tenant, row.name)
        if current is None or current.number != row.number:
            return False
        if current.message(operations_pb2.Operation).done:
            return False
        if self._state.clock.now() >= expires:
            error = StatusError(
                grpc.StatusCode.DEADLINE_EXCEEDED, f"{row.name} was not done within 48 hours."
            )
            batch_state.end(self._state, tenant, row.name, "EXPIRED", error)
            return False
        return True

    async def _process(self, tenant: str, row: Row, extra: dict[str, Any]) -> None:
        state, name = self._state, row.name
        source, target = (state.blobs.path(blob) for blob in extra["contents"])
        total = await asyncio.to_thread(batch_lines.count_lines, source)
        responses, errors = await asyncio.to_thread(batch_lines.count_responses, target)
        if not total:
            raise invalid_argument("batch.input_config.file_name", "is a file without requests")

        def set_running(batch: Batch) -> None:
            batch.state = v1beta.BatchState.BATCH_STATE_RUNNING
            set_stats(batch, total, responses, errors)

        update(state, tenant, name, set_running)
        handler, model = self._handlers[extra["kind"]], extra["model"]
        # Responses are written in the order of the requests, so their number tells where to resume.
        pending: deque[asyncio.Future[bytes]] = deque()
        requests = batch_lines.iter_lines(source)
        try:
            deque(islice(requests, responses), maxlen=0)
            while True:
                for line in islice(requests, _MAX_REQUESTS - len(pending)):
                    work = batch_lines.handle_line(line, handler, model, tenant)
                    pending.append(asyncio.ensure_future(work))
                if not pending:
                    break
                response = await pending[0]
                pending.popleft()
                state.blobs.append(extra["contents"][1], response)
                responses, errors = responses + 1, errors + ("error" in json.loads(response))
                progress = partial(set_stats, total=total, responses=responses, errors=errors)
                update(state, tenant, name, progress)
        finally:
            requests.close()
            for one in pending:
                one.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        await asyncio.to_thread(state.blobs.sha256, extra["contents"][1])
        self._succeed(tenant, row, extra)

    def _succeed(self, tenant: str, row: Row, extra: dict[str, Any]) -> None:
        state, [source, target] = self._state, extra["contents"]

        def set_succeeded(batch: Batch) -> None:
            batch.state = v1beta.BatchState.BATCH_STATE_SUCCEEDED
            batch.end_time.FromDatetime(state.clock.datetime())
            batch.output.SetInParent()
            if not extra["inline"]:
                batch.output.responses_file = self._store_output(tenant, row, target)

        with state.store.transaction():
            update(state, tenant, row.name, set_succeeded)
            operation = longrunning.get(state, tenant, row.name)
            if operation is not None:
                longrunning.succeed(state, tenant, row.name, batch_state.unpack(operation).output)
        state.blobs.seal(target)
        # Responses in a file expire with the file.
        for blob in (source,) if extra["inline"] else (source, target):
            state.blobs.delete(blob)

    def _store_output(self, tenant: str, row: Row, blob: str) -> str:
        """Store the responses of a batch as a file, and return its name."""
        requested = v1beta.File(
            # Clients recognize only letters and digits as a file's name in a URI.
            name=f"files/batch{row.name.rpartition('/')[2]}",
            mime_type="application/jsonl",
            source=v1beta.File.Source.GENERATED,
        )
        return files.store_file(self._state, tenant, row.owner, requested, self._state.blobs.link(blob)).name
