"""`gemwire.pipeline.Adaptive`: concurrency finds what a server has room for, and follows it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from eventually import comes_in_loop

from gemwire import Retry, errors, pipeline, v1beta
from gemwire._transport import overload
from gemwire.pipeline import Adaptive, ItemFailed
from gemwire.pipeline.adaptive import ConcurrencyController
from gemwire_proto.google.rpc import error_details_pb2, status_pb2

PATH = "/google.ai.generativelanguage.v1beta.GenerativeService/CountTokens"


class Crowded:
    """A server that has room for so many calls at once, or for so many in a window, and refuses the rest.

    Attributes:
        capacity: Calls at once.
        refused: Calls that were refused.
        served: Calls that were answered.
    """

    def __init__(
        self, capacity: int, *, seconds: float = 0.02, status: str = "RESOURCE_EXHAUSTED", delay: float = 0
    ) -> None:
        self.capacity = capacity
        self.seconds = seconds
        self.status = grpc.StatusCode[status]
        self.delay = delay
        self.active = self.most = self.refused = self.served = 0
        #: For windows: calls of the window, its length and its end.
        self.per_window, self.window, self._left, self._ends = 0, 0.0, 0, 0.0

    async def handle(self, request: Any, context: Any) -> Any:
        if self.active >= self.capacity or not self._in_window():
            self.refused += 1
            if self.delay:
                info = error_details_pb2.RetryInfo()
                info.retry_delay.FromNanoseconds(int(self.delay * 1e9))
                packed = status_pb2.Status(code=self.status.value[0], message="crowded")
                packed.details.add().Pack(info)
                context.set_trailing_metadata((("grpc-status-details-bin", packed.SerializeToString()),))
            await context.abort(self.status, "crowded")
        self.active += 1
        self.most = max(self.most, self.active)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.active -= 1
        self.served += 1
        return v1beta.CountTokensResponse(total_tokens=1)

    def _in_window(self) -> bool:
        if not self.per_window:
            return True
        now = time.monotonic()
        if now >= self._ends:
            self._left, self._ends = self.per_window, now + self.window
        self._left -= 1
        return self._left >= 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[v1beta.GenerativeServiceAsyncClient]:
        """A client of it, on the same event loop."""
        handler = grpc.unary_unary_rpc_method_handler(
            self.handle,
            request_deserializer=v1beta.CountTokensRequest.FromString,
            response_serializer=v1beta.CountTokensResponse.SerializeToString,
        )
        server = grpc.aio.server()
        service, method = PATH[1:].split("/")
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GEMINI_EMULATOR_HOST", f"127.0.0.1:{port}")
            try:
                async with v1beta.GenerativeServiceAsyncClient() as client:
                    yield client
            finally:
                await server.stop(0)


async def through(server: Crowded, count: int, concurrency: Any, **call: Any) -> list[int]:
    """Put so many items through. Returns the concurrency after each."""
    curve: list[int] = []
    async with server.running() as client:

        async def function(item: int) -> int:
            await client.count_tokens(model="models/m", **call)
            return item

        def note(progress: pipeline.Progress) -> None:
            curve.append(progress.concurrency)

        done = 0
        async for _ in pipeline.map(function, range(count), concurrency=concurrency, progress=note):
            done += 1
        assert done == count
    return curve


FIXED = Adaptive(start=64, minimum=64, maximum=64)


@pytest.mark.parametrize(
    "server",
    [{}, {"delay": 0.05}, {"status": "UNAVAILABLE"}, {"status": "UNAVAILABLE", "delay": 0.05}],
    ids=["429", "429 with RetryInfo", "503", "503 with RetryInfo"],
)
def test_it_finds_the_capacity(server: dict[str, Any]) -> None:
    """All items get through, at about what the server has room for, with few refusals."""
    crowded, same = Crowded(12, **server), Crowded(12, **server)

    async def work() -> list[int]:
        curve = await through(crowded, 1000, Adaptive(start=4))
        await through(same, 300, FIXED)
        return curve

    curve = asyncio.run(work())
    assert crowded.served == 1000
    settled = sorted(curve[len(curve) // 3 : -len(curve) // 5])
    assert 6 <= settled[len(settled) // 2] <= 15
    assert crowded.most == 12
    assert crowded.refused / crowded.served < 0.1
    # Of many fewer items.
    assert same.refused > 2 * crowded.refused


def test_it_follows_the_capacity_up_and_down() -> None:
    crowded = Crowded(5)
    curves: list[list[int]] = []

    async def work() -> None:
        seen: list[int] = []
        async with crowded.running() as client:

            async def function(item: int) -> int:
                if item == 300:
                    crowded.capacity = 40
                if item == 1500:
                    crowded.capacity = 5
                await client.count_tokens(model="models/m")
                return item

            results = pipeline.map(
                function,
                range(1800),
                concurrency=Adaptive(start=2),
                progress=lambda progress: seen.append(progress.concurrency),
            )
            done = 0
            before = 0
            async for _ in results:
                done += 1
                if done in {300, 1500, 1800}:
                    curves.append(seen[before:])
                    before = len(seen)

    asyncio.run(work())
    low, high, again = curves
    assert max(low) <= 12
    assert max(high) >= 25
    assert min(again) <= 8
    assert crowded.refused < 250


@pytest.mark.parametrize("delay", [0, 0.3], ids=["429", "429 with RetryInfo"])
def test_a_server_that_counts_calls_in_a_time(delay: float) -> None:
    crowded, same = Crowded(10_000, seconds=0.002, delay=delay), Crowded(10_000, seconds=0.002, delay=delay)
    for server in (crowded, same):
        server.per_window, server.window = 40, 0.3

    async def work() -> None:
        await through(crowded, 200, Adaptive(start=4))
        await through(same, 200, FIXED)

    asyncio.run(work())
    assert crowded.served == same.served == 200
    assert crowded.refused < same.refused


# The controller alone, in time of its own ----------------------------------------------------------------


def simulated(
    controller: ConcurrencyController, capacity: Callable[[int], int], rounds: int
) -> tuple[list[int], int]:
    """Rounds of calls that all begin together: what is beyond the capacity is refused."""
    curve, refused = [], 0
    for now in range(rounds):
        active = int(controller.limit)
        curve.append(active)
        room = capacity(now)
        for _ in range(max(active - room, 0)):
            controller.record_refusal(active, now, now + 0.1)
            refused += 1
        for _ in range(min(active, room)):
            controller.record_success(active)
    return curve, refused


@pytest.mark.parametrize("capacity", [1, 3, 10, 100, 300])
def test_the_curve_settles(capacity: int) -> None:
    controller = ConcurrencyController(Adaptive(start=8))
    curve, refused = simulated(controller, lambda _: capacity, 400)
    settled = curve[100:]
    assert 0.6 * capacity <= sum(settled) / len(settled) <= 1.1 * capacity + 1
    served = sum(min(one, capacity) for one in curve)
    # At one or three at once, one more is a large part.
    assert refused / served < {1: 1.2, 3: 0.3, 10: 0.05}.get(capacity, 0.02)


def test_the_curve_rises_again() -> None:
    controller = ConcurrencyController(Adaptive(start=8))
    curve, _ = simulated(controller, lambda now: 10 if now < 100 else 200, 200)
    assert max(curve[50:100]) <= 12
    assert max(curve[100:120]) >= 140


def test_one_cut_for_all_calls_of_a_moment() -> None:
    controller = ConcurrencyController(Adaptive(start=100))
    for _ in range(60):
        controller.record_refusal(100, started=1.0, now=2.0)
    assert controller.limit == pytest.approx(70)
    controller.record_refusal(100, started=3.0, now=4.0)
    assert controller.limit == pytest.approx(70), "calls that are under way have not gone down yet"
    controller.record_refusal(70, started=3.0, now=4.0)
    assert controller.limit == pytest.approx(49)


def test_the_bounds_hold() -> None:
    controller = ConcurrencyController(Adaptive(start=5, minimum=4, maximum=9))
    for moment in range(10):
        controller.record_refusal(4, started=moment, now=moment)
    assert controller.limit == 4
    for _ in range(1000):
        controller.record_success(9)
    assert controller.limit == 9


def test_concurrency_that_is_not_used_does_not_grow() -> None:
    controller = ConcurrencyController(Adaptive(start=10))
    for _ in range(100):
        controller.record_success(2)
    assert controller.limit == 10
    assert not math.isinf(controller.limit)


# What is told, and what is tried again -------------------------------------------------------------------


def told_of(server: Crowded, **call: Any) -> list[tuple[str, float]]:
    """What a listener hears of one call."""
    told: list[tuple[str, float]] = []

    async def work() -> None:
        async with server.running() as client:
            overload.listener.set(lambda error, began: told.append((error.status, began)))
            calling = asyncio.ensure_future(client.count_tokens(model="models/m", **call))
            assert await comes_in_loop(lambda: server.refused > 1 or calling.done())
            server.capacity = 1
            with contextlib.suppress(errors.APIError):
                await calling

    asyncio.run(work())
    return told


def test_attempts_that_the_retries_hide_are_told_of() -> None:
    server = Crowded(0, status="UNAVAILABLE")
    before = time.monotonic()
    told = told_of(server, retry=Retry(initial=0.05, maximum=0.05))
    assert server.served == 1
    assert [status for status, _ in told] == ["UNAVAILABLE"] * server.refused
    assert server.refused > 1
    moments = [began for _, began in told]
    assert moments == sorted(moments)
    assert before < moments[0]


@pytest.mark.parametrize("status", ["NOT_FOUND", "INTERNAL", "ABORTED"])
def test_other_failures_are_not_told_of(status: str) -> None:
    assert told_of(Crowded(0, status=status)) == []


def test_a_connection_that_is_not_to_be_had_is_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", "127.0.0.1:1")

    async def work() -> None:
        overload.listener.set(lambda error, began: told.append(error))
        async with v1beta.GenerativeServiceAsyncClient() as client:
            with pytest.raises(errors.Unavailable):
                await client.count_tokens(model="models/m", retry=None)

    asyncio.run(work())
    assert told == []


def test_sync_clients_in_threads_are_heard() -> None:
    server = Crowded(3)

    async def work() -> list[int]:
        curve: list[int] = []
        async with server.running():
            with v1beta.GenerativeServiceClient() as client:
                results = pipeline.map(
                    lambda item: client.count_tokens(model="models/m"),
                    range(60),
                    concurrency=Adaptive(start=16, maximum=16),
                    progress=lambda progress: curve.append(progress.refused),
                )
                assert len([one async for one in results]) == 60
        return curve

    assert asyncio.run(work())[-1] == server.refused > 0


class Foreign(Exception):
    """What google-genai's errors look like."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@pytest.mark.parametrize(
    "make", [lambda: Foreign(429), lambda: Foreign(503), lambda: errors.ResourceExhausted("no room")]
)
def test_refusals_that_no_transport_told_of_count(make: Callable[[], Exception]) -> None:
    tries: dict[int, int] = {}
    seen: list[pipeline.Progress] = []

    async def function(item: int) -> int:
        await asyncio.sleep(0.001)
        tries[item] = tries.get(item, 0) + 1
        if item % 10 == 0 and tries[item] < 3:
            raise make()
        return item

    got = list(pipeline.map(function, range(40), concurrency=Adaptive(), progress=seen.append))
    assert sorted(got) == list(range(40))
    assert seen[-1].refused == 8
    assert seen[-1].failed == 0


