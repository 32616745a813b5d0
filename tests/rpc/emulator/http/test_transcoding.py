"""The same request over gRPC and HTTP: the same message arrives, and the response is the same."""

from __future__ import annotations

import base64
import http.client
import json
import operator
import random
import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode, urlsplit

import pytest
import random_messages
from emulator_calls import Refusal
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from json_http import Json
from populated_emulator import CORPUS, METHODS, MODEL, TUNED, Populated

from gemwire_emulator.http.router import VERSIONS
from gemwire_emulator.json_codec.descriptors import get_descriptor
from gemwire_proto.google.rpc import error_details_pb2
from gemwire_runtime.method import HttpBinding, Kind, Method
from gemwire_runtime.pool import POOL

#: Requests for each binding: one that is answered, then ever wilder ones.
SAMPLES, MANY = 8, 200
_VARIABLE = re.compile(r"\{([\w.]+)=([^}]+)\}")
_WIDE = {FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64}
_NARROW = {FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_UINT32}
_FORMS = ("", "alt=json", "$alt=json;enum-encoding=int", "alt=proto")
_STREAM_FORMS = ("", "alt=sse", "alt=json", "$alt=json;enum-encoding=int&alt=sse")


class Twins:
    """Two identical emulators, one called over gRPC and the other over HTTP."""

    def __init__(self) -> None:
        self.by_grpc = Populated()
        self.by_http = Populated(http_port=0)
        self._http = http.client.HTTPConnection(urlsplit(self.by_http.emulator.http).netloc, timeout=30)
        self.renew()

    def renew(self) -> None:
        self.by_grpc.renew()
        self.by_http.renew()

    def close(self) -> None:
        self._http.close()
        for one in (self.by_grpc, self.by_http):
            one.channel.close()
            one.emulator.stop()

    def ask(self, verb: str, target: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        """Send a request over HTTP; return status, media type and body."""
        self._http.request(verb, target, body)
        answer = self._http.getresponse()
        return answer.status, answer.headers["content-type"], answer.read()

    def requests(self) -> tuple[object, object]:
        """Return the latest calls of both journals."""
        first, second = (one.emulator.calls()[-1] for one in (self.by_grpc, self.by_http))
        return (first.method, first.requests, first.status), (second.method, second.requests, second.status)


@pytest.fixture(scope="module")
def twins() -> Iterator[Twins]:
    made = Twins()
    yield made
    made.close()


#: Versions of Vertex AI's HTTP interface.
_VERTEX_VERSIONS = ("v1", "v1beta1")


def _list_bindings() -> Iterator[object]:
    for path, method in METHODS.items():
        if ".v1." not in path:
            for i, binding in enumerate(method.http):
                yield pytest.param(method, binding, id=f"{method.name}-{i}")


@pytest.mark.parametrize(("method", "binding"), list(_list_bindings()))
def test_grpc_and_http_agree(twins: Twins, method: Method[Message, Message], binding: HttpBinding) -> None:
    _compare(twins, method, binding, SAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "binding"), list(_list_bindings()))
def test_grpc_and_http_agree_on_many_samples(
    twins: Twins, method: Method[Message, Message], binding: HttpBinding
) -> None:
    _compare(twins, method, binding, MANY)


def _compare(twins: Twins, method: Method[Message, Message], binding: HttpBinding, samples: int) -> None:
    twins.renew()
    answered = 0
    for sample in range(samples):
        chance = random.Random(f"{method.path} {binding.template} {sample}")
        request = _vary(twins.by_grpc.request(method), chance, sample, samples)
        _fit_binding(request, binding, chance)
        forms = _FORMS if method.kind is Kind.UNARY else _STREAM_FORMS
        form = forms[sample % len(forms)]
        verb, target, body = _encode_request(request, binding, form, chance)
        expected = twins.by_grpc.send(method, request)
        got = _decode_response(method, form, *twins.ask(verb, target, body))
        told = (verb, target, body, request)
        noted, noted_too = twins.requests()
        assert noted == noted_too, told
        if isinstance(expected, Refusal):
            assert got == (expected.code, expected.message, expected.details), told
        else:
            assert got == [method.response.FromString(one) for one in expected], told
            answered += 1
    # What is not there by the names of this binding is refused, in both ways.
    assert answered or _VARIABLE.search(binding.template), "nothing was answered"


