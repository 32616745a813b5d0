"""`gemwire.pipeline.map`: what comes out and when, how much is read ahead, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import io
import itertools
import math
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import PATIENCE, comes, comes_in_loop
from scripted_grpc_server import Fail, Loopback, nap

from gemwire import errors, genai, pipeline, v1beta
from gemwire.limits import Limits
from gemwire.pipeline import ItemFailed, Progress
from gemwire.pipeline.progress import INTERVAL

MODEL = "models/m"


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("gemwire-pipeline")]


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert comes(lambda: not threads()), threads()


def tasks() -> int:
    return len(asyncio.all_tasks()) - 1


async def settled() -> bool:
    """Whether no task but this one is left, now or in a moment."""
    for _ in range(2000):
        if not tasks():
            return True
        await asyncio.sleep(0.005)
    return False


def run(work: Callable[[], Any]) -> Any:
    """Run it, and see that it leaves no task."""

    async def checked() -> Any:
        try:
            return await work()
        finally:
            assert await settled(), asyncio.all_tasks()

    return asyncio.run(checked())


async def double(item: int) -> int:
    await asyncio.sleep(0)
    return item * 2


async def at_once(item: int) -> int:
    return item * 2


def double_sync(item: int) -> int:
    return item * 2


class Prompt:
    async def generate(self, contents: int) -> int:
        return await double(contents)


class SyncPrompt:
    def generate(self, contents: int) -> int:
        return double_sync(contents)


class CallableObject:
    async def __call__(self, item: int) -> int:
        return await double(item)


async def arriving(count: int) -> AsyncIterator[int]:
    for item in range(count):
        if item % 7 == 0:
            await asyncio.sleep(0)
        yield item


class Indexed:
    """Iterable by its items alone, as Python 2 had it."""

    def __getitem__(self, index: int) -> int:
        return list(range(100))[index]


FUNCTIONS: dict[str, Any] = {
    "async function": double,
    "async function that never waits": at_once,
    "partial": functools.partial(double),
    "callable object": CallableObject(),
    "sync function": double_sync,
    "lambda around an async function": lambda item: double(item),  # noqa: PLW0108
    "prepared prompt": Prompt(),
    "sync prepared prompt": SyncPrompt(),
}
SOURCES: dict[str, Callable[[], Any]] = {
    "list": lambda: list(range(100)),
    "generator": lambda: (item for item in range(100)),
    "async generator": lambda: arriving(100),
    "indexed": Indexed,
    "in a thread": lambda: pipeline.in_thread(range(100)),
    "another pipeline": lambda: pipeline.map(lambda item: item, range(100), concurrency=3, ordered=True),
}


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_item_has_a_result(function: str, source: str, ordered: bool) -> None:
    async def work() -> None:
        results = pipeline.map(FUNCTIONS[function], SOURCES[source](), concurrency=8, ordered=ordered)
        got = [result async for result in results]
        assert (got if ordered else sorted(got)) == [item * 2 for item in range(100)]

    run(work)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_plain_for(function: str, ordered: bool) -> None:
    got = list(pipeline.map(FUNCTIONS[function], range(100), concurrency=8, ordered=ordered))
    assert (got if ordered else sorted(got)) == [item * 2 for item in range(100)]


@pytest.mark.parametrize("concurrency", [1, 2, 1000])
def test_any_concurrency(concurrency: int) -> None:
    got = list(pipeline.map(double, range(50), concurrency=concurrency, ordered=True))
    assert got == [item * 2 for item in range(50)]


def test_nothing_in_nothing_out() -> None:
    assert list(pipeline.map(double, [], concurrency=4)) == []


# How many at once, and how far ahead -----------------------------------------------------------------


@pytest.mark.parametrize("ordered", [False, True])
def test_as_many_at_once_as_was_said(ordered: bool) -> None:
    active = most = 0

    async def function(item: int) -> int:
        nonlocal active, most
        active += 1
        most = max(most, active)
        for _ in range(5 + item % 5):
            await asyncio.sleep(0)
        active -= 1
        return item

    async def work() -> None:
        async for _ in pipeline.map(function, range(300), concurrency=7, ordered=ordered):
            pass

    run(work)
    assert most == 7


def test_as_many_threads_as_was_said() -> None:
    barrier = threading.Barrier(6)

    def function(item: int) -> str:
        barrier.wait(15)
        return threading.current_thread().name

    assert len(set(pipeline.map(function, range(6), concurrency=6))) == 6


class Counting:
    """A source that knows how much was read."""

    def __init__(self, count: int = 1_000_000) -> None:
        self.read = 0
        self.count = count
        self.closed = 0

    def sync(self) -> Iterator[int]:
        try:
            for item in range(self.count):
                self.read += 1
                yield item
        finally:
            self.closed += 1

    async def async_(self) -> AsyncIterator[int]:
        try:
            for item in range(self.count):
                self.read += 1
                yield item
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            self.closed += 1

    def of(self, kind: str) -> Any:
        return self.sync() if kind == "sync" else self.async_()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("function", [double, at_once, double_sync])
@pytest.mark.parametrize("ordered", [False, True])
def test_no_more_is_read_than_the_consumer_can_take(kind: str, function: Any, ordered: bool) -> None:
    source = Counting(200)
    most = taken = 0

    async def work() -> None:
        nonlocal most, taken
        async for _ in pipeline.map(function, source.of(kind), concurrency=8, ordered=ordered):
            taken += 1
            for _ in range(taken % 4):
                await asyncio.sleep(0.001)
                most = max(most, source.read - taken)

    run(work)
    assert taken == 200
    assert most == 16 if function is at_once else 0 < most <= 16


@pytest.mark.parametrize("ordered", [False, True])
def test_a_plain_for_takes_a_batch_more(ordered: bool) -> None:
    source = Counting(100)
    most = 0
    for taken, _ in enumerate(pipeline.map(at_once, source.sync(), concurrency=8, ordered=ordered), 1):
        time.sleep(0.002)
        most = max(most, source.read - taken)
    assert 0 < most <= 32


def test_a_slow_first_item_stops_the_reading() -> None:
    source = Counting()

    async def work() -> None:
        go = asyncio.Event()

        async def function(item: int) -> int:
            if not item:
                await go.wait()
            return item

        results = aiter(pipeline.map(function, source.sync(), concurrency=10, ordered=True))
        first = asyncio.ensure_future(anext(results))
        for _ in range(500):
            await asyncio.sleep(0)
        assert source.read == 20
        assert not first.done()
        go.set()
        assert [await first, *[await anext(results) for _ in range(100)]] == list(range(101))
        await results.aclose()

    run(work)


def test_a_fast_item_overtakes_a_slow_one() -> None:
    async def work() -> list[int]:
        fast = asyncio.Event()

        async def function(item: int) -> int:
            if item:
                fast.set()
            else:
                await fast.wait()
                await asyncio.sleep(0)
            return item

        return [item async for item in pipeline.map(function, range(2), concurrency=2)]

    assert run(work) == [1, 0]


def test_a_slow_consumer_does_not_keep_the_others_waiting() -> None:
    """While the consumer is busy with one result, as many items as before are worked on."""

    async def work() -> None:
        begun = 0

        async def function(item: int) -> int:
            nonlocal begun
            begun += 1
            if item >= 4:
                await asyncio.sleep(60)
            return item

        results = aiter(pipeline.map(function, range(100), concurrency=4))
        await anext(results)
        for _ in range(20):
            await asyncio.sleep(0)
        assert begun == 8
        await results.aclose()

    run(work)


# Errors ---------------------------------------------------------------------------------------------


async def odd_fails(item: int) -> int:
    await asyncio.sleep(0)
    if item % 2:
        raise ValueError(f"odd: {item}")
    return item


@pytest.mark.parametrize("flavour", ["async", "sync"])
def test_the_first_failure_ends_everything(flavour: str) -> None:
    source = Counting()
    begun, ended = set(), set()

    async def function(item: int) -> int:
        begun.add(item)
        try:
            if item == 3:
                raise ValueError("three")
            await asyncio.sleep(60 if item > 2 else 0)
            return item
        finally:
            await asyncio.sleep(0)
            ended.add(item)

    got = []

    results = pipeline.map(function, source.async_(), concurrency=8)

    async def work() -> None:
        async for result in results:
            got.append(result)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(ItemFailed) as caught:
        run(work) if flavour == "async" else got.extend(results)
    failure = caught.value
    assert (failure.item, failure.index, str(failure.error)) == (3, 3, "three")
    assert failure.__cause__ is failure.error
    assert str(failure) == "item 3 failed: ValueError: three"
    assert begun == ended
    assert source.closed == 1
    assert set(got) <= {0, 1, 2}


def test_when_the_failure_is_raised_everything_has_ended() -> None:
    ended = []

    async def function(item: int) -> int:
        try:
            if item == 5:
                await asyncio.sleep(0)
                raise ValueError
            return await asyncio.sleep(60, item)
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            ended.append(item)

    async def work() -> None:
        with pytest.raises(ItemFailed):
            async for _ in pipeline.map(function, range(100), concurrency=10):
                pass
        assert tasks() == 0
        assert len(ended) == 10

    run(work)


@pytest.mark.parametrize("ordered", [False, True])
def test_failures_among_the_results(ordered: bool) -> None:
    got: list[Any] = list(
        pipeline.map(odd_fails, range(20), concurrency=4, ordered=ordered, on_error="return")
    )
    assert len(got) == 20
    failures = [one for one in got if isinstance(one, ItemFailed)]
    assert sorted(one.index for one in failures) == list(range(1, 20, 2))
    assert all(str(one.error) == f"odd: {one.item}" for one in failures)
    if ordered:
        assert [one.item if isinstance(one, ItemFailed) else one for one in got] == list(range(20))


@pytest.mark.parametrize("ordered", [False, True])
def test_failures_are_skipped(ordered: bool) -> None:
    got = list(pipeline.map(odd_fails, range(200), concurrency=4, ordered=ordered, on_error="skip"))
    assert sorted(got) == list(range(0, 200, 2))


def test_nothing_but_failures_is_skipped_without_anything_read_ahead() -> None:
    async def fails(item: int) -> int:
        raise ValueError

    for ordered in (False, True):
        assert list(pipeline.map(fails, range(500), concurrency=4, ordered=ordered, on_error="skip")) == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_source_that_raises(kind: str) -> None:
    """What was read before is finished first."""

    def sync() -> Iterator[int]:
        yield from range(5)
        raise OSError("the disk is gone")

    async def async_() -> AsyncIterator[int]:
        for item in sync():
            yield item

    got = []

    async def work() -> None:
        async for result in pipeline.map(double, sync() if kind == "sync" else async_(), concurrency=3):
            got.append(result)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(OSError, match="the disk is gone"):
        run(work)
    assert sorted(got) == [0, 2, 4, 6, 8]


class Fatal(BaseException):
    pass


@pytest.mark.parametrize("on_error", ["raise", "return", "skip"])
@pytest.mark.parametrize("error", [Fatal, KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_ends_everything(on_error: Any, error: type[BaseException]) -> None:
    source = Counting()

    async def function(item: int) -> int:
        if item == 4:
            raise error
        return await asyncio.sleep(60, item)

    async def work() -> None:
        async for _ in pipeline.map(function, source.async_(), concurrency=5, on_error=on_error):
            pass

    with pytest.raises(error):
        run(work)
    assert source.closed == 1


def test_a_source_that_raises_what_is_no_exception() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise Fatal

    async def work() -> None:
        async for _ in pipeline.map(lambda item: asyncio.sleep(60), source(), concurrency=5):
            pass

    with pytest.raises(Fatal):
        run(work)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tasks do not know whether they were cancelled")
def test_something_cancelled_inside_the_function_is_a_failure_of_the_item() -> None:
    async def function(item: int) -> int:
        inner = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner
        return item

    async def work() -> list[Any]:
        return [one async for one in pipeline.map(function, range(3), concurrency=2, on_error="return")]

    assert [type(one.error) for one in run(work)] == [asyncio.CancelledError] * 3


def test_a_sync_function_that_raises_stop_iteration() -> None:
    def function(item: int) -> int:
        raise StopIteration

    with pytest.raises(ItemFailed, match="StopIteration"):
        list(pipeline.map(function, range(3), concurrency=2))


def test_a_failure_pickles() -> None:
    failure = pickle.loads(pickle.dumps(ItemFailed("an item", 7, errors.NotFound("none"))))
    assert (failure.item, failure.index, str(failure.error)) == ("an item", 7, "404 NOT_FOUND: none")
    assert failure.__cause__ is failure.error


# Leaving --------------------------------------------------------------------------------------------


def first_at_once(request: Any, context: Any) -> Iterator[Any]:
    if request.model != "models/0":
        nap(60, context)
    yield v1beta.CountTokensResponse()


async def by_break(results: Any, reached: asyncio.Event) -> None:
    async for _ in results:
        break


async def by_error(results: Any, reached: asyncio.Event) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async for _ in results:
            raise ZeroDivisionError


async def by_cancelling_the_task(results: Any, reached: asyncio.Event) -> None:
    task = asyncio.ensure_future(all_of(results))
    await reached.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def by_cancelling_the_task_twice(results: Any, reached: asyncio.Event) -> None:
    task = asyncio.ensure_future(all_of(results))
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def by_a_timeout(results: Any, reached: asyncio.Event) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(all_of(results), 0.3)


async def by_aclose_of_the_iterator(results: Any, reached: asyncio.Event) -> None:
    iterator = aiter(results)
    await anext(iterator)
    await iterator.aclose()
    assert tasks() == 0


async def by_aclose(results: Any, reached: asyncio.Event) -> None:
    await anext(aiter(results))
    await results.aclose()
    assert tasks() == 0


async def by_aclose_elsewhere(results: Any, reached: asyncio.Event) -> None:
    task = asyncio.ensure_future(all_of(results))
    await reached.wait()
    await results.aclose()
    await task


async def by_a_with_block(results: Any, reached: asyncio.Event) -> None:
    async with results:
        async for _ in results:
            break
    assert tasks() == 0


async def by_garbage(results: Any, reached: asyncio.Event) -> None:
    iterator = aiter(results)
    await anext(iterator)
    del iterator, results
    gc.collect()


LEAVING = [
    by_break,
    by_error,
    by_cancelling_the_task,
    by_cancelling_the_task_twice,
    by_a_timeout,
    by_aclose,
    by_aclose_of_the_iterator,
    by_aclose_elsewhere,
    by_a_with_block,
    by_garbage,
]


async def all_of(results: Any) -> None:
    async for _ in results:
        pass


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("leave", LEAVING)
def test_nothing_stays_behind(leave: Any, kind: str, ordered: bool, server: Loopback) -> None:
    """No call on the server, no task on the loop; and the source is closed."""
    source = Counting()
    server.on("CountTokens", first_at_once)

    async def work() -> None:
        reached = asyncio.Event()
        async with v1beta.GenerativeServiceAsyncClient() as client:

            async def function(item: int) -> int:
                if len(server.live) > 3:
                    reached.set()
                await client.count_tokens(model=f"models/{item}")
                return item

            async def late(item: int) -> int:
                asyncio.get_running_loop().call_later(0.3, reached.set)
                return await function(item)

            before = tasks()
            results = pipeline.map(late, source.of(kind), concurrency=8, ordered=ordered)
            await leave(results, reached)
            del results
            gc.collect()
            assert await asyncio.to_thread(server.idle)
            assert await asyncio.to_thread(comes, lambda: source.closed)
            assert await comes_in_loop(lambda: tasks() == before)
            assert source.closed == 1

    asyncio.run(work())


def test_the_whole_process_ends_with_calls_under_way(server: Loopback) -> None:
    """`asyncio.run` of something that left the loop says nothing and waits for nothing."""
    script = (
        "import asyncio\n"
        "from gemwire import pipeline, v1beta\n"
        "async def main():\n"
        "    client = v1beta.GenerativeServiceAsyncClient()\n"
        "    async def call(item):\n"
        "        await client.count_tokens(model=f'models/{item}')\n"
        "    async for _ in pipeline.map(call, range(100), concurrency=8): break\n"
        "asyncio.run(main())\n"
    )
    server.on("CountTokens", first_at_once)
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert server.idle()


def test_a_loop_that_breaks_ends_two_pipelines_in_a_row() -> None:
    source = Counting()

    async def work() -> None:
        inner = pipeline.map(double, source.async_(), concurrency=3)
        async for _ in pipeline.map(double, inner, concurrency=4):
            break
        del inner
        assert await settled()
        assert source.closed == 1

    run(work)


def test_a_function_that_goes_on_when_it_is_cancelled_is_waited_for() -> None:
    async def work() -> None:
        ended = []

        async def function(item: int) -> int:
            if item:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(60)
                await asyncio.sleep(0.05)
                ended.append(item)
            return item

        async with pipeline.map(function, range(100), concurrency=4) as results:
            async for _ in results:
                break
        assert len(ended) >= 3

    run(work)


def test_a_source_whose_closing_fails() -> None:
    def source() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            raise OSError("not closed")

    async def work() -> None:
        async with pipeline.map(double, source(), concurrency=4) as results:
            async for _ in results:
                break

    with pytest.raises(OSError, match="not closed"):
        run(work)


def test_a_file_stays_open(tmp_path: Any) -> None:
    path = tmp_path / "lines"
    path.write_text("a\nb\nc\n")
    with path.open() as file:
        for _ in pipeline.map(str.strip, file, concurrency=1):
            break
        assert not file.closed


# Plain for ------------------------------------------------------------------------------------------


def test_a_plain_for_that_breaks(server: Loopback) -> None:
    source = Counting()
    server.on("CountTokens", first_at_once)
    client = v1beta.GenerativeServiceAsyncClient()

    async def function(item: int) -> int:
        await client.count_tokens(model=f"models/{item}")
        return item

    for _ in pipeline.map(function, source.async_(), concurrency=8):
        assert server.busy(3)
        break
    assert threads() == []
    assert server.idle()
    assert source.closed == 1


def test_a_plain_for_whose_body_raises() -> None:
    source = Counting()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the body is the point
        for _ in pipeline.map(double, source.sync(), concurrency=8):
            raise ZeroDivisionError
    assert threads() == []
    assert source.closed == 1


def test_a_with_block_of_a_sync_program() -> None:
    source = Counting()
    with pipeline.map(double, source.sync(), concurrency=8) as results:
        iterator = iter(results)
        next(iterator)
    assert threads() == []
    assert source.closed == 1


def test_a_plain_for_in_a_running_loop() -> None:
    async def work() -> None:
        with pytest.raises(RuntimeError, match="use `async for`"):
            for _ in pipeline.map(double, range(3), concurrency=2):
                pass

    run(work)


def test_context_variables_are_seen() -> None:
    variable = contextvars.ContextVar("variable", default="")
    variable.set("seen")

    async def function(item: int) -> str:
        return variable.get()

    assert list(pipeline.map(function, range(2), concurrency=2)) == ["seen"] * 2
    assert list(pipeline.map(lambda item: variable.get(), range(2), concurrency=2)) == ["seen"] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("function", ["async def f(x): await asyncio.sleep(60 if x else 0)", "f = abs"])
def test_control_c_ends_a_plain_for(function: str) -> None:
    script = (
        "import asyncio, itertools, signal, sys, threading\n"
        "from gemwire import pipeline\n"
        f"{function}\n"
        "def source():\n"
        "    try: yield from itertools.count()\n"
        "    finally: print('closed', flush=True)\n"
        "try:\n"
        "    for x in pipeline.map(f, source(), concurrency=4): print('go', flush=True)\n"
        "except KeyboardInterrupt:\n"
        "    print(threading.active_count(), 'thread', flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        while process.stdout.readline() != "go\n":
            pass
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert rest.endswith("closed\n1 thread\n")


# Sync functions -------------------------------------------------------------------------------------


def test_leaving_waits_for_functions_in_threads() -> None:
    running = set()

    def function(item: int) -> int:
        running.add(item)
        time.sleep(0.02)
        running.discard(item)
        return item

    async def work() -> None:
        async with pipeline.map(function, range(1000), concurrency=8) as results:
            async for _ in results:
                break
        assert not running
        assert threads() == []

    run(work)


def test_a_sync_client(server: Loopback) -> None:
    server.on("CountTokens", v1beta.CountTokensResponse(total_tokens=3))
    with v1beta.GenerativeServiceClient() as client:
        counted = pipeline.map(
            lambda text: client.count_tokens(model=MODEL, contents=[{"parts": [{"text": text}]}]),
            ["a", "b", "c"],
            concurrency=2,
        )
        assert [answer.total_tokens for answer in counted] == [3, 3, 3]


def test_a_method_of_an_async_client(server: Loopback) -> None:
    """It is no coroutine function, but what it returns can be awaited."""
    server.on("CountTokens", v1beta.CountTokensResponse(total_tokens=3))

    async def work() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            requests = [v1beta.CountTokensRequest(model=MODEL)] * 50
            answers = pipeline.map(client.count_tokens, requests, concurrency=4)
            assert [answer.total_tokens async for answer in answers] == [3] * 50

    asyncio.run(work())


# Sources that block ---------------------------------------------------------------------------------


def test_a_source_that_blocks_in_a_thread() -> None:
    async def work() -> None:
        source = Counting(300)
        turned = threading.Event()

        def slow() -> Iterator[int]:
            for item in source.sync():
                if item % 100 == 0:
                    # Nothing sets it but the loop.
                    turned.clear()
                    assert turned.wait(PATIENCE)
                yield item

        async def tick() -> None:
            while True:
                await asyncio.sleep(0.005)
                turned.set()

        ticking = asyncio.ensure_future(tick())
        got = [r async for r in pipeline.map(at_once, pipeline.in_thread(slow()), concurrency=4)]
        ticking.cancel()
        assert len(got) == 300
        assert source.closed == 1

    run(work)


def test_a_thread_reads_no_more_ahead_than_was_said() -> None:
    async def work() -> None:
        source = Counting()
        reader = pipeline.in_thread(source.sync(), ahead=10)

        async def reads(count: int) -> bool:
            return await comes_in_loop(lambda: source.read >= count) and source.read == count

        for taken in range(1, 101):
            await anext(reader)
            assert await reads(taken + 10)
        await reader.aclose()
        assert source.closed == 1
        assert threads() == []

    run(work)


def test_a_thread_whose_source_raises() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(pipeline.map(double, pipeline.in_thread(source()), concurrency=4))


def test_a_thread_that_hangs_in_its_source_hangs_nobody_else() -> None:
    go = threading.Event()
    hung: list[bool] = []

    def source() -> Iterator[int]:
        yield 1
        hung.append(not go.wait(2 * PATIENCE))

    async def work() -> None:
        async with pipeline.map(double, pipeline.in_thread(source()), concurrency=4) as results:
            async for _ in results:
                break

    run(work)
    assert not hung, "it waited for the source"
    go.set()


# Limits, progress -----------------------------------------------------------------------------------


def test_limits_are_kept() -> None:
    limits = Limits(requests_per_minute=12_000, burst=0.05)
    begun = time.monotonic()
    assert len(list(pipeline.map(double, range(60), concurrency=30, limits=limits))) == 60
    assert time.monotonic() - begun >= (60 - 10) / 200


def test_the_price_of_an_item_and_what_it_took() -> None:
    limits = Limits(tokens_per_minute=600_000, price=lambda item: item * 10)
    usage = v1beta.GenerateContentResponse.UsageMetadata(prompt_token_count=500)

    async def function(item: int) -> Any:
        return v1beta.GenerateContentResponse(usage_metadata=usage)

    list(pipeline.map(function, [1], concurrency=1, limits=limits))
    left = limits._tokens._level
    assert 600_000 / 61 - 501 < left < 600_000 / 61 - 400


@pytest.mark.parametrize("result", [3, -1, math.inf, math.nan, "text", None, True, b""])
def test_results_that_are_no_responses_cost_nothing(result: object) -> None:
    limits = Limits(tokens_per_minute=600_000, price=lambda item: 100)
    before = limits._tokens._level
    (returned,) = pipeline.map(lambda item: result, [1], concurrency=1, limits=limits)
    assert returned is result
    assert before - 101 < limits._tokens._level < before - 90


def test_an_async_price() -> None:
    async def price(item: int) -> int:
        await asyncio.sleep(0)
        return item

    limits = Limits(tokens_per_minute=600_000, price=price)
    assert list(pipeline.map(double, [1, 2], concurrency=1, limits=limits)) == [2, 4]


def test_an_item_that_is_larger_than_the_limit_fails_alone() -> None:
    async def twice(item: str) -> str:
        return item * 2

    limits = Limits(tokens_per_minute=100)
    small, large = pipeline.map(
        twice, ["a", "long " * 100], concurrency=1, limits=limits, on_error="return", ordered=True
    )
    assert small == "aa"
    assert isinstance(large, ItemFailed)
    assert "could never start" in str(large.error)


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    seen: list[Progress] = []

    async def function(item: int) -> int:
        await asyncio.sleep(0.01)
        if item % 10 == 0:
            raise ValueError
        return item

    results = pipeline.map(function, range(200), concurrency=4, on_error="skip", progress=seen.append)
    began = time.monotonic()
    list(results)
    elapsed = time.monotonic() - began
    assert 2 <= len(seen) <= elapsed / 0.1 + 1
    last = seen[-1]
    assert (last.done, last.failed, last.total, last.ended, last.concurrency) == (200, 20, 200, True, 4)
    assert last.eta == 0
    assert all(not one.ended and one.done <= 200 for one in seen[:-1])
    assert [one.done for one in seen] == sorted(one.done for one in seen)


def test_progress_is_told_as_long_as_the_work_takes_and_not_after() -> None:
    seen: list[Progress] = []

    async def work() -> None:
        enough = asyncio.Event()

        def progress(now: Progress) -> None:
            seen.append(now)
            if len(seen) == 4:
                enough.set()

        async for _ in pipeline.map(lambda _: enough.wait(), [1], concurrency=1, progress=progress):
            pass
        assert [now.ended for now in seen] == [False] * 4 + [True]
        # A report that was still to come would come before this timer.
        await asyncio.sleep(2 * INTERVAL)

    run(work)
    assert len(seen) == 5
    pauses = [later.elapsed - now.elapsed for now, later in itertools.pairwise([*seen[:4]])]
    assert min(pauses) > 0.9 * INTERVAL


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("kind", ["sync", "async", "thread"])
def test_workers_are_made_for_items(kind: str, ordered: bool) -> None:
    most = 0

    async def function(item: int) -> int:
        nonlocal most
        await asyncio.sleep(0.001)
        most = max(most, tasks())
        return item

    async def work() -> None:
        sources: dict[str, Any] = {
            "sync": range,
            "async": arriving,
            "thread": lambda n: pipeline.in_thread(range(n)),
        }
        source: Any = sources[kind](3)
        results = pipeline.map(function, source, concurrency=65_536, ordered=ordered)
        assert sorted([item async for item in results]) == [0, 1, 2]

    run(work)
    assert 3 <= most <= 8


def test_the_largest_adaptive_pipeline_is_small_for_few_items() -> None:
    most = 0

    async def function(item: int) -> int:
        nonlocal most
        await asyncio.sleep(0)
        most = max(most, tasks())
        return item

    largest = pipeline.Adaptive(start=65_536, maximum=65_536)
    run(lambda: collected(pipeline.map(function, range(3), concurrency=largest)))
    assert most <= 8
    for name in ("minimum", "start", "maximum"):
        with pytest.raises(ValueError, match=f"Adaptive.{name}: 65537 is more than 65536"):
            pipeline.Adaptive(**{"start": 8, "maximum": 65_536, name: 65_537})


async def collected(results: Any) -> list[Any]:
    return [result async for result in results]


@pytest.mark.parametrize("seed", range(60))
def test_all_the_concurrency_that_is_asked_for_is_reached(seed: int) -> None:
    """Items wait until as many others are in the function as may be; some others take no time."""
    draw = random.Random(seed)
    concurrency = draw.randint(1, 20)
    slow = [draw.random() < draw.choice([0.1, 0.5, 0.9]) for _ in range(draw.randint(1, 200))]
    left = sum(slow)
    active = 0
    changed = asyncio.Condition()

    async def function(is_slow: bool) -> None:
        nonlocal active, left
        if not is_slow:
            if draw.random() < 0.5:
                await asyncio.sleep(0)
            return
        async with changed:
            active += 1
            changed.notify_all()
            # Together with those before it, or, at the end, with all that are left.
            await changed.wait_for(lambda: active >= min(concurrency, left))
            await asyncio.sleep(0)
            active -= 1
            left -= 1
            changed.notify_all()

    async def source() -> AsyncIterator[bool]:
        for one in slow:
            if draw.random() < 0.3:
                await asyncio.sleep(0)
            yield one

    async def taken() -> int:
        given: Any = source() if draw.random() < 0.5 else iter(slow)
        count = 0
        async for _ in pipeline.map(function, given, concurrency=concurrency):
            count += 1
            if draw.random() < 0.1:
                await asyncio.sleep(0)
        return count

    assert run(lambda: asyncio.wait_for(taken(), PATIENCE)) == len(slow)


def test_progress_of_a_source_without_a_length() -> None:
    seen: list[Progress] = []
    list(pipeline.map(double, iter(range(5)), concurrency=4, progress=seen.append))
    assert (seen[-1].total, seen[-1].eta, seen[-1].done) == (None, None, 5)


def test_progress_is_told_of_an_end_by_failure() -> None:
    seen: list[Progress] = []
    with pytest.raises(ItemFailed):
        list(pipeline.map(odd_fails, range(5), concurrency=1, progress=seen.append))
    assert (seen[-1].done, seen[-1].failed, seen[-1].ended) == (2, 1, True)


def test_progress_that_raises_ends_everything() -> None:
    def progress(_: Progress) -> None:
        raise ZeroDivisionError

    async def work() -> None:
        with pytest.raises(ZeroDivisionError):
            async for _ in pipeline.map(
                lambda item: asyncio.sleep(60), range(50), concurrency=4, progress=progress
            ):
                pass

    run(work)


@pytest.mark.parametrize("style", ["rich", "tqdm", "lines", None])
def test_bars_without_a_terminal(style: str | None) -> None:
    shown = io.StringIO()
    bar = pipeline.bar("Asking", style=style, file=shown)
    list(pipeline.map(double, range(30), concurrency=4, progress=bar))
    assert "Asking" in shown.getvalue()
    assert "30" in shown.getvalue()


def test_lines_say_it_all() -> None:
    half = Progress(50, 3, 100, 10.0, 8, 0, False)
    assert str(half) == "50 of 100 (50%), 3 failed, 5/s, 0:10 left"
    assert str(Progress(7200, 0, None, 3600.0, 8, 0, True)) == "7200, 2/s, 1:00:00 in all"
    assert str(Progress(0, 0, 10, 0.0, 8, 0, False)) == "0 of 10 (0%), 0/s"


# Wrong input ----------------------------------------------------------------------------------------


def _call(**arguments: Any) -> Any:
    given = {"function": double, "source": [1], "concurrency": 1, **arguments}
    return pipeline.map(given.pop("function"), given.pop("source"), **given)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"concurrency": 0}, ValueError, "concurrency: 0 is less than 1"),
        ({"concurrency": -3}, ValueError, "concurrency: -3 is less than 1"),
        ({"concurrency": 2.5}, TypeError, "concurrency: expected a whole number or Adaptive, got 2.5"),
        ({"concurrency": True}, TypeError, "concurrency: expected"),
        ({"concurrency": 65_537}, ValueError, "concurrency: 65537 is more than 65536"),
        ({"concurrency": 10**7}, ValueError, "concurrency: 10000000 is more than 65536"),
        ({"concurrency": None}, TypeError, "concurrency: expected"),
        ({"on_error": "ignore"}, ValueError, "on_error: 'ignore' is not one of 'raise', 'return', 'skip'"),
        ({"source": 5}, TypeError, "source: expected an iterable or an async iterable, got int"),
        ({"source": None}, TypeError, "source: expected an iterable"),
        ({"source": "text"}, TypeError, "source: a str is one item, not many"),
        ({"source": b"data"}, TypeError, "source: a bytes is one item, not many"),
        ({"source": arriving}, TypeError, "call the function"),
        (
            {"function": 5},
            TypeError,
            "function: expected a function of one item or a prepared prompt, got int",
        ),
        ({"function": None}, TypeError, "function: expected"),
        ({"limits": 5}, TypeError, "limits: expected gemwire.limits.Limits, got int"),
        ({"progress": True}, TypeError, "progress: expected a function of a Progress, got bool"),
    ],
)
def test_wrong_arguments_are_refused_at_once(
    arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as caught:
        _call(**arguments)
    assert says in str(caught.value)


def test_the_result_of_a_call_is_no_function() -> None:
    coroutine = double(1)
    with pytest.raises(TypeError, match="give the function itself"):
        _call(function=coroutine)
    coroutine.close()


def test_wrong_arguments_of_in_thread_and_bar() -> None:
    with pytest.raises(TypeError, match="needs no thread"):
        pipeline.in_thread(arriving(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ahead: 0"):
        pipeline.in_thread([1], ahead=0)
    with pytest.raises(TypeError, match=r"ahead: expected a whole number, got 1\.5"):
        pipeline.in_thread([1], ahead=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="style: 'fancy'"):
        pipeline.bar(style="fancy")


@pytest.mark.parametrize("flavour", ["async", "sync"])
def test_results_can_be_iterated_once(flavour: str) -> None:
    results = pipeline.map(double, [1], concurrency=1)

    async def work() -> None:
        assert [one async for one in results] == [2]
        with pytest.raises(errors.StreamConsumed, match="iterated once"):
            aiter(results)

    if flavour == "async":
        run(work)
    else:
        assert list(results) == [2]
        with pytest.raises(errors.StreamConsumed, match="iterated once"):
            iter(results)


def test_a_source_is_not_touched_before_the_first_result_is_asked_for() -> None:
    source = Counting()
    results = pipeline.map(double, source.sync(), concurrency=1)
    assert source.read == 0
    results.close()


# Against the emulator and real clients ----------------------------------------------------------------


def test_failures_of_a_server_are_those_of_its_items(server: Loopback) -> None:
    server.on("CountTokens", v1beta.CountTokensResponse(total_tokens=1), Fail("NOT_FOUND", "no such model"))

    async def work() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            calls = pipeline.map(
                lambda item: client.count_tokens(model=MODEL), range(2), concurrency=1, on_error="return"
            )
            got: list[Any] = [one async for one in calls]
        assert got[0].total_tokens == 1
        assert isinstance(got[1].error, errors.NotFound)

    asyncio.run(work())


def test_genai_clients(server: Loopback) -> None:
    server.on("CountTokens", v1beta.CountTokensResponse(total_tokens=5))
    client = genai.Client(api_key="a-key")

    async def count(text: str) -> int | None:
        return (await client.aio.models.count_tokens(model="m", contents=text)).total_tokens

    assert list(pipeline.map(count, ["a", "b"], concurrency=2)) == [5, 5]


@pytest.mark.parametrize("flavour", ["async", "sync"])
def test_prepared_prompts(flavour: str, server: Loopback) -> None:
    server.on("GenerateContent", lambda request, context: iter([echo(request)]))
    client = genai.Client(api_key="a-key")
    items = ["a", "b", "c"]
    if flavour == "async":
        made = client.aio.prepare(model="m", contents="Echo this:")
        answers = pipeline.map(made, items, concurrency=2, ordered=True)
    else:
        sync_made = client.prepare(model="m", contents="Echo this:")
        answers = pipeline.map(sync_made, items, concurrency=2, ordered=True)
    assert [answer.text for answer in answers] == ["Echo this:a", "Echo this:b", "Echo this:c"]


def echo(request: Any) -> Any:
    said = "".join(part.text for content in request.contents for part in content.parts)
    return v1beta.GenerateContentResponse(
        candidates=[{"content": {"role": "model", "parts": [{"text": said}]}}]
    )


# Size -----------------------------------------------------------------------------------------------

GROWTH = """
import asyncio, pathlib, sys
from gemwire import pipeline
async def function(item): return item
async def waits(item): await asyncio.sleep(0)
def peak():  # of this program: ru_maxrss has that of the parent, too
    return int(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
async def through(count):
    for ordered in (False, True):
        for work in (function, waits):
            n = 0
            async for _ in pipeline.map(work, iter(range(count)), concurrency=100, ordered=ordered): n += 1
            assert n == count
    return peak()
small = asyncio.run(through(10_000))
print(asyncio.run(through(int(sys.argv[1]))) - small)
"""


def _growth(count: int) -> float:
    """Mebibytes by which so many items need more than ten thousand."""
    ended = subprocess.run(
        [sys.executable, "-c", GROWTH, str(count)], capture_output=True, text=True, check=True, timeout=600
    )
    return float(ended.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak")
def test_memory_does_not_grow_with_the_items() -> None:
    # Sixteen bytes an item would be more.
    assert _growth(200_000) <= 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak")
def test_memory_does_not_grow_with_a_million_items() -> None:
    assert _growth(1_000_000) <= 5
