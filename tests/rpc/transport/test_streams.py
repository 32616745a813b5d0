"""What a streaming call gives, and that it ends on the server as soon as nobody listens.

Where a call must have ended, the variable that holds the stream is still there: nothing may
depend on the garbage collector.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from eventually import PATIENCE, comes
from scripted_grpc_server import BOTH_SERVICES, Api, Call, Fail, Headers, Loopback, Trailers, in_thread, nap

from gemwire import Retry, errors, v1beta

STREAM = "StreamGenerateContent"
BIDI = "BidiGenerateContent"
SETUP = {"setup": {"model": "models/m"}}


def chunk(number: int) -> v1beta.GenerateContentResponse:
    return v1beta.GenerateContentResponse(model_version=str(number))


def numbers(messages: list[Any]) -> list[int]:
    return [int(message.model_version) for message in messages]


#: A message every 10 ms, for far longer than tests wait.
ENDLESS = [list(itertools.chain.from_iterable((chunk(i), 0.01) for i in range(6000)))]
#: Three messages at once, then none for long.
STALLED = [[chunk(0), chunk(1), chunk(2), 30.0]]
#: Nothing for long.
SILENT = [[30.0, chunk(0)]]


def quiet(api: Api, server: Loopback) -> bool:
    """Whether all calls end, while the loop goes on."""
    return bool(api(gone(server) if api.is_async else server.idle()))


def begin(api: Api, **arguments: Any) -> Any:
    return api(api.client().stream_generate_content(model="models/m", **arguments))


# Both flavours


@BOTH_SERVICES
def test_messages_arrive_in_order(api: Api, server: Loopback) -> None:
    server.on(STREAM, [chunk(i) for i in range(100)])
    assert numbers(api.list(begin(api))) == list(range(100))
    assert server.idle()


@BOTH_SERVICES
def test_they_arrive_when_they_are_sent(api: Api, server: Loopback) -> None:
    first_is_here = threading.Event()

    def script(*_: Any) -> Iterator[Any]:
        yield chunk(0)
        assert first_is_here.wait(PATIENCE), "the first is held back until there is a second"
        yield chunk(1)

    server.on(STREAM, script)
    stream = begin(api)
    first_is_here.set()
    assert numbers(api.list(stream)) == [0, 1]


@BOTH_SERVICES
def test_a_stream_without_a_message_is_an_error(api: Api, server: Loopback) -> None:
    """gRPC's core reports a stream whose only message was cut off as an empty one."""
    server.on(STREAM, [])
    with pytest.raises(errors.Internal, match="status OK, but without a complete GenerateContentResponse"):
        begin(api)
    assert len(server.journal) == 1
    assert server.idle()


@BOTH_SERVICES
def test_a_stream_is_iterated_once(api: Api, server: Loopback) -> None:
    stream = begin(api)
    assert len(api.list(stream)) == 1
    for _ in range(2):
        with pytest.raises(errors.StreamConsumed, match="call the method again"):
            api.list(stream)


@BOTH_SERVICES
def test_metadata_of_both_ends(api: Api, server: Loopback) -> None:
    server.on(
        STREAM, [Headers((("x-first", "1"), ("x-b-bin", b"\x00"))), chunk(0), Trailers((("x-last", "2"),))]
    )
    stream = begin(api)
    first = api(stream.initial_metadata())
    assert ("x-first", "1") in first
    assert ("x-b-bin", b"\x00") in first
    assert len(api.list(stream)) == 1
    assert ("x-last", "2") in api(stream.trailing_metadata())
    assert ("x-first", "1") in api(stream.initial_metadata())


@BOTH_SERVICES
def test_repr_tells_the_state(api: Api, server: Loopback) -> None:
    server.on(STREAM, [chunk(0), 0.1, chunk(1)])
    stream = begin(api)
    assert repr(stream).endswith("Stream open>")
    assert len(api.list(stream)) == 2
    assert repr(stream).endswith("Stream done>")