def _vary(request: Message, chance: random.Random, sample: int, samples: int) -> Message:
    """Return the valid request, then one with other values, with other fields, and with all fields."""
    if sample == 0:
        return request
    if sample == samples - 1:
        filled: Message = random_messages.filled(type(request), chance, chance.randrange(8))
        return filled
    wild = random_messages.filled(type(request), chance, chance.randrange(8))
    changed = type(request)()
    changed.CopyFrom(request)
    if sample % 2:
        _mutate(changed, chance)
    else:
        for field, _ in chance.sample(wild.ListFields(), min(len(wild.ListFields()), 2)):
            changed.ClearField(field.name)
            only = type(request)()
            only.CopyFrom(wild)
            for other, _ in wild.ListFields():
                if other.name != field.name:
                    only.ClearField(other.name)
            changed.MergeFrom(only)
    return changed


def _mutate(message: Message, chance: random.Random) -> None:
    """Change the value of a field at any depth."""
    fields = [f for f, _ in message.ListFields() if not f.message_type or not _is_special(f)]
    if not fields:
        return
    field = chance.choice(fields)
    value = getattr(message, field.name)
    if field.message_type is None:
        message.ClearField(field.name)
        random_messages._fill_field(message, field, chance, 1)
    elif random_messages.is_repeated(field):
        _mutate(chance.choice(value), chance)
    else:
        _mutate(value, chance)


def _is_special(field: FieldDescriptor) -> bool:
    nested = field.message_type
    return nested is not None and (
        nested.full_name.startswith("google.protobuf.") or random_messages.is_map(field)
    )


def _fit_binding(request: Message, binding: HttpBinding, chance: random.Random) -> None:
    """Change a request so that the binding can express it."""
    for name, shape in _VARIABLE.findall(binding.template):
        *way, last = name.split(".")
        target = request
        for step in way:
            target = getattr(target, step)
        if not re.fullmatch(shape.replace("**", ".+").replace("*", "[^/]+"), getattr(target, last)):
            there = {"models": MODEL, "tunedModels": TUNED, "corpora": CORPUS}.get(shape.partition("/")[0])
            made = re.sub(r"\*+", lambda _: "".join(chance.choices("abz09-_.~ ü&?=#+@%日", k=5)), shape)
            setattr(target, last, there if there and shape.count("/") == 1 else made)
    if binding.body not in ("", "*"):
        getattr(request, binding.body).SetInParent()
    if binding.verb == "patch":
        paths = operator.attrgetter("update_mask.paths")(request)
        paths.extend([] if paths else ["display_name"])
    if binding.body != "*":
        for field, _ in list(request.ListFields()):
            if field.name != binding.body and random_messages.is_repeated(field) and field.message_type:
                request.ClearField(field.name)


def _encode_request(
    request: Message, binding: HttpBinding, form: str, chance: random.Random
) -> tuple[str, str, bytes | None]:
    """Return verb, target and body of a request in one of JSON's spellings."""
    snake = chance.random() < 0.3
    whole = _respell(
        json_format.MessageToDict(request, preserving_proto_field_name=snake, descriptor_pool=POOL),
        get_descriptor(request),
        chance,
    )

    def segments(found: re.Match[str]) -> str:
        value: str = operator.attrgetter(found[1])(request)
        return "/".join(quote(segment, safe="") for segment in value.split("/"))

    path = _VARIABLE.sub(segments, binding.template)
    resource = path.lstrip("/").partition("/")[2]
    # Below projects, and the like, is Vertex AI.
    of_vertex = resource.startswith(("projects/", "publishers/", "endpoints/"))
    path = f"/{chance.choice(_VERTEX_VERSIONS if of_vertex else VERSIONS)}/{resource}"
    taken = [found[0] for found in _VARIABLE.findall(binding.template)]
    rest = {key: value for key, value in whole.items() if key not in taken}
    body: bytes | None = None
    query: list[tuple[str, str]] = []
    if binding.body == "*":
        body = json.dumps(rest).encode()
    else:
        if binding.body:
            field = request.DESCRIPTOR.fields_by_name[binding.body]
            part = rest.pop(field.camelcase_name, None) or rest.pop(field.name, None) or {}
            body = json.dumps(part, ensure_ascii=chance.random() < 0.5).encode()
        query = list(_flatten(rest))
    text = "&".join(filter(None, [urlencode(query), form]))
    return binding.verb.upper(), f"{path}?{text}" if text else path, body


