"""Rows of `faults.py`: what callers see of answers, certificates, credentials and lines that are bad.

Each row is one fault over one transport. The servers send bytes that no well-behaved server would send; those
that need a trusted authority are called from a process of its own, as gRPC reads its authorities once.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import google.auth.credentials
import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from faults import HOST, Audit, Ended, Outcome, resident
from google.auth.exceptions import TransportError
from google.protobuf import struct_pb2

from gemwire import bulk, errors, v1beta
from gemwire_proto.google.ai.generativelanguage.v1beta import content_pb2
from gemwire_proto.google.ai.generativelanguage.v1beta import generative_service_pb2 as pb

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from raw_http2_server import RawServer, frame_message
from scripted_http_server import Handler, Request, WebServer, Wire, reply

TREE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "a few words"}]}}]}
GOOD = pb.GenerateContentResponse(
    candidates=[{"content": {"role": "model", "parts": [{"text": "a few words"}]}}]
).SerializeToString()
GARBAGE = b"\xff\xfe\xfd"
#: Seconds until a call counts as hung; the deadlines of calls are far beyond what they may take.
LIMIT = 30.0
#: Bytes that a response may have in the rows of large ones.
LARGE = 32 << 20


# Calls: each transport in the same words.


def call(
    transport: str,
    *,
    stream: bool = False,
    timeout: float | None = 20.0,
    times: int = 1,
    **arguments: Any,
) -> list[Ended]:
    """Make calls with a client of their own, one after the other, and say how each ended.

    Args:
        transport: One of `faults.TRANSPORTS`.
        stream: Whether to stream the answer.
        timeout: Seconds; None for what clients do by default.
        times: Number of calls.
        arguments: Of the client.
    """
    found: list[Ended] = []
    work = _call_async if transport.endswith("asyncio") else _call_sync
    thread = threading.Thread(
        target=work, args=(transport, stream, timeout, times, found, arguments), name="caller", daemon=True
    )
    began = time.monotonic()
    thread.start()
    thread.join(LIMIT)
    if thread.is_alive():
        found.append(Ended("HUNG", time.monotonic() - began, 0, typed=False))
    return found


def _end(found: list[Ended], began: float, messages: int, error: BaseException | None) -> None:
    took = time.monotonic() - began
    if error is None:
        found.append(Ended("result", took, messages))
        return
    typed = isinstance(error, errors.GemwireError)
    attempts = getattr(error, "attempts", 0)
    found.append(Ended(type(error).__name__, took, messages, attempts, str(error), typed))


def _call_sync(
    transport: str, stream: bool, timeout: float | None, times: int, found: list[Ended], arguments: Any
) -> None:
    more: dict[str, Any] = {} if timeout is None else {"timeout": timeout}
    with v1beta.GenerativeServiceClient(transport=transport, **arguments) as client:
        for _ in range(times):
            messages, began = 0, time.monotonic()
            try:
                if stream:
                    for message in client.stream_generate_content(model="models/m", **more):
                        messages += message is not None
                else:
                    messages += client.generate_content(model="models/m", **more) is not None
            except BaseException as error:
                _end(found, began, messages, error)
            else:
                _end(found, began, messages, None)


def _call_async(
    transport: str, stream: bool, timeout: float | None, times: int, found: list[Ended], arguments: Any
) -> None:
    more: dict[str, Any] = {} if timeout is None else {"timeout": timeout}

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient(transport=transport, **arguments) as client:
            for _ in range(times):
                messages, began = 0, time.monotonic()
                try:
                    if stream:
                        async for message in await client.stream_generate_content(model="models/m", **more):
                            messages += message is not None
                    else:
                        messages += await client.generate_content(model="models/m", **more) is not None
                except BaseException as error:
                    _end(found, began, messages, error)
                else:
                    _end(found, began, messages, None)

    asyncio.run(main())


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# Servers.


@contextlib.contextmanager
def answering(transport: str, raw: Callable[[], RawServer] | None, handler: Handler) -> Iterator[None]:
    """Send the clients of a transport to a server that answers each call alike.

    Args:
        transport: One of `faults.TRANSPORTS`.
        raw: Makes the server of gRPC; None where gRPC clients, too, find the one of HTTP/1.1.
        handler: What the one of HTTP/1.1 does.
    """
    if raw is not None and not transport.startswith("rest"):
        with raw() as running, environment(GEMINI_EMULATOR_HOST=running.address):
            yield
        return
    server = WebServer()
    server.on(handler)
    name = "GEMINI_EMULATOR_HOST" if not transport.startswith("rest") else "GEMINI_EMULATOR_HTTP_HOST"
    try:
        with environment(**{name: server.address}):
            yield
    finally:
        server.stop()


def events(*items: bytes) -> Handler:
    """Return a handler that streams these events."""

    def handle(_: Request, wire: Wire) -> None:
        wire.events()
        for item in items:
            wire.chunk(b"data: " + item + b"\r\n\r\n")
        wire.end()

    return handle


def body(data: bytes, **headers: Any) -> Handler:
    """Return a handler that answers with this body."""
    return lambda _, wire: wire.answer(200, data, **headers)


def either(unary: Handler, stream: Handler) -> Handler:
    """Return a handler for calls of both kinds."""
    return lambda request, wire: (stream if "stream" in request.path else unary)(request, wire)


# The rows. Each takes a transport and gives one line.


def row(fault: str, transport: str, found: list[Ended], audit: Audit) -> Outcome:
    """Begin a line. Its calls ended in errors of gemwire, or with a result, and left nothing behind."""
    worst = max(found, key=lambda ended: ended.seconds)
    saw = ", ".join(ended.saw for ended in found)
    outcome = Outcome(fault, transport, saw, worst.seconds, None, worst.attempts, audit.left())
    outcome.expect(all(ended.typed for ended in found), f"untyped: {[e.message for e in found][:2]}")
    return outcome.expect(not outcome.left, "leak")


def internal(fault: str, transport: str, found: list[Ended], audit: Audit) -> Outcome:
    """Expect each call to end at once in Internal, after one attempt."""
    outcome = row(fault, transport, found, audit)
    outcome.expect(all(ended.saw == "Internal" for ended in found), "not Internal")
    outcome.expect(all(ended.seconds < 3 for ended in found), "noticed late")
    return outcome.expect(all(ended.attempts == 1 for ended in found), "tried again")


def undecodable(transport: str, short: bool) -> Outcome:
    """The answer is no message."""
    audit = Audit()
    handler = either(body(b"{nonsense"), events(b"{nonsense"))
    with answering(transport, lambda: RawServer([frame_message(GARBAGE)]), handler):
        found = call(transport) + call(transport, stream=True)
    return internal("undecodable", transport, found, audit)


def undecodable_later(transport: str, short: bool) -> Outcome:
    """The second of three messages of a stream is none, and the stream goes on."""
    audit = Audit()
    tree = json.dumps(TREE).encode()
    frames = [frame_message(each) for each in (GOOD, GARBAGE, GOOD)]
    with answering(transport, lambda: RawServer(frames, ends=False), events(tree, b"{nonsense", tree)):
        found = call(transport, stream=True)
    outcome = internal("undecodable mid-stream", transport, found, audit)
    return outcome.expect(found[0].messages == 1, f"{found[0].messages} messages before it")


def nothing(transport: str, short: bool) -> Outcome:
    """The status is OK, and there is no message."""
    audit = Audit()
    with answering(transport, lambda: RawServer([]), body(b"")):
        found = call(transport)
    return internal("OK without message", transport, found, audit)


def cut(transport: str, short: bool) -> Outcome:
    """The message ends in the middle."""
    audit = Audit()
    tree = json.dumps(TREE).encode()[:-3]
    handler = either(body(tree), events(tree))
    with answering(transport, lambda: RawServer([frame_message(GOOD[:7], 100)]), handler):
        found = call(transport) + call(transport, stream=True)
    return internal("cut message", transport, found, audit)


def deep(transport: str, short: bool) -> Outcome:
    """The answer is nested deeper than any parser follows."""
    audit = Audit()
    tree = b'{"candidates": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    handler = either(body(tree), events(tree))
    with answering(transport, lambda: RawServer([frame_message(_nested(300))]), handler):
        found = call(transport) + call(transport, stream=True)
    return internal("deep nesting", transport, found, audit)


def _nested(depth: int) -> bytes:
    """Return a response with a list in a list in a list … among the arguments of a function call."""

    def inside(field: Any, data: bytes) -> bytes:
        return bytes([field.number << 3 | 2]) + _varint(len(data)) + data

    fields = struct_pb2.Struct.DESCRIPTOR.fields_by_name["fields"]
    key, value = (struct_pb2.Struct.FieldsEntry.DESCRIPTOR.fields_by_name[name] for name in ("key", "value"))
    nested = struct_pb2.Value.DESCRIPTOR.fields_by_name["list_value"]
    values = struct_pb2.ListValue.DESCRIPTOR.fields_by_name["values"]
    data = b""
    for _ in range(depth):
        data = inside(nested, inside(values, data))
    data = inside(fields, inside(key, b"k") + inside(value, data))
    for name, message in (
        ("args", content_pb2.FunctionCall),
        ("function_call", content_pb2.Part),
        ("parts", content_pb2.Content),
        ("content", pb.Candidate),
        ("candidates", pb.GenerateContentResponse),
    ):
        data = inside(message.DESCRIPTOR.fields_by_name[name], data)
    return data


def _varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


class GzipServer(RawServer):
    """Says that its messages are compressed."""

    def _response(self, stream: int) -> bytes:
        plain, name = b"\0\x0ccontent-type", b"\0\x0dgrpc-encoding\x04gzip"
        sent = super()._response(stream)
        # In front of the first field; the length of the frame grows with it.
        length = int.from_bytes(sent[:3], "big") + len(name)
        return length.to_bytes(3, "big") + sent[3:].replace(plain, name + plain, 1)


def huge(transport: str, short: bool) -> Outcome:
    """A small compressed answer is larger than the limit, by far over HTTP."""
    audit, before = Audit(), resident()
    message = gzip.compress(bytes(LARGE + LARGE // 2))
    frame = b"\1" + len(message).to_bytes(4, "big") + message
    # The largest frame that HTTP/2 permits without another setting.
    pieces = [frame[at : at + 16_384] for at in range(0, len(frame), 16_384)]
    with answering(transport, lambda: GzipServer(pieces), _inflating):
        options = {"max_response_size": LARGE}
        found = call(transport, timeout=10, client_options=options)
    grown = resident() - before
    outcome = row("huge gzip answer", transport, found, audit)
    outcome.note = f"memory {grown:+.0f} MB"
    outcome.expect(found[0].saw == "ResourceExhausted", "not ResourceExhausted")
    return outcome.expect(found[0].seconds < 11, "after its deadline").expect(grown < 300, "memory")


def _inflating(_: Request, wire: Wire) -> bool:
    """Send gzip of two gigabytes of spaces."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    block = packer.compress(b" " * (16 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    wire.head(200, content_type="application/json", content_encoding="gzip", transfer_encoding="chunked")
    wire.chunk(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")
    for _number in range(128):
        wire.chunk(block)
    return False


def web_page(transport: str, short: bool) -> Outcome:
    """A proxy's page comes in place of the answer; gRPC clients find a server of HTTP/1.1."""
    audit = Audit()
    page = body(b"<html><title>Please log in</title></html>", content_type="text/html; charset=utf-8")
    with answering(transport, None, page):
        found = call(transport, timeout=3) + call(transport, stream=True, timeout=3)
    outcome = row("200 with a page", transport, found, audit)
    outcome.expect(all(ended.saw != "result" for ended in found), "taken for an answer")
    return outcome.expect(all(ended.seconds < 5 for ended in found), "after its deadline")


def bad_line(transport: str, short: bool) -> Outcome:
    """A job has a line that no parser reads, and one whose answer is no message."""
    audit = Audit()
    number = '{"request": {"model": "m", "topK": ' + "9" * 5000 + "}}"
    lines = [
        "Hello?",
        number,
        "answer with garbage",
        *(["Hello?"] * (5 if short else 200)),
    ]
    texts = [
        line if line.startswith("{") else json.dumps({"contents": [{"parts": [{"text": line}]}]})
        for line in lines
    ]
    with tempfile.TemporaryDirectory() as folder, _judging(transport) as client:
        (Path(folder) / "in.jsonl").write_text("\n".join(texts) + "\n", encoding="utf-8")
        began = time.monotonic()
        job = partial(bulk.generate, model="m", client=client)
        files = (Path(folder) / "in.jsonl", Path(folder) / "out.jsonl")
        try:
            # As the documentation says for asyncio.
            beside = transport.endswith("asyncio")
            done = asyncio.run(asyncio.to_thread(job, *files)) if beside else job(*files)
            ended = Ended(
                f"{done.done - done.failed} done, {done.failed} failed", time.monotonic() - began, 0
            )
        except Exception as error:
            ended = Ended(type(error).__name__, time.monotonic() - began, 0, message=str(error), typed=False)
    outcome = row("bad lines of a job", transport, [ended], audit)
    return outcome.expect(ended.saw == f"{len(lines) - 2} done, 2 failed", "not two failures")


@contextlib.contextmanager
def _judging(transport: str) -> Iterator[dict[str, str]]:
    """Serve good answers, and bad ones where they are asked for; yield the arguments of a job's client."""
    if transport.startswith("rest"):

        def handle(request: Request, wire: Wire) -> None:
            wire.answer(200, b"{nonsense" if b"garbage" in request.body else json.dumps(TREE).encode())

        with answering(transport, None, handle):
            yield {"transport": "rest"}
        return
    with (
        _grpc_server(lambda request: GARBAGE if b"garbage" in request else GOOD) as port,
        environment(GEMINI_EMULATOR_HOST=f"{HOST}:{port}"),
    ):
        yield {}


@contextlib.contextmanager
def _grpc_server(
    answer: Callable[[bytes], bytes], credentials: grpc.ServerCredentials | None = None
) -> Iterator[int]:
    class Handler(grpc.GenericRpcHandler):
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda request, _: answer(request))

    server = grpc.server(ThreadPoolExecutor(8), handlers=[Handler()])
    port = (
        server.add_secure_port("localhost:0", credentials)
        if credentials
        else server.add_insecure_port(f"{HOST}:0")
    )
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


