"""Connections for threads: cancelling from elsewhere, finalizers, forks, and what is left behind."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from eventually import comes
from scripted_grpc_server import Api, Loopback, in_thread

from gemwire import Hedge, Retry, errors, v1beta

CHUNK = v1beta.GenerateContentResponse(candidates=[{"content": {"parts": [{"text": "a"}]}}])
SETUP = {"setup": {"model": "models/m"}}


def _client(**arguments: Any) -> Any:
    return v1beta.GenerativeServiceClient(transport="h2", **arguments)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_one_connection_serves_one_call_after_the_other(server: Loopback) -> None:
    with _client() as client:
        for _ in range(5):
            client.generate_content(model="models/m", contents=[])
            list(client.stream_generate_content(model="models/m", contents=[]))
    assert len({call.peer for call in server.journal}) == 1


def test_calls_at_the_same_time_have_connections_of_their_own(server: Loopback) -> None:
    server.on("GenerateContent", [0.5, CHUNK])
    with _client() as client:
        call = client.generate_content, {"model": "models/m"}
        with in_thread(*call) as first, in_thread(*call) as second:
            assert server.busy(2)
        assert [first[0], second[0]] == [CHUNK, CHUNK]
    assert len({call.peer for call in server.journal}) == 2


def test_a_stream_that_is_cancelled_by_another_thread_ends_at_once(server: Loopback) -> None:
    server.on("StreamGenerateContent", [CHUNK, 60.0])
    with _client() as client:
        stream = client.stream_generate_content(model="models/m", contents=[])
        with in_thread(list, stream) as outcome:
            assert comes(lambda: "_receive" in _stacks())
            began = time.monotonic()
            assert stream.cancel()
        assert isinstance(outcome[0], errors.Cancelled)
        assert time.monotonic() - began < 2
        assert server.idle()
        # The client goes on.
        client.generate_content(model="models/m", contents=[])


def _stacks() -> str:
    import sys
    import traceback

    return "".join("".join(traceback.format_stack(frame)) for frame in sys._current_frames().values())


def test_a_stream_that_is_left_frees_its_connection_for_the_next(server: Loopback) -> None:
    server.on("StreamGenerateContent", [CHUNK, CHUNK, 60.0])
    with _client() as client:
        for _ in range(20):
            for _chunk in client.stream_generate_content(model="models/m", contents=[]):
                break
        assert server.idle()
    assert len({call.peer for call in server.journal}) == 1


def test_streams_that_are_dropped_are_cancelled(server: Loopback) -> None:
    server.on("StreamGenerateContent", [CHUNK, 60.0])
    with _client() as client:
        streams = [client.stream_generate_content(model="models/m", contents=[]) for _ in range(3)]
        assert server.busy(3)
        streams.clear()
        gc.collect()
        assert server.idle()


def test_a_client_that_is_dropped_leaves_nothing(server: Loopback) -> None:
    client = _client()
    client.generate_content(model="models/m", contents=[])
    gc.collect()
    before = _descriptors()
    for _ in range(5):
        client = _client()
        client.generate_content(model="models/m", contents=[])
        del client
        gc.collect()
    assert comes(lambda: _descriptors() <= before)


def test_messages_in_both_directions_at_the_same_time(server: Loopback) -> None:
    def echo(requests: Any, _: Any) -> Any:
        for _request in requests:
            yield v1beta.BidiGenerateContentServerMessage(server_content={"turn_complete": True})

    server.on("BidiGenerateContent", echo)
    big = {"client_content": {"turns": [{"parts": [{"text": "x" * 300_000}]}]}}
    with _client() as client, client.bidi_generate_content() as stream:
        writer = threading.Thread(target=lambda: [stream.write(big) for _ in range(20)])
        writer.start()
        assert sum(stream.read() is not None for _ in range(20)) == 20
        writer.join(20)
        stream.done_writing()
        assert stream.read() is None
    assert server.idle()


def test_a_deadline_ends_a_call_and_keeps_the_connection(server: Loopback) -> None:
    server.on("GenerateContent", [60.0], CHUNK)
    with _client() as client:
        began = time.monotonic()
        with pytest.raises(errors.DeadlineExceeded):
            client.generate_content({"model": "models/m"}, timeout=0.3, retry=None)
        assert 0.25 < time.monotonic() - began < 3
        assert server.idle()
        assert client.generate_content({"model": "models/m"}) == CHUNK
    assert len({call.peer for call in server.journal}) == 1


def test_the_loser_of_a_race_is_cancelled(server: Loopback) -> None:
    server.on("GenerateContent", [60.0], CHUNK)
    with _client() as client:
        retry = Retry(hedge=Hedge(delay=0.05))
        assert client.generate_content({"model": "models/m"}, retry=retry, timeout=20) == CHUNK
        assert server.idle()


#: In a process of its own: grpcio's server, which answers here, does not stand a fork while it is called.
_FORKS = """
import os
from gemwire import v1beta