def _flatten(fields: dict[str, Json], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from _flatten(one, f"{before}{key}.")
            else:
                yield before + key, json.dumps(one) if isinstance(one, bool) else str(one)


def _respell(value: Json, descriptor: Descriptor, chance: random.Random) -> Json:
    """Return JSON with the same meaning."""
    if descriptor.full_name.startswith("google.protobuf."):
        return value
    spelled: dict[str, Json] = {}
    for key, item in value.items():
        field = descriptor.fields_by_name.get(key) or descriptor.fields_by_camelcase_name[key]
        if field.message_type is not None and random_messages.is_map(field):
            inner = field.message_type.fields_by_name["value"]
            spelled[key] = {k: _respell_scalar(v, inner, chance) for k, v in item.items()}
        elif isinstance(item, list) and random_messages.is_repeated(field):
            spelled[key] = [_respell_scalar(one, field, chance) for one in item]
        else:
            spelled[key] = _respell_scalar(item, field, chance)
    return spelled


def _respell_scalar(value: Json, field: FieldDescriptor, chance: random.Random) -> Json:
    if field.message_type is not None:
        return _respell(value, field.message_type, chance)
    if field.enum_type is not None and isinstance(value, str):
        number = field.enum_type.values_by_name[value].number
        return chance.choice([value, value.lower(), number, str(number)])
    if field.type == FieldDescriptor.TYPE_BYTES:
        raw = base64.b64decode(value)
        safe = base64.urlsafe_b64encode(raw).decode()
        return chance.choice([value, safe, safe.rstrip("=")])
    if field.cpp_type in _WIDE:
        return chance.choice([value, int(value)])
    if field.cpp_type in _NARROW:
        return chance.choice([value, str(value)])
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return chance.choice([value, str(value)])
    return value


def _decode_response(
    method: Method[Message, Message], form: str, status: int, media: str, body: bytes
) -> object:
    """Return the messages of a response, or its error."""
    if status != 200:
        error = json.loads(body)["error"]
        assert (error["code"], media) == (status, "application/json; charset=UTF-8")
        details = {}
        for detail in error.get("details", ()):
            name = detail.pop("@type").rpartition(".")[2]
            details[name] = json_format.ParseDict(detail, getattr(error_details_pb2, name)())
        return error["status"], error["message"], details
    if form == "alt=proto":
        assert media == "application/x-protobuf"
        return [method.response.FromString(body)]
    if "sse" in form:
        assert media == "text/event-stream"
        *events, end = body.decode().split("\r\n\r\n")
        assert end == ""
        parts = [json.loads(event.removeprefix("data: ")) for event in events]
    else:
        assert media == "application/json; charset=UTF-8"
        whole = json.loads(body)
        parts = [whole] if method.kind is Kind.UNARY else whole
    if "enum-encoding=int" in form:
        assert not re.search(rb'"(finishReason|state|role|probability)":"[A-Z]', body)
    return [json_format.ParseDict(part, method.response(), descriptor_pool=POOL) for part in parts]


def test_update_mask_defaults_to_the_fields_of_the_body(twins: Twins) -> None:
    """Google's SDKs send such requests for caches."""
    twins.renew()
    cache = twins.by_http.valid["GetCachedContent"]["name"]
    status, _, body = twins.ask("PATCH", f"/v1beta/{cache}", b'{"ttl": "90s"}')
    assert status == 200, body
    assert json.loads(body)["expireTime"] == "2027-01-15T08:01:30Z"
    [call] = twins.by_http.emulator.calls("UpdateCachedContent")
    assert list(call.requests[0].update_mask.paths) == ["ttl"]


def test_unknown_fields_are_rejected(twins: Twins) -> None:
    twins.renew()
    unknown = b'{"displayName": "x", "colour": {"a": [1]}}'
    for asked in (("POST", "/v1/corpora", unknown), ("GET", "/v1/corpora?colour=red", b"")):
        status, _, body = twins.ask(*asked)
        assert (status, json.loads(body)["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert 'Unknown name "colour"' in json.loads(body)["error"]["message"]


@pytest.mark.parametrize("text", [b'"\\ud800"', b'"\xed\xa0\x80"', b'"\xff"', b"NaN", b"Infinity", b"\x00"])
def test_invalid_unicode_is_rejected(twins: Twins, text: bytes) -> None:
    """Programs that truncate strings send unpaired surrogates."""
    for body in (b'{"displayName": %s}' % text, b"{%s: 1}" % text):
        status, _, answer = twins.ask("POST", "/v1beta/corpora", body)
        assert (status, json.loads(answer)["error"]["status"]) == (400, "INVALID_ARGUMENT")
    whole = '{"displayName": "\\ud83e\\udd8a 🦊"}'.encode()
    assert json.loads(twins.ask("POST", "/v1beta/corpora", whole)[2])["displayName"] == "🦊 🦊"
