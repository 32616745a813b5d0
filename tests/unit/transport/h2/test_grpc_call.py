"""Calls: messages over any split, statuses by gRPC's tables, what foreign servers send."""

from __future__ import annotations

import base64
import gzip
import random

import pytest
from h2_peer import (
    DATA,
    END_STREAM,
    HEADERS,
    REQUEST,
    RST_STREAM,
    WINDOW_UPDATE,
    connect,
    frame,
    message,
    parse,
    response,
    trailers,
    uint32,
)

from gemwire._transport.h2 import grpc_status
from gemwire._transport.h2.connection import STREAM_WINDOW, Connection
from gemwire._transport.h2.errors import ErrorCode
from gemwire._transport.h2.grpc_call import GrpcCall
from gemwire._transport.h2.grpc_status import Status
from gemwire._transport.h2.header_decoding import HeaderBlock

_GZIP_RESPONSE = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "gzip")]


class _Call(GrpcCall):
    """A started call that counts its events."""

    def __init__(self, connection: Connection, max_message_size: int | None = None) -> None:
        self.events = 0
        super().__init__(self._count, max_message_size)
        self.start(connection, REQUEST)
        self.send(b"request", end=True)
        self.sent = parse(connection.data_to_send())

    def _count(self) -> None:
        self.events += 1

    def take_all(self) -> list[bytes]:
        return list(iter(self.take, None))


def _finished(call: GrpcCall) -> Status:
    assert call.status is not None
    return call.status


def _resets(connection: Connection) -> list[tuple[int, int]]:
    return [
        (sent.stream_id, sent.number) for sent in parse(connection.data_to_send()) if sent.kind == RST_STREAM
    ]


def test_a_unary_call() -> None:
    connection = connect()
    call = _Call(connection)
    head, data = call.sent
    assert head.kind == HEADERS
    assert (data.payload, data.flags) == (message(b"request"), END_STREAM)
    connection.receive(response(1, *_GZIP_RESPONSE, ("x", "y"), ("b-bin", "AAE,/w==")))
    assert call.initial_metadata == (("x", "y"), ("b-bin", b"\0\1"), ("b-bin", b"\xff"))
    assert call.take() is None
    connection.receive(frame(DATA, 0, 1, message(b"answer")) + trailers(1, 0, ("t", "u")))
    assert call.take_all() == [b"answer"]
    assert call.status == Status(grpc_status.OK, "", (("t", "u"),))
    assert not call.cancel()
    assert _resets(connection) == []


@pytest.mark.parametrize("seed", range(30))
def test_messages_over_any_split(seed: int) -> None:
    chance = random.Random(seed)
    connection = connect()
    call = _Call(connection)
    expected = [chance.randbytes(chance.choice((0, 1, 5, 100, 5000, 70_000))) for _ in range(30)]
    stream = b"".join(map(message, expected))
    connection.receive(response(1))
    received: list[bytes] = []
    while stream:
        size = min(chance.choice((1, 2, 4, 5, 6, 100, 16_384)), len(stream))
        piece, stream = stream[:size], stream[size:]
        encoded = frame(DATA, 0, 1, piece)
        cut = chance.randrange(len(encoded))
        connection.receive(encoded[:cut])
        connection.receive(encoded[cut:])
        if chance.random() < 0.2:
            received += call.take_all()
    connection.receive(trailers(1))
    assert received + call.take_all() == expected
    assert _finished(call).code == grpc_status.OK


@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_gzip(size: int) -> None:
    connection = connect()
    call = _Call(connection)
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    connection.receive(response(1, *_GZIP_RESPONSE))
    connection.receive(
        frame(DATA, 0, 1, message(gzip.compress(content, mtime=0), 1) + message(b"plain")) + trailers(1)
    )
    assert call.take_all() == [content, b"plain"]
    assert _finished(call).code == grpc_status.OK


