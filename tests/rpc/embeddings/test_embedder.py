"""Texts of many tasks, loops and threads share calls, and nobody notices but the server."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import subprocess
import sys
import textwrap
import threading
import time
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from eventually import comes
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from scripted_grpc_server import Fail, Loopback, nap

import gemwire
from gemwire import Embedder, Retry, errors, genai, otel, v1beta
from gemwire.embeddings import BlockingEmbedder
from gemwire.embeddings.batcher import Batcher
from gemwire.genai._convert import embedding_vectors
from gemwire.genai._convert.embedding_vectors import find_spans
from gemwire.testing import RunningEmulator, environment

MODEL = "models/gemini-embedding-001"
BATCH = "BatchEmbedContents"
#: A server that has something against a text has it against every batch with that text.
BAD = "bad"


def vector(text: str) -> list[float]:
    """What the server makes of a text: another for each."""
    return [float(len(text)), *map(float, text.encode()[:8])]


def embedding(request: Any) -> list[float]:
    return vector("".join(part.text for part in request.content.parts))


def answer(seconds: float = 0.0, *more: Fail) -> Callable[[Any, Any], Iterator[Any]]:
    """What the calls of BatchEmbedContents are answered with, after a while."""

    def play(request: Any, context: Any) -> Iterator[Any]:
        nap(seconds, context)
        for failure in more:
            failure(context)
        if any(part.text.startswith(BAD) for one in request.requests for part in one.content.parts):
            Fail("INVALID_ARGUMENT", "a text is bad")(context)
        yield v1beta.BatchEmbedContentsResponse(
            embeddings=[{"values": embedding(one)} for one in request.requests]
        )

    return play


@pytest.fixture
def batches(server: Loopback) -> Loopback:
    server.on(BATCH, answer())
    return server


def sizes(server: Loopback) -> list[int]:
    return [len(call.request.requests) for call in server.calls(BATCH)]


def texts(count: int, start: int = 0) -> list[str]:
    return [f"text {number}" for number in range(start, start + count)]


async def each(embedder: Embedder, wanted: Sequence[object]) -> list[Any]:
    """A task for each text."""
    return await asyncio.gather(*map(embedder.embed, wanted), return_exceptions=True)


# Batching --------------------------------------------------------------------------------------------------


def test_texts_of_a_tick_go_together(batches: Loopback) -> None:
    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            assert await each(embedder, texts(250)) == list(map(vector, texts(250)))
        assert sorted(sizes(batches)) == [50, 100, 100]
        for call in batches.calls(BATCH):
            assert call.request.model == MODEL
            assert {one.model for one in call.request.requests} == {MODEL}
            assert call.values("x-goog-request-params") == [f"model={MODEL}"]

    asyncio.run(main())


def test_what_comes_while_calls_are_under_way_goes_together(batches: Loopback) -> None:
    batches.on(BATCH, answer(0.3), answer())

    async def main() -> None:
        async with Embedder(model=MODEL, concurrency=1) as embedder:
            tasks = []
            for text in texts(30):
                tasks.append(asyncio.create_task(embedder.embed(text)))
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            assert await asyncio.gather(*tasks) == list(map(vector, texts(30)))
        first, *rest = sizes(batches)
        assert first < 30
        assert rest == [30 - first]

    asyncio.run(main())


def test_who_cannot_wait_does_not_wait_for_a_batch_that_does() -> None:
    async def main() -> None:
        accepted: list[list[bytes]] = []

        async def accept(entries: list[bytes], deliver: Callable[[int, Any], None]) -> None:
            accepted.append(entries)
            for index, entry in enumerate(entries):
                deliver(index, entry)

        batcher: Batcher[bytes] = Batcher(accept, 100, 1000, 1)
        patient, _ = batcher.add(b"patient", 60)
        for _ in range(10):
            await asyncio.sleep(0)
        impatient, _ = batcher.add(b"impatient", 0)
        both = await asyncio.wait_for(asyncio.gather(patient, impatient), 10)
        assert list(both) == [b"patient", b"impatient"]
        assert accepted == [[b"patient", b"impatient"]]

    asyncio.run(main())


def test_a_delay_is_for_texts_of_later_ticks(batches: Loopback) -> None:
    async def main() -> None:
        async with Embedder(model=MODEL, delay=0.5) as embedder:
            tasks = []
            for text in texts(10):
                tasks.append(asyncio.create_task(embedder.embed(text)))
                await asyncio.sleep(0.001)
            assert await asyncio.gather(*tasks) == list(map(vector, texts(10)))
            assert sizes(batches) == [10]
            began = time.monotonic()
            await each(embedder, texts(100))
            assert time.monotonic() - began < 0.5  # A full batch waits for nothing.

    asyncio.run(main())


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_calls_than_allowed_are_under_way(batches: Loopback, concurrency: int) -> None:
    most = []

    def counting(request: Any, context: Any) -> Iterator[Any]:
        most.append(len(batches.live))
        return answer(0.02)(request, context)

    batches.on(BATCH, counting)

    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=5, concurrency=concurrency) as embedder:
            await each(embedder, texts(60))
            await embedder.embed_all(texts(60))

    asyncio.run(main())
    assert max(most) == concurrency
    assert sizes(batches) == [5] * 24


def test_batches_keep_to_their_bytes_and_a_huge_text_goes_alone(batches: Loopback) -> None:
    wanted = ["a" * 300, "b" * 300, "c" * 5000, "d" * 300, "e" * 300, "f" * 300]

    async def main() -> None:
        async with Embedder(model=MODEL, batch_bytes=1000, concurrency=1) as embedder:
            assert await each(embedder, wanted) == list(map(vector, wanted))
            assert await embedder.embed_all(wanted) == list(map(vector, wanted))

    asyncio.run(main())
    assert sizes(batches) == [2, 1, 2, 1] * 2
    for call in batches.calls(BATCH):
        assert call.request.ByteSize() <= 1000 + 40 or len(call.request.requests) == 1


def test_a_batch_is_filled_to_its_last_byte() -> None:
    async def main() -> None:
        sent: list[list[bytes]] = []

        async def accept(entries: list[bytes], deliver: Callable[[int, Any], None]) -> None:
            sent.append(entries)
            for index, entry in enumerate(entries):
                deliver(index, entry)

        batcher: Batcher[bytes] = Batcher(accept, 100, 10, 1)
        entries = [b"12345", b"67890", b"1", b"234567890", b"x" * 10, b"y" * 11, b"z"]
        await asyncio.gather(*(batcher.add(entry, 0)[0] for entry in entries))
        assert sent == [entries[:2], entries[2:4], entries[4:5], entries[5:6], entries[6:]]

    asyncio.run(main())


def test_the_vector_of_a_call_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator's vectors, and all of the settings: batched and single they are the same."""
    running = RunningEmulator()
    settings: dict[str, Any] = {"task_type": "RETRIEVAL_DOCUMENT", "title": "A", "output_dimensionality": 64}

    async def main() -> None:
        async with (
            v1beta.GenerativeServiceAsyncClient() as client,
            Embedder(client, model="gemini-embedding-001", **settings) as embedder,
        ):
            several = await each(embedder, texts(5))
            for text, made in zip(texts(5), several, strict=True):
                content = {"role": "user", "parts": [{"text": text}]}
                one = await client.embed_content({"model": MODEL, "content": content, **settings})
                assert made == list(one.embedding.values)
                assert len(made) == 64

    with environment(running):
        asyncio.run(main())
    running.stop()


