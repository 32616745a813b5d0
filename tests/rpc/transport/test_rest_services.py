"""Every RPC that has an HTTP form, over REST and over gRPC, against two emulators: the same results."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import json_format
from scripted_grpc_server import TABLE, VERSIONS

from gemwire import errors
from gemwire._transport.rest.transcode import bindings
from gemwire.testing import RunningEmulator
from gemwire_runtime.pool import POOL

_MODEL = "models/gemini-2.5-flash"
_ASK = [{"role": "user", "parts": [{"text": "Why is the sky blue? ü 🦊"}]}]
_NOW = 1_790_000_000.0


class _Run:
    """Makes calls by one transport and notes what came of them."""

    def __init__(self, transport: str) -> None:
        self._transport = transport
        self._clients: dict[tuple[str, str], Any] = {}
        self.outcomes: list[tuple[str, Any]] = []

    def client(self, service: str, version: str) -> Any:
        key = (service, version)
        if key not in self._clients:
            make = getattr(VERSIONS[version], f"{service}Client")
            self._clients[key] = make(transport=self._transport)
        return self._clients[key]

    def __call__(self, service: str, method: str, version: str = "v1beta", **arguments: Any) -> Any:
        try:
            result = getattr(self.client(service, version), method)(retry=None, **arguments)
            if hasattr(result, "operation"):
                noted: Any = result.operation
            elif hasattr(result, "pages") or method.startswith("stream"):
                noted = list(result)
            else:
                noted = result
        except errors.APIError as error:
            result = None
            noted = (type(error).__name__, error.message, [str(d) for d in error.details])
        self.outcomes.append((f"{service}.{method}", noted))
        return result

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def _struct(**texts: str) -> dict[str, Any]:
    """A google.protobuf.Value."""
    return {"struct_value": {"fields": {name: {"string_value": text} for name, text in texts.items()}}}


def _generation(run: _Run) -> None:
    for version in ("v1beta", "v1"):
        ask = {"version": version, "model": _MODEL}
        run("GenerativeService", "generate_content", contents=_ASK, **ask)
        run("GenerativeService", "stream_generate_content", contents=_ASK, **ask)
        run("GenerativeService", "count_tokens", contents=_ASK, **ask)
        embed = {"model": "models/gemini-embedding-001", "content": _ASK[0]}
        run("GenerativeService", "embed_content", version, **embed)
        run("GenerativeService", "batch_embed_contents", version, model=embed["model"], requests=[embed])
    request = {
        "model": _MODEL,
        "contents": _ASK,
        "generation_config": {
            "temperature": 0.5,
            "stop_sequences": ["x"],
            "response_mime_type": "application/json",
            "response_json_schema_ordered": _struct(type="object"),
        },
        "safety_settings": [{"category": 7, "threshold": 4}],
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "tools": [{"function_declarations": [{"name": "f", "description": "d"}]}],
    }
    run("GenerativeService", "generate_content", request=request)
    image = {"inline_data": {"mime_type": "image/png", "data": bytes(range(256))}}
    run("GenerativeService", "count_tokens", model=_MODEL, contents=[{"parts": [image]}])
    passages = {"passages": [{"id": "1", "content": {"parts": [{"text": "The sky is blue."}]}}]}
    run(
        "GenerativeService",
        "generate_answer",
        request={"model": "models/aqa", "contents": _ASK, "answer_style": 1, "inline_passages": passages},
    )
    run("GenerativeService", "generate_content", model="models/none", contents=_ASK)
    run("GenerativeService", "generate_content", model=_MODEL, contents=[])
    for version in ("v1beta", "v1"):
        run("ModelService", "list_models", version, request={"page_size": 2})
        run("ModelService", "get_model", version, name=_MODEL)


def _models(run: _Run) -> None:
    examples = {"examples": {"examples": [{"text_input": "1", "output": "2"}]}}
    tuned = {
        "display_name": "counting",
        "base_model": "models/gemini-1.5-flash-001-tuning",
        "tuning_task": {"training_data": examples, "hyperparameters": {"epoch_count": 2}},
    }
    operation = run("ModelService", "create_tuned_model", tuned_model=tuned, tuned_model_id="tuned-a")
    name = "tunedModels/tuned-a"
    run("ModelService", "get_operation", request={"name": operation.name})
    run("ModelService", "list_operations", request={"name": name})
    run("ModelService", "get_tuned_model", name=name)
    run("ModelService", "list_tuned_models", request={"page_size": 5, "filter": "owner:me"})
    run(
        "ModelService",
        "update_tuned_model",
        tuned_model={"name": name, "description": "new"},
        update_mask={"paths": ["description"]},
    )
    permission = run(
        "PermissionService",
        "create_permission",
        parent=name,
        permission={"grantee_type": 1, "email_address": "a@example.com", "role": 3},
    )
    run("PermissionService", "get_permission", name=permission.name)
    run("PermissionService", "list_permissions", parent=name)
    run(
        "PermissionService",
        "update_permission",
        permission={"name": permission.name, "role": 2},
        update_mask={"paths": ["role"]},
    )
    run("PermissionService", "delete_permission", name=permission.name)
    run("PermissionService", "transfer_ownership", request={"name": name, "email_address": "b@example.com"})
    run("ModelService", "delete_tuned_model", name=name)
    run("ModelService", "get_tuned_model", name=name)


def _corpora(run: _Run) -> None:
    corpus = run(
        "RetrieverService", "create_corpus", corpus={"name": "corpora/books", "display_name": "Books ü"}
    )
    run("RetrieverService", "get_corpus", name=corpus.name)
    run("RetrieverService", "list_corpora")
    run(
        "RetrieverService",
        "update_corpus",
        corpus={"name": corpus.name, "display_name": "More"},
        update_mask={"paths": ["display_name"]},
    )
    metadata = [{"key": "year", "numeric_value": 1.5}]
    document = run(
        "RetrieverService",
        "create_document",
        parent=corpus.name,
        document={"name": f"{corpus.name}/documents/one", "custom_metadata": metadata},
    )
    run("RetrieverService", "get_document", name=document.name)
    run("RetrieverService", "list_documents", parent=corpus.name)
    run(
        "RetrieverService",
        "update_document",
        document={"name": document.name, "display_name": "One"},
        update_mask={"paths": ["display_name"]},
    )

    def chunk(name: str) -> dict[str, Any]:
        return {
            "name": f"{document.name}/chunks/{name}",
            "data": {"string_value": f"the sky of {name} is blue"},
        }

    run("RetrieverService", "create_chunk", parent=document.name, chunk=chunk("a"))
    several = [{"parent": document.name, "chunk": chunk(name)} for name in ("b", "c")]
    run("RetrieverService", "batch_create_chunks", request={"parent": document.name, "requests": several})
    first = chunk("a")["name"]
    run("RetrieverService", "get_chunk", name=first)
    run("RetrieverService", "list_chunks", request={"parent": document.name, "page_size": 1})
    change: dict[str, Any] = {
        "chunk": {"name": first, "data": {"string_value": "x"}},
        "update_mask": {"paths": ["data"]},
    }
    run("RetrieverService", "update_chunk", **change)
    run("RetrieverService", "batch_update_chunks", request={"parent": document.name, "requests": [change]})
    run("RetrieverService", "query_corpus", request={"name": corpus.name, "query": "sky", "results_count": 2})
    run("RetrieverService", "query_document", request={"name": document.name, "query": "sky"})
    run("RetrieverService", "delete_chunk", name=first)
    run(
        "RetrieverService",
        "batch_delete_chunks",
        request={"parent": document.name, "requests": [{"name": chunk("b")["name"]}]},
    )
    run("RetrieverService", "delete_document", request={"name": document.name, "force": True})
    run("RetrieverService", "delete_corpus", request={"name": corpus.name, "force": True})


def _caches_and_files(run: _Run) -> None:
    long = [{"role": "user", "parts": [{"text": "word " * 5000}]}]
    cached = run(
        "CacheService",
        "create_cached_content",
        cached_content={"model": _MODEL, "contents": long, "ttl": {"seconds": 60}},
    )
    run("CacheService", "get_cached_content", name=cached.name)
    run("CacheService", "list_cached_contents")
    run(
        "CacheService",
        "update_cached_content",
        cached_content={"name": cached.name, "ttl": {"seconds": 90, "nanos": 5000}},
        update_mask={"paths": ["ttl"]},
    )
    run("CacheService", "delete_cached_content", name=cached.name)
    made = run("FileService", "create_file", request={"file": {"name": "files/f", "display_name": "F"}})
    assert made is not None
    run("FileService", "get_file", name="files/f")
    run("FileService", "list_files", request={"page_size": 10})
    run("FileService", "download_file", name="files/f")
    run("FileService", "delete_file", name="files/f")


def _legacy(run: _Run) -> None:
    prompt = {"messages": [{"content": "hello"}]}
    run("DiscussService", "generate_message", model="models/chat-bison-001", prompt=prompt)
    run("DiscussService", "count_message_tokens", model="models/chat-bison-001", prompt=prompt)
    run("TextService", "generate_text", model="models/text-bison-001", prompt={"text": "hello"})
    run("TextService", "embed_text", model="models/embedding-gecko-001", text="hello")
    run("TextService", "batch_embed_text", model="models/embedding-gecko-001", texts=["a", "b"])
    run("TextService", "count_text_tokens", model="models/text-bison-001", prompt={"text": "hello"})
    for model, method in (
        ("models/imagen-4.0-generate-001", "predict"),
        ("models/veo-2.0-generate-001", "predict_long_running"),
    ):
        run("PredictionService", method, request={"model": model, "instances": [_struct(prompt="a cat")]})


_SCENARIOS = (_generation, _models, _corpora, _caches_and_files, _legacy)


@pytest.fixture(scope="module")
def emulators() -> Iterator[tuple[RunningEmulator, RunningEmulator]]:
    pytest.importorskip("gemwire_emulator.http.server")
    both = RunningEmulator(frozen_at=_NOW), RunningEmulator(frozen_at=_NOW, http_port=0)
    yield both
    for one in both:
        one.stop()


@pytest.fixture
def runs(
    emulators: tuple[RunningEmulator, RunningEmulator], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[_Run, _Run]]:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", emulators[0].address)
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", emulators[1].http.removeprefix("http://"))
    both = _Run("grpc"), _Run("rest")
    yield both
    for one in both:
        one.close()


def _plain(noted: Any, names: dict[str, str]) -> str:
    """A result as text, with the names that the emulator drew at random numbered."""
    if isinstance(noted, list):
        return "\n".join(_plain(one, names) for one in noted)
    text = (
        str(noted)
        if isinstance(noted, tuple)
        else json_format.MessageToJson(noted, descriptor_pool=POOL, sort_keys=True)
    )
    return re.sub(
        r"(?<=[/-])(emulated-)?0[0-9a-z]{11}\b|(?<=cachedContents/)\w+|(?<=permissions/)\w+",
        lambda f: names.setdefault(f[0], f"#{len(names)}"),
        text,
    )


@pytest.fixture(scope="module")
def played() -> set[Any]:
    """The scenarios that have been played on these emulators: other workers have emulators of their own."""
    return set()


@pytest.mark.parametrize("scenario", _SCENARIOS, ids=lambda s: s.__name__.strip("_"))
def test_the_same_over_rest(scenario: Any, runs: tuple[_Run, _Run], played: set[Any]) -> None:
    played.add(scenario)
    for run in runs:
        scenario(run)
    named: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for (rpc, over_grpc), (_, over_rest) in zip(*(run.outcomes for run in runs), strict=True):
        assert _plain(over_rest, named[1]) == _plain(over_grpc, named[0]), rpc


def test_every_rpc_is_called(
    emulators: tuple[RunningEmulator, RunningEmulator], runs: tuple[_Run, _Run], played: set[Any]
) -> None:
    for scenario in _SCENARIOS:
        if scenario not in played:
            scenario(runs[1])
    # HTTP has one set of RPCs for all versions.
    called = {entry.method.split(".")[-1] for entry in emulators[1].calls()}
    # Those over HTTP only have nothing to be compared with; two of operations exist for
    # batches only, and waiting for them for Vertex AI.
    wanted = {
        path.split(".")[-1]
        for path, method in TABLE.items()
        if bindings(method) and not method.http_only and method.service.startswith("google.ai.")
    }
    elsewhere = {f"Operations/{verb}Operation" for verb in ("Cancel", "Delete", "Wait")}
    assert wanted - elsewhere <= called


def test_a_file_goes_up(runs: tuple[_Run, _Run], emulators: tuple[RunningEmulator, RunningEmulator]) -> None:
    pytest.importorskip("gemwire_emulator.http.uploads")
    data = random.Random(2).randbytes(20 << 20)
    files = runs[1].client("FileService", "v1beta")
    seen: list[int] = []
    file = files.transport.upload_file(
        io.BytesIO(data),
        file={"display_name": "Twenty"},
        mime_type="text/plain",
        progress=lambda sent, _: seen.append(sent),
    )
    assert (file.display_name, file.size_bytes, file.mime_type) == ("Twenty", len(data), "text/plain")
    assert seen == [8 << 20, 16 << 20, 20 << 20]
    assert files.get_file(name=file.name) == file
    # The service lets only generated files be fetched.
    with pytest.raises(errors.FailedPrecondition):
        files.transport.download_file(file.name, io.BytesIO())
