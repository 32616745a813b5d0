"""What a call sends, compared with what Google's own clients send to the same server; and what it refuses."""

from __future__ import annotations

import asyncio
import copy
import math
import pickle
from collections import Counter
from typing import Any

import google.ai.generativelanguage_v1 as google_v1
import google.ai.generativelanguage_v1beta as google_v1beta
import google.cloud.aiplatform_v1 as google_aiplatform_v1
import grpc
import grpc.aio
import pytest
from google.protobuf import field_mask_pb2, struct_pb2
from random_messages import clear_json_only, samples
from scripted_grpc_server import MODULES, Api, Call, Fail, Loopback, service_of

from gemwire import ClientInfo, errors, v1beta
from gemwire_proto.google.rpc import error_details_pb2
from gemwire_proto.longrunning import operations
from gemwire_runtime.method import Kind, Method

GOOGLE = {"v1beta": google_v1beta, "v1": google_v1, "aiplatform_v1": google_aiplatform_v1}
#: version, service, method: everything with one request, over gRPC.
CALLS: list[tuple[str, str, Method[Any, Any]]] = [
    (version, module.title().replace("_", ""), method)
    for version, modules in MODULES.items()
    for module in modules
    for method in service_of(version, module).methods.values()
    if method.kind is not Kind.BIDI and not method.http_only
]
MIXIN = [
    operations.LIST_OPERATIONS,
    operations.GET_OPERATION,
    operations.CANCEL_OPERATION,
    operations.DELETE_OPERATION,
]
ODD = [
    "models/gemini-2.5-flash",
    "",
    "models/a b/ü&?=#+:@~",
    "tunedModels/100%/x",
    "日本語",
    "🦊",
    "a\nb\x00\x7f",
    "//",
    "a%2Fb",
    "-._~!$'()*,;[]{}|\\^`\"<>",
    "x" * 300,
]
CONTENTS = [{"role": "user", "parts": [{"text": "hi"}]}]


def theirs(api: Api, server: Loopback, version: str, service: str) -> Any:
    """Google's client of a service, on a plain channel."""
    module = GOOGLE[version]
    if api.is_async:

        async def make() -> Any:
            kind = getattr(module, f"{service}AsyncClient")
            transport = kind.get_transport_class("grpc_asyncio")
            return kind(transport=transport(channel=grpc.aio.insecure_channel(server.address)))

        return api(make())
    kind = getattr(module, f"{service}Client")
    return kind(transport=kind.get_transport_class("grpc")(channel=grpc.insecure_channel(server.address)))


def finish(api: Api, client: Any) -> None:
    api(client.transport.close())


def sent(call: Call) -> tuple[list[str], dict[str, Any], Any]:
    """The keys in order, what must be equal of the values, and the request."""
    pairs = [(key, value) for key, value in call.metadata if key != "user-agent"]
    return (
        [key for key, _ in pairs],
        {key: value for key, value in pairs if key != "x-goog-api-client"},
        call.request,
    )


def tokens(call: Call) -> list[str]:
    (value,) = call.values("x-goog-api-client")
    return [token.partition("/")[0] for token in str(value).split()]


@pytest.mark.parametrize(
    ("version", "service"),
    sorted({(version, service) for version, service, _ in CALLS}),
    ids=lambda value: value,
)
def test_every_rpc_sends_what_googles_client_sends(
    api: Api, server: Loopback, version: str, service: str
) -> None:
    ours, google = api.client(service, version), theirs(api, server, version, service)
    methods = [method for v, s, method in CALLS if (v, s) == (version, service)]
    assert methods
    for method in methods:
        request_type = getattr(GOOGLE[version], method.request.DESCRIPTOR.name)
        for message in map(clear_json_only, samples(method.request)):
            server.journal.clear()
            consume(api, method, getattr(ours, method.snake)(message))
            consume(
                api,
                method,
                getattr(google, method.snake)(request_type.deserialize(message.SerializeToString())),
            )
            mine, their = server.journal
            assert mine.method is their.method is method
            assert sent(mine) == sent(their), method.path
            assert tokens(mine) == tokens(their), method.path
    finish(api, google)