# Failures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [{0}, {37}, {99}, {0, 1}, {3, 50, 98}, set(range(0, 100, 9))])
def test_a_bad_text_fails_alone(batches: Loopback, bad: set[int]) -> None:
    wanted = [f"{BAD} {n}" if n in bad else f"text {n}" for n in range(100)]

    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            outcomes = await each(embedder, wanted)
        for number, (text, outcome) in enumerate(zip(wanted, outcomes, strict=True)):
            if number in bad:
                assert isinstance(outcome, errors.InvalidArgument)
                assert outcome.message == "a text is bad"
            else:
                assert outcome == vector(text)

    asyncio.run(main())
    # The bad one is in one of two halves, at each of the log2(100) steps.
    assert len(sizes(batches)) <= 1 + len(bad) * 2 * math.ceil(math.log2(100))


def test_what_is_wrong_with_all_texts_is_not_looked_for_in_each(batches: Loopback) -> None:
    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            outcomes = await each(embedder, [f"{BAD} {n}" for n in range(100)])
        assert {type(outcome) for outcome in outcomes} == {errors.InvalidArgument}
        assert "a setting they share" in str(outcomes[-1])

    asyncio.run(main())
    assert len(sizes(batches)) == 63


def test_texts_that_cannot_be_sent_are_refused_before(batches: Loopback) -> None:
    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            outcomes = await each(embedder, ["a", "", "b", None])
            assert [outcomes[0], outcomes[2]] == [vector("a"), vector("b")]
            assert str(outcomes[1]) == "content: is empty and has no embedding"
            assert isinstance(outcomes[3], TypeError)
            assert sizes(batches) == [2]
            with pytest.raises(ValueError, match=r"contents\[150\]: is empty"):
                await embedder.embed_all([*texts(150), ""])
            assert sizes(batches) == [2]

    asyncio.run(main())