@BOTH_SERVICES
def test_a_failure_after_the_first_message_is_not_repeated(api: Api, server: Loopback) -> None:
    server.on(STREAM, [chunk(0), Fail("UNAVAILABLE", "midway", trailers=(("x-why", "1"),))], [chunk(0)])
    with pytest.raises(errors.Unavailable, match="midway") as caught:
        api.list(begin(api, retry=Retry(initial=0.01)))
    assert len(server.journal) == 1
    assert ("x-why", "1") in caught.value.trailing_metadata
    assert caught.value.attempts == 1


@BOTH_SERVICES
def test_one_before_it_is_even_after_headers(api: Api, server: Loopback) -> None:
    server.on(STREAM, Fail("UNAVAILABLE"), [Headers(), 0.05, Fail("UNAVAILABLE")], [chunk(7)])
    stream = begin(api, retry=Retry(initial=0.01))
    assert stream.attempts == 3
    assert numbers(api.list(stream)) == [7]


@BOTH_SERVICES
def test_one_that_is_final_is_raised_by_the_method(api: Api, server: Loopback) -> None:
    server.on(STREAM, [Headers(), Fail("NOT_FOUND")])
    with pytest.raises(errors.NotFound):
        begin(api)


@BOTH_SERVICES
def test_the_timeout_bounds_the_whole_stream(api: Api, server: Loopback) -> None:
    server.on(STREAM, *ENDLESS)
    began = time.monotonic()
    stream = begin(api, timeout=0.3)
    with pytest.raises(errors.DeadlineExceeded, match="Raise `timeout`"):
        api.list(stream)
    assert 0.25 < time.monotonic() - began < PATIENCE
    assert server.idle()


@BOTH_SERVICES
def test_the_timeout_bounds_the_first_message_too(api: Api, server: Loopback) -> None:
    server.on(STREAM, *SILENT)
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded):
        begin(api, timeout=0.2)
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize(("script", "got"), [(STALLED, 3), (SILENT, 0)], ids=["stalled", "silent"])
@BOTH_SERVICES
def test_the_idle_timeout(api: Api, server: Loopback, script: Any, got: int) -> None:
    server.on(STREAM, *script)
    began = time.monotonic()
    seen: list[Any] = []

    async def read() -> None:
        async for message in await api.client().stream_generate_content(model="m", idle_timeout=0.2):
            seen.append(message)  # noqa: PERF401 - what came before the error counts

    def read_sync() -> list[Any]:
        for message in api.client().stream_generate_content(model="m", idle_timeout=0.2):
            seen.append(message)  # noqa: PERF402
        return seen

    with pytest.raises(
        errors.DeadlineExceeded, match=r"no message for 0\.2 s.*Raise `idle_timeout`"
    ) as caught:
        api(read() if api.is_async else read_sync())
    assert caught.value.method == f"{api.service}/StreamGenerateContent"
    assert caught.value.elapsed is not None
    assert len(seen) == got
    assert time.monotonic() - began < PATIENCE
    assert server.idle()


@BOTH_SERVICES
def test_a_stream_that_goes_on_is_not_idle(api: Api, server: Loopback) -> None:
    server.on(STREAM, list(itertools.chain.from_iterable((chunk(i), 0.05) for i in range(25))))
    # In all it takes longer than that.
    assert len(api.list(begin(api, idle_timeout=1))) == 25


@BOTH_SERVICES
def test_a_slow_consumer_is_not_a_silent_server(api: Api, server: Loopback) -> None:
    server.on(STREAM, [chunk(0), chunk(1), chunk(2)])
    stream = begin(api, idle_timeout=0.1)
    if api.is_async:

        async def read() -> int:
            count = 0
            async for _ in stream:
                count += 1
                await asyncio.sleep(0.25)
            return count

        assert api(read()) == 3
    else:
        count = 0
        for _ in stream:
            count += 1
            time.sleep(0.25)
        assert count == 3


