"""From messages to HTTP and back, for every bound method, compared with Google's REST clients."""

from __future__ import annotations

import functools
import importlib
import json
import random
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import random_messages
from google.protobuf import json_format

from gemwire._transport.rest.exchange import to_headers
from gemwire._transport.rest.transcode import bindings, from_json, to_http
from gemwire_proto import v1beta
from gemwire_proto.google.ai.generativelanguage.v1beta import (
    cache_service_pb2,
    generative_service_pb2,
    retriever_service_pb2,
)
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.longrunning import operations
from gemwire_proto.v1beta import cache_service, generative_service, model_service, prediction_service
from gemwire_runtime import json_only
from gemwire_runtime.method import Kind, Method
from gemwire_runtime.pool import POOL

_MODULES = {
    "v1beta": (
        "cache_service",
        "discuss_service",
        "file_service",
        "generative_service",
        "model_service",
        "permission_service",
        "prediction_service",
        "retriever_service",
        "text_service",
    ),
    "v1": ("generative_service", "model_service"),
}


def _methods() -> Iterator[Any]:
    for version, modules in _MODULES.items():
        for module in modules:
            service = importlib.import_module(f"gemwire_proto.{version}.{module}").SERVICE
            for method in service.methods.values():
                yield pytest.param(version, module, method, id=f"{version}.{method.name}")
    for method in operations.SERVICE.methods.values():
        yield pytest.param("", "", method, id=method.name)


_ALL = list(_methods())
_BOUND = [case for case in _ALL if bindings(case.values[2])]
_GOOGLES = [case for case in _BOUND if case.values[0] and not case.values[2].http_only]


def test_what_has_no_http_form() -> None:
    unbound = {case.values[2].name for case in _ALL} - {case.values[2].name for case in _BOUND}
    assert unbound == {"BidiGenerateContent"}


def _requests(method: Method[Any, Any]) -> Iterator[tuple[Any, str]]:
    """Requests that the method's bindings take, each with a binding's template."""
    for turn, binding in enumerate(bindings(method)):
        for sample in range(3):
            chance = random.Random(f"{method.path}{turn}{sample}")
            # The first is filled to the brim, the second by chance, the third bare.
            message: Any = (
                random_messages.filled(method.request, chance, sample) if sample < 2 else method.request()
            )
            for field, shape in re.findall(r"\{([^=}]+)=([^}]+)\}", binding.template):
                target = message
                *way, last = field.split(".")
                for name in way:
                    target = getattr(target, name)
                value = re.sub(r"\*+", functools.partial(_segment, chance), shape)
                setattr(target, last, value)
            _without_repeated_messages_in_the_query(message, binding)
            if binding.body not in ("", "*"):
                # An empty body is a body: HTTP cannot leave the field out.
                getattr(message, binding.body).SetInParent()
            yield message, binding.template


def _segment(chance: random.Random, _: object = None) -> str:
    return "".join(chance.choices("abcxyz0189-_.~ ü&?=#+:@%日", k=9))


def _without_repeated_messages_in_the_query(message: Any, binding: Any) -> None:
    if binding.body == "*":
        return
    for field, _ in list(message.ListFields()):
        if field.name != binding.body and random_messages.is_repeated(field) and field.message_type:
            message.ClearField(field.name)


def _back(method: Method[Any, Any], form: Any) -> Any:
    """A server's reading of a request, written for this test alone."""
    split = urlsplit(form.target)
    for binding in bindings(method):
        names = re.findall(r"\{([^=}]+)=", binding.template)
        pattern = ""
        for text in re.split(r"(\{[^}]+\})", binding.template):
            shape = text[1:-1].partition("=")[2] if text.startswith("{") else None
            if shape is None:
                pattern += re.escape(text)
            else:
                pattern += f"({re.escape(shape)})".replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
        found = re.fullmatch(pattern, split.path)
        if not found or binding.verb.upper() != form.verb:
            continue
        tree: dict[str, Any] = {}
        if binding.body == "*":
            tree = json.loads(form.body)
        elif binding.body:
            tree[binding.body] = json.loads(form.body)
        else:
            assert form.body is None
        for key, value in parse_qsl(split.query):
            if key not in ("alt", "$alt"):
                _put(tree, method.request.DESCRIPTOR, key.split("."), value)
        message = json_format.ParseDict(tree, method.request(), descriptor_pool=POOL)
        for name, value in zip(names, found.groups(), strict=True):
            target = message
            *way, last = name.split(".")
            for part in way:
                target = getattr(target, part)
            setattr(target, last, unquote(value))
        return message
    raise AssertionError(f"{form.target} is none of {bindings(method)}")