def test_everybody_gets_an_error_of_his_own(batches: Loopback) -> None:
    batches.on(BATCH, Fail("RESOURCE_EXHAUSTED", "the quota is used up"))

    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            outcomes = await each(embedder, texts(20))
        assert len(set(map(id, outcomes))) == 20
        depths = set()
        for outcome in outcomes:
            assert type(outcome) is errors.ResourceExhausted
            assert outcome.message == "the quota is used up"
            assert outcome.method.endswith(BATCH)
            trace, depth = outcome.__traceback__, 0
            while trace:
                trace, depth = trace.tb_next, depth + 1
            depths.add(depth)
        assert len(depths) == 1

    asyncio.run(main())
    assert len(sizes(batches)) == 1


def test_a_call_is_repeated_as_a_whole(batches: Loopback) -> None:
    batches.on(BATCH, Fail("UNAVAILABLE"), Fail("UNAVAILABLE"), answer(), Fail("UNAVAILABLE", "gone"))
    quick = Retry(initial=0.001, maximum=0.001, max_attempts=3)

    async def main() -> None:
        async with Embedder(model=MODEL, retry=quick) as embedder:
            assert await each(embedder, texts(3)) == list(map(vector, texts(3)))
            for outcome in await each(embedder, texts(3)):
                assert isinstance(outcome, errors.Unavailable)
                assert outcome.attempts == 3

    asyncio.run(main())
    assert sizes(batches) == [3] * 6


@pytest.mark.parametrize("came", [0, 2])
def test_as_many_vectors_as_texts_must_come(server: Loopback, came: int) -> None:
    server.on(BATCH, v1beta.BatchEmbedContentsResponse(embeddings=[{"values": [1.0]}] * came))

    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            with pytest.raises(errors.Internal, match=f"the service returned {came} embeddings for 1 texts"):
                await embedder.embed("a")

    asyncio.run(main())


def test_a_deadline_is_that_of_the_call(batches: Loopback) -> None:
    batches.on(BATCH, answer(30))

    async def main() -> None:
        async with Embedder(model=MODEL, timeout=0.2) as embedder:
            for outcome in await each(embedder, texts(2)):
                assert isinstance(outcome, errors.DeadlineExceeded)

    asyncio.run(main())


# Leaving ---------------------------------------------------------------------------------------------------


def test_who_leaves_disturbs_nobody(batches: Loopback) -> None:
    batches.on(BATCH, answer(0.3))

    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            tasks = [asyncio.create_task(embedder.embed(text)) for text in texts(10)]
            await asyncio.sleep(0)
            tasks[0].cancel()  # Before the call.
            await asyncio.to_thread(batches.busy)
            tasks[5].cancel()  # During it.
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [n for n, o in enumerate(outcomes) if isinstance(o, asyncio.CancelledError)] == [0, 5]
            assert [o for n, o in enumerate(outcomes) if n not in (0, 5)] == [
                vector(text) for n, text in enumerate(texts(10)) if n not in (0, 5)
            ]

    asyncio.run(main())
    assert sizes(batches) == [9]


def test_a_call_that_nobody_waits_for_ends(batches: Loopback) -> None:
    batches.on(BATCH, answer(30))

    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            tasks = [asyncio.create_task(embedder.embed(text)) for text in texts(10)]
            assert await asyncio.to_thread(batches.busy)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            assert await asyncio.to_thread(batches.idle)
            # And what it took up is free again.
            batches.on(BATCH, answer())
            assert await embedder.embed("a") == vector("a")

    asyncio.run(main())


def test_what_nobody_waits_for_any_more_is_not_sent(batches: Loopback) -> None:
    async def main() -> None:
        async with Embedder(model=MODEL, delay=0.05) as embedder:
            for task in (tasks := [asyncio.create_task(embedder.embed(text)) for text in texts(10)]):
                await asyncio.sleep(0)
                task.cancel()
            await asyncio.wait(tasks)
            assert await embedder.embed("last") == vector("last")

    asyncio.run(main())
    # They would have gone before it or with it.
    assert sizes(batches) == [1]


def test_closing_waits_for_the_texts_that_are_there(batches: Loopback) -> None:
    batches.on(BATCH, answer(0.1))

    async def main() -> None:
        embedder = Embedder(model=MODEL, concurrency=1, batch_size=10, delay=60)
        tasks = [asyncio.create_task(embedder.embed(text)) for text in texts(25)]
        await asyncio.sleep(0)
        await embedder.close()
        assert [task.result() for task in tasks if task.done()] == list(map(vector, texts(25)))
        with pytest.raises(RuntimeError, match="this embedder is closed; create another"):
            await embedder.embed("late")
        with pytest.raises(RuntimeError, match="closed"):
            await embedder.embed_all(["late"])
        await embedder.close()

    asyncio.run(main())
    assert sizes(batches) == [10, 10, 5]