@BOTH_SERVICES
def test_cancel_without_reading(api: Api, server: Loopback) -> None:
    server.on(STREAM, *ENDLESS)
    stream = begin(api)
    assert server.live
    assert stream.cancel()
    assert quiet(api, server)
    assert not stream.cancel()


# asyncio: every way to leave

Script = Callable[[Loopback, Any], Awaitable[None]]


def run(server: Loopback, leave: Script, script: Any = None) -> None:
    """Leave a stream in some way: its call must have ended while ``stream`` is still there."""
    server.on(STREAM, *(script or ENDLESS))

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            stream = await client.stream_generate_content(model="models/m")
            assert len(server.live) == 1
            await leave(server, stream)
            assert await gone(server), "the call goes on at the server"
            assert stream is not None

    asyncio.run(main())


async def gone(server: Loopback) -> bool:
    return await asyncio.to_thread(server.idle)


async def read_some(stream: Any, count: int = 3) -> AsyncIterator[Any]:
    async for message in stream:
        yield message
        count -= 1
        if not count:
            return


async def leave_by_break(server: Loopback, stream: Any) -> None:
    async for _ in stream:
        break


async def leave_by_async_with(server: Loopback, stream: Any) -> None:
    async with stream as same:
        assert same is stream


async def leave_by_async_with_after_reading(server: Loopback, stream: Any) -> None:
    messages = stream.__aiter__()
    async with stream:
        await messages.__anext__()
    with pytest.raises(errors.Cancelled):
        await messages.__anext__()


async def leave_by_exception_in_the_body(server: Loopback, stream: Any) -> None:
    try:
        async for _ in stream:
            raise KeyError("body")  # noqa: TRY301 - the body's own
    except KeyError as error:
        # The traceback is kept, as a debugger or a log would.
        kept = error
    assert await gone(server)
    assert kept


async def leave_by_cancel_from_the_body(server: Loopback, stream: Any) -> None:
    count = 0
    with pytest.raises(errors.Cancelled, match="cancelled by cancel"):  # noqa: PT012 - the loop is what is tested
        async for _ in stream:
            count += 1
            if count == 3:
                assert stream.cancel()
    assert count == 3


async def leave_by_cancel_from_another_task(server: Loopback, stream: Any) -> None:
    asyncio.get_running_loop().call_later(0.05, stream.cancel)
    with pytest.raises(errors.Cancelled):
        async for _ in stream:
            pass


async def leave_by_cancel_from_another_thread(server: Loopback, stream: Any) -> None:
    other = threading.Thread(target=stream.cancel)
    # The loop calls it when the reader waits.
    asyncio.get_running_loop().call_soon(other.start)
    with pytest.raises(errors.Cancelled):
        async for _ in stream:
            pass
    other.join()


async def leave_by_cancelled_task_between_reads(server: Loopback, stream: Any) -> None:
    inside = asyncio.Event()

    async def consume() -> None:
        async for _ in stream:
            inside.set()
            await asyncio.sleep(30)

    task = asyncio.create_task(consume())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def leave_by_cancelled_task_in_a_read(server: Loopback, stream: Any) -> None:
    async def consume() -> None:
        async for _ in stream:
            pass

    task = asyncio.create_task(consume())
    # One turn of the loop takes it into a read, the only thing that it ever waits for.
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def leave_by_timeout_of_a_read(server: Loopback, stream: Any) -> None:
    messages = stream.__aiter__()
    with pytest.raises(asyncio.TimeoutError):  # noqa: PT012 - the loop is what is tested
        while True:
            await asyncio.wait_for(messages.__anext__(), 0.05)


async def leave_by_closing_the_iterator(server: Loopback, stream: Any) -> None:
    messages = stream.__aiter__()
    await messages.__anext__()
    await messages.aclose()


