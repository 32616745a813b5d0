"""Fuzzing over HTTP: every request gets a response or an error in JSON, and the emulator never fails."""

from __future__ import annotations

import json
import logging
import random
import resource
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
import random_messages
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from json_http import Json
from populated_emulator import CHUNK, CORPUS, DOCUMENT, MODEL, TUNED, Populated
from starlette.types import ASGIApp, Message

from gemwire_emulator.http.json_errors import HTTP_STATUS
from gemwire_emulator.server import SERVICES

#: Verb, path, query, headers and body.
Request = tuple[str, bytes, bytes, list[tuple[bytes, bytes]], bytes]

CASES, MANY = 4_000, 100_000
#: How many before the emulator's state is made anew: it shall hold what requests name.
_BATCH = 1_000
#: Seconds of the processor for which a request may keep the loop from others.
_MAX_BUSY = 0.1
#: Batches until the journal is full, and how much memory may grow after them.
_FILLED, _MAX_GROWTH = 20, 64 * 2**20
_ROUTES = [
    (method, binding)
    for service in SERVICES
    if ".v1." not in service.name
    for method in service.methods.values()
    for binding in method.http
]
_NAMES = [
    MODEL,
    TUNED,
    CORPUS,
    DOCUMENT,
    CHUNK,
    "operations/x",
    f"{TUNED}/operations/x",
    f"{TUNED}/permissions/x",
]
_SEGMENTS = (
    *(
        "..",
        ".",
        "%2e%2e",
        "%2E%2e%2Fetc",
        "a%2fb",
        "%00",
        "%ff%fe",
        "%",
        "%zz",
        "*",
        "**",
        "{name}",
        "a b",
        "~",
    ),
    *(
        ":",
        "::",
        "a:b",
        "-",
        "kept",
        "日本".encode().decode("latin-1"),
        "x" * 5000,
        "'",
        '"',
        "\\",
        "%0d%0a",
        "?",
    ),
)
_WRONG: tuple[Json, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**31,
        2**63,
        2**64,
        -(2**70),
        1e308,
        10**400,
        "",
        "x",
        "\0",
        "NaN",
        "1e999",
    ),
    *(
        "-Infinity",
        "\ud800",
        "日本語",
        "AAA=",
        "not base64!",
        "9" * 5000,
        "-1s",
        "1970-13-45T99:99:99Z",
        "a,b..c,,",
    ),
    *([], {}, [[]], [None], {"": None}, {"a": {"b": [1, "2", None]}}, [{}], {"@type": "x"}, {"@type": 1}),
    *({"@type": "type.googleapis.com/google.protobuf.Struct", "value": 1}, {"model": [], "name": {}}),
)
_TEXTS = (
    "",
    "0",
    "-1",
    "1.5",
    "true",
    "x",
    "9" * 30,
    "NaN",
    "%ff",
    "%00",
    "a%26b",
    "%E6%97",
    "1s",
    "displayName",
)
_FORMS = ("sse", "json", "proto", "media", "xml", "", "json;enum-encoding=int", ";;", "json;x", "sse;proto")
_HEADERS = (
    *((b"x-server-timeout", value) for value in (b"nan", b"inf", b"-1", b"0", b"1e400", b"x", b"5", b"")),
    *(
        (b"x-emulator-fault", value)
        for value in (b"{", b"[]", b"1", b'{"status": 1}', b'{"nth": []}', b"\xff")
    ),
    *((b"x-goog-api-key", value) for value in (b"", b"\xff\xfe", b"k" * 5000, b"a, b")),
    *((b"content-encoding", value) for value in (b"gzip", b"br", b"identity", b"", b"gzip, gzip")),
    *((b"content-type", value) for value in (b"text/plain", b"multipart/related; boundary=x", b"")),
    *((b"accept-encoding", b"gzip"), (b"origin", b"null"), (b"x-goog-fieldmask", b"a.b"), (b"prefer", b"x")),
)


