"""Any bytes: the core ends the connection or goes on, never raises, and keeps no more than its limits."""

from __future__ import annotations

import random
import sys

import pytest
from h2_peer import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    REQUEST,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    block,
    frame,
    message,
    parse,
    response,
    settings,
    trailers,
    uint32,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gemwire._transport.h2.connection import Connection
from gemwire._transport.h2.grpc_call import GrpcCall

_MAX_MESSAGE = 100_000


def _converse(portions: list[bytes]) -> None:
    """Give a client with three calls the portions, and check what must hold whatever they are."""
    connection = Connection()
    events = 0

    def count() -> None:
        nonlocal events
        events += 1

    calls: list[GrpcCall] = []
    for _ in range(3):
        call = GrpcCall(count, _MAX_MESSAGE)
        call.start(connection, REQUEST)
        call.send(b"request", end=len(calls) != 1)
        calls.append(call)
    sent = connection.data_to_send()
    taken = 0
    for number, portion in enumerate(portions):
        connection.receive(portion)
        if number % 3 == 0:
            for call in calls:
                while (found := call.take()) is not None:
                    taken += 1
                    assert len(found) <= _MAX_MESSAGE
        if number % 2:
            sent += connection.data_to_send()
        held = sum(len(waiting) for call in calls for waiting in call.messages)
        assert held <= 3 * (2 << 20)
    failure = connection.failure
    if failure is None:
        connection.receive_eof()
    sent += connection.data_to_send()
    # Every call has ended, each frame that was sent is whole, and a broken rule was announced.
    assert all(call.status is not None for call in calls)
    assert not connection.streams
    parse(sent)
    if failure is not None:
        assert parse(sent)[-1].kind == GOAWAY


def _conversation(chance: random.Random) -> list[bytes]:
    """Return the frames of a real conversation."""
    frames = [settings(max_concurrent_streams=100, initial_window_size=65_535), frame(SETTINGS, 1, 0)]
    for stream_id in (1, 3, 5):
        fields = [
            (":status", "200"),
            ("content-type", "application/grpc"),
            ("date", "x" * chance.randrange(90)),
        ]
        frames.append(response(stream_id, *fields))
        for _ in range(chance.randrange(4)):
            content = message(chance.randbytes(chance.choice((0, 10, 3000))))
            padding = chance.randrange(5)
            if padding:
                content = bytes([padding]) + content + bytes(padding)
            frames.append(frame(DATA, PADDED if padding else 0, stream_id, content))
        frames.append(trailers(stream_id, chance.randrange(17), ("grpc-message", "%41")))
    frames += [
        frame(PING, 0, 0, b"12345678"),
        frame(WINDOW_UPDATE, 0, 0, uint32(1000)),
        frame(WINDOW_UPDATE, 0, 3, uint32(1000)),
        frame(HEADERS, 0, 5, block()[:5]) + frame(CONTINUATION, END_HEADERS, 5, block()[5:]),
        frame(RST_STREAM, 0, 5, uint32(chance.randrange(14))),
        frame(GOAWAY, 0, 0, uint32(chance.choice((1, 3, (1 << 31) - 1))) + uint32(0) + b"bye"),
    ]
    start, rest = frames[:1], frames[1:]
    if chance.random() < 0.5:
        chance.shuffle(rest)
    return start + rest


def _mutate(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del data[at : at + chance.randrange(1, 20)]
        elif kind == 3:
            data[at:at] = chance.randbytes(chance.randrange(1, 20))
        else:
            data[at:at] = data[at : at + chance.randrange(1, 60)]
        if not data:
            return


def _split(data: bytes, chance: random.Random) -> list[bytes]:
    portions = []
    while data:
        size = chance.choice((1, 5, 9, 50, 1000, 100_000))
        portions.append(data[:size])
        data = data[size:]
    return portions


def _attack(seed: int, count: int) -> None:
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(b"".join(_conversation(chance)))
        _mutate(data, chance)
        _converse(_split(bytes(data), chance))


@pytest.mark.parametrize("seed", range(4))
def test_mutated_conversations(seed: int) -> None:
    _attack(seed, 500)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1000, 1050))
def test_many_mutated_conversations(seed: int) -> None:
    _attack(seed, 20_000)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_random_bytes(portions: list[bytes]) -> None:
    _converse(portions)
    _converse([settings(), *portions])


_FRAMES = st.builds(
    frame,
    st.integers(0, 10),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3, 5, 7, 0x80000001]),
    st.binary(max_size=40) | st.just(block()) | st.just(message(b"x")) | st.just(uint32(1) + uint32(0)),
)


@given(st.lists(_FRAMES, max_size=40))
@hypothesis_settings(max_examples=500)
def test_random_frames(received: list[bytes]) -> None:
    _converse([settings(), response(1), *received])


def test_memory_of_a_connection_is_bounded() -> None:
    """A server that sends what it likes, while nobody reads and nothing leaves."""
    connection = Connection()
    connection.receive(settings())
    call = GrpcCall(lambda: None, None)
    call.start(connection, REQUEST)
    connection.receive(response(1))
    for _ in range(1000):
        connection.receive(frame(DATA, 0, 1, message(bytes(16_379))))
    # The window of the stream was exceeded.
    assert call.status is not None
    assert "exceeded the window" in call.status.message
    assert sum(map(sys.getsizeof, call.messages)) < 2 << 20
