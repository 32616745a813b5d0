"""Batches: many requests, answered in the background. They have no protos: what is known of them is JSON.

Requests and answers are lines in ``state.blobs``; a batch that a kill -9
ended goes on behind the last answer that is there.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from itertools import islice
from typing import Any

import grpc
from google.protobuf import json_format

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, failed_precondition, invalid_argument
from gemwire_emulator.names import check_name, generate_id
from gemwire_emulator.services import batch_items, files, longrunning
from gemwire_emulator.services.batch_items import KINDS
from gemwire_emulator.services.batch_state import KIND, end, stats, struct, tell, time_of
from gemwire_emulator.services.generation import GenerativeService
from gemwire_emulator.services.model_catalog import check_model
from gemwire_emulator.services.priority_semaphore import PrioritySemaphore
from gemwire_emulator.services.resource_lookup import check_display_name
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import struct_pb2
from gemwire_runtime.method import Kind, Method

#: Batches that are worked on at a time, and requests of each.
_AT_ONCE = 2
_REQUESTS_AT_ONCE = 4
#: Seconds, by the emulator's clock, for which a batch waits at least, and at most until it is done.
_QUEUED = 1.0
_LIFETIME = 48 * 3600.0
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1beta."


def _method(name: str, snake: str) -> Method[Any, Any]:
    return Method("http", name, snake, Kind.UNARY, struct_pb2.Struct, operations_pb2.Operation)


#: What the journal and faults call the ways to begin a batch.
METHODS = {
    "generate": _method("BatchGenerateContent", "batch_generate_content"),
    "embed": _method("AsyncBatchEmbedContent", "async_batch_embed_content"),
}


class Batches:
    """Begins batches, and works on them."""

    def __init__(self, state: State, service: GenerativeService) -> None:
        """See the class.

        Args:
            state: State of the emulator.
            service: Answers the requests.
        """
        self._state = state
        self._service = service
        self._slots = PrioritySemaphore(_AT_ONCE)

    def batch_generate_content(self, request: Any, call: Call) -> Any:
        """Begin a batch of GenerateContentRequests."""
        return self._begin("generate", json_format.MessageToDict(request), call)

    def async_batch_embed_content(self, request: Any, call: Call) -> Any:
        """Begin a batch of EmbedContentRequests."""
        return self._begin("embed", json_format.MessageToDict(request), call)

    def resume(self) -> None:
        """Go on with the batches that are not done."""
        for tenant, row in self._state.store.list_all_tenants(KIND):
            if not row.message(operations_pb2.Operation).done:
                self._state.spawn(self._run(tenant, row.name))

    def _begin(self, kind: str, request: dict[str, Any], call: Call) -> Any:
        state, model, batch = self._state, request["model"], _object(request, "batch", "batch")
        check_model(state, model, "batch.model", call, KINDS[kind].serves)
        display_name = _either(batch, "displayName", "display_name") or ""
        if not isinstance(display_name, str):
            raise invalid_argument("batch.displayName", "must be a string")
        check_display_name(display_name, "batch.displayName")
        try:
            priority = int(batch.get("priority", 0))
        except (ValueError, TypeError):
            raise invalid_argument("batch.priority", f"{batch['priority']!r} is no whole number") from None
        told = {"@type": f"{_TYPE}{KINDS[kind].name}", "model": model}
        told |= {"displayName": display_name} if display_name else {}
        content, file, requests = self._input(batch, call)
        name = f"{KIND}/{generate_id('', state.store.next_number())}"
        told |= {"name": name, "createTime": time_of(self._state), "state": "BATCH_STATE_PENDING"}
        told |= {"inputConfig": {"fileName": file}} if file else {"batchStats": stats(requests, 0, 0)}
        told |= {"priority": str(priority)} if priority else {}
        operation = operations_pb2.Operation(name=name)
        operation.metadata.Pack(struct(told | {"updateTime": told["createTime"]}))
        extra = {
            "contents": [content, state.blobs.create()],
            "inline": not file,
            "kind": kind,
            "model": model,
            "priority": priority,
            "began": state.clock.now(),
        }
        state.store.put(call.tenant, name, operation, owner=call.caller, extra=json.dumps(extra))
        state.spawn(self._run(call.tenant, name))
        return operation

    def _input(self, batch: dict[str, Any], call: Call) -> tuple[str, str, int]:
        """Where the requests are, the file that they come from, and else how many there are."""
        given = _object(batch, "inputConfig", "batch.inputConfig", "input_config")
        file, inline = _either(given, "fileName", "file_name"), given.get("requests")
        if (file is None) == (inline is None):
            raise invalid_argument("batch.inputConfig", "set one of fileName and requests")
        if file is not None:
            name = check_name(str(file), "files/*", "batch.inputConfig.fileName")
            content = files.get_blob(self._state, call.tenant, name)
            if not content:
                raise failed_precondition(name, "has no content; upload it")
            return self._state.blobs.link(content), name, 0
        listed = _object(given, "requests", "batch.inputConfig.requests").get("requests")
        if not isinstance(listed, list) or not listed:
            raise invalid_argument(
                "batch.inputConfig.requests.requests", "is required, with at least one request"
            )
        return (
            self._state.blobs.put(b"".join(json.dumps(r).encode() + b"\n" for r in listed)),
            "",
            len(listed),
        )

    async def _run(self, tenant: str, name: str) -> None:
        """Work on a batch, until it is done, cancelled, deleted or too old."""
        state, row = self._state, self._state.store.get(tenant, name)
        if row is None:
            return
        extra = json.loads(row.extra)
        await state.clock.sleep(extra["began"] + _QUEUED - state.clock.now())
        async with self._slots.acquire(-extra["priority"], row.number):
            work = asyncio.ensure_future(self._work(tenant, row, extra))
            try:
                while self._wanted(tenant, row, extra["began"] + _LIFETIME) and not work.done():
                    left = extra["began"] + _LIFETIME - state.clock.now()
                    looking = asyncio.ensure_future(longrunning.wait_for_change(state, tenant, name, left))
                    await asyncio.wait((work, looking), return_when=asyncio.FIRST_COMPLETED)
                    looking.cancel()
            finally:
                work.cancel()
                [ended] = await asyncio.gather(work, return_exceptions=True)
            if isinstance(ended, Exception):
                failure = (
                    ended
                    if isinstance(ended, StatusError)
                    else StatusError(grpc.StatusCode.INTERNAL, str(ended))
                )
                end(self._state, tenant, name, "FAILED", failure)

    def _wanted(self, tenant: str, row: Row, until: float) -> bool:
        now = self._state.store.get(tenant, row.name)
        if now is None or now.number != row.number or now.message(operations_pb2.Operation).done:
            return False
        if self._state.clock.now() >= until:
            late = StatusError(grpc.StatusCode.DEADLINE_EXCEEDED, f"{row.name} was not done within 48 hours.")
            end(self._state, tenant, row.name, "EXPIRED", late)
            return False
        return True

    async def _work(self, tenant: str, row: Row, extra: dict[str, Any]) -> None:
        source, target = (self._state.blobs.path(content) for content in extra["contents"])
        total = await asyncio.to_thread(batch_items.count_lines, source)
        answers, errors = await asyncio.to_thread(batch_items.count_answers, target)
        if not total:
            raise StatusError(
                grpc.StatusCode.INVALID_ARGUMENT, "batch.inputConfig: the file has no requests."
            )
        tell(
            self._state,
            tenant,
            row.name,
            state="BATCH_STATE_RUNNING",
            batchStats=stats(total, answers, errors),
        )
        kind, model = KINDS[extra["kind"]], extra["model"]
        # Answers are written in the order of the requests: how many there are says which.
        waiting: deque[asyncio.Future[bytes]] = deque()
        requests = batch_items.iter_lines(source)
        try:
            # Those that a former run has answered.
            deque(islice(requests, answers), maxlen=0)
            while True:
                for line in islice(requests, _REQUESTS_AT_ONCE - len(waiting)):
                    answering = batch_items.answer_line(line, kind, model, self._service, tenant)
                    waiting.append(asyncio.ensure_future(answering))
                if not waiting:
                    break
                answer = await waiting[0]
                waiting.popleft()
                self._state.blobs.append(extra["contents"][1], answer)
                answers, errors = answers + 1, errors + ("error" in json.loads(answer))
                tell(self._state, tenant, row.name, batchStats=stats(total, answers, errors))
        finally:
            requests.close()
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.to_thread(self._state.blobs.sha256, extra["contents"][1])
        self._succeed(tenant, row, extra)

    def _succeed(self, tenant: str, row: Row, extra: dict[str, Any]) -> None:
        state, [source, target] = self._state, extra["contents"]
        result: dict[str, Any] = {"@type": f"{_TYPE}{KINDS[extra['kind']].name}Output"}
        with state.store.transaction():
            if not extra["inline"]:
                wanted = v1beta.File(
                    # Clients find the name in an address by its letters and digits alone.
                    name=f"files/batch{row.name.rpartition('/')[2]}",
                    mime_type="application/jsonl",
                    source=v1beta.File.Source.GENERATED,
                )
                file = files.store_file(state, tenant, row.owner, wanted, state.blobs.link(target))
                result["responsesFile"] = file.name
                tell(self._state, tenant, row.name, output={"responsesFile": file.name})
            tell(self._state, tenant, row.name, state="BATCH_STATE_SUCCEEDED", endTime=time_of(self._state))
            longrunning.succeed(state, tenant, row.name, struct(result))
        state.blobs.seal(target)
        # What is in a file has the file's life.
        for content in (source,) if extra["inline"] else (source, target):
            state.blobs.delete(content)


def _either(data: dict[str, Any], *names: str) -> Any:
    return next((data[name] for name in names if data.get(name) is not None), None)


def _object(data: dict[str, Any], name: str, field: str, *others: str) -> dict[str, Any]:
    found = _either(data, name, *others)
    if not isinstance(found, dict):
        raise invalid_argument(field, "is required, as an object")
    return found