async def leave_by_return_of_a_generator_around_it(server: Loopback, stream: Any) -> None:
    assert len([message async for message in read_some(stream)]) == 3


@pytest.mark.parametrize(
    "leave",
    [function for name, function in list(globals().items()) if name.startswith("leave_by_")],
    ids=lambda function: function.__name__.removeprefix("leave_by_"),
)
def test_async_the_call_ends(server: Loopback, leave: Script) -> None:
    run(server, leave, STALLED if leave.__name__.endswith(("_in_a_read", "_of_a_read")) else None)


def test_async_dropping_it_unread_ends_the_call(server: Loopback) -> None:
    server.on(STREAM, *ENDLESS)

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            stream = await client.stream_generate_content(model="models/m")
            del stream
            assert await gone(server)
            # An iterator that was made and never asked is no reader either.
            stream = await client.stream_generate_content(model="models/m")
            messages = stream.__aiter__()
            del messages, stream
            assert await gone(server)
            loop: list[Any] = [await client.stream_generate_content(model="models/m")]
            loop.append(loop)
            del loop
            gc.collect()
            assert await gone(server)

    asyncio.run(main())


def test_async_dropping_it_in_another_thread_ends_the_call(server: Loopback) -> None:
    server.on(STREAM, *ENDLESS)

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            holder = [await client.stream_generate_content(model="models/m")]
            await asyncio.to_thread(holder.clear)
            assert await gone(server)

    asyncio.run(main())


def test_async_a_stream_may_outlive_its_loop(server: Loopback) -> None:
    server.on(STREAM, *ENDLESS)

    async def main() -> Any:
        return await v1beta.GenerativeServiceAsyncClient().stream_generate_content(model="models/m")

    stream = asyncio.run(main())
    assert stream.cancel() in (True, False)
    del stream
    gc.collect()
    assert server.idle()


def test_async_cancelled_before_the_first_message(server: Loopback) -> None:
    server.on(STREAM, *SILENT)

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.stream_generate_content(model="models/m"), 0.1)
            assert await gone(server)

    asyncio.run(main())


def test_async_closing_the_client_ends_its_streams(server: Loopback) -> None:
    server.on(STREAM, *STALLED)
    server.on(BIDI, _silent_bidi)

    async def main() -> None:
        client = v1beta.GenerativeServiceAsyncClient()
        stream = await client.stream_generate_content(model="models/m")
        bidi = await client.bidi_generate_content()

        async def consume(messages: Any) -> None:
            async for _ in messages:
                pass

        tasks = [asyncio.create_task(consume(messages)) for messages in (stream, bidi)]
        # One turn of the loop takes both into their reads: neither has a message to give.
        await asyncio.sleep(0)
        assert await asyncio.to_thread(server.busy, 2)
        await client.close()
        for task in tasks:
            with pytest.raises(errors.Cancelled, match="closed"):
                await task
        assert await gone(server)

    asyncio.run(main())


# Threads: every way to leave


def leaves_by_break(stream: Any) -> None:
    for _ in stream:
        break


def leaves_by_with(stream: Any) -> None:
    with stream as same:
        assert same is stream


def leaves_by_exception_in_the_body(stream: Any) -> None:
    with pytest.raises(KeyError):  # noqa: PT012 - the loop is what is tested
        for _ in stream:
            raise KeyError("body")


def leaves_by_cancel_from_the_body(stream: Any) -> None:
    count = 0
    with pytest.raises(errors.Cancelled, match="cancelled by cancel"):  # noqa: PT012 - the loop is what is tested
        for _ in stream:
            count += 1
            if count == 3:
                assert stream.cancel()
    assert count == 3


def leaves_by_cancel_from_another_thread(stream: Any) -> None:
    timer = threading.Timer(0.1, stream.cancel)
    timer.start()
    with pytest.raises(errors.Cancelled, match="cancelled by cancel"):
        for _ in stream:
            pass
    timer.join()