def _put(tree: dict[str, Any], descriptor: Any, way: list[str], value: Any) -> None:
    """One query parameter; what looks like a number or a truth is left to json_format."""
    name, *rest = way
    field = descriptor.fields_by_camelcase_name.get(name) if descriptor else None
    if rest:
        _put(tree.setdefault(name, {}), field.message_type if field else None, rest, value)
    elif field is not None and random_messages.is_repeated(field):
        tree.setdefault(name, []).append(value)
    elif field is not None and field.type == field.TYPE_BOOL:
        tree[name] = value == "true"
    else:
        tree[name] = value


@pytest.mark.parametrize(("version", "module", "method"), _BOUND)
def test_there_and_back(version: str, module: str, method: Method[Any, Any]) -> None:
    for message, template in _requests(method):
        # The others are Vertex AI's alone, and refused.
        random_messages.clear_json_only(message, json_only.FIRST_GEMINI_NUMBER)
        form = to_http(method, message)
        assert form.target.startswith(template.partition("{")[0])
        assert form.target.isascii()
        assert _back(method, form) == message


class _Sent(Exception):
    pass


class _Session:
    """In place of requests' session: keeps what would be sent."""

    def __getattr__(self, verb: str) -> Any:
        def send(url: str, **arguments: Any) -> Any:
            self.sent = (verb, url, arguments)
            raise _Sent

        return send


def _google(version: str, module: str, method: Method[Any, Any], message: Any) -> tuple[str, str, str, Any]:
    """Verb, path, query and body as Google's REST transport sends them."""
    from google.auth.credentials import AnonymousCredentials
    from requests import PreparedRequest

    package = f"google.ai.generativelanguage_{version}"
    name = method.service.rpartition(".")[2]
    services = importlib.import_module(f"{package}.services.{module}.transports")
    transport = getattr(services, f"{name}RestTransport")(credentials=AnonymousCredentials())
    transport._session = session = _Session()
    kind = getattr(importlib.import_module(f"{package}.types"), method.request.DESCRIPTOR.name)
    theirs = kind.deserialize(message.SerializeToString())
    with pytest.raises(_Sent):
        getattr(transport, method.snake)(theirs)
    verb, url, arguments = session.sent
    prepared = PreparedRequest()
    prepared.prepare_url(url, arguments["params"])
    assert prepared.url is not None
    split = urlsplit(prepared.url)
    return verb.upper(), split.path, split.query, arguments.get("data")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("version", "module", "method"), _GOOGLES)
def test_the_same_as_googles_client(version: str, module: str, method: Method[Any, Any]) -> None:
    pytest.importorskip("google.ai.generativelanguage_v1beta")
    for message, _ in _requests(method):
        _without_what_proto_plus_names_wrongly(random_messages.clear_json_only(message))
        ours = to_http(method, message)
        verb, path, query, body = _google(version, module, method, message)
        split = urlsplit(ours.target)
        assert (ours.verb, split.path) == (verb, path)
        if method.kind is Kind.SERVER_STREAM:
            # Theirs is a JSON array, ours events.
            assert (parse_qsl(split.query), parse_qsl(query)) == (
                [("alt", "sse")],
                [("$alt", "json;enum-encoding=int")],
            )
        else:
            assert _by_number(method, sorted(parse_qsl(split.query))) == _by_number(
                method, sorted(parse_qsl(query))
            )
        assert (ours.body is None) == (body is None)
        if body is not None:
            kind = method.request
            only = next(b for b in bindings(method)).body
            if only != "*":
                kind = type(getattr(kind(), only))
            assert _read(kind, ours.body) == _read(kind, body)


