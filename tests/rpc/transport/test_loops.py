"""One client in several loops, threads and processes; and nothing left of it once it is closed.

What must not share a process with pytest (forks, counts of threads and descriptors) runs as a script
of its own against the test's server.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import warnings
import weakref
from collections.abc import Coroutine
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import grpc
import grpc.aio
import pytest
from eventually import PATIENCE, comes
from scripted_grpc_server import Api, Fail, Loopback, in_thread

from gemwire import ClientOptions, GrpcAsyncIOTransport, GrpcTransport, Retry, errors, v1beta
from gemwire._transport.channel_handle import ChannelHandle

STREAM = "StreamGenerateContent"
KEY = "AIzaSecretSecretSecret"
#: The next attempt has to wait for half a second.
LATER = Fail("UNAVAILABLE", trailers=(("grpc-retry-pushback-ms", "500"),))


def run_script(text: str, **environment: str) -> str:
    """What a program prints; it fails if there are warnings, a hang or an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(text)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    noise = [line for line in done.stderr.splitlines() if "fork_posix.cc" not in line and line.strip()]
    assert done.returncode == 0, done.stderr
    assert not noise, done.stderr
    return done.stdout


async def one_call(client: Any) -> str:
    response = await client.generate_content(model="models/m")
    return type(response).__name__


# Loops and threads


def test_one_client_in_several_runs(server: Loopback) -> None:
    client = v1beta.GenerativeServiceAsyncClient()
    channels: weakref.WeakSet[Any] = weakref.WeakSet()

    async def main() -> str:
        connection = client.transport.pool.current()
        assert isinstance(connection, ChannelHandle)
        channels.add(connection.channel)
        return await one_call(client)

    for _ in range(5):
        assert asyncio.run(main()) == "GenerateContentResponse"
    assert len(server.journal) == 5
    # The channels of loops that are over are not kept. (The loops are, by grpc.aio's poller.)
    gc.collect()
    assert len(channels) == 1
    asyncio.run(client.close())


def test_calls_in_one_loop_share_a_connection(server: Loopback) -> None:
    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            await asyncio.gather(*(one_call(client) for _ in range(20)))

    asyncio.run(main())
    assert len({call.peer for call in server.journal}) == 1


def test_one_client_in_threads_with_their_own_loops(server: Loopback) -> None:
    client = v1beta.GenerativeServiceAsyncClient()
    failures: list[BaseException] = []
    barrier = threading.Barrier(4)

    async def main() -> None:
        for _ in range(25):
            await one_call(client)
            async for _ in await client.stream_generate_content(model="m"):
                pass

    def work() -> None:
        barrier.wait()
        try:
            asyncio.run(main())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures
    assert len(server.journal) == 4 * 50
    asyncio.run(client.close())


def test_one_sync_client_in_threads(server: Loopback) -> None:
    with v1beta.GenerativeServiceClient() as client:

        def work() -> None:
            for _ in range(25):
                client.generate_content(model="m")
                list(client.stream_generate_content(model="m"))

        with in_thread(work) as a, in_thread(work) as b, in_thread(work) as c:
            pass
        assert a == b == c == [None]
    assert len(server.journal) == 3 * 50
    assert len({call.peer for call in server.journal}) == 1


def test_uvloop(server: Loopback) -> None:
    uvloop = pytest.importorskip("uvloop")
    server.on(STREAM, [v1beta.GenerateContentResponse(), 0.05, v1beta.GenerateContentResponse(), 30.0])
    client = v1beta.GenerativeServiceAsyncClient()

    async def main() -> None:
        assert await one_call(client) == "GenerateContentResponse"
        count = 0
        async for _ in await client.stream_generate_content(model="m", idle_timeout=5):
            count += 1
            if count == 2:
                break
        assert await asyncio.to_thread(server.idle)
        with pytest.raises(errors.DeadlineExceeded):
            async for _ in await client.stream_generate_content(model="m", idle_timeout=0.2):
                pass
        stream = await client.stream_generate_content(model="m")
        threading.Timer(0.05, stream.cancel).start()
        with pytest.raises(errors.Cancelled):
            async for _ in stream:
                pass

    def run(coroutine: Any) -> None:
        loop = uvloop.new_event_loop()
        try:
            loop.run_until_complete(coroutine)
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    run(main())
    run(main())
    asyncio.run(one_call(client))
    run(client.close())