class Fuzz:
    """A generator of requests from routes and descriptors, with many invalid parts."""

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)

    def request(self, valid: dict[str, Json]) -> Request:
        """Generate a request."""
        chance = self.chance
        method, binding = chance.choice(_ROUTES)
        verb = binding.verb.upper()
        if chance.random() < 0.03:
            verb = chance.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "X"])
        whole = self._message(method.request.DESCRIPTOR, 5)
        if chance.random() < 0.5:
            # Most of what is asked must be right for anything to be reached that is further in.
            right = {k: _to_json(v) for k, v in valid.get(method.name, {}).items()}
            whole = self._corrupt(right) if chance.random() < 0.7 else {**whole, **right}
        data: Json = whole
        if binding.body not in ("", "*") and isinstance(whole, dict):
            data = whole.get(binding.body, whole)
        headers = [(b"host", b"x")]
        if chance.random() < 0.1:
            headers.append(chance.choice(_HEADERS))
        body = b"" if not binding.body and chance.random() < 0.9 else self._body(data)
        headers.append((b"content-length", b"%d" % len(body)))
        path = self._path(binding.template, valid.get(method.name, {}))
        return verb, path, self._query(method.request.DESCRIPTOR), headers, body

    def _path(self, template: str, valid: dict[str, Json]) -> bytes:
        chance = self.chance
        path = template
        while "{" in path:
            before, _, rest = path.partition("{")
            variable, _, after = rest.partition("}")
            field, _, shape = variable.partition("=")
            right: Json = valid
            for step in field.split("."):
                right = right.get(step, {})
            fitting = [n for n in _NAMES if n.count("/") == shape.count("/") and n[:4] == shape[:4]]
            if right and chance.random() < 0.6:
                name = quote(right, safe="/")
            elif fitting and chance.random() < 0.8:
                name = quote(chance.choice(fitting), safe="/")
            else:
                name = "/".join(chance.choice(_SEGMENTS) if "*" in s else s for s in shape.split("/"))
            path = before + name.replace("{", "%7B") + after
        if chance.random() < 0.2:
            path = path.replace(
                "/v1beta", chance.choice(["/v1", "/v1alpha", "/v2", "", "//v1beta", "/V1BETA"]), 1
            )
        if chance.random() < 0.02:
            path += chance.choice(["/", "//", ":x", "/..", "%00", ":generateContent"])
        return path.encode("utf-8", "replace")

    def _query(self, descriptor: Descriptor) -> bytes:
        chance, pairs = self.chance, []
        while chance.random() < 0.35:
            names: list[str] = []
            at: Descriptor | None = descriptor
            while at is not None and at.fields and chance.random() < 0.8:
                field = chance.choice(at.fields)
                names.append(chance.choice([field.name, field.camelcase_name]))
                at = field.message_type
            name = ".".join(names) or chance.choice(
                ["alt", "$alt", "key", "x", "", ".", "a..b", "pageSize[0]"]
            )
            value = chance.choice(_FORMS) if "alt" in name else chance.choice(_TEXTS)
            pairs.append(f"{name}={value}" if chance.random() < 0.95 else name)
        return "&".join(pairs).encode()

    def _body(self, data: Json) -> bytes:
        chance = self.chance
        text = json.dumps(data, ensure_ascii=chance.random() < 0.5)
        if chance.random() < 0.05:
            deep = chance.choice([50, 101, 1000, 100_000])
            text = chance.choice(['{"a":', "[", '{"contents":[{"parts":', '{"value":{"listValue":']) * deep
        if chance.random() < 0.05:
            text = text[:-1] + ',"model":1,"name":"x","name":"y","contents":[],"contents":{}}'
        body = text.encode("utf-8", "surrogatepass")
        if chance.random() < 0.08 and body:
            at = chance.randrange(len(body))
            body = (
                body[:at] + chance.choice([b"", b"\xff", b"\0", b'"', b"}", b"\xed\xa0\x80"]) + body[at + 1 :]
            )
        return body

    def _message(self, descriptor: Descriptor, depth: int) -> Json:
        chance = self.chance
        if descriptor.full_name.startswith("google.protobuf."):
            return chance.choice(_WRONG)
        made: dict[str, Json] = {}
        fields = descriptor.fields
        for field in chance.sample(list(fields), min(len(fields), chance.randint(0, 4))):
            made[chance.choice([field.name, field.camelcase_name])] = self._value(field, depth)
        if chance.random() < 0.1:
            made[chance.choice(["colour", "", "@type", "__proto__", "a.b", "\0"])] = chance.choice(_WRONG)
        return made

    def _value(self, field: FieldDescriptor, depth: int) -> Json:
        chance = self.chance
        if chance.random() < 0.1 or depth == 0:
            return chance.choice(_WRONG)
        if random_messages.is_map(field):
            return {chance.choice(["a", "", "1"]): chance.choice(_WRONG) for _ in range(chance.randint(0, 2))}
        if random_messages.is_repeated(field) and chance.random() < 0.95:
            return [self._single(field, depth) for _ in range(chance.randint(0, 2))]
        return self._single(field, depth)

    def _single(self, field: FieldDescriptor, depth: int) -> Json:
        chance = self.chance
        if field.message_type is not None:
            return self._message(field.message_type, depth - 1)
        if field.enum_type is not None:
            value = chance.choice(field.enum_type.values)
            return chance.choice([value.name, value.name.lower(), value.number, 987, "NOTHING", -1])
        if field.type == FieldDescriptor.TYPE_STRING:
            return chance.choice(["", "hi", "x" * 200, *_NAMES])
        if field.type == FieldDescriptor.TYPE_BYTES:
            return chance.choice(["", "AAAA", "_-8", "%%%"])
        if field.type == FieldDescriptor.TYPE_BOOL:
            return chance.random() < 0.5
        return chance.choice([0, 1, 0.5, 7, "3", 3.0, -1, 1e30])

    def _corrupt(self, data: Json) -> Json:
        """Return a copy with one value changed."""
        chance = self.chance
        if isinstance(data, dict) and data and chance.random() < 0.9:
            key = chance.choice(list(data))
            return {**data, key: self._corrupt(data[key])}
        if isinstance(data, list) and data and chance.random() < 0.9:
            return [self._corrupt(data[0]), *data[1:]]
        return chance.choice(_WRONG)