def leaves_by_closing_the_iterator(stream: Any) -> None:
    messages = iter(stream)
    next(messages)
    messages.close()


@pytest.mark.parametrize("script", [ENDLESS, STALLED], ids=["endless", "stalled"])
@pytest.mark.parametrize(
    "leave",
    [function for name, function in list(globals().items()) if name.startswith("leaves_by_")],
    ids=lambda function: function.__name__.removeprefix("leaves_by_"),
)
def test_sync_the_call_ends(server: Loopback, leave: Callable[[Any], None], script: Any) -> None:
    server.on(STREAM, *script)
    with v1beta.GenerativeServiceClient() as client:
        stream = client.stream_generate_content(model="models/m")
        assert len(server.live) == 1
        leave(stream)
        assert server.idle(), "the call goes on at the server"
        assert stream is not None


def test_sync_dropping_it_unread_ends_the_call(server: Loopback) -> None:
    server.on(STREAM, *ENDLESS)
    with v1beta.GenerativeServiceClient() as client:
        stream = client.stream_generate_content(model="models/m")
        del stream
        assert server.idle()
        stream = client.stream_generate_content(model="models/m")
        messages = iter(stream)
        del messages, stream
        assert server.idle()


def test_sync_closing_the_client_ends_its_streams(server: Loopback) -> None:
    server.on(STREAM, *STALLED)
    server.on(BIDI, _silent_bidi)
    client = v1beta.GenerativeServiceClient()
    stream = client.stream_generate_content(model="models/m")
    bidi = client.bidi_generate_content()
    with in_thread(list, stream) as first, in_thread(list, bidi) as second:
        assert server.busy(2)
        assert comes(lambda: _readers() == 2)
        client.close()
    assert isinstance(first[0], errors.Cancelled)
    assert isinstance(second[0], errors.Cancelled)
    assert server.idle()


def _readers() -> int:
    """Count the threads that wait for a message of a stream, inside of grpc or on our own connections."""
    waits = ("_next", "grpc/_channel.py"), ("_receive", "sync/h2/connection.py")
    stacks = [traceback.extract_stack(frame) for frame in sys._current_frames().values()]
    return sum(
        any(each.name == name and each.filename.endswith(file) for each in stack for name, file in waits)
        for stack in stacks
    )


# Both directions


def _echo(requests: Iterator[Any], context: Any) -> Iterator[Any]:
    context.send_initial_metadata((("x-first", "1"),))
    context.set_trailing_metadata((("x-last", "2"),))
    for _ in requests:
        yield v1beta.BidiGenerateContentServerMessage(setup_complete={})


def _silent_bidi(requests: Iterator[Any], context: Any) -> Iterator[Any]:
    nap(30, context)
    yield from ()


def _endless_bidi(requests: Iterator[Any], context: Any) -> Iterator[Any]:
    while context.is_active():
        yield v1beta.BidiGenerateContentServerMessage(setup_complete={})
        nap(0.01, context)


def bidi(api: Api, **arguments: Any) -> Any:
    return api(api.client().bidi_generate_content(**arguments))


def test_bidi_write_and_read_in_turns(api: Api, server: Loopback) -> None:
    server.on(BIDI, _echo)
    stream = bidi(api)
    for _ in range(3):
        api(stream.write(SETUP))
        assert api(stream.read()).HasField("setup_complete")
    api(stream.write(v1beta.BidiGenerateContentClientMessage(**SETUP)))
    assert ("x-first", "1") in api(stream.initial_metadata())
    assert api(stream.read()) is not None
    api(stream.done_writing())
    api(stream.done_writing())
    assert api(stream.read()) is None
    assert ("x-last", "2") in api(stream.trailing_metadata())
    assert [request.setup.model for request in server.journal[0].requests] == ["models/m"] * 4
    assert repr(stream).endswith("BidiStream done>")