# Certificates and credentials: in a process of its own.


def certificate(
    name: str, *, issuer: tuple[x509.Name, Any] | None = None, ca: bool = False, days: float = 1
) -> tuple[bytes, bytes, tuple[x509.Name, Any]]:
    """Return a certificate and its key, PEM, and both as an issuer; self-signed without an issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, signing = issuer or (subject, key)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder(by, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
        )
    )
    if ca:
        usage = [False, False, False, False, False, True, True, False, False]
        builder = builder.add_extension(x509.KeyUsage(*usage), critical=True)
    pem = builder.sign(signing, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, secret, (subject, key)


@contextlib.contextmanager
def secured(transport: str, chain: bytes, key: bytes, folder: str) -> Iterator[int]:
    """Serve over TLS; yield the port."""
    if not transport.startswith("rest"):
        with _grpc_server(lambda _: GOOD, grpc.ssl_server_credentials([(key, chain)])) as port:
            yield port
        return
    (Path(folder) / "server.pem").write_bytes(chain + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(folder) / "server.pem")
    server = WebServer(context)
    server.on(reply(TREE))
    try:
        yield int(server.address.rpartition(":")[2])
    finally:
        server.stop()


def apart(transport: str, endpoint: str, authority: str, credentials: str, times: int = 1) -> list[Ended]:
    """Make calls with the deadlines that clients have by default, in a process that trusts an authority."""
    trusted = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": authority, "REQUESTS_CA_BUNDLE": authority}
    done = subprocess.run(
        [sys.executable, __file__, transport, endpoint, credentials, str(times)],
        env={**os.environ, **(trusted if authority else {})},
        capture_output=True,
        text=True,
        timeout=LIMIT * 3,
        check=False,
    )
    if done.returncode:
        return [Ended("crashed", 0.0, 0, message=done.stderr[-500:], typed=False)]
    return [Ended(**each) for each in json.loads(done.stdout.splitlines()[-1])]


class Credentials(google.auth.credentials.Credentials):
    """Fails to refresh: ``exits`` once, by SystemExit; ``down`` twice, as if nobody answered."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self._failures = {"exits": 1, "down": 2}[how]
        self._error: BaseException = SystemExit("no") if how == "exits" else TransportError("no route")

    def refresh(self, request: object) -> None:
        """Fail for a while."""
        if self._failures:
            self._failures -= 1
            raise self._error
        self.token = "token"
        self.expiry = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        self.expiry += datetime.timedelta(hours=1)


