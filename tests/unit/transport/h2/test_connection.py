"""The rules of RFC 9113, one by one, with frames made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from h2_peer import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HAS_PRIORITY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PUSH_PROMISE,
    REQUEST,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Recorder,
    block,
    connect,
    frame,
    message,
    open_stream,
    parse,
    response,
    settings,
    trailers,
    uint32,
)

from gemwire._transport.h2.connection import CONNECTION_WINDOW, STREAM_WINDOW, Connection
from gemwire._transport.h2.errors import ErrorCode
from gemwire._transport.h2.grpc_call import GrpcCall
from gemwire._transport.h2.header_decoding import HeaderBlock
from gemwire._transport.h2.stream import Stream

_MAX_WINDOW = (1 << 31) - 1


def _goaway_code(connection: Connection) -> ErrorCode:
    """Return the code with which the client ended the connection."""
    last = parse(connection.data_to_send())[-1]
    assert (last.kind, last.stream_id) == (GOAWAY, 0)
    assert last.payload[:4] == uint32(0)
    return ErrorCode(last.number)


def _reset_code(connection: Connection, stream: Stream) -> ErrorCode:
    """Return the code with which the client reset a stream."""
    (reset,) = [sent for sent in parse(connection.data_to_send()) if sent.kind == RST_STREAM]
    assert reset.stream_id == stream.id
    return ErrorCode(reset.number)


# Beginning.


def test_the_preface_announces_no_table_no_push_and_the_windows() -> None:
    connection = Connection()
    data = connection.data_to_send()
    assert data.startswith(PREFACE)
    announced, update = parse(data)
    assert announced.kind == SETTINGS
    pairs = [announced.payload[at : at + 6] for at in range(0, len(announced.payload), 6)]
    values = {int.from_bytes(pair[:2], "big"): int.from_bytes(pair[2:], "big") for pair in pairs}
    assert values == {1: 0, 2: 0, 4: STREAM_WINDOW, 6: 65536}
    assert (update.kind, update.stream_id, update.number) == (WINDOW_UPDATE, 0, CONNECTION_WINDOW - 65_535)
    assert not connection.has_unsent
    assert connection.data_to_send() == b""


def test_settings_are_acknowledged() -> None:
    connection = Connection()
    connection.data_to_send()
    assert not connection.is_ready
    connection.receive(settings())
    assert connection.is_ready
    assert parse(connection.data_to_send()) == parse(frame(SETTINGS, ACK, 0))


@pytest.mark.parametrize(
    "first",
    [
        frame(PING, 0, 0, b"12345678"),
        frame(SETTINGS, ACK, 0),
        frame(0x99, 0, 0, b"x"),
        response(1),
        frame(DATA, 0, 1, b"x"),
        frame(GOAWAY, 0, 0, uint32(0) * 2),
    ],
)
def test_the_first_frame_is_settings(first: bytes) -> None:
    connection = Connection()
    _, recorder = open_stream(connection)
    connection.receive(first)
    assert connection.failure == "the server broke HTTP/2: its first frame is not SETTINGS"
    assert _goaway_code(connection) is ErrorCode.PROTOCOL_ERROR
    assert recorder.failure == (ErrorCode.PROTOCOL_ERROR, connection.failure, False)


@pytest.mark.parametrize("split", [1, 4, 7, 30])
def test_a_server_of_http1_is_named(split: int) -> None:
    connection = Connection()
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nno"
    connection.receive(answer[:split])
    connection.receive(answer[split:])
    assert connection.failure == "the server broke HTTP/2: it answers in HTTP/1.1"
    assert _goaway_code(connection) is ErrorCode.HTTP_1_1_REQUIRED


def test_frames_arrive_in_any_portions() -> None:
    data = settings() + response(1) + frame(DATA, 0, 1, b"hello") + trailers(1)
    for size in (1, 2, 3, 8, 9, 10, 50):
        connection = Connection()
        stream, recorder = open_stream(connection)
        for at in range(0, len(data), size):
            connection.receive(data[at : at + size])
        assert recorder.data == b"hello"
        assert [head.status for head in recorder.headers] == [200, None]
        assert recorder.ended
        assert stream.is_closed
        assert connection.failure is None


# Settings.


def test_the_limit_of_streams() -> None:
    connection = Connection()
    assert connection.max_streams == 100
    connection.receive(settings(max_concurrent_streams=2))
    open_stream(connection)
    assert connection.has_room
    stream, _ = open_stream(connection)
    assert not connection.has_room
    stream.reset()
    assert connection.has_room
    connection.receive(settings(max_concurrent_streams=0))
    assert not connection.has_room


def test_without_the_setting_there_is_no_limit() -> None:
    connection = connect()
    for _ in range(300):
        open_stream(connection)
    assert connection.has_room


@pytest.mark.parametrize(
    ("received", "code"),
    [
        (settings(enable_push=1), ErrorCode.PROTOCOL_ERROR),
        (settings(initial_window_size=1 << 31), ErrorCode.FLOW_CONTROL_ERROR),
        (settings(max_frame_size=16_383), ErrorCode.PROTOCOL_ERROR),
        (settings(max_frame_size=1 << 24), ErrorCode.PROTOCOL_ERROR),
        (frame(SETTINGS, 0, 0, b"12345"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(SETTINGS, ACK, 0, b"123456"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(SETTINGS, 0, 1), ErrorCode.PROTOCOL_ERROR),
        (frame(PING, 0, 0, b"1234567"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(PING, 0, 1, b"12345678"), ErrorCode.PROTOCOL_ERROR),
        (frame(GOAWAY, 0, 0, b"1234567"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(GOAWAY, 0, 1, b"12345678"), ErrorCode.PROTOCOL_ERROR),
        (frame(WINDOW_UPDATE, 0, 0, b"123"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(WINDOW_UPDATE, 0, 0, uint32(0)), ErrorCode.PROTOCOL_ERROR),
        (frame(WINDOW_UPDATE, 0, 0, uint32(_MAX_WINDOW)), ErrorCode.FLOW_CONTROL_ERROR),
        (frame(WINDOW_UPDATE, 0, 7, uint32(1)), ErrorCode.PROTOCOL_ERROR),
        (frame(RST_STREAM, 0, 1, b"123"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(RST_STREAM, 0, 0, uint32(0)), ErrorCode.PROTOCOL_ERROR),
        (frame(RST_STREAM, 0, 7, uint32(0)), ErrorCode.PROTOCOL_ERROR),
        (frame(DATA, 0, 0, b"x"), ErrorCode.PROTOCOL_ERROR),
        (frame(DATA, 0, 7, b"x"), ErrorCode.PROTOCOL_ERROR),
        (response(1) + frame(DATA, PADDED, 1, b"\x04abc"), ErrorCode.PROTOCOL_ERROR),
        (response(1) + frame(DATA, PADDED, 1, b""), ErrorCode.FRAME_SIZE_ERROR),
        (frame(HEADERS, END_HEADERS, 0, block()), ErrorCode.PROTOCOL_ERROR),
        (frame(HEADERS, END_HEADERS, 2, block()), ErrorCode.PROTOCOL_ERROR),
        (frame(HEADERS, END_HEADERS, 7, block()), ErrorCode.PROTOCOL_ERROR),
        (frame(HEADERS, END_HEADERS | PADDED, 1, b"\x05abc"), ErrorCode.PROTOCOL_ERROR),
        (frame(HEADERS, END_HEADERS | HAS_PRIORITY, 1, b"1234"), ErrorCode.FRAME_SIZE_ERROR),
        (frame(HEADERS, END_HEADERS, 1, b"\x80"), ErrorCode.COMPRESSION_ERROR),
        (frame(PRIORITY, 0, 0, b"12345"), ErrorCode.PROTOCOL_ERROR),
        (frame(PUSH_PROMISE, END_HEADERS, 1, uint32(2) + block()), ErrorCode.PROTOCOL_ERROR),
        (frame(CONTINUATION, END_HEADERS, 1, block()), ErrorCode.PROTOCOL_ERROR),
        (frame(HEADERS, 0, 1, block()) + frame(PING, 0, 0, b"12345678"), ErrorCode.PROTOCOL_ERROR),
        (frame(HEADERS, 0, 1, block()) + frame(DATA, 0, 1, b"x"), ErrorCode.PROTOCOL_ERROR),
        (frame(HEADERS, 0, 1, block()) + frame(0x99, 0, 1, b"x"), ErrorCode.PROTOCOL_ERROR),
        (frame(HEADERS, 0, 1, block()) + frame(CONTINUATION, 0, 3, b"x"), ErrorCode.PROTOCOL_ERROR),
        (frame(DATA, 0, 1, bytes(16_385)), ErrorCode.FRAME_SIZE_ERROR),
    ],
)
def test_broken_rules_end_the_connection(received: bytes, code: ErrorCode) -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    connection.receive(received)
    assert connection.failure is not None
    assert connection.failure.startswith("the server broke HTTP/2: ")
    assert recorder.failure == (code, connection.failure, False)
    assert _goaway_code(connection) is code
    assert stream.is_closed
    assert not connection.streams
    # Nothing that follows is read, and nothing else is sent.
    connection.receive(settings())
    assert connection.data_to_send() == b""


@pytest.mark.parametrize(
    ("received", "code"),
    [
        (frame(DATA, 0, 1, b"x"), ErrorCode.PROTOCOL_ERROR),
        (response(1) + frame(WINDOW_UPDATE, 0, 1, uint32(0)), ErrorCode.PROTOCOL_ERROR),
        (frame(WINDOW_UPDATE, 0, 1, uint32(_MAX_WINDOW)), ErrorCode.FLOW_CONTROL_ERROR),
        (frame(PRIORITY, 0, 1, b"1234"), ErrorCode.FRAME_SIZE_ERROR),
        (response(1, ("a", "b")), ErrorCode.PROTOCOL_ERROR),
        (response(1, (":status", "100"), end=True), ErrorCode.PROTOCOL_ERROR),
        (response(1) + response(1), ErrorCode.PROTOCOL_ERROR),
        (response(1) + response(1, ("a", "b")), ErrorCode.PROTOCOL_ERROR),
        (response(1) + response(1, end=True), ErrorCode.PROTOCOL_ERROR),
        (response(1, (":status", "200"), ("A", "b")), ErrorCode.PROTOCOL_ERROR),
    ],
)
def test_broken_rules_of_a_stream_end_that_stream(received: bytes, code: ErrorCode) -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    _, other = open_stream(connection)
    connection.receive(received)
    assert recorder.failure is not None
    assert recorder.failure[0] is code
    assert stream.is_closed
    assert _reset_code(connection, stream) is code
    # The other stream goes on.
    connection.receive(response(3) + frame(DATA, END_STREAM, 3, b"x"))
    assert (other.data, other.ended) == (b"x", True)
    assert connection.failure is None


# Streams.


def test_trailers_only() -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    connection.receive(response(1, (":status", "200"), ("grpc-status", "5"), end=True))
    assert recorder.headers[0].fields == (("grpc-status", "5"),)
    assert recorder.ended
    assert stream.is_closed


def test_informational_responses_are_skipped() -> None:
    connection = connect()
    _, recorder = open_stream(connection)
    connection.receive(response(1, (":status", "103"), ("link", "x")) + response(1) + trailers(1))
    assert [head.status for head in recorder.headers] == [200, None]


def test_padding_is_removed_and_returned_to_the_window() -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    padded = frame(HEADERS, END_HEADERS | PADDED | HAS_PRIORITY, 1, b"\x03" + b"prior" + block() + b"pad")
    connection.receive(padded + frame(DATA, PADDED, 1, b"\x02hipp"))
    assert recorder.data == b"hi"
    assert recorder.headers[0].status == 200
    assert stream.receive_window == STREAM_WINDOW - 5


def test_header_blocks_in_pieces() -> None:
    connection = connect()
    _, recorder = open_stream(connection)
    data = block((":status", "200"), ("x", "y" * 100))
    connection.receive(
        frame(HEADERS, 0, 1, data[:10])
        + frame(CONTINUATION, 0, 1, data[10:50])
        + frame(CONTINUATION, END_HEADERS, 1, data[50:])
    )
    assert recorder.headers[0].fields == (("x", "y" * 100),)


def test_too_many_header_fields_end_the_stream() -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    data = block((":status", "200"), ("a", "b" * 70_000))
    pieces = [data[at : at + 16_384] for at in range(0, len(data), 16_384)]
    connection.receive(frame(HEADERS, 0, 1, pieces[0]))
    for piece in pieces[1:]:
        connection.receive(frame(CONTINUATION, END_HEADERS if piece is pieces[-1] else 0, 1, piece))
    rule = "malformed response: header fields of more than 65536 bytes"
    assert recorder.failure == (ErrorCode.PROTOCOL_ERROR, rule, False)
    assert _reset_code(connection, stream) is ErrorCode.PROTOCOL_ERROR


@pytest.mark.parametrize("piece", [b"", b"x" * 16_384])
def test_endless_header_blocks_end_the_connection(piece: bytes) -> None:
    connection = connect()
    open_stream(connection)
    connection.receive(frame(HEADERS, 0, 1, block()))
    for _ in range(10):
        connection.receive(frame(CONTINUATION, 0, 1, piece))
    assert _goaway_code(connection) is ErrorCode.ENHANCE_YOUR_CALM


def test_a_stream_is_reset_by_the_client() -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    connection.receive(response(1))
    stream.reset()
    assert _reset_code(connection, stream) is ErrorCode.CANCEL
    stream.reset()
    stream.send(b"x")
    stream.consume(STREAM_WINDOW)
    stream.expect(1 << 30)
    assert not connection.has_unsent
    # What was under way is ignored, and counts for the window of the connection.
    for _ in range(CONNECTION_WINDOW // 2 // 16_384):
        connection.receive(frame(DATA, 0, 1, bytes(16_384)))
    connection.receive(trailers(1))
    (update,) = parse(connection.data_to_send())
    assert (update.kind, update.stream_id, update.number) == (WINDOW_UPDATE, 0, CONNECTION_WINDOW // 2)
    assert recorder.failure is None
    assert recorder.data == b""
    assert connection.failure is None


def test_any_number_of_streams_can_be_left() -> None:
    connection = connect()
    stays, recorder = open_stream(connection)
    connection.receive(response(stays.id))
    for _ in range(5000):
        stream, _ = open_stream(connection)
        stream.reset()
        late = (
            response(stream.id)
            + frame(DATA, 0, stream.id, b"late")
            + frame(RST_STREAM, 0, stream.id, uint32(8))
        )
        connection.receive(late)
        connection.data_to_send()
    connection.receive(frame(DATA, END_STREAM, stays.id, b"x"))
    assert connection.failure is None
    assert recorder.ended


@pytest.mark.parametrize(
    ("code", "unprocessed"), [(ErrorCode.CANCEL, False), (ErrorCode.REFUSED_STREAM, True), (0xABCD, False)]
)
def test_a_stream_is_reset_by_the_server(code: int, unprocessed: bool) -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    connection.receive(frame(RST_STREAM, 0, 1, uint32(code)))
    name = code.name if isinstance(code, ErrorCode) else "code 0xabcd"
    assert recorder.failure == (code, f"the server reset the stream: {name}", unprocessed)
    assert stream.is_closed
    # Section 5.1: frames that follow are errors of the stream.
    connection.data_to_send()
    connection.receive(frame(DATA, 0, 1, b"x"))
    assert _reset_code(connection, stream) is ErrorCode.STREAM_CLOSED
    connection.receive(frame(RST_STREAM, 0, 1, uint32(0)) + frame(WINDOW_UPDATE, 0, 1, uint32(9)))
    assert connection.failure is None


@pytest.mark.parametrize("late", [frame(DATA, 0, 1, b"x"), response(1), trailers(1)])
def test_frames_after_the_end_of_a_stream_end_the_connection(late: bytes) -> None:
    connection = connect()
    open_stream(connection)
    connection.receive(response(1) + trailers(1))
    connection.receive(frame(RST_STREAM, 0, 1, uint32(0)) + frame(PRIORITY, 0, 1, b"12345"))
    assert connection.failure is None
    connection.receive(late)
    assert connection.failure == "the server broke HTTP/2: frame on stream 1, which it had ended"
    assert _goaway_code(connection) is ErrorCode.STREAM_CLOSED


def test_a_response_before_the_end_of_the_request_stops_the_request() -> None:
    connection = connect(initial_window_size=10)
    recorder = Recorder()
    stream = connection.open_stream(recorder, REQUEST)
    stream.send(bytes(100), end=True)
    connection.data_to_send()
    connection.receive(response(1, (":status", "200"), ("grpc-status", "3"), end=True))
    assert _reset_code(connection, stream) is ErrorCode.NO_ERROR
    assert recorder.failure is None
    assert not connection.has_unsent


def test_identifiers_run_out() -> None:
    connection = connect()
    stream, _ = open_stream(connection)
    assert stream.id == 1
    connection._next_id = _MAX_WINDOW
    stream, _ = open_stream(connection)
    assert stream.id == _MAX_WINDOW
    assert not connection.has_room


# Windows.


def test_data_waits_for_the_windows() -> None:
    connection = connect(initial_window_size=10)
    recorder = Recorder()
    stream = connection.open_stream(recorder, REQUEST)
    stream.send(b"0123", b"456789abcdef", end=True)
    head, first = parse(connection.data_to_send())
    assert head.kind == HEADERS
    assert (first.payload, first.flags) == (b"0123456789", 0)
    assert not connection.has_unsent
    assert recorder.drained == 0
    connection.receive(frame(WINDOW_UPDATE, 0, 1, uint32(2)))
    assert [sent.payload for sent in parse(connection.data_to_send())] == [b"ab"]
    # A smaller setting makes windows negative (section 6.9.2).
    connection.receive(settings(initial_window_size=5))
    assert stream.send_window == -5
    connection.receive(frame(WINDOW_UPDATE, 0, 1, uint32(5)))
    assert [sent.kind for sent in parse(connection.data_to_send())] == [SETTINGS]
    connection.receive(settings(initial_window_size=100))
    _, last = parse(connection.data_to_send())
    assert (last.payload, last.flags) == (b"cdef", END_STREAM)
    assert recorder.drained == 1


def test_windows_that_the_setting_makes_too_large() -> None:
    connection = connect()
    open_stream(connection)
    connection.receive(frame(WINDOW_UPDATE, 0, 1, uint32(_MAX_WINDOW - 65_535)))
    assert connection.failure is None
    connection.receive(settings(initial_window_size=65_536))
    assert _goaway_code(connection) is ErrorCode.FLOW_CONTROL_ERROR


def test_the_window_of_the_connection_is_shared_in_turn() -> None:
    connection = connect(initial_window_size=_MAX_WINDOW)
    streams = [connection.open_stream(Recorder(), REQUEST) for _ in range(3)]
    for stream in streams:
        stream.send(bytes(40_000), end=True)
    sent = [part for part in parse(connection.data_to_send()) if part.kind == DATA]
    assert [part.stream_id for part in sent] == [1, 3, 5, 1]
    assert sum(len(part.payload) for part in sent) == 65_535
    assert connection.data_to_send() == b""
    connection.receive(frame(WINDOW_UPDATE, 0, 0, uint32(1_000_000)))
    sent += parse(connection.data_to_send())
    for stream in streams:
        parts = [part for part in sent if part.stream_id == stream.id]
        assert sum(len(part.payload) for part in parts) == 40_000
        assert [part.flags for part in parts][-1] == END_STREAM


def test_large_frames_and_header_blocks() -> None:
    connection = connect(max_frame_size=20_000, initial_window_size=1 << 20)
    stream = connection.open_stream(Recorder(), bytes(50_000))
    stream.send(bytes(30_000), end=True)
    sent = parse(connection.data_to_send())
    assert [(part.kind, len(part.payload), part.flags) for part in sent] == [
        (HEADERS, 20_000, 0),
        (CONTINUATION, 20_000, 0),
        (CONTINUATION, 10_000, END_HEADERS),
        (DATA, 20_000, 0),
        (DATA, 10_000, END_STREAM),
    ]


def test_a_long_message_is_written_in_portions() -> None:
    connection = connect(initial_window_size=_MAX_WINDOW)
    connection.receive(frame(WINDOW_UPDATE, 0, 0, uint32(1 << 30)))
    stream = connection.open_stream(Recorder(), REQUEST)
    message = bytes(range(256)) * 20_000
    stream.send(message, end=True)
    received = b""
    while connection.has_unsent:
        portion = connection.data_to_send()
        assert len(portion) < 600_000
        received += b"".join(part.payload for part in parse(portion) if part.kind == DATA)
    assert received == message


def test_an_empty_end_is_sent_at_once() -> None:
    connection = connect(initial_window_size=0)
    stream = connection.open_stream(Recorder(), REQUEST)
    stream.send(end=True)
    assert parse(connection.data_to_send())[-1].flags == END_STREAM


def test_an_end_follows_waiting_data() -> None:
    connection = connect(initial_window_size=3)
    stream = connection.open_stream(Recorder(), REQUEST)
    stream.send(b"12345")
    stream.send(end=True)
    assert parse(connection.data_to_send())[-1].payload == b"123"
    connection.receive(frame(WINDOW_UPDATE, 0, 1, uint32(2)))
    last = parse(connection.data_to_send())[-1]
    assert (last.payload, last.flags) == (b"45", END_STREAM)


def test_what_is_read_is_returned_to_the_window() -> None:
    connection = connect()
    stream, _ = open_stream(connection)
    connection.receive(response(1))
    for _ in range(STREAM_WINDOW // 16_384):
        connection.receive(frame(DATA, 0, 1, bytes(16_384)))
    assert stream.receive_window == 0
    stream.consume(STREAM_WINDOW // 2 - 1)
    assert not connection.has_unsent
    stream.consume(1)
    (update,) = parse(connection.data_to_send())
    assert (update.stream_id, update.number) == (1, STREAM_WINDOW // 2)
    assert stream.receive_window == STREAM_WINDOW // 2


def test_more_than_the_window_of_a_stream_ends_it() -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    connection.receive(response(1))
    for _ in range(STREAM_WINDOW // 16_384):
        connection.receive(frame(DATA, 0, 1, bytes(16_384)))
    connection.receive(frame(DATA, 0, 1, b"x"))
    assert recorder.failure == (ErrorCode.FLOW_CONTROL_ERROR, "the server exceeded the window", False)
    assert _reset_code(connection, stream) is ErrorCode.FLOW_CONTROL_ERROR


def test_an_expected_message_extends_the_window_once() -> None:
    connection = connect()
    stream, _ = open_stream(connection)
    stream.expect(STREAM_WINDOW)
    assert not connection.has_unsent
    stream.expect(STREAM_WINDOW + 1000)
    (update,) = parse(connection.data_to_send())
    assert (update.stream_id, update.number) == (1, 1000)
    # The message is read: 1000 bytes of it were returned before.
    stream.receive_window = 0
    stream.consume(STREAM_WINDOW + 1000)
    (update,) = parse(connection.data_to_send())
    assert update.number == STREAM_WINDOW


# Connection.


def test_pings() -> None:
    connection = connect()
    connection.receive(frame(PING, 0, 0, b"abcdefgh"))
    assert parse(connection.data_to_send()) == parse(frame(PING, ACK, 0, b"abcdefgh"))
    connection.ping()
    connection.ping()
    assert connection.pings_unanswered == 2
    ping = parse(connection.data_to_send())[0]
    connection.receive(frame(PING, ACK, 0, ping.payload))
    assert connection.pings_unanswered == 0


def test_a_graceful_goaway_in_two_steps() -> None:
    connection = connect()
    _, first = open_stream(connection)
    _, second = open_stream(connection)
    connection.receive(frame(GOAWAY, 0, 0, uint32(_MAX_WINDOW) + uint32(0) + b"graceful"))
    assert connection.is_draining
    assert not connection.has_room
    assert first.failure is second.failure is None
    connection.receive(frame(GOAWAY, 0, 0, uint32(1) + uint32(0) + b"max age"))
    assert second.failure == (0, "the server ends the connection: NO_ERROR (max age)", True)
    connection.receive(response(1) + trailers(1))
    assert first.ended
    assert connection.failure is None
    connection.receive(frame(GOAWAY, 0, 0, uint32(3) + uint32(0)))
    assert connection.failure == "the server broke HTTP/2: GOAWAY with a higher stream than before"


def test_the_end_of_the_connection_after_goaway_tells_what_was_not_processed() -> None:
    connection = connect()
    _, first = open_stream(connection)
    connection.receive(frame(GOAWAY, 0, 0, uint32(1) + uint32(2) + b""))
    connection.receive_eof()
    assert first.failure == (None, "the connection was closed by the server", False)


def test_the_loss_of_the_connection() -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    connection.receive(frame(SETTINGS, 0, 0)[:5])
    connection.lose("connection reset by peer")
    connection.lose("again")
    assert recorder.failure == (None, "connection reset by peer", False)
    assert connection.failure == "connection reset by peer"
    assert stream.is_closed
    assert not connection.has_room
    assert connection.data_to_send() == b""


def test_closing_says_goaway() -> None:
    connection = connect()
    _, recorder = open_stream(connection)
    connection.close()
    connection.close()
    assert recorder.failure == (ErrorCode.CANCEL, "the client was closed during the call", False)
    assert _goaway_code(connection) is ErrorCode.NO_ERROR


@pytest.mark.parametrize(
    "flood",
    [
        lambda _: frame(PING, 0, 0, b"12345678"),
        lambda _: settings(),
        lambda _: frame(PING, ACK, 0, b"12345678"),
        lambda _: frame(SETTINGS, ACK, 0),
        lambda _: frame(DATA, 0, 1),
        lambda _: frame(DATA, 0, 3),
        lambda _: frame(PRIORITY, 0, 1, b"12345"),
        lambda _: frame(0x99, 0, 0, b""),
        lambda _: frame(RST_STREAM, 0, 3, uint32(0)),
        lambda _: frame(WINDOW_UPDATE, 0, 3, uint32(1)),
        lambda _: response(1, (":status", "103")),
        lambda _: frame(DATA, 0, 5, b"x"),
    ],
)
def test_floods_end_the_connection(flood: Callable[[int], bytes]) -> None:
    """Section 10.5: frames that cost the peer nothing. The client's replies are not read meanwhile."""
    connection = connect()
    open_stream(connection)
    left, _ = open_stream(connection)
    left.reset()
    reset, _ = open_stream(connection)
    connection.receive(frame(RST_STREAM, 0, reset.id, uint32(8)))
    if flood(0)[3] == DATA and flood(0)[8] == 1:
        connection.receive(response(1))
    for number in range(1100):
        connection.receive(flood(number))
    assert _goaway_code(connection) is ErrorCode.ENHANCE_YOUR_CALM