with v1beta.GenerativeServiceClient(transport="h2") as client:
    client.generate_content(model="models/m", contents=[])
    stream = client.stream_generate_content(model="models/m", contents=[])
    child = os.fork()
    client.generate_content(model="models/m", contents=[])
    if child:
        assert os.waitpid(child, 0)[1] == 0
        assert len(list(stream)) == 1
    else:
        stream.cancel()
"""
_READS = """
import os
from gemwire import errors, v1beta

with v1beta.GenerativeServiceClient(transport="h2") as client:
    stream = client.stream_generate_content(model="models/m", contents=[])
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0
        assert len(list(stream)) == 2
    else:
        messages = iter(stream)
        next(messages)
        try:
            next(messages)
        except errors.Cancelled as error:
            assert "belongs to the process" in error.message
        else:
            raise AssertionError
"""


def test_a_forked_child_has_connections_of_its_own(server: Loopback) -> None:
    server.on("StreamGenerateContent", [0.5, CHUNK])
    subprocess.run([sys.executable, "-c", _FORKS], check=True, timeout=60)
    assert len(server.calls("GenerateContent")) == 3
    assert len({call.peer for call in server.calls("GenerateContent")}) >= 2


def test_a_forked_child_reads_nothing_of_its_parent(server: Loopback) -> None:
    server.on("StreamGenerateContent", [CHUNK, 0.5, CHUNK])
    subprocess.run([sys.executable, "-c", _READS], check=True, timeout=60)


def test_closing_ends_calls_that_are_being_made(server: Loopback) -> None:
    server.on("GenerateContent", [60.0])
    client = _client()
    with in_thread(client.generate_content, {"model": "models/m"}) as outcome:
        assert server.busy()
        client.close()
    assert isinstance(outcome[0], errors.Cancelled)
    assert "closed during the call" in str(outcome[0])
    assert server.idle()


def test_closing_ends_the_calls_of_replaced_connections(server: Loopback, api: Api) -> None:
    server.on("StreamGenerateContent", [CHUNK, 60.0])
    client = api.client(transport="h2_asyncio" if api.is_async else "h2")

    async def replace() -> None:
        client.transport.pool.replace(client.transport.pool.current())

    stream = api(client.stream_generate_content(model="models/m", contents=[]))
    if api.is_async:
        api(replace())
    else:
        client.transport.pool.replace(client.transport.pool.current())
    # The stream goes on over the old connection, other calls have another.
    api(client.generate_content(model="models/m", contents=[]))
    assert len({call.peer for call in server.journal}) == 2
    assert server.live
    api(client.close())
    assert server.idle()
    with pytest.raises(errors.Cancelled):
        api.list(stream)


def test_a_hundred_threads(server: Loopback) -> None:
    server.on("StreamGenerateContent", [CHUNK, 0.2, CHUNK])
    with _client() as client:
        found: list[int] = []

        def stream() -> None:
            found.append(len(list(client.stream_generate_content(model="models/m", contents=[]))))

        threads = [threading.Thread(target=stream) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert found == [2] * 100
