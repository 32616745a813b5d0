"""Attempts side by side: when another begins, which counts, what becomes of the others, what is refused."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import google.auth.credentials
import grpc
import pytest
from eventually import PATIENCE, comes
from scripted_grpc_server import TABLE, Api, Fail, Loopback, in_thread, nap
from scripted_http_server import Request, WebServer, Wire, failure, reply

import gemwire
from gemwire import Hedge, Retry, errors, v1beta
from gemwire._transport.aio.caller import AsyncCaller
from gemwire._transport.aio.channel_pool import ChannelPool as AsyncChannelPool
from gemwire._transport.channel_options import Target
from gemwire._transport.hedge_policy import WINDOW, HedgeState, LatencyWindow
from gemwire._transport.observe import ObservedCall, add_observer
from gemwire._transport.retry import RetryBudget, resolve_policy
from gemwire._transport.sync.caller import Caller
from gemwire._transport.sync.channel_pool import ChannelPool
from gemwire._transport.token import Token
from gemwire_proto.v1beta.generative_service import COUNT_TOKENS, GENERATE_CONTENT

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import faults

ANSWER = v1beta.GenerateContentResponse(model_version="first")
OTHER = v1beta.GenerateContentResponse(model_version="hedge")
UNAVAILABLE = Fail("UNAVAILABLE", "later")
RPC = "GenerateContent"
#: Longer than any test waits.
LONG = 4 * PATIENCE


def hedged(delay: float | None = 0.1, in_all: int | None = None, **more: Any) -> Retry:
    """A retry with a hedge for every call."""
    hedge = Hedge(delay, **{"budget": 1, **more})
    return Retry(max_attempts=in_all, initial=0.01, maximum=0.02, hedge=hedge)


@pytest.fixture
def client(api: Api, server: Loopback) -> Any:
    """A client that is connected: else two attempts would arrive together, in any order."""
    return connected(api, api.client(), server)


def connected(api: Api, client: Any, server: Loopback) -> Any:
    api(client.count_tokens(model="models/m"))
    server.journal.clear()
    return client


def generate(api: Api, client: Any, **arguments: Any) -> Any:
    arguments = {"model": "models/m", "retry": hedged(), **arguments}
    return api(client.generate_content(**arguments))


class Stuck:
    """A handler that never answers, and counts those who did not wait for it."""

    def __init__(self) -> None:
        self.left = 0

    def handler(self) -> Callable[[Any, Any], Iterator[Any]]:
        def handle(request: Any, context: Any) -> Iterator[Any]:
            nap(LONG, context)
            if not context.is_active():
                self.left += 1
            yield ANSWER

        return handle


# Which answer counts


def test_a_slow_call_is_sent_once_more(api: Api, server: Loopback, client: Any) -> None:
    stuck = Stuck()
    server.on(RPC, stuck.handler(), OTHER)
    began = time.monotonic()
    assert generate(api, client).model_version == "hedge"
    assert 0.1 <= time.monotonic() - began < PATIENCE
    first, second = server.journal
    assert first.request == second.request
    # The handler that nobody waits for any more has seen that.
    assert comes(lambda: stuck.left == 1)
    assert server.idle()


def test_a_quick_call_is_not(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, ANSWER)
    assert generate(api, client, retry=hedged(PATIENCE)) == ANSWER
    assert len(server.journal) == 1


def test_the_first_attempt_may_win_all_the_same(api: Api, server: Loopback, client: Any) -> None:
    stuck = Stuck()
    server.on(RPC, [0.5, ANSWER], stuck.handler())
    assert generate(api, client) == ANSWER
    assert len(server.journal) == 2
    assert comes(lambda: stuck.left == 1)


def test_as_many_as_were_asked_for(api: Api, server: Loopback, client: Any) -> None:
    stuck = Stuck()
    server.on(RPC, *[stuck.handler()] * 3, OTHER)
    with pytest.raises(errors.DeadlineExceeded) as caught:
        generate(api, client, retry=hedged(0.02), timeout=1)
    assert caught.value.attempts == len(server.journal) == 2
    assert comes(lambda: stuck.left == 2)
    server.journal.clear()
    server.on(RPC, *[stuck.handler()] * 3, OTHER)
    # What calls do not use is left to later ones.
    server.on("CountTokens", v1beta.CountTokensResponse())
    for _ in range(3):
        api(client.count_tokens(model="models/m", retry=hedged(PATIENCE)))
    server.journal.clear()
    retry = hedged(0.02, max_attempts=4)
    assert generate(api, client, retry=retry) == OTHER
    assert len(server.journal) == 4
    assert comes(lambda: stuck.left == 5)
    assert server.idle()


def test_all_at_once(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, Stuck().handler(), OTHER)
    assert generate(api, client, retry=hedged(0)) == OTHER


# Failures


def test_a_failure_that_passes_lets_the_next_begin(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, UNAVAILABLE, OTHER)
    began = time.monotonic()
    assert generate(api, client, retry=hedged(LONG)) == OTHER
    assert time.monotonic() - began < PATIENCE
    assert len(server.journal) == 2


def test_it_does_not_end_the_others(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, [1.0, ANSWER], UNAVAILABLE)
    assert generate(api, client, retry=hedged(0.3)) == ANSWER
    assert len(server.journal) == 2


def test_any_other_failure_ends_them_at_once(api: Api, server: Loopback, client: Any) -> None:
    stuck = Stuck()
    server.on(RPC, stuck.handler(), Fail("INVALID_ARGUMENT", "bad"))
    began = time.monotonic()
    with pytest.raises(errors.InvalidArgument, match="bad") as caught:
        generate(api, client)
    assert time.monotonic() - began < PATIENCE
    assert caught.value.attempts == 2
    assert comes(lambda: stuck.left == 1)


def test_where_all_failed_the_loop_of_retries_goes_on(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, *[UNAVAILABLE] * 5, ANSWER)
    assert generate(api, client) == ANSWER
    assert len(server.journal) == 6


def test_max_attempts_counts_all(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, UNAVAILABLE)
    with pytest.raises(errors.Unavailable) as caught:
        generate(api, client, retry=hedged(LONG, 3))
    assert caught.value.attempts == len(server.journal) == 3
    server.journal.clear()
    stuck = Stuck()
    server.on(RPC, UNAVAILABLE, stuck.handler())
    with pytest.raises(errors.DeadlineExceeded) as late:
        generate(api, client, retry=hedged(0, 2, max_attempts=3), timeout=1)
    assert late.value.attempts == len(server.journal) == 2


def test_one_deadline_for_all(api: Api, server: Loopback, client: Any) -> None:
    stuck = Stuck()
    server.on(RPC, stuck.handler())
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded) as caught:
        generate(api, client, timeout=1)
    assert 0.9 < time.monotonic() - began < PATIENCE
    assert caught.value.attempts == len(server.journal) == 2
    assert comes(lambda: stuck.left == 2)


def pushback(text: str) -> Fail:
    return Fail("UNAVAILABLE", "no", trailers=(("grpc-retry-pushback-ms", text),))


def test_the_server_may_want_no_other(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, pushback("-1"), OTHER)
    with pytest.raises(errors.Unavailable) as caught:
        generate(api, client, retry=hedged(LONG))
    assert caught.value.attempts == len(server.journal) == 1


def test_then_those_under_way_go_on(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, [2.0, ANSWER], pushback("-1"), OTHER)
    assert generate(api, client, retry=hedged(0.5, max_attempts=3)) == ANSWER
    assert len(server.journal) == 2
    # And where they fail too, that was the server's last word.
    server.journal.clear()
    server.on(RPC, [1.0, UNAVAILABLE], pushback("-1"), OTHER)
    with pytest.raises(errors.Unavailable, match="no"):
        generate(api, client, retry=hedged(0.3))
    assert len(server.journal) == 2


def test_or_later(api: Api, server: Loopback, client: Any) -> None:
    for _ in range(2):  # for two hedges at once, later
        generate(api, client, retry=hedged(LONG))
    server.journal.clear()
    stuck = Stuck()
    server.on(RPC, stuck.handler(), pushback("1000"), OTHER)
    assert generate(api, client, retry=hedged(0.5, max_attempts=3)) == OTHER
    _, second, third = server.journal
    assert third.time - second.time >= 0.9
    assert comes(lambda: stuck.left == 1)


# How many


def test_the_budget(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, [0.1, ANSWER])
    for _ in range(20):
        assert generate(api, client, retry=Retry(hedge=Hedge(0.01, budget=0.1))) == ANSWER
    # One is there at the beginning.
    assert len(server.journal) == 20 + 1 + 2


def test_the_budget_of_all_clients_of_a_transport(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, [0.2, ANSWER])
    other = api.client(transport=client.transport)
    for each in (client, other):
        generate(api, each, retry=Retry(hedge=Hedge(0.01, budget=0.1)))
    assert len(server.journal) == 3


def test_where_the_retries_have_no_budget_there_are_no_hedges(
    api: Api, server: Loopback, client: Any
) -> None:
    # Each such call is counted three times, of which two are of hedges and their like.
    server.on(RPC, UNAVAILABLE)
    for _ in range(17):
        with pytest.raises(errors.Unavailable):
            generate(api, client, retry=hedged(LONG, 3))
    server.journal.clear()
    server.on(RPC, [0.2, ANSWER])
    assert generate(api, client, retry=hedged(0.01)) == ANSWER
    assert len(server.journal) == 1
    for _ in range(12):
        api(client.count_tokens(model="models/m"))
    server.journal.clear()
    assert generate(api, client, retry=hedged(0.01)) == ANSWER
    assert len(server.journal) == 2


def test_a_hundred_at_a_time(server: Loopback, api: Api, client: Any) -> None:
    """Slow ones, failing ones and good ones: each call ends, and as it should."""
    count, lock = iter(range(1000)), threading.Lock()

    def handle(request: Any, context: Any) -> Iterator[Any]:
        with lock:
            number = next(count)
        if number % 5 == 0:
            nap(0.3, context)
        if number % 7 == 0:
            UNAVAILABLE(context)
        yield ANSWER

    server.on(RPC, handle)
    retry = Retry(initial=0.01, hedge=Hedge(0.05, budget=0.5, max_attempts=3))
    if api.is_async:

        async def all_of_them() -> list[Any]:
            calls = [client.generate_content(model="models/m", retry=retry, timeout=60) for _ in range(100)]
            return list(await asyncio.gather(*calls))

        answers = api(all_of_them())
    else:
        with ThreadPoolExecutor(100) as pool:
            calls = [
                pool.submit(client.generate_content, model="models/m", retry=retry, timeout=60)
                for _ in range(100)
            ]
            answers = [call.result(PATIENCE * 4) for call in calls]
    assert answers == [ANSWER] * 100
    assert server.idle()
    if api.loop:
        assert not asyncio.all_tasks(api.loop)


# When


def test_a_percentile_of_what_calls_took(api: Api, server: Loopback, client: Any) -> None:
    retry = Retry(hedge=Hedge(percentile=0.9, minimum_samples=10, budget=1))
    server.on(RPC, [0.3, OTHER], ANSWER)
    # Not enough is known: no hedge.
    assert generate(api, client, retry=retry) == OTHER
    for _ in range(10):
        generate(api, client, retry=retry)
    quick = len(server.journal)
    stuck = Stuck()
    server.on(RPC, stuck.handler(), OTHER)
    assert generate(api, client, retry=retry) == OTHER
    assert len(server.journal) == quick + 2
    # Another model is another matter, and another method too.
    server.on(RPC, [1.0, ANSWER], OTHER)
    assert generate(api, client, retry=retry, model="models/other") == ANSWER
    assert len(server.journal) == quick + 3


def test_until_then_a_delay_that_is_given(api: Api, server: Loopback, client: Any) -> None:
    server.on(RPC, Stuck().handler(), OTHER)
    assert generate(api, client, retry=Retry(hedge=Hedge(0.05, percentile=0.9, budget=1))) == OTHER


def test_latencies() -> None:
    seen = LatencyWindow()
    for number in range(99):
        seen.add(number)
        assert seen.percentile(0.5, 100) is None
    seen.add(99)
    assert (seen.percentile(0.5, 100), seen.percentile(0.95, 100), seen.percentile(0.999, 1)) == (49, 94, 99)
    # A little late, and what is long ago is forgotten.
    for _ in range(WINDOW + 16):
        seen.add(1000)
    assert seen.percentile(0.01, 1) == 1000


def test_what_is_remembered_has_a_bound() -> None:
    hedges = HedgeState(RetryBudget())
    rules = resolve_policy(Retry(hedge=Hedge(percentile=0.5)), None)
    assert rules is not None
    assert rules.hedge is not None
    for number in range(1000):
        hedges.create_plan(COUNT_TOKENS, v1beta.CountTokensRequest(model=f"models/{number}"), rules)
    assert len(hedges._latencies) <= 256


# What else a call goes through


class Credentials(google.auth.credentials.Credentials):
    """Credentials whose tokens are numbered."""

    def __init__(self) -> None:
        super().__init__()
        self.refreshed = 0

    def refresh(self, request: Any) -> None:
        self.refreshed += 1
        self.token = f"t{self.refreshed}"


def test_refused_credentials_are_renewed_once(api: Api, server: Loopback) -> None:
    def handle(request: Any, context: Any) -> Iterator[Any]:
        if dict(context.invocation_metadata())["authorization"] == "Bearer t1":
            nap(0.2, context)
            Fail("UNAUTHENTICATED")(context)
        yield ANSWER

    server.on(RPC, handle)
    credentials, target = Credentials(), Target(server.address, plaintext=True)
    held = Token(credentials, "host", None)
    made: Any = (
        AsyncCaller(AsyncChannelPool(target), held, None)
        if api.is_async
        else Caller(ChannelPool(target), held, None)
    )
    assert api(made.unary(GENERATE_CONTENT, {"model": "models/m"}, (), hedged())) == ANSWER
    assert credentials.refreshed == 2
    assert len(server.journal) == 3
    api(made.pool.close())


def test_the_client_is_closed_during_a_call(api: Api, server: Loopback, client: Any) -> None:
    stuck = Stuck()
    server.on(RPC, stuck.handler())
    if api.is_async:

        async def close() -> None:
            call = asyncio.ensure_future(client.generate_content(model="models/m", retry=hedged()))
            assert await asyncio.to_thread(server.busy, 2)
            await client.close()
            with pytest.raises(errors.Cancelled):
                await call

        api(close())
    else:
        with in_thread(lambda: generate(api, client)) as ended:
            assert server.busy(2)
            client.close()
        assert isinstance(ended[0], errors.Cancelled)
    assert comes(lambda: stuck.left == 2)


def test_a_cancelled_task_ends_all_attempts(server: Loopback) -> None:
    stuck = Stuck()
    server.on(RPC, stuck.handler())

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            call = asyncio.ensure_future(client.generate_content(model="models/m", retry=hedged()))
            assert await asyncio.to_thread(server.busy, 2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert asyncio.all_tasks() == {asyncio.current_task()}
            assert await asyncio.to_thread(comes, lambda: stuck.left == 2)

    asyncio.run(main())


def test_nothing_is_left_of_many_calls(
    api: Api, server: Loopback, client: Any, new_threads: Callable[[str], list[str]]
) -> None:
    def handle(request: Any, context: Any) -> Iterator[Any]:
        nap(0.02, context)
        yield ANSWER

    server.on(RPC, handle)
    generate(api, client)
    for _ in range(50):
        generate(api, client, retry=hedged(0.005))
    assert len(server.journal) > 60
    assert server.idle()
    # grpc's own thread, for calls that are begun and left, comes and goes.
    assert comes(lambda: not new_threads("channel_spin"))
    if api.loop:
        assert not asyncio.all_tasks(api.loop)


def test_those_who_watch_see_the_hedges(api: Api, server: Loopback, client: Any) -> None:
    class Seen:
        def __init__(self) -> None:
            self.calls: list[ObservedCall] = []

        def on_start(self, call: ObservedCall) -> None:
            """Nothing."""

        def on_end(self, call: ObservedCall, state: Any) -> None:
            self.calls.append(call)

    seen = Seen()
    remove = add_observer(seen)
    try:
        server.on(RPC, Stuck().handler(), UNAVAILABLE, ANSWER)
        for _ in range(2):
            api(client.count_tokens(model="models/m", retry=hedged(LONG)))
        generate(api, client, retry=hedged(0.05, max_attempts=3))
        server.on(RPC, Stuck().handler(), Fail("INVALID_ARGUMENT"))
        with pytest.raises(errors.InvalidArgument):
            generate(api, client)
    finally:
        remove()
    good, bad = seen.calls[-2:]
    assert (good.attempts, good.hedges, good.status, good.latest) == (3, 2, "OK", ANSWER)
    assert (bad.attempts, bad.hedges, bad.status) == (2, 1, "INVALID_ARGUMENT")


class Counting(grpc.UnaryUnaryClientInterceptor):
    def __init__(self) -> None:
        self.seen = 0

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.seen += 1
        return continuation(client_call_details, request)


class AsyncCounting(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self) -> None:
        self.seen = 0

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.seen += 1
        return await continuation(client_call_details, request)


def test_each_attempt_passes_the_interceptors(api: Api, server: Loopback) -> None:
    counting = AsyncCounting() if api.is_async else Counting()
    stuck = Stuck()
    server.on(RPC, stuck.handler(), OTHER)
    client = connected(api, api.client(client_options={"interceptors": (counting,)}), server)
    counting.seen = 0
    assert generate(api, client) == OTHER
    assert counting.seen == 2
    assert comes(lambda: stuck.left == 1)


# Refused


def test_what_changes_something_is_not_hedged(api: Api, server: Loopback) -> None:
    files, caches, models = (
        api.client(name, transport=api.client(name).transport)
        for name in ("FileService", "CacheService", "ModelService")
    )
    with pytest.raises(ValueError, match=r"^retry: CreateFile is not idempotent; a hedge could execute it"):
        api(files.create_file(retry=hedged()))
    for call in (
        lambda: files.delete_file(name="files/a", retry=hedged()),
        lambda: caches.update_cached_content(retry=hedged()),
        lambda: models.create_tuned_model(retry=hedged()),
    ):
        with pytest.raises(ValueError, match="is not idempotent"):
            api(call())
    assert not server.journal


def test_which_methods_can_be() -> None:
    """Those that read by their verb, and these."""
    reading = {m.name for m in TABLE.values() if m.http and all(http.verb == "get" for http in m.http)}
    assert {m.name for m in TABLE.values() if m.idempotent} - reading == {
        *("BatchEmbedContents", "BatchEmbedText", "CountMessageTokens", "CountTextTokens", "CountTokens"),
        *(
            "EmbedContent",
            "EmbedText",
            "FetchPredictOperation",
            "GenerateAnswer",
            "GenerateContent",
            "GenerateMessage",
            "GenerateText",
        ),
        *("Predict", "QueryCorpus", "QueryDocument", "StreamGenerateContent", "WaitOperation"),
    }
    assert {"DownloadFile", "GetFile", "GetOperation", "ListModels"} <= reading
    assert all(m.idempotent for m in TABLE.values() if m.name in reading)


def test_nor_is_a_stream(api: Api, server: Loopback) -> None:
    with pytest.raises(ValueError, match="retry: StreamGenerateContent is a stream"):
        api(api.client().stream_generate_content(model="models/m", retry=hedged()))
    assert not server.journal


def test_pages_are(api: Api, server: Loopback) -> None:
    def handle(request: Any, context: Any) -> Iterator[Any]:
        if len(server.calls("ListModels")) in {1, 3}:
            nap(LONG, context)
        more = "" if request.page_token else "more"
        yield v1beta.ListModelsResponse(models=[{"name": "models/a"}], next_page_token=more)

    server.on("ListModels", handle)
    models = api.client("ModelService")
    pager = api(models.list_models(retry=hedged()))
    assert [model.name for model in api.list(pager)] == ["models/a"] * 2
    assert len(server.journal) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Hedge: neither delay nor percentile"),
        ({"delay": -1}, "Hedge.delay: -1 is not a number of seconds"),
        ({"delay": float("nan")}, "Hedge.delay: nan"),
        ({"delay": float("inf")}, "Hedge.delay: inf"),
        ({"percentile": 1}, "Hedge.percentile: 1 is not between 0 and 1"),
        ({"percentile": 95}, "Hedge.percentile: 95"),
        ({"delay": 1, "max_attempts": 1}, "Hedge.max_attempts: 1 is not 2 to 5"),
        ({"delay": 1, "max_attempts": 6}, "Hedge.max_attempts: 6"),
        ({"delay": 1, "budget": 0}, "Hedge.budget: 0 is not a share"),
        ({"delay": 1, "budget": 1.5}, "Hedge.budget: 1.5"),
        ({"percentile": 0.5, "minimum_samples": 0}, "Hedge.minimum_samples: 0"),
        ({"percentile": 0.5, "minimum_samples": WINDOW + 1}, "Hedge.minimum_samples: 257"),
    ],
)
def test_what_a_hedge_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Hedge(**arguments)


def test_what_a_retry_cannot_be() -> None:
    with pytest.raises(TypeError, match=r"Retry\.hedge: expected gemwire\.Hedge or None, got float"):
        Retry(hedge=0.3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Retry\.max_attempts: 1 leaves nothing"):
        Retry(max_attempts=1, hedge=Hedge(1))
    assert gemwire.Hedge is Hedge


# Over REST


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    made = WebServer()
    monkeypatch.setenv("GEMINI_EMULATOR_HTTP_HOST", made.address)
    yield made
    made.stop()


def rest(api: Api) -> Any:
    return api.client(transport="rest_asyncio" if api.is_async else "rest")


def test_over_rest(api: Api, web: WebServer) -> None:
    left: list[float | None] = []

    def stuck(request: Request, wire: Wire) -> bool:
        left.append(wire.gone(LONG))
        return False

    web.on(stuck, reply({"modelVersion": "hedge"}))
    client = rest(api)
    assert generate(api, client) == OTHER
    # The connection of the other is closed, which is how HTTP/1.1 says it.
    assert comes(lambda: left)
    assert left[0] is not None
    web.on(failure(503, "UNAVAILABLE"), reply({"modelVersion": "hedge"}))
    assert generate(api, client, retry=hedged(LONG)) == OTHER
    web.on(failure(400, "INVALID_ARGUMENT", "bad"))
    with pytest.raises(errors.InvalidArgument, match="bad"):
        generate(api, client)
    web.on(stuck)
    with pytest.raises(errors.DeadlineExceeded) as caught:
        generate(api, client, timeout=0.5)
    assert caught.value.attempts == 2
    assert comes(lambda: len(left) == 3)


def test_a_client_over_rest_is_closed_during_a_call(api: Api, web: WebServer) -> None:
    web.on(lambda request, wire: wire.gone(LONG) is not None and False)
    client = rest(api)
    if api.is_async:

        async def close() -> None:
            call = asyncio.ensure_future(client.generate_content(model="models/m", retry=hedged()))
            assert await asyncio.to_thread(comes, lambda: len(web.requests) == 2)
            await client.close()
            with pytest.raises(errors.Cancelled):
                await call

        api(close())
    else:
        with in_thread(lambda: generate(api, client)) as ended:
            assert comes(lambda: len(web.requests) == 2)
            client.close()
        assert isinstance(ended[0], errors.Cancelled)


def test_a_transfer_is_not_hedged(api: Api, web: WebServer, tmp_path: Path) -> None:
    transport = rest(api).transport
    with pytest.raises(ValueError, match="retry: the transfer of a file cannot be hedged"):
        api(transport.upload_file(b"x", mime_type="text/plain", retry=hedged()))
    with pytest.raises(ValueError, match="retry: the transfer of a file cannot be hedged"):
        api(transport.download_file("files/a", tmp_path / "x", retry=hedged()))
    assert not web.requests


def test_where_the_transport_chooses(api: Api, server: Loopback, web: WebServer) -> None:
    client = api.client(transport="auto")
    server.on(RPC, ANSWER)
    assert generate(api, client) == ANSWER
    stuck = Stuck()
    server.on(RPC, stuck.handler(), OTHER)
    assert generate(api, client) == OTHER
    assert comes(lambda: stuck.left == 1)


# Broken servers and networks


def test_nothing_listens(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", f"127.0.0.1:{port}")
    with pytest.raises(errors.Unavailable) as caught:
        generate(api, api.client(), retry=hedged(0.1, 4), timeout=PATIENCE)
    assert caught.value.attempts == 4


def told(**what: Any) -> dict[str, Any]:
    """A request to `faults.Server`."""
    return {"model": "models/m", "contents": [{"parts": [{"text": json.dumps(what)}]}]}


def ask(api: Api, client: Any, **arguments: Any) -> Any:
    """A call, or its error; from another thread, so that the test can break things meanwhile."""
    try:
        return generate(api, client, model=None, **arguments)
    except errors.APIError as error:
        return error


def test_the_server_is_killed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with faults.Server() as real:
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", f"127.0.0.1:{real.port}")
        client = api.client()
        retry = hedged(0.02, 2)
        with in_thread(lambda: ask(api, client, request=told(before=LONG), retry=retry)) as ended:
            assert comes(lambda: real.ask("open") == 2)
            real.kill()
        assert isinstance(ended[0], errors.Unavailable), ended
        assert ended[0].attempts == 2
        real.start()
        assert generate(api, client, model=None, request=told(), retry=hedged(0.02)) == faults.CHUNK


def test_nothing_comes_through(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with faults.Server() as real, faults.Proxy(real.port) as proxy:
        monkeypatch.setenv("GEMINI_EMULATOR_HOST", f"127.0.0.1:{proxy.port}")
        client = api.client()
        arguments = {"request": told(), "retry": hedged(0.02), "timeout": 1}
        assert ask(api, client, **arguments) == faults.CHUNK
        proxy.silence()
        lost = ask(api, client, **arguments)
        assert isinstance(lost, errors.DeadlineExceeded)
        assert lost.attempts == 2
        # Another connection takes the place of the silent one, hedges or not.
        assert comes(lambda: ask(api, client, **arguments) == faults.CHUNK)


def test_a_long_tail_is_cut_off() -> None:
    """What benchmarks/hedging.py measures, of a few calls: how many of them are slow."""
    import hedging

    kinds = {kind: hedging.TAIL[kind] for kind in ("plain", "hedged")}
    figures = hedging.measured("async", kinds, calls=400, rounds=1, pace=(0.01, 0.5, 0.02))
    # The round before, which does not count, may have left as much again.
    assert figures["hedged"].extra <= 0.21
    assert figures["plain"].extra == 0
    plain, hedged = (sum(s >= 0.5 for s in figures[kind].seconds) for kind in kinds)
    assert hedged < plain