def test_an_error_leaves_nothing_behind(batches: Loopback) -> None:
    batches.on(BATCH, answer(30))

    async def main() -> None:
        tasks: list[asyncio.Task[Any]] = []

        async def fail() -> None:
            async with Embedder(model=MODEL, concurrency=1, batch_size=10) as embedder:
                tasks.extend(asyncio.create_task(embedder.embed(text)) for text in texts(25))
                assert await asyncio.to_thread(batches.busy)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        await asyncio.wait(tasks, timeout=5)
        for task in tasks:
            with pytest.raises(errors.Cancelled, match="the embedder was closed before this text"):
                task.result()

    asyncio.run(main())
    assert batches.idle()


def test_a_stream_that_is_open_when_its_embedder_closes(batches: Loopback) -> None:
    async def main() -> None:
        embedder = Embedder(model=MODEL, batch_size=10, concurrency=1)

        async def endless() -> AsyncIterator[str]:
            while True:
                await asyncio.sleep(0)
                yield "text"

        async def read() -> None:
            async for _ in embedder.stream(endless()):
                pass

        reading = asyncio.create_task(read())
        assert await asyncio.to_thread(comes, lambda: len(sizes(batches)) > 3)
        await embedder.close()
        with pytest.raises(RuntimeError, match="closed"):
            await asyncio.wait_for(reading, 10)

    asyncio.run(main())


def test_a_client_of_the_users_stays_open(batches: Loopback) -> None:
    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            for _ in range(2):
                async with Embedder(client, model=MODEL) as embedder:
                    assert await embedder.embed("a") == vector("a")

    asyncio.run(main())


def test_a_client_that_is_closed_meanwhile(batches: Loopback) -> None:
    batches.on(BATCH, answer(30))

    async def main() -> None:
        client = v1beta.GenerativeServiceAsyncClient()
        embedder = Embedder(client, model=MODEL)
        tasks = [asyncio.create_task(embedder.embed(text)) for text in texts(3)]
        assert await asyncio.to_thread(batches.busy)
        await client.close()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, errors.Cancelled)
        with pytest.raises(RuntimeError, match="this client is closed"):
            await embedder.embed("a")

    asyncio.run(main())


def test_a_loop_that_ends_with_texts_under_way(batches: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    batches.on(BATCH, answer(30))
    embedder = Embedder(model=MODEL)

    async def main() -> None:
        for text in texts(3):
            asyncio.get_running_loop().create_task(embedder.embed(text))
        assert await asyncio.to_thread(batches.busy)

    asyncio.run(main())
    gc.collect()
    assert not caplog.records
    batches.on(BATCH, answer())
    assert asyncio.run(embedder.embed("again")) == vector("again")


def test_giving_up_the_wait_for_the_end(batches: Loopback) -> None:
    batches.on(BATCH, answer(30))

    async def main() -> None:
        embedder = Embedder(model=MODEL)
        task = asyncio.create_task(embedder.embed("a"))
        assert await asyncio.to_thread(batches.busy)
        closing = asyncio.create_task(embedder.close())
        await asyncio.sleep(0)
        await embedder.close()
        assert not closing.done()
        assert not task.done()
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        with pytest.raises(errors.Cancelled, match="the embedder was closed"):
            await task

    asyncio.run(main())
    assert batches.idle()


# Loops and threads -----------------------------------------------------------------------------------------


def test_one_embedder_in_several_loops(batches: Loopback) -> None:
    embedder = Embedder(model=MODEL)

    def run(number: int) -> bool:
        wanted = texts(150, number * 1000)
        return asyncio.run(each(embedder, wanted)) == list(map(vector, wanted))

    assert run(9)
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(run, range(8)))
    assert sorted(sizes(batches)) == [50] * 9 + [100] * 9
    # Loops that are over are not kept.
    assert run(10)
    assert len(embedder._batchers) == 1


def test_closing_ends_the_texts_of_other_loops(batches: Loopback) -> None:
    batches.on(BATCH, answer(30))
    embedder = Embedder(model=MODEL)
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.extend(asyncio.run(each(embedder, texts(3)))))
    thread.start()
    assert batches.busy()
    asyncio.run(embedder.close())
    thread.join(10)
    assert [type(outcome) for outcome in outcomes] == [errors.Cancelled] * 3


def test_closing_lets_texts_of_other_loops_go(batches: Loopback) -> None:
    outcomes: list[Any] = []
    waiting = threading.Event()

    async def wait(embedder: Embedder) -> None:
        tasks = [asyncio.create_task(embedder.embed(text)) for text in texts(3)]
        await asyncio.sleep(0)
        waiting.set()
        outcomes.extend(await asyncio.gather(*tasks))
        with pytest.raises(RuntimeError, match="this embedder is closed"):
            await embedder.embed("late")

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            embedder = Embedder(client, model=MODEL, delay=600)
            thread = threading.Thread(target=lambda: asyncio.run(wait(embedder)))
            thread.start()
            await asyncio.to_thread(waiting.wait, 10)
            await embedder.close()
            await asyncio.to_thread(thread.join, 10)

    asyncio.run(main())
    assert outcomes == list(map(vector, texts(3)))