@pytest.mark.parametrize(
    ("head", "data", "code", "text"),
    [
        ([], message(b"x", 1), grpc_status.INTERNAL, "a compressed message, but no grpc-encoding"),
        (
            [(":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "snappy")],
            message(b"x", 1),
            grpc_status.UNIMPLEMENTED,
            "grpc-encoding 'snappy' is not supported",
        ),
        ([], message(b"x", 2), grpc_status.INTERNAL, "a message begins with 0x02; it is not one of gRPC"),
        (
            [],
            message(bytes(1001)),
            grpc_status.RESOURCE_EXHAUSTED,
            "a message of 1001 bytes; the limit is 1000",
        ),
        ([], b"\0\xff\xff\xff\xff", grpc_status.RESOURCE_EXHAUSTED, "a message of 4294967295 bytes"),
    ],
)
def test_bad_prefixes_end_the_call(head: list[tuple[str, str]], data: bytes, code: int, text: str) -> None:
    connection = connect()
    call = _Call(connection, 1000)
    connection.receive(response(1, *head) + frame(DATA, 0, 1, message(b"good") + data))
    assert call.take_all() == [b"good"]
    assert _finished(call).code == code
    assert text in _finished(call).message
    assert _resets(connection) == [(1, ErrorCode.CANCEL)]


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        (b"no gzip", grpc_status.INTERNAL, "a message is not gzip"),
        (
            gzip.compress(bytes(1001), mtime=0),
            grpc_status.RESOURCE_EXHAUSTED,
            "more than 1000 bytes, decompressed",
        ),
        (gzip.compress(bytes(900), mtime=0)[:-4], grpc_status.INTERNAL, "a compressed message is cut off"),
        (
            gzip.compress(bytes(1 << 26), mtime=0),
            grpc_status.RESOURCE_EXHAUSTED,
            "more than 1000 bytes, decompressed",
        ),
    ],
)
def test_bad_compressed_messages_end_the_call(data: bytes, code: int, text: str) -> None:
    connection = connect()
    call = _Call(connection, 100_000 if len(data) > 1000 else 1000)
    if len(data) > 1000:
        text = text.replace("1000", "100000")
    connection.receive(response(1, *_GZIP_RESPONSE))
    for at in range(0, len(data) + 5, 16_384):
        connection.receive(frame(DATA, 0, 1, message(data, 1)[at : at + 16_384]))
    connection.receive(frame(DATA, 0, 1, message(b"later")) + trailers(1))
    assert call.take_all() == []
    assert _finished(call).code == code
    assert text in _finished(call).message


@pytest.mark.parametrize("cut", [1, 4, 5, 8])
def test_an_ok_with_a_cut_message_is_internal(cut: int) -> None:
    connection = connect()
    call = _Call(connection)
    connection.receive(response(1) + frame(DATA, 0, 1, message(b"abcd")[:cut]) + trailers(1))
    assert _finished(call).code == grpc_status.INTERNAL
    assert "the last message lacks" in _finished(call).message


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ([("grpc-status", "5"), ("grpc-message", "no such %F0%9F%90%B3 %zz 100%")], 5, "no such 🐳 %zz 100%"),
        ([("grpc-status", "5"), ("grpc-message", "%ff")], 5, "\ufffd"),
        ([("grpc-status", "99")], 99, ""),
        ([("grpc-status", "x")], 2, "the server sent trailers with grpc-status 'x'"),
        ([("grpc-status", "-1")], 2, "the server sent trailers with grpc-status '-1'"),
        ([("grpc-status", "٣")], 2, "the server sent trailers with grpc-status"),
        ([("grpc-status", "9" * 5000)], 2, "the server sent trailers with grpc-status"),
        ([("x", "y")], 2, "the server sent trailers without grpc-status"),
    ],
)
def test_statuses_of_trailers(fields: list[tuple[str, str]], code: int, text: str) -> None:
    connection = connect()
    call = _Call(connection)
    connection.receive(response(1) + response(1, *fields, end=True))
    assert _finished(call).code == code
    assert text in _finished(call).message