def consume(api: Api, method: Method[Any, Any], begun: Any) -> None:
    if method.kind is Kind.SERVER_STREAM:
        api.list(api(begun))
    else:
        api(begun)


def test_there_are_all_of_them() -> None:
    assert Counter(version for version, _, _ in CALLS) == {"v1beta": 57, "v1": 7, "aiplatform_v1": 10}


@pytest.mark.parametrize("method", MIXIN, ids=lambda method: method.snake)
def test_operations_send_what_googles_client_sends(
    api: Api, server: Loopback, method: Method[Any, Any]
) -> None:
    ours, google = api.client("ModelService"), theirs(api, server, "v1beta", "ModelService")
    api(getattr(ours, method.snake)({"name": "tunedModels/a b/operations/1"}))
    api(getattr(google, method.snake)({"name": "tunedModels/a b/operations/1"}))
    mine, their = server.journal
    assert sent(mine) == sent(their)
    finish(api, google)


def test_routing_of_odd_values_is_googles(api: Api, server: Loopback) -> None:
    ours, google = api.client(), theirs(api, server, "v1beta", "GenerativeService")
    for model in ODD:
        server.journal.clear()
        api(ours.generate_content(model=model))
        api(google.generate_content(model=model))
        mine, their = server.journal
        assert sent(mine) == sent(their)
        # And again from what is remembered.
        api(ours.generate_content(model=model))
        assert sent(server.journal[2]) == sent(their)
    finish(api, google)


def test_the_callers_metadata_goes_along_as_with_google(api: Api, server: Loopback) -> None:
    ours, google = api.client(), theirs(api, server, "v1beta", "GenerativeService")
    given = [
        ("x-mine", "1"),
        ("x-goog-api-client", "mine/1 grpc/0"),
        ("x-goog-request-params", "a=b"),
        ("x-b-bin", b"\x00\xff"),
        ("x-mine", "2"),
        ("x-goog-api-client", "more/2"),
    ]
    for client in (ours, google):
        api(client.generate_content(model="models/m", metadata=given))
    mine, their = server.journal
    assert sent(mine) == sent(their)
    assert mine.values("x-goog-request-params") == ["a=b", "model=models/m"]
    assert mine.values("x-mine") == ["1", "2"]
    assert mine.values("x-b-bin") == [b"\x00\xff"]
    assert tokens(mine) == tokens(their)
    assert tokens(mine)[-2:] == ["grpc", "more"]
    finish(api, google)


def test_metadata_of_one_call_stays_with_it(api: Api, server: Loopback) -> None:
    client = api.client()
    api(client.generate_content(model="m", metadata=[("x-mine", "1")]))
    api(client.generate_content(model="m"))
    assert [call.values("x-mine") for call in server.journal] == [["1"], []]


def test_client_info(api: Api, server: Loopback) -> None:
    api(api.client(client_info=ClientInfo(user_agent="shop/7")).generate_content(model="m"))
    api(api.client(client_info=None).generate_content(model="m"))
    assert str(server.journal[0].values("x-goog-api-client")[0]).startswith("shop/7 gl-python/3.")
    assert server.journal[1].values("x-goog-api-client") == []


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"a": "b"}, ValueError),
        ("ab", TypeError),
        (7, TypeError),
        ([("a",)], TypeError),
        (["abc"], TypeError),
        ([(1, "a")], TypeError),
        ([("a", 1)], TypeError),
        ([("a", b"bytes")], TypeError),
        ([("a-bin", "text")], TypeError),
        ([("A", "b")], ValueError),
        ([("a b", "c")], ValueError),
        ([("", "c")], ValueError),
        ([("ä", "c")], ValueError),
        ([("a", "ü-secret")], ValueError),
        ([("a", "secret\n")], ValueError),
        ([("grpc-timeout", "1S")], ValueError),
    ],
    ids=repr,
)
def test_bad_metadata_is_refused_before_anything_is_sent(
    api: Api, server: Loopback, metadata: Any, kind: type[Exception]
) -> None:
    client = api.client()
    for call in (client.generate_content, client.stream_generate_content):
        with pytest.raises(kind, match="metadata") as caught:
            api(call(model="m", metadata=metadata))
        assert "secret" not in str(caught.value)
    with pytest.raises(kind, match="metadata"):
        api(client.bidi_generate_content(metadata=metadata))
    assert not server.journal