#: The kinds of bad certificates, and what an error says of each.
CERTIFICATES = {
    "expired": r"expired",
    "wrong host": r"localhost|host ?name",
    "self-signed": r"self.signed",
    "unknown CA": r"issuer|unknown|authority",
}


def bad_certificate(kind: str, transport: str, short: bool) -> Outcome:
    """The server's certificate is bad, and will be: the first round of connections tells."""
    audit = Audit()
    pem, _, authority = certificate("a CA", ca=True)
    unknown = certificate("another CA", ca=True)[2]
    chain, key, _ = certificate(
        "elsewhere.example" if kind == "wrong host" else "localhost",
        issuer={"self-signed": None, "unknown CA": unknown}.get(kind, authority),
        days=-1 if kind == "expired" else 1,
    )
    with tempfile.TemporaryDirectory() as folder, secured(transport, chain, key, folder) as port:
        (Path(folder) / "ca.pem").write_bytes(pem)
        found = apart(transport, f"localhost:{port}", str(Path(folder) / "ca.pem"), "key")
    outcome = row(f"certificate: {kind}", transport, found, audit)
    outcome.expect(found[0].saw == "Unavailable", "not Unavailable")
    outcome.expect(found[0].seconds < 8, "noticed late")
    return outcome.expect(
        bool(re.search(CERTIFICATES[kind], found[0].message, re.IGNORECASE)), found[0].message
    )