# Many ------------------------------------------------------------------------------------------------------


async def slowly(wanted: list[str]) -> AsyncIterator[str]:
    for text in wanted:
        await asyncio.sleep(0)
        yield text


async def collect(stream: AsyncIterator[Any], into: list[Any]) -> None:
    """All that comes before an error."""
    async for made in stream:
        into.append(made)  # noqa: PERF401 - a comprehension would lose it


@pytest.mark.parametrize("source", [list, tuple, iter, slowly], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_many_texts_in_their_order(batches: Loopback, source: Any, batch_size: int) -> None:
    def overtaking(request: Any, context: Any) -> Iterator[Any]:
        number = int(request.requests[0].content.parts[0].text.split()[1])
        return answer(0.02 if number % 20 == 0 else 0)(request, context)

    batches.on(BATCH, overtaking)
    wanted = texts(230)

    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=batch_size, concurrency=3) as embedder:
            assert await embedder.embed_all(source(wanted)) == list(map(vector, wanted))
            assert [v async for v in embedder.stream(source(wanted))] == list(map(vector, wanted))
            assert await embedder.embed_all(source([])) == []

    asyncio.run(main())


def test_the_source_is_read_no_further_than_said(batches: Loopback) -> None:
    read = 0

    def source() -> Iterator[str]:
        nonlocal read
        for text in texts(3000):
            read += 1
            yield text

    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=10, concurrency=4) as embedder:
            taken = 0
            async for made in embedder.stream(source()):
                assert made == vector(f"text {taken}")
                taken += 1
                assert read - taken <= 10 * (4 + 1)
                if taken % 100 == 0:
                    await asyncio.sleep(0.001)

    asyncio.run(main())
    assert read == 3000


def test_a_slow_reader_gets_full_batches(batches: Loopback) -> None:
    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=10, concurrency=2) as embedder:
            async for _ in embedder.stream(iter(texts(200))):
                await asyncio.sleep(0.001)

    asyncio.run(main())
    assert sizes(batches) == [10] * 20


def test_vectors_come_while_the_source_pauses(batches: Loopback) -> None:
    go_on = asyncio.Event()

    async def source() -> AsyncIterator[str]:
        yield "a"
        await go_on.wait()
        yield "b"

    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            stream = embedder.stream(source())
            assert await asyncio.wait_for(anext(stream), 10) == vector("a")
            go_on.set()
            assert [made async for made in stream] == [vector("b")]

    asyncio.run(main())


def only_the_first(request: Any, context: Any) -> Iterator[Any]:
    """Answers the batch in which "text 0" is, and is slow with all others."""
    first = request.requests[0].content.parts[0].text == "text 0"
    return answer(0 if first else 30)(request, context)


def test_a_stream_that_is_left_ends_its_calls_and_its_source(batches: Loopback) -> None:
    batches.on(BATCH, only_the_first)
    closed = False

    async def source() -> AsyncIterator[str]:
        nonlocal closed
        try:
            for number in count():
                await asyncio.sleep(0)
                yield f"text {number}"
        finally:
            closed = True

    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=10, concurrency=2) as embedder:
            stream = embedder.stream(source())
            assert await anext(stream) == vector("text 0")
            assert await asyncio.to_thread(batches.busy, 2)
            await stream.aclose()
            assert await asyncio.to_thread(batches.idle)
            gc.collect()
            await asyncio.sleep(0)
            batches.on(BATCH, answer())
            assert await embedder.embed("a") == vector("a")

    asyncio.run(main())
    assert closed


def test_an_error_of_the_source_comes_in_its_place(batches: Loopback) -> None:
    def source() -> Iterator[str]:
        yield from texts(25)
        raise KeyError("of the source")

    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=10) as embedder:
            got: list[Any] = []
            with pytest.raises(KeyError, match="of the source"):
                await collect(embedder.stream(source()), got)
            assert got == list(map(vector, texts(25)))

    asyncio.run(main())


def test_an_error_comes_in_its_place_and_says_which(batches: Loopback) -> None:
    wanted = [*texts(15), f"{BAD} one", *texts(5)]

    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=10) as embedder:
            got: list[Any] = []
            with pytest.raises(errors.InvalidArgument, match=r"It is about contents\[15\]\.$"):
                await collect(embedder.stream(iter(wanted)), got)
            assert got == list(map(vector, wanted[:15]))
            with pytest.raises(errors.InvalidArgument, match=r"contents\[15\]"):
                await embedder.embed_all(wanted)
            with pytest.raises(ValueError, match=r"contents\[1\]: is empty"):
                await embedder.embed_all(iter(["a", ""]))

    asyncio.run(main())


