"""`gemwire.limits`: how much may begin in a minute, in which order, and what an item is taken to cost."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import signal
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from eventually import comes, comes_in_loop

from gemwire import v1beta
from gemwire.limits import TOKENS_PER_IMAGE, Limits, estimate
from gemwire.limits.bucket import Bucket

# The bucket alone, in time of its own --------------------------------------------------------------------


def grants(per_minute: float, amounts: list[float], burst: float = 1, least: float = 0) -> list[float]:
    """When each of these is granted, where all were asked for at once."""
    now = 0.0
    bucket = Bucket(per_minute, burst, least, now)
    moments = []
    for amount in amounts:
        while delay := bucket.delay(amount, now):
            now += delay
        bucket.take(amount)
        moments.append(now)
    return moments


def busiest_minute(moments: list[float], amounts: list[float]) -> float:
    most = now = 0.0
    first = 0
    for moment, amount in zip(moments, amounts, strict=True):
        now += amount
        while moments[first] <= moment - 60:
            now -= amounts[first]
            first += 1
        most = max(most, now)
    return most


@pytest.mark.parametrize("burst", [0.1, 1, 10, 60])
@pytest.mark.parametrize("per_minute", [1, 2, 3, 7, 30, 59, 60, 61, 100, 999, 1000])
def test_no_minute_sees_more_requests_than_the_limit(per_minute: int, burst: float) -> None:
    amounts = [1.0] * (per_minute * 4)
    moments = grants(per_minute, amounts, burst, 1)
    assert busiest_minute(moments, amounts) <= per_minute + 1e-6
    # And no fewer than the burst costs.
    assert moments[-1] <= 4 * (60 + burst) + 1e-3


@pytest.mark.parametrize("burst", [1, 10])
def test_no_minute_sees_more_tokens_than_the_limit(burst: float) -> None:
    amounts = [(7 * i) % 150 + 1.0 for i in range(2000)]
    moments = grants(10_000, amounts, burst)
    assert busiest_minute(moments, amounts) <= 10_000 + max(amounts)
    assert moments[-1] <= sum(amounts) / 10_000 * (60 + burst)


def test_a_burst_is_as_large_as_was_said() -> None:
    moments = grants(6000, [1.0] * 2000, burst=5)
    assert sum(moment == 0 for moment in moments) == int(6000 / 65 * 5)
    # The rest comes evenly.
    assert moments[1500] - moments[1000] == pytest.approx(500 / (6000 / 65), rel=0.01)


def test_a_request_larger_than_a_burst_waits_for_all_of_it() -> None:
    assert grants(6000, [3000.0, 3000.0, 1.0]) == pytest.approx([29.5, 60, 60.01], abs=0.1)


def test_what_was_left_unused_is_not_kept_for_ever() -> None:
    bucket = Bucket(6100, 1, 0, now=0.0)
    assert bucket.delay(100, now=3600.0) == 0
    bucket.take(100)
    assert bucket.delay(1, now=3600.0) == pytest.approx(0.01)


def test_what_was_given_back_can_be_taken() -> None:
    bucket = Bucket(6100, 1, 0, now=0.0)
    bucket.take(100)
    assert bucket.delay(50, now=0.0) == pytest.approx(0.5)
    bucket.take(-60)
    assert bucket.delay(50, now=0.0) == 0
    bucket.take(500)
    assert bucket.delay(1, now=0.0) == pytest.approx(4.41)


def test_no_limit() -> None:
    bucket = Bucket(None, 1, 0, now=0.0)
    bucket.take(1e12)
    assert bucket.delay(1e12, now=0.0) == 0


# Waiting -------------------------------------------------------------------------------------------------


def quick(per_second: float = 200, **more: Any) -> Limits:
    """Limits whose first bucket is almost empty at once."""
    return Limits(requests_per_minute=per_second * 60, burst=0.01, **more)


def test_requests_wait_for_their_turn() -> None:
    async def work() -> None:
        limits = quick()
        began = time.monotonic()
        await asyncio.gather(*(limits.acquire() for _ in range(60)))
        assert time.monotonic() - began >= 57 / 200
        assert limits.waiting() == 0

    asyncio.run(work())


def test_who_came_first_is_first_served() -> None:
    """Over event loops and threads, sync and async."""
    limits = Limits(requests_per_minute=60_000, tokens_per_minute=60_000, burst=0.001)
    limits._tokens.take(300)  # nobody is served before all are there
    served: list[int] = []

    def blocking(number: int) -> None:
        limits.acquire_blocking(5)
        served.append(number)

    def looping(number: int) -> None:
        async def work() -> None:
            await limits.acquire(1)
            served.append(number)

        asyncio.run(work())

    def queued(count: int) -> bool:
        return limits.waiting() == count

    waiting = []
    for number in range(10):
        waiting.append(threading.Thread(target=blocking if number % 2 else looping, args=(number,)))
        waiting[-1].start()
        assert comes(functools.partial(queued, number + 1))
    for thread in waiting:
        thread.join(20)
    assert served == list(range(10))


def test_a_small_request_does_not_overtake_a_large_one() -> None:
    async def work() -> list[str]:
        limits = Limits(tokens_per_minute=60_000, burst=0.01)
        served = []

        async def ask(name: str, tokens: int) -> None:
            await limits.acquire(tokens)
            served.append(name)

        await asyncio.gather(ask("first", 300), ask("large", 200), ask("small", 1))
        return served

    assert asyncio.run(work()) == ["first", "large", "small"]


def test_waiting_costs_no_time_of_the_processor() -> None:
    async def work() -> None:
        limits = Limits(requests_per_minute=60, burst=0.1)
        await limits.acquire()
        others = [asyncio.ensure_future(limits.acquire()) for _ in range(100)]
        before = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - before < 0.25
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        assert limits.waiting() == 0

    asyncio.run(work())


@pytest.mark.parametrize("which", ["first", "second", "last"])
def test_one_who_gives_up_takes_nothing_and_holds_up_nobody(which: str) -> None:
    async def work() -> None:
        limits = Limits(tokens_per_minute=60_000, burst=0.01)
        limits._tokens.take(200)
        waiting = [asyncio.ensure_future(limits.acquire(10)) for _ in range(3)]
        await asyncio.sleep(0)
        gone = waiting.pop({"first": 0, "second": 1, "last": 2}[which])
        gone.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await gone
        assert limits.waiting() == 2
        await asyncio.wait_for(asyncio.gather(*waiting), 20)
        assert limits.waiting() == 0

    asyncio.run(work())


def test_a_timeout_of_a_thread() -> None:
    limits = Limits(requests_per_minute=1)
    limits.acquire_blocking()
    with pytest.raises(TimeoutError, match=r"timeout: no permit for 0 tokens within 0.05 s"):
        limits.acquire_blocking(timeout=0.05)
    assert limits.waiting() == 0


def test_an_event_loop_that_ended_while_it_waited_holds_up_nobody() -> None:
    limits = Limits(tokens_per_minute=60_000, burst=0.01)
    limits._tokens.take(100)
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(limits.acquire(1))
    loop.run_until_complete(asyncio.sleep(0))
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert limits.waiting() == 1
    loop.close()
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]
    # It is first in the queue, and nobody will ever wake it.
    limits.acquire_blocking(1, timeout=20)


def test_with_blocks() -> None:
    limits = quick()

    async def work() -> None:
        async with limits.reserve(10) as permit:
            assert permit.tokens == 10

    asyncio.run(work())
    with limits.reserve(20) as permit:
        assert permit.tokens == 20


def test_what_was_used_counts() -> None:
    limits = Limits(tokens_per_minute=61_000)
    permit = limits.acquire_blocking(500)
    level = limits._tokens._level
    permit.settle(800)
    assert limits._tokens._level == level - 300
    permit.settle(100)
    assert limits._tokens._level == level + 400
    usage = v1beta.GenerateContentResponse.UsageMetadata(prompt_token_count=700, total_token_count=9000)
    permit.settle(v1beta.GenerateContentResponse(usage_metadata=usage))
    assert permit.tokens == 700
    negative = v1beta.GenerateContentResponse.UsageMetadata(prompt_token_count=-5)
    nothing_reported: tuple[object, ...] = (
        v1beta.EmbedContentResponse(),
        v1beta.GenerateContentResponse(),
        v1beta.GenerateContentResponse(usage_metadata=negative),
        {},
    )
    for nothing in nothing_reported:
        permit.settle(nothing)
        assert permit.tokens == 700


@pytest.mark.parametrize(
    ("used", "error"),
    [
        (math.inf, ValueError),
        (-math.inf, ValueError),
        (math.nan, ValueError),
        (-1, ValueError),
        (-0.5, ValueError),
        ("x", TypeError),
        (b"x", TypeError),
        (None, TypeError),
        (True, TypeError),
        (3j, TypeError),
    ],
)
def test_what_is_no_number_of_tokens_is_refused(used: object, error: type[Exception]) -> None:
    limits = Limits(tokens_per_minute=61_000)
    permit = limits.acquire_blocking(500)
    level = limits._tokens._level
    with pytest.raises(error, match=r"^used: "):
        permit.settle(used)
    assert permit.tokens == 500
    assert limits._tokens._level == level


def test_tokens_that_are_given_back_wake_who_waits() -> None:
    async def work() -> None:
        limits = Limits(tokens_per_minute=6000, burst=1)
        permit = await limits.acquire(98)
        waiting = asyncio.ensure_future(limits.acquire(90))
        assert await comes_in_loop(lambda: limits.waiting() == 1)
        began = time.monotonic()
        permit.settle(1)
        await waiting
        assert time.monotonic() - began < 0.5

    asyncio.run(work())


def test_a_request_that_can_never_begin_is_refused() -> None:
    limits = Limits(tokens_per_minute=1000)
    says = r"tokens: 1001 exceeds tokens_per_minute \(1000\), so the request could never start"
    with pytest.raises(ValueError, match=says):
        limits.acquire_blocking(1001)
    with pytest.raises(ValueError, match=says):
        asyncio.run(limits.acquire(1001))
    with pytest.raises(ValueError, match=says):
        limits.reserve(1001)
    with pytest.raises(ValueError, match="tokens: -1 is not a number of tokens"):
        limits.reserve(-1)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({}, ValueError, "requests_per_minute, tokens_per_minute: give at least one of them"),
        ({"requests_per_minute": 0}, ValueError, "requests_per_minute: 0 is not a positive number"),
        ({"tokens_per_minute": -5}, ValueError, "tokens_per_minute: -5 is not a positive number"),
        ({"tokens_per_minute": float("nan")}, ValueError, "tokens_per_minute: nan is not a positive number"),
        ({"requests_per_minute": "60"}, TypeError, "requests_per_minute: expected a number, got '60'"),
        ({"requests_per_minute": True}, TypeError, "requests_per_minute: expected a number, got True"),
        ({"requests_per_minute": 5, "burst": 0}, ValueError, "burst: 0 is not a positive number"),
        ({"requests_per_minute": 5, "burst": 61}, ValueError, "burst: 61 is more than the 60 seconds"),
        ({"requests_per_minute": 5, "price": 3}, TypeError, "price: expected a function"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        Limits(**arguments)
    assert says in str(caught.value)


def test_limits_by_name() -> None:
    limits = Limits.shared("test by name", requests_per_minute=60)
    assert Limits.shared("test by name") is limits
    assert Limits.shared("test by name", requests_per_minute=60) is limits
    assert Limits.shared("another name", requests_per_minute=60) is not limits
    says = r"requests_per_minute: .*'test by name' already exist with 60, not with 70"
    with pytest.raises(ValueError, match=says):
        Limits.shared("test by name", requests_per_minute=70)
    with pytest.raises(ValueError, match="give at least one"):
        Limits.shared("a name that nobody made")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_child_counts_for_itself() -> None:
    """Those who wait in the parent are not there to be waited for, and a lock may have been held."""
    limits = Limits(requests_per_minute=1)
    limits.acquire_blocking()

    def wait() -> None:
        with contextlib.suppress(TimeoutError):
            limits.acquire_blocking(timeout=1)

    thread = threading.Thread(target=wait)
    thread.start()
    assert comes(limits.waiting)
    with limits._lock:
        child = os.fork()
        if not child:
            signal.alarm(20)
            limits.acquire_blocking(timeout=10)
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()


# Prices --------------------------------------------------------------------------------------------------

TEXT = "x" * 41
CONTENT = {"role": "user", "parts": [{"text": TEXT}]}
PICTURE = {"inline_data": {"mime_type": "image/png", "data": b"\x89PNG" * 1000}}


@pytest.mark.parametrize(
    ("item", "tokens"),
    [
        ("", 0),
        ("x", 1),
        (TEXT, 11),
        ([TEXT, TEXT], 21),
        (CONTENT, 11),
        ([CONTENT, CONTENT], 21),
        ({"model": "models/long-name-that-is-no-content", "contents": [CONTENT]}, 11),
        (v1beta.GenerateContentRequest(model="models/m", contents=[CONTENT]), 11),
        (v1beta.Content(role="user", parts=[{"text": TEXT}, PICTURE]), 11 + TOKENS_PER_IMAGE),
        ({"parts": [{"text": TEXT}, PICTURE]}, 11 + TOKENS_PER_IMAGE),
        ({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo" * 1000}}, TOKENS_PER_IMAGE),
        ({"file_data": {"file_uri": "https://x/files/1", "mime_type": "image/png"}}, TOKENS_PER_IMAGE),
        (b"data", TOKENS_PER_IMAGE),
        (SimpleNamespace(contents=TEXT, _private=TEXT), 11),
        (memoryview(b"data"), TOKENS_PER_IMAGE),
        (7, 0),
        (None, 0),
        (object(), 0),
    ],
    ids=range(18),
)
def test_a_guess(item: Any, tokens: int) -> None:
    assert estimate(item) == tokens


class Answer:
    total_tokens = 42


class ServiceAsyncClient:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def count_tokens(self, **asked: Any) -> Answer:
        self.asked.append(asked)
        return Answer()


class ServiceClient(ServiceAsyncClient):
    def count_tokens(self, **asked: Any) -> Answer:  # type: ignore[override]
        self.asked.append({**asked, "thread": threading.current_thread().name})
        return Answer()


def test_prices_that_the_api_counts() -> None:
    waits, blocks = ServiceAsyncClient(), ServiceClient()
    client = SimpleNamespace(aio=type("AsyncClient", (), {"models": waits})())

    async def work() -> None:
        for one in (waits, blocks, client):
            price = Limits.counted_by(one, "models/m")
            assert await price("text") == 42
            assert await price({"contents": [CONTENT]}) == 42
            assert await price(SimpleNamespace(contents=[CONTENT])) == 42

    asyncio.run(work())
    wrapped = [{"role": "user", "parts": [{"text": "text"}]}]
    assert [one["contents"] for one in waits.asked] == [
        wrapped, [CONTENT], [CONTENT], "text", [CONTENT], [CONTENT],
    ]  # fmt: skip
    assert [one["contents"] for one in blocks.asked] == [wrapped, [CONTENT], [CONTENT]]
    assert all(one["thread"] != threading.main_thread().name for one in blocks.asked)
    assert {one["model"] for one in waits.asked} == {"models/m"}


def test_it_says_what_it_is() -> None:
    assert repr(Limits(60)) == "Limits(requests_per_minute=60, tokens_per_minute=None, burst=1.0)"