@pytest.mark.parametrize(
    ("timeout", "kind"),
    [
        (-1, ValueError),
        (0, ValueError),
        (0.0, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        (True, TypeError),
        ("1", TypeError),
        ([1], TypeError),
    ],
    ids=repr,
)
@pytest.mark.parametrize("argument", ["timeout", "idle_timeout"])
def test_bad_timeouts_are_refused(
    api: Api, server: Loopback, timeout: Any, kind: type[Exception], argument: str
) -> None:
    client = api.client()
    for call in (client.stream_generate_content, client.bidi_generate_content):
        with pytest.raises(kind, match=rf"^{argument}: "):
            api(call(**{argument: timeout}))
    if argument == "timeout":
        with pytest.raises(kind, match=r"^timeout: "):
            api(client.generate_content(model="m", timeout=timeout))
    assert not server.journal


def test_timeouts_that_are_fine(api: Api, server: Loopback) -> None:
    client = api.client()
    for timeout in (1, 0.5, None, 1e6):
        api(client.generate_content(model="m", timeout=timeout))
    assert len(server.journal) == 4


# Requests


def test_a_request_in_all_its_forms(api: Api, server: Loopback) -> None:
    client = api.client()
    message = v1beta.GenerateContentRequest(model="models/m", contents=CONTENTS)
    plus = google_v1beta.GenerateContentRequest(model="models/m", contents=CONTENTS)
    for arguments in (
        {"request": message},
        {"request": {"model": "models/m", "contents": CONTENTS}},
        {"model": "models/m", "contents": CONTENTS},
        {"request": plus},
        {"request": google_v1beta.GenerateContentRequest.pb(plus)},
    ):
        api(client.generate_content(**arguments))
    assert [call.request for call in server.journal] == [message] * 5
    api(client.generate_content())
    assert server.journal[-1].request == v1beta.GenerateContentRequest()


def test_parts_of_googles_types_do(api: Api, server: Loopback) -> None:
    api(
        api.client("ModelService").update_tuned_model(
            tuned_model={"name": "tunedModels/t"},
            update_mask=field_mask_pb2.FieldMask(paths=["display_name"]),
        )
    )
    assert server.journal[0].request.update_mask.paths == ["display_name"]
    value = struct_pb2.Value(string_value="a cat")
    api(api.client("PredictionService").predict(model="models/imagen", instances=[value]))
    assert server.journal[1].request.instances[0].string_value == "a cat"


def test_fields_of_the_request_that_are_no_arguments(api: Api, server: Loopback) -> None:
    client = api.client()
    fields: Any = {"generation_config": {"temperature": 0}}
    with pytest.raises(
        TypeError, match=r"^generate_content: set generation_config in the request: request={"
    ) as error:
        client.generate_content(model="models/m", **fields)
    assert "'model': …, 'contents': …, 'generation_config': …" in str(error.value)
    with pytest.raises(TypeError, match=r"stream_generate_content: set tools in the request"):
        client.stream_generate_content(**dict.fromkeys(["tools"]))
    wrong: Any = {"content": []}
    text = (
        r"no argument 'content', and GenerateContentRequest has no field 'content'; did you mean 'contents'"
    )
    with pytest.raises(TypeError, match=text):
        client.generate_content(**wrong)
    api(client.generate_content({"model": "models/m", **fields}))
    (call,) = server.journal
    assert call.request.generation_config.HasField("temperature")


@pytest.mark.parametrize("contents", [CONTENTS, [], 0], ids=repr)
def test_request_and_fields_exclude_each_other(api: Api, server: Loopback, contents: Any) -> None:
    text = r"If the `request` argument is set, then none of the individual field arguments should be set\."
    client = api.client()
    for request in (v1beta.GenerateContentRequest(model="m"), {"model": "m"}):
        for call in (client.generate_content, client.stream_generate_content):
            with pytest.raises(ValueError, match=text):
                api(call(request, contents=contents))
    assert not server.journal


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (v1beta.Model(), TypeError),
        (google_v1beta.Model(), TypeError),
        ("models/m", TypeError),
        (7, TypeError),
        ([], TypeError),
        ({"bogus": 1}, ValueError),
        ({"model": 7}, TypeError),
        ({"contents": [{"parts": [{"text": 7}]}]}, TypeError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_wrong_requests(api: Api, server: Loopback, request_: Any, kind: type[Exception]) -> None:
    client = api.client()
    for call in (client.generate_content, client.stream_generate_content):
        with pytest.raises(kind):
            api(call(request_))
    assert not server.journal


def test_the_callers_request_is_not_changed(api: Api, server: Loopback) -> None:
    request = {"model": "models/m", "contents": [{"parts": [{"text": "hi"}]}]}
    before = copy.deepcopy(request)
    api(api.client().generate_content(request))
    assert request == before


# Every RPC


@pytest.mark.parametrize("version", sorted(MODULES))
def test_every_rpc_can_be_called(api: Api, server: Loopback, version: str) -> None:
    seen = set()
    for version_, service, method in CALLS:
        if version_ == version:
            client = api.client(service, version)
            consume(api, method, getattr(client, method.snake)())
            seen.add(method.path)
    assert {call.method.path for call in server.journal} == seen


# Errors


def caught(api: Api, server: Loopback) -> errors.APIError:
    info = error_details_pb2.ErrorInfo(reason="API_KEY_INVALID", domain="googleapis.com")
    server.on("GenerateContent", Fail("NOT_FOUND", "gone", details=(info,), trailers=(("x-b-bin", b"\x01"),)))
    with pytest.raises(errors.NotFound) as caught:
        api(api.client().generate_content(model="m"))
    return caught.value


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_errors_pickle_and_copy(api: Api, server: Loopback, copied: Any) -> None:
    error = caught(api, server)
    again = copied(error)
    assert type(again) is type(error)
    assert (str(again), again.details, again.trailing_metadata, again.reason) == (
        str(error),
        error.details,
        error.trailing_metadata,
        error.reason,
    )
    assert again.attempts == 1
    assert again.elapsed == error.elapsed


def test_errors_are_none_of_grpcs(api: Api, server: Loopback) -> None:
    error = caught(api, server)
    assert not isinstance(error, grpc.RpcError)
    assert isinstance(error, (errors.ClientError, errors.APIError, errors.GemwireError))
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert str(error).startswith("404 NOT_FOUND: gone [GenerativeService/GenerateContent, ")


def test_a_server_that_is_not_there(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")
    client = api.client()
    with pytest.raises(errors.Unavailable, match=r"127\.0\.0\.1:1"):
        api(client.generate_content(model="m", retry=None))
    with pytest.raises(errors.Unavailable):
        api(client.stream_generate_content(model="m", retry=None))
    with pytest.raises(errors.Unavailable):
        api(api(client.bidi_generate_content()).read())


def test_many_at_once(server: Loopback) -> None:
    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            await asyncio.gather(*(client.generate_content(model=f"models/{i}") for i in range(300)))

    asyncio.run(main())
    assert {call.request.model for call in server.journal} == {f"models/{i}" for i in range(300)}
    for call in server.journal:
        assert call.values("x-goog-request-params") == [f"model={call.request.model}"]
