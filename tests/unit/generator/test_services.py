"""The generated services: method tables, typed methods, path helpers, raw stubs and servicers."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
from concurrent import futures
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google.ai.generativelanguage_v1 as theirs_v1
import google.ai.generativelanguage_v1beta as theirs_v1beta
import grpc
import grpc.aio
import pytest
from google.api import annotations_pb2, client_pb2
from google.longrunning import operations_proto_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

import gemwire_proto
from gemwire_proto import DESCRIPTOR_SET, POOL
from gemwire_proto.google.ai.generativelanguage.v1beta import (
    content_pb2,
    generative_service_pb2,
    generative_service_pb2_grpc,
)
from gemwire_runtime import method as _method

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType

_ROOT = Path(__file__).parents[3]
_FILES = {
    f.name: f
    for f in FileDescriptorSet.FromString(DESCRIPTOR_SET.read_bytes()).file
    if f.service and not f.name.startswith("google/api")
}
_KINDS = {
    (False, False): _method.Kind.UNARY,
    (False, True): _method.Kind.SERVER_STREAM,
    (True, False): _method.Kind.CLIENT_STREAM,
    (True, True): _method.Kind.BIDI,
}


def _modules() -> list[ModuleType]:
    """Every generated service module, found as files and not by what the generator says it wrote."""
    package = Path(gemwire_proto.__file__).parent
    return [
        importlib.import_module(f"gemwire_proto.{path.parent.name}.{path.stem}")
        for folder in ("v1beta", "v1", "longrunning")
        for path in sorted((package / folder).glob("*.py"))
        if path.stem not in {"__init__", "views"}
    ]


_MODULES = _modules()
_SERVICES = {module.SERVICE.name: module for module in _MODULES}
_METHODS = [(module, method) for module in _MODULES for method in module.SERVICE.methods.values()]
_every_service = pytest.mark.parametrize("module", _MODULES, ids=_SERVICES.keys())
_every_method = pytest.mark.parametrize(
    ("module", "method"), _METHODS, ids=[method.path.rpartition(".")[2] for _, method in _METHODS]
)


# Tables --------------------------------------------------------------------------------------------


#: RPCs over HTTP alone, by their service.
_HTTP_ONLY = {
    "AuthTokenService": {"CreateToken"},
    "FileService": {"RegisterFiles"},
    "GenerativeService": {"BatchGenerateContent", "AsyncBatchEmbedContent"},
    "FileSearchStoreService": {
        *("CreateFileSearchStore", "GetFileSearchStore", "ListFileSearchStores", "DeleteFileSearchStore"),
        *("UploadToFileSearchStore", "ImportFile", "GetDocument", "ListDocuments", "DeleteDocument"),
    },
}


def test_rpcs_over_http_alone_are_marked() -> None:
    marked = {(method.service.rpartition(".")[2], method.name) for _, method in _METHODS if method.http_only}
    assert marked == {(service, name) for service, names in _HTTP_ONLY.items() for name in names}
    assert all(method.http for _, method in _METHODS if method.http_only)


def test_counts() -> None:
    services: dict[str, list[int]] = {}
    for name, module in _SERVICES.items():
        services.setdefault(name.rpartition(".")[0], []).append(len(module.SERVICE.methods))
    assert {package: (len(sizes), sum(sizes)) for package, sizes in services.items()} == {
        "google.ai.generativelanguage.v1beta": (11, 58 + sum(map(len, _HTTP_ONLY.values()))),
        "google.ai.generativelanguage.v1": (2, 7),
        "google.longrunning": (1, 5),
    }


def test_every_service_of_the_protos_has_a_module() -> None:
    declared = {f"{file.package}.{service.name}" for file in _FILES.values() for service in file.service}
    assert set(_SERVICES) == declared


@_every_service
def test_table_lists_the_rpcs_of_the_descriptor(module: ModuleType) -> None:
    table = module.SERVICE
    descriptor = POOL.FindServiceByName(table.name)
    assert list(table.methods) == [method.name for method in descriptor.methods]
    for name, method in table.methods.items():
        assert method.name == name
        assert getattr(module, method.snake.upper()) is method
    assert table.host == ("longrunning.googleapis.com" if "longrunning" in table.name else _HOST)


_HOST = "generativelanguage.googleapis.com"


@_every_method
def test_method_agrees_with_the_descriptor(module: ModuleType, method: _method.Method[Any, Any]) -> None:
    descriptor = POOL.FindServiceByName(module.SERVICE.name).methods_by_name[method.name]
    assert method.service == module.SERVICE.name
    assert method.path == f"/{descriptor.containing_service.full_name}/{descriptor.name}"
    assert method.request.DESCRIPTOR is descriptor.input_type
    assert method.response.DESCRIPTOR is descriptor.output_type
    assert method.kind is _KINDS[descriptor.client_streaming, descriptor.server_streaming]
    assert method.snake == method.snake.lower()
    assert method.snake.replace("_", "") == method.name.lower()


def _options(method: _method.Method[Any, Any]) -> Any:
    for file in _FILES.values():
        for service in file.service:
            if f"{file.package}.{service.name}" == method.service:
                return next(m.options for m in service.method if m.name == method.name)
    raise AssertionError(method.path)


@_every_method
def test_method_agrees_with_its_annotations(module: ModuleType, method: _method.Method[Any, Any]) -> None:
    options = _options(method)
    rule = options.Extensions[annotations_pb2.http]
    rules = [rule, *rule.additional_bindings] if rule.WhichOneof("pattern") else []
    if method.websocket:
        rules = [r for r in rules if r.custom.kind != "WEBSOCKET"]
        assert rule.custom.path == method.websocket
    declared = [(r.WhichOneof("pattern"), getattr(r, r.WhichOneof("pattern")), r.body) for r in rules]
    assert [(b.verb, b.template, b.body) for b in method.http] == declared
    assert set(method.routing) == {
        part.partition("=")[0].partition("}")[0]
        for _, template, _ in declared
        for part in template.split("{")[1:]
    }
    signatures = [s for s in options.Extensions[client_pb2.method_signature] if s]
    assert set(method.flattened) == {name for s in signatures for name in s.split(",")}
    info = options.Extensions[operations_proto_pb2.operation_info]
    made = [made.DESCRIPTOR.full_name.rpartition(".")[2] for made in (method.result, method.progress) if made]
    assert made == [name.rpartition(".")[2] for name in (info.response_type, info.metadata_type) if name]


@_every_method
def test_fields_that_the_table_names_exist(module: ModuleType, method: _method.Method[Any, Any]) -> None:
    request, response = method.request.DESCRIPTOR, method.response.DESCRIPTOR
    for name in method.flattened:
        assert name in request.fields_by_name
    for path in method.routing:
        message: Any = request
        for name in path.split("."):
            field = message.fields_by_name[name]
            message = field.message_type
        assert field.type == field.TYPE_STRING
    for binding in method.http:
        assert binding.body in {"", "*", *request.fields_by_name}
    paged = {"page_size", "page_token"} <= set(request.fields_by_name)
    assert (method.items is not None) == (paged and "next_page_token" in response.fields_by_name)
    if method.items is not None:
        # AIP-4233: the first one; ListOperations has `unreachable` besides.
        assert method.items == next(field.name for field in response.fields if field.is_repeated)


@_every_method
def test_every_rpc_has_its_policy(module: ModuleType, method: _method.Method[Any, Any]) -> None:
    entries = [
        entry
        for entry in json.loads((_ROOT / "protos" / "call_policy.json").read_text())["methodConfig"]
        if {"service": method.service, "method": method.name} in entry["name"]
    ]
    (entry,) = entries
    assert method.timeout == (float(entry["timeout"].rstrip("s")) if "timeout" in entry else None)
    retry = entry.get("retryPolicy")
    if retry is None:
        assert method.retry is None
    else:
        assert method.retry is not None
        assert list(method.retry.codes) == retry["retryableStatusCodes"]
        assert method.retry.initial == float(retry["initialBackoff"].rstrip("s"))
        assert method.retry.maximum == float(retry["maxBackoff"].rstrip("s"))
        assert method.retry.multiplier == retry["backoffMultiplier"]
        assert all(hasattr(grpc.StatusCode, code) for code in method.retry.codes)


# Typed methods -------------------------------------------------------------------------------------


def _typed(module: ModuleType) -> tuple[type, type]:
    name = module.SERVICE.name.rpartition(".")[2]
    return getattr(module, f"Async{name}"), getattr(module, name)


@_every_service
def test_classes_have_one_method_for_each_rpc_and_nothing_else(module: ModuleType) -> None:
    paths = _path_helpers(module)
    for made in _typed(module):
        public = {name for name in dir(made) if not name.startswith("_")}
        assert public == {"SERVICE", *paths, *(method.snake for method in module.SERVICE.methods.values())}
        assert vars(made)["SERVICE"] is module.SERVICE


_COMMON = ["timeout", "metadata"]


@_every_method
def test_signature(module: ModuleType, method: _method.Method[Any, Any]) -> None:
    streams = method.kind in {_method.Kind.CLIENT_STREAM, _method.Kind.BIDI}
    first = ["self", "requests"] if streams else ["self", "request", *method.flattened, "retry"]
    last = [] if method.kind is _method.Kind.UNARY else ["idle_timeout"]
    for made in _typed(module):
        parameters = dict(inspect.signature(getattr(made, method.snake)).parameters)
        if not streams:
            # Names that are no arguments, to say in which field of the request they belong.
            assert parameters.pop("fields").kind is inspect.Parameter.VAR_KEYWORD
        assert list(parameters) == [*first, *_COMMON, *last]
        for name, parameter in list(parameters.items())[2:]:
            assert parameter.kind is parameter.KEYWORD_ONLY, name
        defaults = {name: p.default for name, p in parameters.items() if name != "self"}
        assert defaults.pop("timeout") is _method.DEFAULT
        assert defaults.pop("metadata") == ()
        assert defaults.pop("retry", _method.DEFAULT) is _method.DEFAULT
        assert set(defaults.values()) == {None}


class _Recorder:
    """A caller that hands back what it was called with."""

    def __getattr__(self, shape: str) -> Any:
        return lambda *arguments: (shape, arguments)


@_every_method
def test_method_is_one_call_of_its_caller(module: ModuleType, method: _method.Method[Any, Any]) -> None:
    bidi = method.kind is _method.Kind.BIDI
    expected = "bidi" if bidi else "server_stream" if method.kind is _method.Kind.SERVER_STREAM else "unary"
    expected = "paged" if method.items else "operation" if method.result else expected
    for made in _typed(module):
        service = made()
        service._caller = _Recorder()
        flattened = {name: object() for name in method.flattened}
        common: dict[str, Any] = {"timeout": 3.0, "metadata": (("a", "b"),)}
        idle = {} if method.kind is _method.Kind.UNARY else {"idle_timeout": 4.0}
        if bidi:
            shape, given = service.bidi_generate_content("requests", **common, **idle)
            assert given == (method, "requests", 3.0, (("a", "b"),), 4.0)
        else:
            call = getattr(service, method.snake)
            shape, given = call("request", **flattened, retry="retry", **common, **idle)
            values = (method, "request", tuple(flattened.values()), "retry", 3.0, (("a", "b"),))
            assert given == (*values, *idle.values())
        assert shape == expected


@_every_method
def test_docstring(module: ModuleType, method: _method.Method[Any, Any]) -> None:
    for made in _typed(module):
        function = getattr(made, method.snake)
        text = inspect.getdoc(function)
        assert text
        summary, _, rest = text.partition("\n\nArgs:\n")
        assert len(summary) > 40, "no description of the RPC"
        arguments, _, rest = rest.partition("\n\nReturns:\n")
        returns, _, rest = rest.partition("\n\nRaises:\n")
        raises, _, source = rest.partition("\n\nSource: ")
        documented = {}
        for line in arguments.splitlines():
            if line.startswith("    ") and not line.startswith("     "):
                name, _, about = line.strip().partition(": ")
                documented[name] = about
        assert list(documented) == list(inspect.signature(function).parameters)[1:]
        assert all(documented.values()), documented
        assert ": " in returns
        assert {"gemwire.errors.APIError", "ValueError", "TypeError"} <= {
            line.strip().partition(":")[0] for line in raises.splitlines()
        }
        flat = " ".join(source.split())
        path = flat.partition(",")[0]
        assert f"`{method.name}`" in flat
        assert (_ROOT / "protos" / path).is_file()
        assert (method.http[0].template if method.http else method.websocket or "gRPC only") in flat


# Path helpers --------------------------------------------------------------------------------------

_VALUES = ["a", "models", "x-y_z.1", "ünï", "", "a b"]


def _path_helpers(module: ModuleType) -> set[str]:
    name = module.SERVICE.name.rpartition(".")[2]
    return {name for name in dir(getattr(module, f"{name}Paths")) if not name.startswith("_")}


#: Services of which Google has clients: those that gRPC serves.
_GOOGLES = [
    name
    for name, module in _SERVICES.items()
    if "generativelanguage" in name and not all(m.http_only for m in module.SERVICE.methods.values())
]


@pytest.mark.parametrize(
    ("theirs", "module"),
    [
        (
            getattr(
                {"v1beta": theirs_v1beta, "v1": theirs_v1}[name.split(".")[-2]],
                f"{name.split('.')[-1]}Client",
            ),
            m,
        )
        for name, m in _SERVICES.items()
        if name in _GOOGLES
    ],
    ids=_GOOGLES,
)
def test_path_helpers_are_those_of_googles_clients(theirs: Any, module: ModuleType) -> None:
    # common_* are of no use here: this API has no projects or locations in its names.
    expected = {name for name in dir(theirs) if name.endswith("_path") and "common_" not in name}
    assert _path_helpers(module) == expected
    for own in _typed(module):
        for name in expected:
            ours, googles = getattr(own, name), getattr(theirs, name)
            parameters = list(inspect.signature(ours).parameters)
            assert parameters == list(inspect.signature(googles).parameters)
            for shift in range(len(_VALUES)):
                values = {p: _VALUES[(shift + i) % len(_VALUES)] for i, p in enumerate(parameters)}
                assert ours(**values) == googles(**values)
            for path in _example_paths(theirs, name):
                assert getattr(own, name)(path) == getattr(theirs, name)(path)


def _example_paths(theirs: Any, name: str) -> Iterator[str]:
    """Names to take apart: sound ones of every kind, and ones that almost are."""
    if not name.startswith("parse_"):
        return
    for other in dir(theirs):
        if other.endswith("_path") and not other.startswith("parse_"):
            build = getattr(theirs, other)
            count = len(inspect.signature(build).parameters)
            for values in (_VALUES[:count], ["x/y"] * count, [""] * count):
                path = build(*values)
                yield from (path, path + "/", "/" + path, path + "/more", path.upper(), path + "\n")
    yield from ("", "models", "models/")


def test_path_helpers_take_apart_what_they_build() -> None:
    from gemwire_proto.v1beta.retriever_service import RetrieverService

    path = RetrieverService.chunk_path("c", "d", "e")
    assert path == "corpora/c/documents/d/chunks/e"
    assert RetrieverService.parse_chunk_path(path) == {"corpus": "c", "document": "d", "chunk": "e"}
    assert RetrieverService.parse_corpus_path("files/c") == {}


# Stubs and servicers -------------------------------------------------------------------------------

_GRPC_MODULES = [
    importlib.import_module(
        "gemwire_proto." + file.name.removesuffix(".proto").replace("/", ".") + "_pb2_grpc"
    )
    for file in _FILES.values()
]


def _request(text: str) -> generative_service_pb2.GenerateContentRequest:
    return generative_service_pb2.GenerateContentRequest(
        model="models/m", contents=[{"parts": [{"text": text}]}]
    )


def _response(text: str) -> generative_service_pb2.GenerateContentResponse:
    return generative_service_pb2.GenerateContentResponse(
        candidates=[{"content": content_pb2.Content(parts=[{"text": text}])}]
    )


def _text(response: Any) -> str:
    text: str = response.candidates[0].content.parts[0].text
    return text


class _Servicer(generative_service_pb2_grpc.GenerativeServiceServicer):
    def GenerateContent(self, request: Any, context: Any) -> Any:  # noqa: N802
        return _response(request.contents[0].parts[0].text.upper())

    def StreamGenerateContent(self, request: Any, context: Any) -> Any:  # noqa: N802
        for word in request.contents[0].parts[0].text.split():
            yield _response(word)

    def BidiGenerateContent(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802
        for message in request_iterator:
            yield generative_service_pb2.BidiGenerateContentServerMessage(
                setup_complete={} if message.HasField("setup") else None,
                usage_metadata={"total_token_count": 1},
            )


class _AsyncServicer(generative_service_pb2_grpc.GenerativeServiceServicer):
    async def GenerateContent(self, request: Any, context: Any) -> Any:  # noqa: N802
        return _response(request.contents[0].parts[0].text.upper())

    async def StreamGenerateContent(self, request: Any, context: Any) -> Any:  # noqa: N802
        for word in request.contents[0].parts[0].text.split():
            yield _response(word)

    async def BidiGenerateContent(self, request_iterator: Any, context: Any) -> Any:  # noqa: N802
        async for message in request_iterator:
            yield generative_service_pb2.BidiGenerateContentServerMessage(
                setup_complete={} if message.HasField("setup") else None,
                usage_metadata={"total_token_count": 1},
            )


def _messages() -> list[generative_service_pb2.BidiGenerateContentClientMessage]:
    made = generative_service_pb2.BidiGenerateContentClientMessage
    return [made(setup={"model": "models/m"}), made(client_content={"turn_complete": True})]


@contextmanager
def _sync_server(*services: tuple[ModuleType, str, Any]) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    for module, name, servicer in services:
        getattr(module, f"add_{name}Servicer_to_server")(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@asynccontextmanager
async def _aio_server(*services: tuple[ModuleType, str, Any]) -> AsyncIterator[str]:
    server = grpc.aio.server(futures.ThreadPoolExecutor(4))
    for module, name, servicer in services:
        getattr(module, f"add_{name}Servicer_to_server")(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def _generative(servicer: Any) -> tuple[ModuleType, str, Any]:
    return generative_service_pb2_grpc, "GenerativeService", servicer


def _check_sync_stub(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stub = generative_service_pb2_grpc.GenerativeServiceStub(channel)
        response = stub.GenerateContent(_request("hi"), timeout=10)
        assert type(response) is generative_service_pb2.GenerateContentResponse
        assert _text(response) == "HI"
        assert [_text(r) for r in stub.StreamGenerateContent(_request("a b c"), timeout=10)] == [
            "a",
            "b",
            "c",
        ]
        answers = list(stub.BidiGenerateContent(iter(_messages()), timeout=10))
        assert [answer.HasField("setup_complete") for answer in answers] == [True, False]


async def _check_aio_stub(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = generative_service_pb2_grpc.GenerativeServiceStub(channel)
        assert _text(await stub.GenerateContent(_request("hi"), timeout=10)) == "HI"
        stream = stub.StreamGenerateContent(_request("a b c"), timeout=10)
        assert [_text(r) async for r in stream] == ["a", "b", "c"]
        call = stub.BidiGenerateContent(timeout=10)
        for message in _messages():
            await call.write(message)
        await call.done_writing()
        assert [answer.HasField("setup_complete") async for answer in call] == [True, False]


def test_sync_server_with_both_stubs() -> None:
    with _sync_server(_generative(_Servicer())) as address:
        _check_sync_stub(address)
        asyncio.run(_check_aio_stub(address))


@pytest.mark.parametrize("servicer", [_AsyncServicer, _Servicer])
def test_aio_server_with_both_stubs(servicer: type) -> None:
    async def scenario() -> None:
        async with _aio_server(_generative(servicer())) as address:
            await _check_aio_stub(address)
            await asyncio.to_thread(_check_sync_stub, address)

    asyncio.run(scenario())


def _services_over_grpc() -> Iterator[tuple[ModuleType, str, list[_method.Method[Any, Any]]]]:
    """Yield the module, the name and the methods of each service; without those that HTTP alone has."""
    for module, file in zip(_GRPC_MODULES, _FILES.values(), strict=True):
        for service in file.service:
            methods = list(_SERVICES[f"{file.package}.{service.name}"].SERVICE.methods.values())
            is_served = not all(method.http_only for method in methods)
            assert hasattr(module, f"{service.name}Stub") == is_served
            if is_served:
                yield module, service.name, methods


def _all_servicers() -> list[tuple[ModuleType, str, Any]]:
    return [(module, name, getattr(module, f"{name}Servicer")()) for module, name, _ in _services_over_grpc()]


def _stubs(channel: Any) -> Iterator[tuple[_method.Method[Any, Any], Any]]:
    for module, name, methods in _services_over_grpc():
        stub = getattr(module, f"{name}Stub")(channel)
        for method in methods:
            assert hasattr(stub, method.name) == (not method.http_only)
            if not method.http_only:
                yield method, getattr(stub, method.name)


def _assert_unimplemented(method: _method.Method[Any, Any], error: grpc.RpcError) -> None:
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert f"{method.service}/{method.name}" in (error.details() or "")


def _call_each_sync(address: str) -> int:
    with grpc.insecure_channel(address) as channel:
        stubs = list(_stubs(channel))
        for method, call in stubs:
            sends_many = method.kind is _method.Kind.BIDI
            argument: Any = iter([method.request()]) if sends_many else method.request()
            with pytest.raises(grpc.RpcError) as caught:
                list(call(argument, timeout=10))
            _assert_unimplemented(method, caught.value)
        return len(stubs)


async def _call_each_aio(address: str) -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        stubs = list(_stubs(channel))
        for method, call in stubs:
            # A bidi call sends nothing: in grpc.aio a write that meets the status gives INTERNAL.
            answer = call(*([] if method.kind is _method.Kind.BIDI else [method.request()]), timeout=10)
            with pytest.raises(grpc.RpcError) as caught:
                await answer if method.kind is _method.Kind.UNARY else [item async for item in answer]
            _assert_unimplemented(method, caught.value)
        return len(stubs)


def test_unoverridden_methods_of_a_sync_server_are_unimplemented() -> None:
    with _sync_server(*_all_servicers()) as address:
        assert _call_each_sync(address) == 70
        assert asyncio.run(_call_each_aio(address)) == 70


def test_unoverridden_methods_of_an_aio_server_are_unimplemented() -> None:
    async def scenario() -> None:
        async with _aio_server(*_all_servicers()) as address:
            assert await _call_each_aio(address) == 70

    asyncio.run(scenario())