def test_bidi_with_requests(api: Api, server: Loopback) -> None:
    server.on(BIDI, _echo)
    given = [SETUP, v1beta.BidiGenerateContentClientMessage(**SETUP), SETUP]
    assert len(api.list(bidi(api, requests=given))) == 3
    assert len(api.list(bidi(api, requests=iter(given)))) == 3
    assert server.idle()


def test_bidi_with_async_requests(server: Loopback) -> None:
    server.on(BIDI, _echo)

    async def requests() -> AsyncIterator[Any]:
        for _ in range(3):
            yield SETUP
            await asyncio.sleep(0.01)

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            stream = await client.bidi_generate_content(requests=requests())
            assert len([message async for message in stream]) == 3

    asyncio.run(main())


@pytest.mark.parametrize("bad", [KeyError("mine"), None], ids=["failing", "no message"])
def test_bidi_requests_that_fail_end_the_call(api: Api, server: Loopback, bad: Exception | None) -> None:
    server.on(BIDI, _endless_bidi)

    def requests() -> Iterator[Any]:
        yield SETUP
        time.sleep(0.05)
        if bad:
            raise bad
        yield {"no_such_field": 1}

    with pytest.raises(errors.Cancelled, match="the iterable of requests failed") as caught:
        api.list(bidi(api, requests=requests()))
    assert type(caught.value.__cause__) is (KeyError if bad else ValueError)
    assert server.idle()


def test_bidi_refuses_what_is_no_message(api: Api, server: Loopback) -> None:
    server.on(BIDI, _echo)
    stream = bidi(api)
    for wrong, kind in ((3, TypeError), ({"bogus": 1}, ValueError), (v1beta.Model(), TypeError)):
        with pytest.raises(kind):
            api(stream.write(wrong))
    api(stream.write(SETUP))
    assert api(stream.read()) is not None
    stream.cancel()


def test_bidi_write_after_the_end(api: Api, server: Loopback) -> None:
    server.on(BIDI, _silent_bidi, _echo)
    stream = bidi(api)
    api(stream.done_writing())
    with pytest.raises(ValueError, match="done_writing"):
        api(stream.write(SETUP))
    # Not before it has arrived: the script has one entry for each call.
    assert server.busy()
    stream.cancel()
    stream = bidi(api)
    api(stream.done_writing())
    assert api(stream.read()) is None
    with pytest.raises((errors.Cancelled, ValueError)):
        api(stream.write(SETUP))
    server.on(BIDI, Fail("NOT_FOUND", "model"))
    stream = bidi(api)
    with pytest.raises(errors.NotFound, match="model"):
        api(stream.read())
    with pytest.raises(errors.APIError):
        api(stream.write(SETUP))


def test_bidi_failure_midway(api: Api, server: Loopback) -> None:
    server.on(
        BIDI, [v1beta.BidiGenerateContentServerMessage(setup_complete={}), Fail("UNAVAILABLE", "midway")]
    )
    stream = bidi(api)
    assert api(stream.read()) is not None
    with pytest.raises(errors.Unavailable, match="midway"):
        api(stream.read())
    assert len(server.journal) == 1


def test_bidi_iterated_once(api: Api, server: Loopback) -> None:
    server.on(BIDI, _echo)
    stream = bidi(api, requests=[SETUP])
    assert len(api.list(stream)) == 1
    with pytest.raises(errors.StreamConsumed):
        api.list(stream)


def test_bidi_cancel(api: Api, server: Loopback) -> None:
    server.on(BIDI, _endless_bidi)
    stream = bidi(api)
    assert api(stream.read()) is not None
    assert stream.cancel()
    assert quiet(api, server)
    with pytest.raises(errors.Cancelled, match="cancelled by cancel"):
        api.list(stream)


def test_bidi_timeouts(api: Api, server: Loopback) -> None:
    server.on(BIDI, _silent_bidi)
    with pytest.raises(errors.DeadlineExceeded, match="Raise `timeout`"):
        api(bidi(api, timeout=0.2).read())
    with pytest.raises(errors.DeadlineExceeded, match="Raise `idle_timeout`") as caught:
        api(bidi(api, idle_timeout=0.2).read())
    assert caught.value.method.endswith("v1beta.GenerativeService/BidiGenerateContent")
    assert server.idle()