def unknown_host(transport: str, short: bool) -> Outcome:
    """There is no host of that name."""
    audit = Audit()
    found = apart(transport, "no-such-host.invalid:443", "", "key")
    outcome = row("unknown host", transport, found, audit)
    outcome.expect(found[0].saw == "Unavailable", "not Unavailable")
    outcome.expect(found[0].seconds < 15, "noticed late")
    return outcome.expect("no-such-host.invalid" in found[0].message, found[0].message)


def failing_refresh(how: str, transport: str, short: bool) -> Outcome:
    """The credentials fail for a moment, by an exit or because nobody answers."""
    audit = Audit()
    pem, _, authority = certificate("a CA", ca=True)
    chain, key, _ = certificate("localhost", issuer=authority)
    with tempfile.TemporaryDirectory() as folder, secured(transport, chain, key, folder) as port:
        (Path(folder) / "ca.pem").write_bytes(pem)
        found = apart(transport, f"localhost:{port}", str(Path(folder) / "ca.pem"), how, times=2)
    name = "refresh() that exits" if how == "exits" else "token endpoint down"
    outcome = row(name, transport, found, audit)
    outcome.expect(found[-1].saw == "result", f"later calls: {found[-1].message}")
    outcome.expect(found[0].seconds < 10, "noticed late")
    return outcome.expect(how == "exits" or found[0].saw == "result", f"not retried: {found[0].message}")