def _to_json(value: Json) -> Json:
    """Convert constructor arguments of messages to JSON."""
    if isinstance(value, dict):
        if set(value) == {"seconds"}:
            return f"{value['seconds']}s"
        if set(value) == {"paths"}:
            return ",".join(value["paths"])
        if set(value) == {"struct_value"}:
            return value["struct_value"]
        return {key: _to_json(item) for key, item in value.items()}
    return [_to_json(item) for item in value] if isinstance(value, list) else value


async def ask(
    app: ASGIApp, verb: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[int, dict[bytes, bytes], bytes]:
    """Call the application without a socket; return status, headers and body."""
    sent: list[Message] = []
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return pending.pop() if pending else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": verb, "scheme": "http", "path": unquote(path.decode("latin-1")), "raw_path": path,
        "query_string": query, "root_path": "", "headers": headers, "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    start, *rest = sent
    assert start["type"] == "http.response.start"
    assert [message.get("more_body", False) for message in rest] == [True] * (len(rest) - 1) + [False]
    return start["status"], dict(start["headers"]), b"".join(message["body"] for message in rest)


@pytest.fixture(scope="module")
def populated() -> Iterator[Populated]:
    made = Populated(http_port=0)
    yield made
    made.channel.close()
    made.emulator.stop()


def _fuzz(populated: Populated, cases: int, seed: str, caplog: pytest.LogCaptureFixture) -> Counter[int]:
    fuzz, statuses, before = Fuzz(seed), Counter[int](), 0
    server = populated.emulator._emulator._http_server
    assert server is not None
    app = server.app

    async def batch() -> None:
        for _ in range(_BATCH):
            request = fuzz.request(valid)
            began = time.thread_time()
            status, headers, body = await ask(app, *request)
            # What others had to wait for, on a machine that does nothing else.
            busy = time.thread_time() - began
            if busy >= _MAX_BUSY:  # Once more: it may have been the garbage collector.
                began = time.thread_time()
                await ask(app, *request)
                busy = time.thread_time() - began
            assert busy < _MAX_BUSY, (busy, request)
            statuses[status] += 1
            check(request, status, headers, body)

    for i in range(cases // _BATCH):
        if i == _FILLED:
            before = _count_resident_bytes()
        populated.renew()
        valid = populated.valid
        populated.emulator._run(batch())
        assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
    if cases // _BATCH > _FILLED:
        assert _count_resident_bytes() - before < _MAX_GROWTH
    return statuses


def _count_resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def check(request: Request, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
    # 501: RPCs of Vertex AI that serve models of one's own.
    assert status < 500 or status in (501, 504), (status, request, body[:500])
    if status < 400 or request[0] == "HEAD":
        return
    if headers.get(b"content-encoding") == b"gzip":
        return
    assert headers[b"content-type"] == b"application/json; charset=UTF-8", (status, request, headers, body)
    error = json.loads(body)["error"]
    assert set(error) <= {"code", "message", "status", "details"}
    assert error["code"] == status
    assert error["status"] in {code.name for code in HTTP_STATUS}
    assert len(error["message"]) < 20_000


def test_fuzzed_requests_are_rejected(populated: Populated, caplog: pytest.LogCaptureFixture) -> None:
    statuses = _fuzz(populated, CASES, "some", caplog)
    # It gets somewhere.
    assert statuses[200] > CASES // 20
    assert statuses[400] > CASES // 20
    assert statuses[404] > CASES // 100


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_fuzzed_requests_are_rejected(populated: Populated, caplog: pytest.LogCaptureFixture) -> None:
    """No request fails, holds up the others for long, or leaves memory behind."""
    statuses = _fuzz(populated, MANY, "many", caplog)
    assert statuses[200] > MANY // 20