def test_without_a_loop_there_is_no_call(server: Loopback) -> None:
    client = v1beta.GenerativeServiceAsyncClient()
    coroutine = client.generate_content(model="m")
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)


def test_many_runs_leave_nothing_behind(server: Loopback) -> None:
    out = run_script("""
        import asyncio, os, gc
        from gemwire import v1beta

        client = v1beta.GenerativeServiceAsyncClient()

        async def main():
            await client.generate_content(model="m")
            stream = await client.stream_generate_content(model="m")
            async for _ in stream:
                pass

        counts = []
        for _ in range(12):
            asyncio.run(main())
            gc.collect()
            counts.append(len(os.listdir("/proc/self/fd")))
        print(counts[2], counts[-1])
        asyncio.run(client.close())
    """)
    early, late = map(int, out.split())
    assert late <= early + 2


# Closing


def test_calls_after_closing(api: Api, server: Loopback) -> None:
    client = api.client()
    api(client.generate_content(model="m"))
    api(client.close())
    api(client.close())
    calls = (client.generate_content, client.stream_generate_content, client.bidi_generate_content)
    for call in (*calls, client.get_operation):
        with pytest.raises(RuntimeError, match="this client is closed; create another"):
            api(call())
    assert len(server.journal) == 1


def test_closing_what_was_never_used(api: Api, server: Loopback) -> None:
    client = api.client()
    api(client.close())
    with pytest.raises(RuntimeError, match="closed"):
        api(client.generate_content())


def test_a_shared_transport_closes_for_all(api: Api, server: Loopback) -> None:
    first = api.client()
    second = api.client("ModelService", transport=first.transport)
    api(second.list_models())
    api(first.close())
    with pytest.raises(RuntimeError, match="closed"):
        api(second.list_models())