def _without_what_proto_plus_names_wrongly(message: Any) -> None:
    """It drops the JSON names that two fields were given; REST servers know only those."""
    for field, value in message.ListFields():
        if field.name == "generation_config":
            for name in ("response_json_schema", "response_json_schema_ordered"):
                if name in value.DESCRIPTOR.fields_by_name:
                    value.ClearField(name)
        elif field.name == "generate_content_request":
            _without_what_proto_plus_names_wrongly(value)


def _by_number(method: Method[Any, Any], query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Enums as numbers, as theirs are."""
    return [(key, _number(method.request.DESCRIPTOR, key.split("."), value)) for key, value in query]


def _number(descriptor: Any, way: list[str], value: str) -> str:
    field = descriptor.fields_by_camelcase_name.get(way[0])
    if field is not None and way[1:] and field.message_type:
        return _number(field.message_type, way[1:], value)
    if field is not None and field.enum_type and value in field.enum_type.values_by_name:
        return str(field.enum_type.values_by_name[value].number)
    return value


def _read(kind: Any, body: Any) -> Any:
    return json_format.Parse(body, kind(), descriptor_pool=POOL)


# Rules one by one ----------------------------------------------------------------------------------

_GENERATE = generative_service.GENERATE_CONTENT


@pytest.mark.parametrize("name", ["models/m", "tunedModels/m", "dynamic/m"])
def test_the_first_binding_that_matches_is_taken(name: str) -> None:
    form = to_http(_GENERATE, _GENERATE.request(model=name))
    assert form.target == f"/v1beta/{name}:generateContent?%24alt=json%3Benum-encoding%3Dint"


@pytest.mark.parametrize(
    "name", ["", "m", "models/", "models/a/b", "models/..", "models/.", "corpora/c", "x\n"]
)
def test_a_name_that_matches_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"model must look like 'models/\*' or 'tunedModels/\*'") as caught:
        to_http(_GENERATE, _GENERATE.request(model=name))
    assert repr(name) in str(caught.value)


def test_a_stream_asks_for_events() -> None:
    method = generative_service.STREAM_GENERATE_CONTENT
    form = to_http(method, method.request(model="models/m"))
    assert form.target == "/v1beta/models/m:streamGenerateContent?alt=sse"


def test_body_is_one_field_and_the_rest_is_query() -> None:
    request = cache_service_pb2.UpdateCachedContentRequest()
    request.cached_content.name = "cachedContents/c"
    request.cached_content.ttl.FromSeconds(90)
    request.update_mask.paths.extend(["display_name", "ttl"])
    form = to_http(cache_service.UPDATE_CACHED_CONTENT, request)
    assert form.verb == "PATCH"
    assert form.target.startswith("/v1beta/cachedContents/c?updateMask=displayName%2Cttl&%24alt=")
    assert form.body == b'{"ttl":"90s"}'


def test_enums_go_by_name() -> None:
    request = _GENERATE.request(model="models/m")
    request.safety_settings.add(category=7, threshold=4)
    tree = json.loads(to_http(_GENERATE, request).body or b"")
    assert tree == {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]}


def test_an_enum_without_a_name_goes_as_a_number() -> None:
    request = _GENERATE.request(model="models/m")
    request.safety_settings.add(category=4711)
    assert json.loads(to_http(_GENERATE, request).body or b"") == {"safetySettings": [{"category": 4711}]}


def test_the_request_is_left_as_it_was() -> None:
    request = cache_service_pb2.UpdateCachedContentRequest()
    request.cached_content.name = "cachedContents/c"
    before = request.SerializeToString()
    to_http(cache_service.UPDATE_CACHED_CONTENT, request)
    assert request.SerializeToString() == before


def test_what_has_no_json_form_is_refused() -> None:
    request = prediction_service.PREDICT.request(model="models/m")
    request.instances.add().number_value = float("nan")
    with pytest.raises(ValueError, match="Predict: the request has no JSON form"):
        to_http(prediction_service.PREDICT, request)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("tunedModels/t/operations/o", "/v1beta/tunedModels/t/operations/o"),
        ("models/m/operations/o", "/v1beta/models/m/operations/o"),
        ("batches/b", "/v1beta/batches/b"),
        ("corpora/c/operations/o", "/v1beta/corpora/c/operations/o"),
    ],
)
def test_operations_are_where_this_api_has_them(name: str, target: str) -> None:
    request = operations.GET_OPERATION.request(name=name)
    assert urlsplit(to_http(operations.GET_OPERATION, request).target).path == target


def test_unknown_fields_and_enums_of_an_answer_are_left_out() -> None:
    tree = {"candidates": [{"finishReason": "TOMORROWS", "index": 1, "new": {"x": []}}], "more": 1}
    response = from_json(generative_service_pb2.GenerateContentResponse, tree)
    assert response.candidates[0].index == 1
    numbered = from_json(
        generative_service_pb2.GenerateContentResponse, {"candidates": [{"finishReason": 99}]}
    )
    assert numbered.candidates[0].finish_reason == 99


def test_types_of_the_internal_version_are_those_of_the_public_protos() -> None:
    prefix = "type.googleapis.com/google.ai.generativelanguage"
    metadata = {"@type": f"{prefix}.v1main.GenerateContentBatch", "displayName": "d", "new": 1}
    tree = {"name": "batches/b", "metadata": metadata, "done": True}
    response = {"@type": f"{prefix}.v1main.GenerateContentBatchOutput", "responsesFile": "files/f"}
    page = from_json(operations_pb2.ListOperationsResponse, {"operations": [tree | {"response": response}]})
    [operation] = page.operations
    assert operation.metadata.type_url == f"{prefix}.v1beta.GenerateContentBatch"
    batch = v1beta.GenerateContentBatch.FromString(operation.metadata.value)
    assert batch.display_name == "d"
    output = v1beta.GenerateContentBatchOutput.FromString(operation.response.value)
    assert output.responses_file == "files/f"


@pytest.mark.parametrize("tree", [[], "x", 7, None, {"candidates": 7}])
def test_what_is_no_such_message_is_refused(tree: Any) -> None:
    with pytest.raises(ValueError, match="the JSON is not a GenerateContentResponse"):
        from_json(generative_service_pb2.GenerateContentResponse, tree)


def test_pages_are_asked_for_in_the_query() -> None:
    request = model_service.LIST_MODELS.request(page_size=7, page_token="a b&c")
    form = to_http(model_service.LIST_MODELS, request)
    assert form.target.startswith("/v1beta/models?pageSize=7&pageToken=a+b%26c&")
    assert form.body is None


def test_chunks_of_a_document() -> None:
    request = retriever_service_pb2.BatchDeleteChunksRequest(parent="corpora/c/documents/d")
    method = importlib.import_module("gemwire_proto.v1beta.retriever_service").BATCH_DELETE_CHUNKS
    assert (
        urlsplit(to_http(method, request).target).path == "/v1beta/corpora/c/documents/d/chunks:batchDelete"
    )


# Headers -------------------------------------------------------------------------------------------


def test_headers() -> None:
    headers = to_headers([("a", "1"), ("a", "2"), ("x-goog-request-params", "p=1")], 1.2)
    assert headers == {
        "content-type": "application/json",
        "a": "1, 2",
        "x-goog-request-params": "p=1",
        "x-server-timeout": "2",
    }
    assert "x-server-timeout" not in to_headers([], None)


@pytest.mark.parametrize(
    "key", ["content-length", "host", "transfer-encoding", "content-type", "x-server-timeout"]
)
def test_what_belongs_to_http_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"metadata: '{key}' belongs to HTTP"):
        to_headers([(key, "1")], None)


def test_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="metadata: 'x-bin' holds bytes, which HTTP does not carry"):
        to_headers([("x-bin", b"1")], None)