def test_details_and_damaged_metadata() -> None:
    connection = connect()
    call = _Call(connection)
    details = base64.b64encode(b"\x08\x05").decode().rstrip("=")
    connection.receive(
        response(
            1,
            (":status", "200"),
            ("content-type", "application/grpc"),
            ("grpc-status", "5"),
            ("grpc-status-details-bin", details),
            ("bad-bin", "A"),
            end=True,
        )
    )
    assert _finished(call).trailers == (("grpc-status-details-bin", b"\x08\x05"),)
    assert call.initial_metadata == ()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INTERNAL"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "UNIMPLEMENTED"),
        (429, "UNAVAILABLE"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "UNAVAILABLE"),
        (200, "UNKNOWN"),
        (302, "UNKNOWN"),
        (500, "UNKNOWN"),
    ],
)
@pytest.mark.parametrize("ending", ["data", "trailers", "at once", "reset", "lost", "long"])
def test_statuses_of_foreign_responses(status: int, code: str, ending: str) -> None:
    """doc/http-grpc-status-mapping.md."""
    connection = connect()
    call = _Call(connection)
    fields = [(":status", str(status)), ("content-type", "text/html"), ("retry-after", "3")]
    if ending == "at once":
        connection.receive(response(1, *fields, end=True))
    else:
        connection.receive(response(1, *fields))
        assert call.status is None
        connection.receive(frame(DATA, END_STREAM if ending == "data" else 0, 1, b"<p>Try later"))
    if ending == "trailers":
        connection.receive(response(1, ("grpc-status", "0"), end=True))
    elif ending == "reset":
        connection.receive(frame(RST_STREAM, 0, 1, uint32(ErrorCode.CANCEL)))
    elif ending == "lost":
        connection.receive_eof()
    elif ending == "long":
        connection.receive(frame(DATA, 0, 1, b"x" * 1000))
        assert _resets(connection) == [(1, ErrorCode.CANCEL)]
    found = _finished(call)
    assert found.code == getattr(grpc_status, code)
    text = f"HTTP {status} and text/html instead of gRPC"
    assert found.message.startswith(text if ending == "at once" else f"{text}: <p>Try later")
    assert len(found.message) < 300
    assert ("retry-after", "3") in found.trailers


@pytest.mark.parametrize("kind", ["application/grpc+proto", "application/grpc;charset=utf-8"])
def test_content_types_of_grpc(kind: str) -> None:
    connection = connect()
    call = _Call(connection)
    connection.receive(response(1, (":status", "200"), ("content-type", kind)) + trailers(1))
    assert _finished(call).code == grpc_status.OK


def test_a_content_type_that_only_begins_alike() -> None:
    connection = connect()
    call = _Call(connection)
    connection.receive(response(1, (":status", "200"), ("content-type", "application/grpc-web"), end=True))
    assert _finished(call).code == grpc_status.UNKNOWN


def test_an_end_without_a_status() -> None:
    connection = connect()
    call = _Call(connection)
    connection.receive(response(1) + frame(DATA, END_STREAM, 1, message(b"x")))
    assert call.take_all() == [b"x"]
    assert call.status == Status(grpc_status.INTERNAL, "the server ended the stream without a status")


@pytest.mark.parametrize(
    ("code", "expected", "unprocessed"),
    [
        (ErrorCode.NO_ERROR, "INTERNAL", False),
        (ErrorCode.PROTOCOL_ERROR, "INTERNAL", False),
        (ErrorCode.STREAM_CLOSED, "INTERNAL", False),
        (ErrorCode.REFUSED_STREAM, "UNAVAILABLE", True),
        (ErrorCode.CANCEL, "CANCELLED", False),
        (ErrorCode.ENHANCE_YOUR_CALM, "RESOURCE_EXHAUSTED", False),
        (ErrorCode.INADEQUATE_SECURITY, "PERMISSION_DENIED", False),
        (0xFFFFFFFF, "INTERNAL", False),
    ],
)
def test_statuses_of_resets(code: int, expected: str, unprocessed: bool) -> None:
    connection = connect()
    call = _Call(connection)
    connection.receive(frame(RST_STREAM, 0, 1, uint32(code)))
    assert _finished(call).code == getattr(grpc_status, expected)
    assert call.unprocessed is unprocessed