def test_pings_whose_replies_are_read_are_no_flood() -> None:
    connection = connect()
    for _ in range(3000):
        connection.receive(frame(PING, 0, 0, b"12345678"))
        connection.data_to_send()
    assert connection.failure is None


class Closing(Recorder):
    """A receiver that closes the connection when its response begins."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def receive_headers(self, block: HeaderBlock, is_end: bool) -> None:
        self._connection.close()


def test_only_the_last_ended_streams_are_remembered() -> None:
    connection = connect()
    for number in range(1, 401, 2):
        open_stream(connection)
        connection.receive(response(number, end=True))
    connection.receive(frame(DATA, 0, 1, b"late"))
    assert connection.failure is None
    connection.receive(frame(DATA, 0, 399, b"late"))
    assert connection.failure is not None


def test_an_empty_frame_ends_a_stream() -> None:
    connection = connect()
    stream, recorder = open_stream(connection)
    connection.receive(response(stream.id) + frame(DATA, END_STREAM, stream.id))
    assert recorder.ended
    assert connection.failure is None


def test_nothing_is_taken_once_a_receiver_has_closed_the_connection() -> None:
    connection = connect()
    first, _ = open_stream(connection)
    second, other = open_stream(connection)
    first.receiver = Closing(connection)
    connection.receive(response(first.id) + response(second.id))
    assert not other.headers
    assert other.failure is not None
    assert "the client was closed" in other.failure[1]


def test_a_preface_that_is_cut_is_waited_for() -> None:
    connection = Connection()
    connection.receive(b"")
    connection.receive(settings()[:4])
    assert connection.failure is None
    connection.receive(settings()[4:])
    assert connection.is_ready


def test_data_of_an_open_stream_before_the_settings() -> None:
    connection = Connection()
    connection.open_stream(Recorder(), REQUEST)
    connection.receive(frame(DATA, 0, 1, b"x"))
    assert connection.failure is not None
    assert "its first frame is not SETTINGS" in connection.failure


def test_the_last_data_fails_the_stream_itself() -> None:
    """A receiver resets the stream for what the last DATA frame holds; its end comes too late."""
    connection = connect()
    call = GrpcCall(lambda: None, 10)
    call.start(connection, REQUEST)
    connection.receive(response(1) + frame(DATA, END_STREAM, 1, message(bytes(11))))
    assert call.status is not None
    assert "the limit is 10" in call.status.message
    assert connection.failure is None