@pytest.mark.parametrize(("repeats", "tries"), [(0, 1), (2, 3)])
def test_an_item_is_tried_again_so_often(repeats: int, tries: int) -> None:
    made = 0

    async def function(item: int) -> int:
        nonlocal made
        made += 1
        raise Foreign(429)

    with pytest.raises(ItemFailed) as caught:
        list(pipeline.map(function, [1], concurrency=Adaptive(repeats=repeats)))
    assert isinstance(caught.value.error, Foreign)
    assert made == tries


@pytest.mark.parametrize("error", [Foreign(500), Foreign(404), ValueError("no"), errors.NotFound("no")])
def test_other_failures_are_not_tried_again(error: Exception) -> None:
    made = 0

    async def function(item: int) -> int:
        nonlocal made
        made += 1
        raise error

    with pytest.raises(ItemFailed):
        list(pipeline.map(function, [1], concurrency=Adaptive()))
    assert made == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"start": 0}, "Adaptive.start: 0 is not between minimum (1) and maximum (512)"),
        ({"start": 10, "maximum": 5}, "Adaptive.start: 10 is not between minimum (1) and maximum (5)"),
        ({"minimum": 0}, "Adaptive.minimum: 0 is less than 1"),
        ({"repeats": -1}, "Adaptive.repeats: -1 is less than 0"),
        ({"start": 2.5}, "Adaptive.start: expected a whole number, got 2.5"),
        ({"maximum": None}, "Adaptive.maximum: expected a whole number, got None"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        Adaptive(**arguments)
    assert str(caught.value) == says