def test_a_reset_after_the_status_changes_nothing() -> None:
    """Servers send RST_STREAM(NO_ERROR) after a whole answer to a request that has not ended."""
    connection = connect()
    call = _Call(connection)
    connection.receive(response(1) + trailers(1) + frame(RST_STREAM, 0, 1, uint32(0)))
    assert _finished(call).code == grpc_status.OK
    assert connection.failure is None


def test_a_lost_connection_is_unavailable() -> None:
    connection = connect()
    call = _Call(connection)
    connection.lose("connection reset by peer")
    assert call.status == Status(grpc_status.UNAVAILABLE, "connection reset by peer")
    assert not call.unprocessed


def test_cancelling_resets_the_stream() -> None:
    connection = connect()
    call = _Call(connection)
    connection.receive(response(1) + frame(DATA, 0, 1, message(b"x")))
    assert call.cancel(Status(grpc_status.DEADLINE_EXCEEDED, "deadline"))
    assert not call.cancel()
    assert _resets(connection) == [(1, ErrorCode.CANCEL)]
    connection.receive(trailers(1))
    assert _finished(call).message == "deadline"


def test_messages_that_are_taken_are_returned_to_the_window() -> None:
    connection = connect()
    call = _Call(connection)
    connection.receive(response(1))
    for _ in range(60):
        connection.receive(frame(DATA, 0, 1, message(bytes(10_000))))
    assert not connection.has_unsent
    assert len(call.take_all()) == 60
    (update,) = parse(connection.data_to_send())
    assert (update.kind, update.stream_id) == (WINDOW_UPDATE, 1)
    assert update.number >= STREAM_WINDOW // 2


def test_a_message_longer_than_the_window_is_permitted_at_once() -> None:
    connection = connect()
    call = _Call(connection)
    content = bytes(STREAM_WINDOW * 3)
    encoded = message(content)
    connection.receive(response(1) + frame(DATA, 0, 1, encoded[:100]))
    updates = [sent for sent in parse(connection.data_to_send()) if sent.stream_id == 1]
    assert sum(update.number for update in updates) == len(encoded) - STREAM_WINDOW
    for at in range(100, len(encoded), 16_384):
        connection.receive(frame(DATA, 0, 1, encoded[at : at + 16_384]))
    connection.receive(trailers(1))
    assert call.take_all() == [content]


def test_a_request_of_several_messages() -> None:
    connection = connect(initial_window_size=12)
    call = GrpcCall(lambda: None, None)
    assert call.unsent_size == 0
    call.start(connection, REQUEST)
    call.send(b"first")
    call.send(b"second")
    call.send_end()
    sent = parse(connection.data_to_send())
    assert [part.payload for part in sent[1:]] == [message(b"first"), message(b"second")[:2]]
    assert call.unsent_size == 9
    connection.receive(frame(WINDOW_UPDATE, 0, 1, uint32(9)))
    (last,) = parse(connection.data_to_send())
    assert (last.payload, last.flags) == (message(b"second")[2:], END_STREAM)
    assert call.unsent_size == 0


def test_a_compressed_message_that_is_cut_off() -> None:
    connection = connect()
    call = _Call(connection)
    cut = gzip.compress(b"x" * 1000)[:-12]
    connection.receive(response(1, *_GZIP_RESPONSE) + frame(DATA, 0, 1, message(cut, 1)) + trailers(1))
    assert call.take() is None
    assert "a compressed message is cut off" in _finished(call).message


def test_a_call_that_is_not_started() -> None:
    """Nothing is sent for it, and what it is given has no stream to be returned to."""
    call = GrpcCall(lambda: None, None)
    call.send(b"request")
    call.send_end()
    call.receive_data(message(b"one") + message(b"two")[:7], 0, 15)
    assert call.take() == b"one"
    assert call.unsent_size == 0
    assert call.cancel()
    assert _finished(call).code == grpc_status.CANCELLED
    foreign = GrpcCall(lambda: None, None)
    foreign.receive_headers(HeaderBlock(404, (("content-type", "text/html"),)), False)
    foreign.receive_data(b"gone", 0, 4)
    foreign.receive_end()
    first = _finished(foreign)
    foreign.receive_failure(None, "lost", False)
    assert "404" in first.message
    assert _finished(foreign) is first