def _of(function: Callable[[str, str, bool], Outcome], kind: str) -> Callable[[str, bool], Outcome]:
    return lambda transport, short: function(kind, transport, short)


FAULTS: dict[str, Callable[[str, bool], Outcome]] = {
    "undecodable": undecodable,
    "undecodable_later": undecodable_later,
    "nothing": nothing,
    "cut": cut,
    "deep": deep,
    "huge": huge,
    "web_page": web_page,
    "bad_line": bad_line,
    **{f"certificate_{kind.replace(' ', '_')}": _of(bad_certificate, kind) for kind in CERTIFICATES},
    "unknown_host": unknown_host,
    "refresh_exits": _of(failing_refresh, "exits"),
    "refresh_down": _of(failing_refresh, "down"),
}


def main() -> None:
    """Make the calls of `apart`."""
    transport, endpoint, credentials, times = sys.argv[1:]
    socket.setdefaulttimeout(LIMIT)
    given: dict[str, Any] = {"client_options": {"api_endpoint": endpoint}}
    if credentials == "key":
        given["client_options"]["api_key"] = "k"
    else:
        given["credentials"] = Credentials(credentials)
    found = call(transport, timeout=None, times=int(times), **given)
    print(json.dumps([asdict(each) for each in found]), flush=True)
    # A call that hangs holds nothing up.
    os._exit(0)


if __name__ == "__main__":
    main()
