"""An emulator with one resource of each kind, a valid request for every RPC, and bytes sent to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import grpc
import random_messages
from emulator_calls import Refusal
from eventually import comes

from gemwire.testing import RunningEmulator
from gemwire_emulator.engines.instant import InstantEngine
from gemwire_emulator.server import SERVICES
from gemwire_runtime.method import Kind, Method

#: The RPCs that gRPC serves.
METHODS: dict[str, Method[Any, Any]] = {
    method.path: method for service in SERVICES for method in service.methods.values() if not method.http_only
}
#: Of two of a name the one of v1beta, which comes first.
BY_NAME: dict[str, Method[Any, Any]] = {
    method.name: method for service in reversed(SERVICES) for method in service.methods.values()
}

#: Tokens that its model takes.
LIMIT = 1000
LONG = "a" * 10_000
MODEL, TUNABLE = "models/gemini-2.5-flash", "models/gemini-1.5-flash-001-tuning"
TUNED, CORPUS = "tunedModels/kept", "corpora/kept"
DOCUMENT = f"{CORPUS}/documents/kept"
CHUNK = f"{DOCUMENT}/chunks/kept"
TUNING = {
    "display_name": "kept",
    "base_model": TUNABLE,
    "temperature": 0.5,
    "tuning_task": {
        "training_data": {"examples": {"examples": [{"text_input": "1", "output": "2"}]}},
        "hyperparameters": {"epoch_count": 1, "batch_size": 1, "learning_rate": 0.1},
    },
}
HELLO = [{"role": "user", "parts": [{"text": "Hello"}]}]
CONTENT = HELLO[0]
CONFIG = {"candidate_count": 1, "thinking_config": {"thinking_budget": -1}}
PALM = {"temperature": 0.5, "candidate_count": 1}
PREDICTION = {"instances": [{"struct_value": {"prompt": "a cat"}}]}
TTL = {"ttl": {"seconds": 60}}
CHUNKED = {"data": {"string_value": "The sky is blue."}}


class Small(InstantEngine):
    """An engine whose limit is reached by a text of some kilobytes."""

    input_token_limit = LIMIT


class Populated:
    """A running emulator with state in it, and bytes sent to it.

    Attributes:
        valid: For each RPC by its name, a request that is answered.
    """

    def __init__(self, **settings: Any) -> None:
        # Time stands still: what a call did is seen at once, and nothing else happens.
        self.emulator = RunningEmulator(
            engine=Small(), tuning_seconds=0.0, frozen_at=1_800_000_000.0, **settings
        )
        self.channel = grpc.insecure_channel(
            self.emulator.address, options=[("grpc.max_receive_message_length", -1)]
        )
        self.valid: dict[str, Mapping[str, Any]] = {}

    def renew(self) -> None:
        """Begin again with one resource of each kind."""
        self.emulator.reset()
        tuning = self._make("CreateTunedModel", tuned_model=TUNING, tuned_model_id="kept")
        cached = {"model": MODEL, "contents": HELLO, "ttl": {"seconds": 3600}}
        cache = self._make("CreateCachedContent", cached_content=cached)
        file = self._make("CreateFile", file={"name": "files/kept"}).file
        self._make("CreateCorpus", corpus={"name": CORPUS, "display_name": "kept"})
        self._make("CreateDocument", parent=CORPUS, document={"name": DOCUMENT})
        self._make("CreateChunk", parent=DOCUMENT, chunk={"name": CHUNK, **CHUNKED})
        ann = {"grantee_type": "USER", "email_address": "ann@example.com", "role": "READER"}
        permission = self._make("CreatePermission", parent=TUNED, permission=ann)
        self.valid = _valid(tuning.name, cache.name, file.name, permission.name)

    def _make(self, rpc: str, **fields: Any) -> Any:
        method = BY_NAME[rpc]
        answer = self.send(method, method.request(**fields))
        assert not isinstance(answer, Refusal), answer
        return method.response.FromString(answer[0])

    def send(self, method: Method[Any, Any], *requests: Any, timeout: float = 60) -> list[bytes] | Refusal:
        """Make a call; return its messages, or its error."""
        sent: list[bytes] = [r if isinstance(r, bytes) else r.SerializeToString() for r in requests]
        try:
            if method.kind is Kind.UNARY:
                unary: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self.channel.unary_unary(method.path)
                return [unary(sent[0], timeout=timeout)]
            if method.kind is Kind.SERVER_STREAM:
                stream: grpc.UnaryStreamMultiCallable[bytes, bytes] = self.channel.unary_stream(method.path)
                return list(stream(sent[0], timeout=timeout))
            bidi: grpc.StreamStreamMultiCallable[bytes, bytes] = self.channel.stream_stream(method.path)
            return list(bidi(iter(sent), timeout=timeout))
        except grpc.RpcError as error:
            return Refusal(error)

    def request(self, method: Method[Any, Any]) -> Any:
        """Return the valid request of a method."""
        # Those of v1 are parts of those of v1beta, on the wire.
        whole = BY_NAME[method.name].request(**self.valid[method.name])
        return method.request.FromString(whole.SerializeToString())

    def state(self) -> list[Any]:
        """All that the emulator remembers."""
        emulator = self.emulator
        # A live session that began is kept for a while, however it ended.
        query = "SELECT * FROM resource WHERE kind != 'liveSessions' ORDER BY tenant, name"
        return emulator._run_sync(lambda: emulator._emulator.state.store._database.execute(query).fetchall())

    def settled(self) -> bool:
        """Wait until all calls have ended, which clients may notice first; return whether they have."""
        return comes(lambda: all(entry.status is not None for entry in self.emulator.calls()))

    def refused(self, method: Method[Any, Any], *requests: Any) -> Refusal:
        """Make a call that must be refused, and change nothing."""
        before = self.state()
        answer = self.send(method, *requests)
        assert isinstance(answer, Refusal), (method, requests)
        check(answer, method)
        assert self.state() == before
        return answer

    def survives(self, method: Method[Any, Any], *requests: Any) -> None:
        """Make a call that may succeed; if it fails, check its error."""
        before = self.state()
        answer = self.send(method, *requests)
        if isinstance(answer, Refusal):
            check(answer, method)
            assert self.state() == before


def _batch(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"input_config": {"requests": {"requests": [{"request": request}]}}}


def _valid(operation: str, cache: str, file: str, permission: str) -> dict[str, Mapping[str, Any]]:
    mask = {"paths": ["display_name"]}
    generation = {"model": MODEL, "contents": HELLO, "generation_config": CONFIG}
    condition = {"operation": "EQUAL", "numeric_value": 1}
    query = {
        "query": "sky",
        "results_count": 1,
        "metadata_filters": [{"key": "chunk.custom_metadata.a", "conditions": [condition]}],
    }
    named = {
        "CachedContent": cache, "Chunk": CHUNK, "Corpus": CORPUS, "Document": DOCUMENT, "File": file,
        "Model": MODEL, "Operation": operation, "Permission": permission, "TunedModel": TUNED,
    }  # fmt: skip
    by_name = {
        f"{verb}{kind}": {"name": name}
        for kind, name in named.items()
        for verb in ("Get", "Delete", "Cancel", "Wait", "Download")
    }
    detection = {"automatic_activity_detection": {"silence_duration_ms": 10}}
    window = {"trigger_tokens": 900, "sliding_window": {"target_tokens": 100}}
    setup = {
        "model": MODEL, "generation_config": {"temperature": 0.5}, "realtime_input_config": detection,
        "context_window_compression": window,
    }  # fmt: skip
    talk = {"model": "models/chat-bison-001", "prompt": {"messages": [{"content": "Hi"}]}}
    embedding = {"model": "models/embedding-001", "content": CONTENT}
    lists: dict[str, Any] = {
        "ListCachedContents": {}, "ListChunks": {"parent": DOCUMENT}, "ListCorpora": {}, "ListFiles": {},
        "ListDocuments": {"parent": CORPUS}, "ListModels": {}, "ListTunedModels": {"filter": "kept"},
        "ListOperations": {"name": TUNED}, "ListPermissions": {"parent": TUNED},
    }  # fmt: skip
    return {
        **by_name,
        **lists,
        "CreateCachedContent": {"cached_content": {"model": MODEL, "contents": HELLO, **TTL}},
        "UpdateCachedContent": {"cached_content": {"name": cache, **TTL}, "update_mask": {"paths": ["ttl"]}},
        "GenerateMessage": {**talk, **PALM},
        "CountMessageTokens": talk,
        "CreateFile": {"file": {"display_name": "notes"}},
        "GenerateContent": generation,
        "StreamGenerateContent": generation,
        "GenerateAnswer": {
            "model": "models/aqa", "contents": HELLO, "answer_style": "EXTRACTIVE", "temperature": 0.5,
            "semantic_retriever": {"source": CORPUS, "query": CONTENT, "max_chunks_count": 1},
        },
        "EmbedContent": embedding,
        "BatchEmbedContents": {"model": "models/embedding-001", "requests": [embedding]},
        "CountTokens": {"model": MODEL, "contents": HELLO},
        "BatchGenerateContent": {"model": MODEL, "batch": _batch({"contents": HELLO})},
        "AsyncBatchEmbedContent": {"model": "models/embedding-001", "batch": _batch({"content": CONTENT})},
        "BidiGenerateContent": {"setup": setup},
        "CreateTunedModel": {"tuned_model": TUNING},
        "UpdateTunedModel": {
            "tuned_model": {"name": TUNED, "display_name": "new"},
            "update_mask": {"paths": ["display_name", "temperature", "top_p", "top_k"]},
        },
        "CreatePermission": {"parent": TUNED, "permission": {"grantee_type": "EVERYONE", "role": "READER"}},
        "UpdatePermission": {
            "permission": {"name": permission, "role": "WRITER"}, "update_mask": {"paths": ["role"]},
        },
        "TransferOwnership": {"name": TUNED, "email_address": "bob@example.com"},
        "Predict": {"model": "models/imagen-3.0-generate-002", **PREDICTION},
        "PredictLongRunning": {"model": "models/veo-2.0-generate-001", **PREDICTION},
        "CreateCorpus": {"corpus": {"display_name": "notes"}},
        "DeleteCorpus": {"name": CORPUS, "force": True},
        "DeleteDocument": {"name": DOCUMENT, "force": True},
        "UpdateCorpus": {"corpus": {"name": CORPUS, "display_name": "new"}, "update_mask": mask},
        "QueryCorpus": {"name": CORPUS, **query},
        "CreateDocument": {"parent": CORPUS, "document": {"display_name": "notes"}},
        "UpdateDocument": {"document": {"name": DOCUMENT, "display_name": "new"}, "update_mask": mask},
        "QueryDocument": {"name": DOCUMENT, **query},
        "CreateChunk": {"parent": DOCUMENT, "chunk": CHUNKED},
        "BatchCreateChunks": {"parent": DOCUMENT, "requests": [{"parent": DOCUMENT, "chunk": CHUNKED}]},
        "UpdateChunk": {"chunk": {"name": CHUNK, **CHUNKED}, "update_mask": {"paths": ["data"]}},
        "BatchUpdateChunks": {
            "parent": DOCUMENT,
            "requests": [{"chunk": {"name": CHUNK, **CHUNKED}, "update_mask": {"paths": ["data"]}}],
        },
        "BatchDeleteChunks": {"parent": DOCUMENT, "requests": [{"name": CHUNK}]},
        "GenerateText": {"model": "models/text-bison-001", "prompt": {"text": "Hello"}, **PALM},
        "EmbedText": {"model": "models/embedding-gecko-001", "text": "Hello"},
        "BatchEmbedText": {"model": "models/embedding-gecko-001", "texts": ["Hello"]},
        "CountTextTokens": {"model": "models/text-bison-001", "prompt": {"text": "Hello"}},
    }  # fmt: skip


#: What a request can be answered with, its deadline and the fate of the server aside.
CLIENT_ERRORS = frozenset(
    {"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "OUT_OF_RANGE"}
    | {"PERMISSION_DENIED", "RESOURCE_EXHAUSTED"}
)
_STEP = re.compile(r"(\w+)((?:\[\d+\])?)(?:\.|\Z)")


def check(refusal: Refusal, method: Method[Any, Any]) -> None:
    """Check that an error is the client's, has details, and names existing fields."""
    assert refusal.code in CLIENT_ERRORS, refusal
    assert refusal.details, refusal
    assert len(refusal.message) < 1000
    if refusal.code == "INVALID_ARGUMENT":
        assert refusal.fields, refusal
        for field in refusal.fields:
            assert exists(method.request.DESCRIPTOR, field), refusal


def exists(descriptor: Any, path: str) -> bool:
    """Return whether a message has a field, or a oneof, at a path: ``contents[0].parts``."""
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None or descriptor is None:
            return False
        if descriptor.full_name.startswith("google.protobuf."):
            return True  # What is inside a Struct is not of the schema.
        if step[1] in descriptor.oneofs_by_name and step.end() == len(path):
            return True
        field = descriptor.fields_by_name.get(step[1])
        if field is None or (step[2] and not random_messages.is_repeated(field)):
            return False
        descriptor, at = field.message_type, step.end()
    return bool(path)


def having(field: str) -> list[str]:
    """Return the RPCs whose requests have a field."""
    return [path for path, method in METHODS.items() if field in method.request.DESCRIPTOR.fields_by_name]