def test_bidi_async_leaving_ends_the_call(server: Loopback) -> None:
    server.on(BIDI, _endless_bidi)
    released = []

    async def requests() -> AsyncIterator[Any]:
        try:
            yield SETUP
            await asyncio.sleep(30)
        finally:
            released.append(1)

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            for given in (None, requests(), itertools.repeat(SETUP, 3)):
                stream = await client.bidi_generate_content(requests=given)
                async for _ in stream:
                    break
                assert await gone(server)
                async with await client.bidi_generate_content(requests=None) as stream:
                    await stream.read()
                assert await gone(server)
            async with await client.bidi_generate_content(requests=requests()) as stream:
                await stream.read()
            assert await gone(server)
            assert len(released) == 2
            stream = await client.bidi_generate_content()
            await stream.read()
            del stream
            assert await gone(server)
            # One that also sends.
            stream = await client.bidi_generate_content(requests=requests())
            await stream.read()
            del stream
            gc.collect()
            assert await gone(server)

    asyncio.run(main())
    assert len(released) == 3


def test_bidi_sync_leaving_ends_the_call(server: Loopback) -> None:
    server.on(BIDI, _endless_bidi)
    stop = threading.Event()

    def requests() -> Iterator[Any]:
        yield SETUP
        stop.wait(20)

    with v1beta.GenerativeServiceClient() as client:
        for given in (None, requests(), itertools.repeat(SETUP, 3)):
            stream = client.bidi_generate_content(requests=given)
            for _ in stream:
                break
            assert server.idle()
        with client.bidi_generate_content() as stream:
            stream.read()
        assert server.idle()
        for given in (None, requests()):
            stream = client.bidi_generate_content(requests=given)
            stream.read()
            del stream
            gc.collect()
            assert server.idle(), "a dropped stream goes on"
        stop.set()


def test_bidi_sync_a_writer_that_runs_ahead_waits(server: Loopback) -> None:
    server.on(BIDI, _silent_bidi)
    big = {"client_content": {"turns": [{"parts": [{"text": "x" * 1_000_000}]}]}}
    with v1beta.GenerativeServiceClient() as client, client.bidi_generate_content() as stream:
        written: list[int] = []

        def write() -> None:
            for number in range(200):
                stream.write(big)
                written.append(number)

        with in_thread(write) as outcome:
            # It comes to rest: nothing more is written for a while.
            now = -1
            while now < len(written) or not now:
                now = len(written)
                time.sleep(0.3)
            assert 0 < now < 100
            stream.cancel()
        assert isinstance(outcome[0], errors.Cancelled)


def test_no_thread_is_left(server: Loopback) -> None:
    server.on(BIDI, _echo)
    before = set(threading.enumerate())
    with v1beta.GenerativeServiceClient() as client:
        client.stream_generate_content(model="m", idle_timeout=20).cancel()
        stream = client.bidi_generate_content(idle_timeout=20)
        stream.write(SETUP)
        stream.read()
        stream.cancel()
        list(client.stream_generate_content(model="m", idle_timeout=20))
        comes(lambda: not _since(before))
        assert not _since(before)


def _since(before: set[threading.Thread]) -> list[str]:
    return [
        t.name for t in set(threading.enumerate()) - before if not t.name.startswith("ThreadPoolExecutor")
    ]


def test_the_journal_keeps_what_was_sent(server: Loopback) -> None:
    """The server of these tests itself."""
    with v1beta.GenerativeServiceClient() as client:
        client.generate_content(model="models/m")
    (call,) = server.calls("GenerateContent")
    assert isinstance(call, Call)
    assert call.request.model == "models/m"
    assert server.idle()