def test_nothing_is_read_or_said_after_a_text_that_cannot_be_sent(
    batches: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    read = []

    def source() -> Iterator[str]:
        for text in ("a", "", "b"):
            read.append(text)
            yield text

    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            stream = embedder.stream(source())
            assert await anext(stream) == vector("a")
            await stream.aclose()

    asyncio.run(main())
    gc.collect()
    assert read == ["a", ""]
    assert not caplog.records


def test_errors_that_nobody_came_to_read(batches: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    wanted = [*texts(10), *(f"{BAD} {number}" for number in range(10))]

    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=10) as embedder:
            stream = embedder.stream(wanted)
            assert await anext(stream) == vector("text 0")
            assert await asyncio.to_thread(comes, lambda: len(sizes(batches)) == 1 + 19)
            assert await asyncio.to_thread(batches.idle)
            await asyncio.sleep(0.05)
            await stream.aclose()

    asyncio.run(main())
    gc.collect()
    assert not caplog.records


def test_errors_in_the_place_of_vectors(batches: Loopback) -> None:
    wanted: list[Any] = [*texts(15), f"{BAD} one", "", *texts(5), None]

    async def main() -> None:
        async with Embedder(model=MODEL, batch_size=10) as embedder:
            for many in (wanted, iter(wanted)):
                got = await embedder.embed_all(many, on_error="return")
                assert [type(one) for one in got if isinstance(one, Exception)] == [
                    errors.InvalidArgument,
                    ValueError,
                    TypeError,
                ]
                assert got[:15] == list(map(vector, wanted[:15]))
                assert got[17:22] == list(map(vector, wanted[17:22]))
                assert str(got[16]).startswith("contents[16]: ")

    asyncio.run(main())


# Threads ---------------------------------------------------------------------------------------------------


def test_threads_share_calls(batches: Loopback) -> None:
    with BlockingEmbedder(model=MODEL, delay=0.2) as embedder, ThreadPoolExecutor(20) as threads:
        assert list(threads.map(embedder.embed, texts(20))) == list(map(vector, texts(20)))
    assert len(sizes(batches)) < 10


def test_many_texts_without_asyncio(batches: Loopback) -> None:
    reader = threading.get_ident()

    def source() -> Iterator[str]:
        for text in texts(230):
            assert threading.get_ident() == reader
            yield text

    wanted = list(map(vector, texts(230)))
    with BlockingEmbedder(model=MODEL, concurrency=2) as embedder:
        assert embedder.embed_all(texts(230)) == wanted
        assert embedder.embed_all(source()) == wanted
        assert list(embedder.stream(source())) == wanted
        with pytest.raises(ValueError, match=r"contents\[230\]: is empty"):
            list(embedder.stream([*texts(230), ""]))
        with pytest.raises(errors.InvalidArgument, match=r"It is about contents\[230\]\.$"):
            list(embedder.stream([*texts(230), BAD]))
        some = embedder.embed_all(iter(["a", "", BAD]), on_error="return")
        assert [type(one) for one in some] == [list, ValueError, errors.InvalidArgument]
        assert repr(embedder).startswith("<BlockingEmbedder models/gemini-embedding-001 <")


def test_a_blocking_stream_that_is_left(batches: Loopback) -> None:
    batches.on(BATCH, only_the_first)
    with BlockingEmbedder(model=MODEL, concurrency=2) as embedder:
        stream: Any = embedder.stream(f"text {number}" for number in count())
        assert next(stream) == vector("text 0")
        # The one that was answered may still be ending when another begins.
        assert comes(lambda: len(sizes(batches)) == 3)
        stream.close()
        assert batches.idle()
    assert sizes(batches) == [100] * 3


def test_closing_in_threads(batches: Loopback, new_threads: Callable[[str], list[str]]) -> None:
    batches.on(BATCH, answer(0.3))
    embedder = BlockingEmbedder(model=MODEL)
    with ThreadPoolExecutor(5) as threads:
        waiting = [threads.submit(embedder.embed, text) for text in texts(5)]
        assert batches.busy()
        embedder.close()
        embedder.close()
        assert [one.result(5) for one in waiting] == list(map(vector, texts(5)))
    for use in (embedder.embed, embedder.embed_all, lambda text: list(embedder.stream([text]))):
        with pytest.raises(RuntimeError, match="this embedder is closed"):
            use(["late"])
    assert not new_threads("gemwire-embedder")


def test_a_blocking_embedder_that_nobody_has_any_more(
    batches: Loopback, new_threads: Callable[[str], list[str]]
) -> None:
    embedder: BlockingEmbedder | None = BlockingEmbedder(model=MODEL)
    assert embedder is not None
    embedder.embed("a")
    embedder = None
    gc.collect()
    assert comes(lambda: not new_threads("gemwire-embedder"))


def run_script(text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_a_program_that_forgets_to_close(batches: Loopback) -> None:
    told = run_script("""
        from gemwire.embeddings import BlockingEmbedder
        embedder = BlockingEmbedder(model="m")
        print(embedder.embed("a"))
        """)
    assert told == f"{vector('a')}\n"


def test_after_a_fork(batches: Loopback) -> None:
    told = run_script("""
        import os
        from gemwire.embeddings import BlockingEmbedder
        embedder = BlockingEmbedder(model="m")
        if os.fork() == 0:
            try:
                embedder.embed("a")
            except RuntimeError as error:
                print(error, flush=True)
            os._exit(0)
        os.wait()
        embedder.close()
        """)
    assert told == "this embedder was created before the process forked; create one here\n"


# What the vectors are, and who looks -----------------------------------------------------------------------


def test_kinds_of_vectors(batches: Loopback) -> None:
    numpy = pytest.importorskip("numpy")

    async def main() -> None:
        made = {}
        for kind in ("list", "array", "numpy"):
            async with Embedder(model=MODEL, vectors=kind) as embedder:
                made[kind] = await embedder.embed("some text")
        assert made["list"] == vector("some text")
        assert made["array"] == array("f", vector("some text"))
        assert made["numpy"].dtype == numpy.float32
        assert made["numpy"].tolist() == vector("some text")

    asyncio.run(main())


def test_vectors_are_cut_out_of_the_bytes(batches: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def looking(data: bytes) -> Any:
        seen.append(find_spans(data))
        return seen[-1]

    monkeypatch.setattr(embedding_vectors, "find_spans", looking)

    async def main() -> None:
        async with Embedder(model=MODEL) as embedder:
            await embedder.embed("a")

    asyncio.run(main())
    assert seen == [[(4, 4 + 4 * len(vector("a")))]]


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    running = RunningEmulator(http_port=0)
    yield running
    running.stop()


@pytest.mark.parametrize("transport", ["rest_asyncio", "auto"])
@pytest.mark.parametrize("kind", ["list", "array"])
def test_other_transports(emulator: RunningEmulator, transport: str, kind: Any) -> None:
    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client, Embedder(client, model=MODEL) as embedder:
            expected = await embedder.embed_all(texts(3))
        async with v1beta.GenerativeServiceAsyncClient(transport=transport) as client:
            made = await Embedder(client, model=MODEL, vectors=kind).embed_all(texts(3))
            assert list(map(list, made)) == expected

    with environment(emulator):
        asyncio.run(main())


def test_recording_and_replaying(emulator: RunningEmulator, tmp_path: Path) -> None:
    def client(mode: str) -> Any:
        config: genai.types.DebugConfigDict = {
            "client_mode": mode,
            "replays_directory": str(tmp_path),
            "replay_id": "a",
        }
        return genai.Client(api_key="a-key", debug_config=config)

    async def main(client: Any) -> Any:
        async with client.aio, Embedder(client, model=MODEL, vectors="array") as embedder:
            return await embedder.embed_all(texts(3))

    with environment(emulator):
        recorded = asyncio.run(main(client("record")))
    assert asyncio.run(main(client("replay"))) == recorded
    assert '"embeddings"' in (tmp_path / "a.json").read_text("utf-8")


def test_settings_of_a_genai_client(batches: Loopback) -> None:
    batches.on(BATCH, Fail("UNAVAILABLE"), answer())

    async def main() -> None:
        options: genai.types.HttpOptionsDict = {
            "headers": {"x-tenant": "7"},
            "retry_options": {"attempts": 1},
        }
        client = genai.Client(api_key="a-key", http_options=options)
        async with client.aio:
            embedder = Embedder(client, model="gemini-embedding-001", metadata=[("x-more", "8")])
            with pytest.raises(errors.Unavailable):
                await embedder.embed("a")
            assert await Embedder(client.aio, model=MODEL).embed("a") == vector("a")

    asyncio.run(main())
    first, second = batches.calls(BATCH)
    assert (first.values("x-tenant"), first.values("x-more")) == (["7"], ["8"])
    assert second.values("x-tenant") == ["7"]


def test_the_log_and_opentelemetry(batches: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    exporter = InMemorySpanExporter()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    end = otel.instrument(tracer_provider=tracing, meter_provider=MeterProvider())

    async def main() -> None:
        client = v1beta.GenerativeServiceAsyncClient(client_options={"log_content": True})
        async with client, Embedder(client, model=MODEL, vectors="array") as embedder:
            await embedder.embed("some text")

    try:
        with caplog.at_level(logging.DEBUG, "gemwire"):
            asyncio.run(main())
    finally:
        end()
    told = caplog.text
    assert f"{BATCH} OK in " in told
    assert "some text" in told
    assert "embeddings {" in told
    (span,) = exporter.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["gen_ai.request.model"]


def test_interceptors_see_the_message(batches: Loopback) -> None:
    seen: list[Any] = []

    class Looking(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(
            self, continuation: Any, client_call_details: Any, request: Any
        ) -> Any:
            call = await continuation(client_call_details, request)
            response = await call
            seen.append([list(one.values) for one in response.embeddings])
            return call

    async def main() -> None:
        client = v1beta.GenerativeServiceAsyncClient(client_options={"interceptors": (Looking(),)})
        async with client, Embedder(client, model=MODEL, vectors="array") as embedder:
            await embedder.embed("a")

    asyncio.run(main())
    assert seen == [[vector("a")]]


# Arguments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": None}, TypeError, "model: expected the name of a model, got NoneType"),
        ({"model": ""}, ValueError, "model: '' is not the name of a model"),
        ({"batch_size": 0}, ValueError, "batch_size: 0 is less than 1"),
        ({"batch_size": 101}, ValueError, "batch_size: 101 is more than 100"),
        ({"batch_size": "10"}, TypeError, "batch_size: expected a whole number, got '10'"),
        ({"batch_size": True}, TypeError, "batch_size: expected a whole number, got True"),
        ({"batch_bytes": 0}, ValueError, "batch_bytes: 0 is less than 1"),
        ({"concurrency": 0}, ValueError, "concurrency: 0 is less than 1"),
        ({"concurrency": 10**6}, ValueError, "concurrency: 1000000 is more than 65536"),
        ({"delay": -1}, ValueError, "delay: -1 is not a non-negative number"),
        ({"delay": math.nan}, ValueError, "delay: nan is not a non-negative number"),
        ({"delay": "1"}, TypeError, "delay: expected seconds, got '1'"),
        ({"vectors": "tensor"}, ValueError, "vectors: 'tensor' is not one of 'list', 'array', 'numpy'"),
        ({"vectors": None}, ValueError, "vectors: None is not one of"),
        ({"task_type": "SEARCH"}, ValueError, "task_type: 'SEARCH' is not one of TASK_TYPE_UNSPECIFIED, "),
        ({"task_type": 99}, ValueError, "task_type: 99 is not the number of a task type"),
        ({"task_type": 1.5}, TypeError, "task_type: expected a name, got float"),
        ({"title": "A"}, ValueError, "title: requires task_type='RETRIEVAL_DOCUMENT'"),
        ({"title": 1, "task_type": "RETRIEVAL_DOCUMENT"}, TypeError, "title: expected a string, got int"),
        ({"output_dimensionality": 0}, ValueError, "output_dimensionality: 0 is not a number of values"),
        ({"output_dimensionality": 1 << 31}, ValueError, "output_dimensionality: 2147483648 is not a number"),
        ({"output_dimensionality": "3"}, TypeError, "output_dimensionality: expected a number of values"),
        ({"timeout": 0}, ValueError, "timeout: 0 is not a positive number of seconds"),
        ({"retry": "often"}, TypeError, "retry: "),
        ({"metadata": [("Upper", "x")]}, ValueError, "metadata: 'Upper' is not a valid header name"),
        ({"client": object()}, TypeError, "client: expected a v1beta.GenerativeServiceAsyncClient"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_bad_arguments(server: Loopback, arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        Embedder(**{"model": MODEL, **arguments})
    assert str(caught.value).startswith(message)
    with pytest.raises(error):
        BlockingEmbedder(**{"model": MODEL, **arguments})


def test_a_blocking_client_is_refused(server: Loopback) -> None:
    with v1beta.GenerativeServiceClient() as client, pytest.raises(TypeError, match=r"^client: expected"):
        Embedder(client, model=MODEL)


@pytest.mark.parametrize("many", ["a text", b"bytes", {"parts": []}, 7, None], ids=lambda v: type(v).__name__)
def test_what_are_not_many_texts(server: Loopback, many: Any) -> None:
    embedder = Embedder(model=MODEL)
    with pytest.raises(
        TypeError, match=r"^contents: expected an iterable of texts, got \w+; use embed\(\) for one"
    ):
        embedder.stream(many)
    with pytest.raises(TypeError, match=r"^contents: "):
        asyncio.run(embedder.embed_all(many))
    with BlockingEmbedder(model=MODEL) as blocking, pytest.raises(TypeError, match=r"^contents: "):
        blocking.stream(many)


def test_unknown_ways_with_errors(server: Loopback) -> None:
    with pytest.raises(ValueError, match=r"^on_error: 'skip' is not one of 'raise', 'return'"):
        Embedder(model=MODEL).stream([], on_error="skip")  # type: ignore[arg-type]


def test_without_numpy(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ImportError, match=r"^vectors: 'numpy' needs: pip install numpy"):
        Embedder(model=MODEL, vectors="numpy")


def test_names() -> None:
    assert gemwire.Embedder is gemwire.embeddings.Embedder
    assert {"Embedder", "embeddings"} <= set(dir(gemwire))