@pytest.mark.parametrize("state", ["waiting", "streaming", "pausing"])
def test_async_calls_in_flight_are_cancelled(
    server: Loopback, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gemwire")
    server.on("GenerateContent", [30.0] if state == "waiting" else LATER)
    server.on(STREAM, [30.0])

    async def main() -> None:
        client = v1beta.GenerativeServiceAsyncClient()
        call: Coroutine[Any, Any, object]
        if state == "streaming":
            call = client.stream_generate_content(model="m")
        else:
            call = client.generate_content(model="m", retry=Retry())
        task = asyncio.create_task(call)
        assert await asyncio.to_thread(
            comes, lambda: "retrying in" in caplog.text if state == "pausing" else server.live
        )
        await client.close()
        with pytest.raises(errors.Cancelled, match="closed during the call"):
            await task

    asyncio.run(main())
    assert server.idle()


@pytest.mark.parametrize("state", ["waiting", "streaming", "pausing"])
def test_sync_calls_in_flight_are_cancelled(
    server: Loopback, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gemwire")
    server.on("GenerateContent", [30.0] if state == "waiting" else LATER)
    server.on(STREAM, [30.0])
    client = v1beta.GenerativeServiceClient()

    def call() -> None:
        if state == "streaming":
            client.stream_generate_content(model="m")
        else:
            client.generate_content(model="m", retry=Retry())

    with in_thread(call) as outcome:
        assert comes(lambda: "retrying in" in caplog.text if state == "pausing" else server.live)
        client.close()
    assert isinstance(outcome[0], errors.Cancelled), outcome
    assert server.idle()


def test_a_cancelled_task_is_cancelled_not_closed(server: Loopback) -> None:
    server.on("GenerateContent", [30.0])

    async def main() -> None:
        async with v1beta.GenerativeServiceAsyncClient() as client:
            task = asyncio.create_task(one_call(client))
            assert await asyncio.to_thread(server.busy)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert server.idle()


def test_a_client_used_in_another_loop_closes_there_too(server: Loopback) -> None:
    server.on(STREAM, [v1beta.GenerateContentResponse(), 30.0])
    client = v1beta.GenerativeServiceAsyncClient()

    reading = threading.Event()

    async def elsewhere() -> None:
        with pytest.raises(errors.Cancelled):  # noqa: PT012 - the loop is what is tested
            async for _ in await client.stream_generate_content(model="m"):
                # The loop calls it when the reader waits for the second message.
                asyncio.get_running_loop().call_soon(reading.set)

    with in_thread(asyncio.run, elsewhere()) as outcome:
        assert reading.wait(PATIENCE)
        asyncio.run(client.close())
    assert outcome == [None]
    assert server.idle()


@pytest.mark.parametrize("flavour", ["async", "sync"])
def test_nothing_is_left_after_closing(server: Loopback, flavour: str) -> None:
    server.on(STREAM, [v1beta.GenerateContentResponse() for _ in range(5)])
    first = """
        import asyncio, gc, os, threading, time
        from collections import Counter
        from gemwire import v1beta

        def left():
            paths = [f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd")]
            kinds = Counter(os.readlink(p).partition(":")[0] for p in paths if os.path.islink(p))
            return kinds + Counter(t.name for t in threading.enumerate())

        def settled(most):
            end = time.monotonic() + 5
            while (now := left()) - most and time.monotonic() < end:
                gc.collect(); time.sleep(0.02)
            return now
    """
    rest = {
        "async": """
        async def main():
            async with v1beta.GenerativeServiceAsyncClient() as client:
                await client.generate_content(model="m")
                async for _ in await client.stream_generate_content(model="m", idle_timeout=9):
                    break
                stream = await client.stream_generate_content(model="m")
                bidi = await client.bidi_generate_content(requests=[{}], idle_timeout=9)
            # What grpc.aio hears of the end of these calls must not find its loop closed.
            await asyncio.sleep(0.05)
        asyncio.run(main())
        before = left()
        for _ in range(10):
            asyncio.run(main())
        """,
        "sync": """
        def main():
            with v1beta.GenerativeServiceClient() as client:
                client.generate_content(model="m")
                for _ in client.stream_generate_content(model="m", idle_timeout=9):
                    break
                stream = client.stream_generate_content(model="m")
                bidi = client.bidi_generate_content(requests=[{}], idle_timeout=9)
        main()
        before = left()
        for _ in range(10):
            main()
        """,
    }
    last = "print(settled(before) - before, before)"
    out = run_script(textwrap.dedent(first) + textwrap.dedent(rest[flavour]) + last)
    assert out.startswith("Counter() "), out


def test_no_words_about_tasks_that_were_destroyed(server: Loopback) -> None:
    server.on(STREAM, [v1beta.GenerateContentResponse(), 30.0])
    out = run_script("""
        import asyncio, gc
        from gemwire import v1beta

        client = v1beta.GenerativeServiceAsyncClient()

        async def requests():
            yield {}
            await asyncio.sleep(30)

        async def main():
            stream = await client.stream_generate_content(model="m", idle_timeout=9)
            task = asyncio.create_task(stream.__aiter__().__anext__())
            bidi = await client.bidi_generate_content(requests=requests(), idle_timeout=9)
            another = await client.stream_generate_content(model="m")
            await task
            reader = asyncio.create_task(client.stream_generate_content(model="m"))
            await asyncio.wait([reader])

        asyncio.run(main())
        gc.collect()
        # Without close(): the program just ends.
        print("end")
    """)
    assert out == "end\n"


def test_a_channel_of_ones_own(server: Loopback) -> None:
    with grpc.insecure_channel(server.address) as channel:
        client = v1beta.GenerativeServiceClient(transport=GrpcTransport(channel=channel))
        client.generate_content(model="m")
        v1beta.ModelServiceClient(transport=channel).list_models()

    async def main() -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            client = v1beta.GenerativeServiceAsyncClient(transport=GrpcAsyncIOTransport(channel=channel))
            await client.generate_content(model="m")
            await v1beta.ModelServiceAsyncClient(transport=channel).list_models()

    asyncio.run(main())
    assert len(server.journal) == 4


# Processes

#: Runs ``child`` in a forked process, prints what it returns, waits for it.
FORK = """
    import asyncio, os, sys, warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads.
    from gemwire import v1beta

    def forked(child):
        pid = os.fork()
        if pid == 0:
            try:
                print("child", child(), flush=True)
            except BaseException as error:
                print("child", type(error).__name__, error, flush=True)
            os._exit(0)
        status = os.waitpid(pid, 0)[1]
        assert status == 0, status

"""

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def run_forking(text: str, **environment: str) -> str:
    return run_script(textwrap.dedent(FORK) + textwrap.dedent(text), **environment)


@forks
def test_sync_before_and_after_a_fork(server: Loopback) -> None:
    """grpcio sees to it, unless GRPC_ENABLE_FORK_SUPPORT=0 tells it not to: then the child's calls hang."""
    out = run_forking(
        """
        client = v1beta.GenerativeServiceClient()
        call = lambda: type(client.generate_content(model="m", timeout=5)).__name__
        call()
        forked(call)
        forked(lambda: len(list(client.stream_generate_content(model="m", timeout=5))))
        print("parent", call())
        client.close()
        """
    )
    answer = "GenerateContentResponse"
    assert out.split("\n")[:-1] == [f"child {answer}", "child 1", f"parent {answer}"]
    # The child has a connection of its own.
    assert len({call.peer for call in server.journal}) == 3


@forks
def test_clients_made_before_a_fork_and_used_after(server: Loopback) -> None:
    out = run_forking("""
        client = v1beta.GenerativeServiceAsyncClient()
        sync = v1beta.GenerativeServiceClient()
        sync.generate_content(model="m")
        forked(lambda: type(asyncio.run(client.generate_content(model="m", timeout=5))).__name__)
        forked(lambda: type(sync.generate_content(model="m", timeout=5)).__name__)
    """)
    assert out == "child GenerateContentResponse\n" * 2


@forks
def test_asyncio_after_a_fork_works_when_it_was_closed_before(server: Loopback) -> None:
    out = run_forking("""
        async def main():
            async with v1beta.GenerativeServiceAsyncClient() as client:
                async for _ in await client.stream_generate_content(model="m"):
                    pass
                return type(await client.generate_content(model="m", timeout=5)).__name__

        asyncio.run(main())
        forked(lambda: asyncio.run(main()))
        print("parent", asyncio.run(main()))
    """)
    assert out == "child GenerateContentResponse\nparent GenerateContentResponse\n"


@forks
def test_asyncio_after_a_fork_of_an_open_client_is_refused(server: Loopback) -> None:
    """grpc.aio's poller is a thread, which a fork does not copy: its calls hang there, or it crashes."""
    out = run_forking(
        """
        client = v1beta.GenerativeServiceAsyncClient()

        async def main(client=client):
            return type(await client.generate_content(model="m", timeout=5)).__name__

        def another():
            return asyncio.run(main(v1beta.GenerativeServiceAsyncClient()))

        def sync():
            with v1beta.GenerativeServiceClient() as client:
                return type(client.generate_content(model="m", timeout=5)).__name__

        def closes():
            asyncio.run(client.close())
            return "closed"

        asyncio.run(main())
        for child in (lambda: asyncio.run(main()), another, sync, closes):
            forked(child)
        print("parent", asyncio.run(main()))
        asyncio.run(client.close())
        """
    )
    first, second, third, fourth, parent = out.splitlines()
    assert first == second
    assert first.startswith("child RuntimeError grpc.aio does not work in a process that was forked while")
    assert third == "child GenerateContentResponse"
    assert fourth == "child closed"
    assert parent == "parent GenerateContentResponse"


@forks
def test_a_fork_inside_a_running_loop(server: Loopback) -> None:
    out = run_forking("""
        def refused():
            client.generate_content(model="m").send(None)

        def sync():
            with v1beta.GenerativeServiceClient() as client:
                return type(client.generate_content(model="m", timeout=5)).__name__

        async def main():
            global client
            async with v1beta.GenerativeServiceAsyncClient() as client:
                stream = await client.stream_generate_content(model="m")
                assert len([message async for message in stream]) == 1
                forked(refused)
                forked(stream.cancel)
                forked(sync)
                print("parent", type(await client.generate_content(model="m")).__name__)

        asyncio.run(main())
    """)
    answer = "GenerateContentResponse"
    assert out == (
        f"child RuntimeError no running event loop\nchild False\nchild {answer}\nparent {answer}\n"
    )


@forks
def test_a_fork_during_a_call_warns_and_is_not_felt_in_the_parent(server: Loopback) -> None:
    """The core may end the child with SIGSEGV: it fails the parent's calls there, in threads of its own."""
    server.on(STREAM, [v1beta.GenerateContentResponse(), 0.5, v1beta.GenerateContentResponse()])
    out = run_script("""
        import asyncio, os, warnings
        from gemwire import v1beta

        async def main():
            async with v1beta.GenerativeServiceAsyncClient() as client:
                stream = await client.stream_generate_content(model="m")
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    pid = os.fork()
                if pid == 0:
                    print("cancelled", stream.cancel(), flush=True)
                    del stream
                    os._exit(0)
                print([str(each.message) for each in caught if each.category is RuntimeWarning])
                os.waitpid(pid, 0)
                print("parent", len([message async for message in stream]))

        asyncio.run(main())
    """)
    assert "this process forks during calls of an asyncio client" in out
    # The core may be faster than the child to print.
    assert "cancelled True" not in out
    assert out.endswith("parent 2\n")


def _in_worker(client: Any) -> str:
    if "Async" in type(client).__name__:
        return asyncio.run(one_call(client))
    return type(client.generate_content(model="models/m")).__name__


def test_clients_pickle_and_work_in_another_process(server: Loopback) -> None:
    used = v1beta.GenerativeServiceClient(client_options={"quota_project_id": "p"})
    made: list[v1beta.GenerativeServiceClient | v1beta.GenerativeServiceAsyncClient] = [
        used,
        v1beta.GenerativeServiceAsyncClient(client_info=None),
    ]
    used.generate_content(model="models/used-before")
    for client in made:
        again = pickle.loads(pickle.dumps(client))
        assert type(again) is type(client)
        assert again.api_endpoint == client.api_endpoint == server.address
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(_in_worker, made)) == ["GenerateContentResponse"] * 2
    used.close()
    assert len(server.journal) == 3


def test_a_pickled_client_takes_the_credentials_of_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    for kind in (v1beta.GenerativeServiceClient, v1beta.GenerativeServiceAsyncClient):
        data = pickle.dumps(kind(client_options=ClientOptions(api_endpoint="localhost:1")))
        assert KEY.encode() not in data
        assert pickle.loads(data).api_endpoint == "localhost:1"


@pytest.mark.parametrize("kind", [v1beta.GenerativeServiceClient, v1beta.GenerativeServiceAsyncClient])
def test_a_client_with_a_secret_does_not_pickle(kind: Any) -> None:
    from google.auth.credentials import AnonymousCredentials

    for arguments in ({"client_options": {"api_key": KEY}}, {"credentials": AnonymousCredentials()}):
        with pytest.raises(TypeError) as caught:
            pickle.dumps(kind(**arguments))
        text = str(caught.value)
        assert "cannot be pickled" in text
        assert text.count(". ") == 0
        assert KEY not in text


def test_a_client_with_a_transport_of_its_own_does_not_pickle(server: Loopback) -> None:
    with grpc.insecure_channel(server.address) as channel:
        for transport in (channel, GrpcTransport(channel=channel)):
            with pytest.raises(TypeError, match="was given a transport and cannot be pickled"):
                pickle.dumps(v1beta.GenerativeServiceClient(transport=transport))


def test_no_garbage_is_left_by_a_dropped_client(api: Api, server: Loopback) -> None:
    """Without close(): the connection goes with the client."""
    made = (v1beta.GenerativeServiceAsyncClient if api.is_async else v1beta.GenerativeServiceClient)()
    api(made.generate_content(model="m"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del made
        gc.collect()
