"""Long-running operations."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import pytest
from eventually import PATIENCE, comes
from scripted_grpc_server import MODULES, Api, Fail, Loopback, in_thread

from gemwire import Retry, errors, v1beta
from gemwire._transport.aio import operation as aio_operation
from gemwire._transport.sync import operation as sync_operation
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.rpc import error_details_pb2

FAST = Retry(initial=0.05, maximum=0.05)
NAME = "tunedModels/t/operations/1"


def operation(
    *, progress: float | None = None, result: Any = None, error: Any = None, done: bool = False
) -> Any:
    made = operations_pb2.Operation(name=NAME, done=done or result is not None or error is not None)
    if progress is not None:
        made.metadata.Pack(v1beta.CreateTunedModelMetadata(completed_percent=progress))
    if result is not None:
        made.response.Pack(result)
    if error is not None:
        made.error.CopyFrom(error)
    return made


def status(code: int, message: str, *details: Any) -> Any:
    from gemwire_proto.google.rpc import status_pb2

    made = status_pb2.Status(code=code, message=message)
    for detail in details:
        made.details.add().Pack(detail)
    return made


TUNED = v1beta.TunedModel(name="tunedModels/t")


def begun(api: Api, server: Loopback, *looks: Any, first: Any = None) -> Any:
    server.on("CreateTunedModel", first or operation(progress=0))
    server.on("GetOperation", *(looks or [operation(result=TUNED)]))
    return api(api.client("ModelService").create_tuned_model(tuned_model={"display_name": "t"}))


def test_its_result(api: Api, server: Loopback) -> None:
    going = operation(progress=40)
    op = begun(api, server, going, going, operation(progress=100, result=TUNED))
    assert op.name == NAME
    assert repr(op).endswith(f"Operation {NAME} running>")
    assert op.metadata.completed_percent == 0
    assert api(op.result(timeout=5, polling=FAST)) == TUNED
    assert type(api(op.result())) is v1beta.TunedModel
    assert op.metadata.completed_percent == 100
    assert op.operation.done
    assert api(op.exception()) is None
    assert api(op.done())
    assert not api(op.running())
    looks = server.calls("GetOperation")
    assert len(looks) == 3
    assert looks[0].values("x-goog-request-params") == [f"name={NAME}"]
    assert looks[1].time - looks[0].time >= 0.05
    assert repr(op).endswith(f"Operation {NAME} done>")


def test_another_kind(api: Api, server: Loopback) -> None:
    video = v1beta.PredictLongRunningResponse()
    server.on("PredictLongRunning", operation())
    server.on("GetOperation", operation(result=video))
    op = api(api.client("PredictionService").predict_long_running(model="models/veo"))
    assert op.metadata is None
    assert api(op.result(timeout=5, polling=FAST)) == video


def test_one_that_is_done_at_once(api: Api, server: Loopback) -> None:
    op = begun(api, server, first=operation(result=TUNED))
    assert api(op.result()) == TUNED
    assert not api(op.cancel())
    assert len(server.journal) == 1


def test_progress(api: Api, server: Loopback) -> None:
    op = begun(api, server, operation(progress=10), operation(progress=60), operation(result=TUNED))
    seen = []
    while not api(op.done()):
        seen.append(op.metadata.completed_percent)
    assert seen == [10, 60]
    assert op.metadata is None


def test_a_timeout_ends_the_waiting_only(api: Api, server: Loopback) -> None:
    op = begun(api, server, operation(progress=1))
    began = time.monotonic()
    for wait in (op.result, op.exception):
        with pytest.raises(errors.OperationTimeout, match=r"not done within 0\.2 s; it continues") as caught:
            api(wait(timeout=0.2, polling=FAST))
        assert isinstance(caught.value, TimeoutError)
    assert 0.35 < time.monotonic() - began < PATIENCE
    server.on("GetOperation", operation(result=TUNED))
    assert api(op.result(timeout=1)) == TUNED


def test_pauses_are_cut_to_the_timeout(api: Api, server: Loopback) -> None:
    op = begun(api, server, operation(progress=1))
    began = time.monotonic()
    with pytest.raises(errors.OperationTimeout):
        api(op.result(timeout=0.2, polling=Retry(initial=30, maximum=30)))
    assert time.monotonic() - began < PATIENCE


def test_a_look_that_hangs_does_not_outlast_the_timeout(api: Api, server: Loopback) -> None:
    op = begun(api, server, [30.0, operation(progress=1)])
    began = time.monotonic()
    with pytest.raises(errors.OperationTimeout):
        api(op.result(timeout=0.3, polling=FAST))
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize(
    ("code", "kind"),
    [(8, errors.ResourceExhausted), (1, errors.Cancelled), (3, errors.InvalidArgument), (99, errors.Unknown)],
)
def test_its_error_is_one_of_ours(api: Api, server: Loopback, code: int, kind: type[errors.APIError]) -> None:
    info = error_details_pb2.ErrorInfo(reason="QUOTA")
    op = begun(api, server, operation(error=status(code, "why", info)))
    with pytest.raises(kind, match="why") as caught:
        api(op.result(polling=FAST))
    assert type(caught.value) is kind
    assert caught.value.reason == "QUOTA"
    again = api(op.exception())
    assert (type(again), str(again)) == (kind, str(caught.value))
    assert api(op.cancelled()) is (code == 1)


def test_done_with_nothing_to_show(api: Api, server: Loopback) -> None:
    op = begun(api, server, operation(done=True))
    with pytest.raises(errors.Internal, match="neither response nor error"):
        api(op.result(polling=FAST))


def test_a_result_of_another_type(api: Api, server: Loopback) -> None:
    op = begun(api, server, operation(result=v1beta.Model()))
    with pytest.raises(errors.Internal, match=r"contains a .*\.Model, expected .*\.TunedModel"):
        api(op.result(polling=FAST))


def test_waiting_survives_a_server_that_is_away(api: Api, server: Loopback) -> None:
    away = Fail("UNAVAILABLE", trailers=(("grpc-retry-pushback-ms", "10"),))
    op = begun(api, server, away, operation(progress=1), away, away, operation(result=TUNED))
    assert api(op.result(timeout=5, polling=FAST)) == TUNED
    assert len(server.calls("GetOperation")) == 5


def test_waiting_survives_more_than_one_look_can(api: Api, server: Loopback) -> None:
    """What a look itself gives up on: no repetition allowed, or its own minute is over."""
    away = Fail("UNAVAILABLE", trailers=(("grpc-retry-pushback-ms", "-1"),))
    op = begun(api, server, away, away, operation(result=TUNED))
    assert api(op.result(timeout=5, polling=FAST)) == TUNED


def test_a_server_that_stays_away_is_a_timeout(api: Api, server: Loopback) -> None:
    op = begun(api, server, Fail("UNAVAILABLE", "gone", trailers=(("grpc-retry-pushback-ms", "-1"),)))
    with pytest.raises((errors.OperationTimeout, errors.Unavailable)):
        api(op.result(timeout=0.3, polling=FAST))


def test_waiting_does_not_survive_what_is_final(api: Api, server: Loopback) -> None:
    op = begun(api, server, Fail("NOT_FOUND", "who"))
    with pytest.raises(errors.NotFound, match="who"):
        api(op.result(timeout=5, polling=FAST))
    assert len(server.calls("GetOperation")) == 1


def test_cancel(api: Api, server: Loopback) -> None:
    op = begun(api, server, operation(progress=1), operation(error=status(1, "cancelled")))
    assert not api(op.cancelled())
    assert api(op.cancel())
    (asked,) = server.calls("CancelOperation")
    assert asked.request.name == NAME
    with pytest.raises(errors.Cancelled):
        api(op.result(polling=FAST))
    assert api(op.cancelled())
    assert not api(op.cancel())


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    # Callbacks have no polling argument; the pauses are data.
    for module in (aio_operation, sync_operation):
        monkeypatch.setattr(module, "POLLING", FAST)


def watch(api: Api, op: Any, *callbacks: Any) -> None:
    async def add() -> None:
        for callback in callbacks:
            op.add_done_callback(callback)

    if api.is_async:
        api(add())
    else:
        asyncio.run(add())


@pytest.mark.usefixtures("_quick")
def test_callbacks(api: Api, server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    op = begun(api, server, operation(progress=1), operation(result=TUNED))
    seen: list[Any] = []
    both = threading.Event()

    def fails(_: Any) -> None:
        raise KeyError("mine")

    def last(which: Any) -> None:
        seen.append(which)
        both.set()

    watch(api, op, seen.append, fails, last)
    assert api(asyncio.to_thread(both.wait, PATIENCE) if api.is_async else both.wait(PATIENCE))
    assert seen == [op, op]
    assert "a callback of operation" in caplog.text
    # One that comes late is called as well.
    both.clear()
    watch(api, op, last)
    assert api(asyncio.to_thread(both.wait, PATIENCE) if api.is_async else both.wait(PATIENCE))
    assert seen == [op, op, op]


@pytest.mark.usefixtures("_quick")
def test_callbacks_of_what_cannot_be_watched(
    api: Api, server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    op = begun(api, server, Fail("NOT_FOUND"))
    seen: list[Any] = []
    with caplog.at_level(logging.ERROR, "gemwire"):
        watch(api, op, seen.append)

        def told() -> bool:
            return comes(lambda: "polling operation" in caplog.text)

        assert api(asyncio.to_thread(told) if api.is_async else told())
    assert not seen


def test_several_may_wait(server: Loopback) -> None:
    server.on("CreateTunedModel", operation())
    server.on("GetOperation", [0.1, operation()], operation(result=TUNED))

    async def main() -> None:
        async with v1beta.ModelServiceAsyncClient() as client:
            op = await client.create_tuned_model(tuned_model={})
            assert (
                await asyncio.gather(*(op.result(timeout=5, polling=FAST) for _ in range(5))) == [TUNED] * 5
            )

    asyncio.run(main())
    server.on("GetOperation", [0.1, operation()], operation(result=TUNED))
    with v1beta.ModelServiceClient() as client:
        op = client.create_tuned_model(tuned_model={})
        with in_thread(op.result, 5, FAST) as one, in_thread(op.result, 5, FAST) as two:
            pass
        assert one == two == [TUNED]


@pytest.mark.parametrize(
    ("version", "service"),
    [
        (version, module.title().replace("_", ""))
        for version, modules in MODULES.items()
        for module in modules
    ],
    ids=lambda value: value,
)
def test_every_client_has_the_operations(api: Api, server: Loopback, version: str, service: str) -> None:
    listed = operations_pb2.ListOperationsResponse(operations=[operation()], next_page_token="more")
    server.on("ListOperations", listed, operations_pb2.ListOperationsResponse(operations=[operation()] * 2))
    server.on("GetOperation", operation(progress=3))
    client = api.client(service, version)
    assert api(client.get_operation(name=NAME)) == operation(progress=3)
    assert api(client.get_operation({"name": NAME})).name == NAME
    assert api(client.get_operation(operations_pb2.GetOperationRequest(name=NAME))).name == NAME
    assert len(api.list(api(client.list_operations(name="tunedModels/t", filter="done=true")))) == 3
    assert api(client.cancel_operation(name=NAME)) is not None
    assert api(client.delete_operation(name=NAME)) is not None
    routes = {(call.method.name, str(call.values("x-goog-request-params")[0])) for call in server.journal}
    assert routes == {
        ("GetOperation", f"name={NAME}"),
        ("ListOperations", "name=tunedModels/t"),
        ("CancelOperation", f"name={NAME}"),
        ("DeleteOperation", f"name={NAME}"),
    }
