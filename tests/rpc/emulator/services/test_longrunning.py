"""The Operations service, and the functions by which workers report progress."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import grpc
from emulator_calls import Caller, emulator
from eventually import comes_in_loop

from gemwire_emulator.errors import StatusError, invalid_argument
from gemwire_emulator.services import longrunning
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2

NOW = 1_800_000_000.0
VIDEO = "models/veo-2.0-generate-001"


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


class Someone:
    """The parts of a call that `longrunning.create` uses."""

    tenant = ""
    caller = "anonymous"


SOMEONE: Any = Someone()


def begin(running: Any, parent: str = VIDEO, **keep: Any) -> str:
    begun = longrunning.create(running.state, SOMEONE, parent, v1beta.CreateTunedModelMetadata(), keep)
    name: str = begun.name
    assert name.startswith(f"{parent}/operations/")
    return name


async def listed(call: Caller, **fields: Any) -> list[str]:
    return [o.name for o in (await call("ListOperations", **fields)).operations]


def test_an_operation_ends_once() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            state, good, bad, stopped = running.state, begin(running), begin(running), begin(running)
            longrunning.update_metadata(state, "", good, v1beta.CreateTunedModelMetadata(completed_steps=3))
            now = await call("GetOperation", name=good)
            assert not now.done
            assert v1beta.CreateTunedModelMetadata.FromString(now.metadata.value).completed_steps == 3

            longrunning.succeed(state, "", good, v1beta.TunedModel(name="tunedModels/x"))
            longrunning.fail(state, "", bad, invalid_argument("prompt", "is bad"))
            await call("CancelOperation", name=stopped)
            assert [longrunning.is_cancelled(state, "", o) for o in (good, bad, stopped)] == [
                False,
                False,
                True,
            ]
            ends = [await call("GetOperation", name=o) for o in (good, bad, stopped)]
            assert [o.WhichOneof("result") for o in ends] == ["response", "error", "error"]
            assert (
                ends[0].response.type_url
                == "type.googleapis.com/google.ai.generativelanguage.v1beta.TunedModel"
            )
            assert ends[1].error.code == 3
            assert ends[1].error.details[0].type_url == "type.googleapis.com/google.rpc.BadRequest"
            assert ends[2].error.code == 1

            for name in (good, bad, stopped):
                longrunning.update_metadata(
                    state, "", name, v1beta.CreateTunedModelMetadata(completed_steps=9)
                )
                longrunning.succeed(state, "", name, v1beta.TunedModel())
                longrunning.fail(state, "", name, StatusError(grpc.StatusCode.INTERNAL, "late"))
                await call("CancelOperation", name=name)
            assert [await call("GetOperation", name=o) for o in (good, bad, stopped)] == ends

    run(test())


def test_lists_filters_and_pages() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            videos = [begin(running) for _ in range(5)]
            model = v1beta.TunedModel(base_model="models/gemini-1.5-flash-001-tuning")
            model.tuning_task.training_data.examples.examples.add(text_input="a", output="b")
            tuning = (await call("CreateTunedModel", tuned_model=model, tuned_model_id="m")).name
            longrunning.succeed(running.state, "", videos[1], v1beta.TunedModel())

            assert await listed(call, name="operations") == [*videos, tuning]
            assert await listed(call, name="operations", key="another") == []
            assert await listed(call, name=VIDEO) == await listed(call, name=f"{VIDEO}/operations") == videos
            assert await listed(call, name="tunedModels/m/operations") == [tuning]
            assert await listed(call, name="models/aqa/operations") == []
            assert await listed(call, name="operations", filter="done=true") == [videos[1]]
            assert await listed(call, name=VIDEO, filter=" done = FALSE ") == [videos[0], *videos[2:]]

            first = await call("ListOperations", name="operations", page_size=4)
            assert len(first.operations) == 4
            rest = await call(
                "ListOperations", name="operations", page_size=4, page_token=first.next_page_token
            )
            assert [o.name for o in [*first.operations, *rest.operations]] == [*videos, tuning]
            assert rest.next_page_token == ""

            for fields, field in (
                ({"name": ""}, "name"),
                ({"name": "corpora/x"}, "name"),
                ({"name": "models/a/b/operations"}, "name"),
                ({"name": "operations", "filter": "done"}, "filter"),
                ({"name": "operations", "filter": "name=x"}, "filter"),
                ({"name": "operations", "page_size": -1}, "page_size"),
                ({"name": VIDEO, "page_token": first.next_page_token}, "page_token"),
            ):
                refused = await call.refused("ListOperations", **fields)
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [field]), fields
            for name in ("models/none/operations", "tunedModels/none/operations"):
                assert (await call.refused("ListOperations", name=name)).code == "NOT_FOUND"

    run(test())


def test_names_that_nothing_has() -> None:
    async def test() -> None:
        async with emulator() as (running, call):
            mine = begin(running)
            for rpc in ("GetOperation", "DeleteOperation", "CancelOperation", "WaitOperation"):
                for name in (f"{VIDEO}/operations/none", "tunedModels/x/operations/y", "operations/x"):
                    assert (await call.refused(rpc, name=name)).code == "NOT_FOUND"
                assert (await call.refused(rpc, name=mine, key="another")).code == "NOT_FOUND"
                for name in ("", "x", "operations", VIDEO):
                    refused = await call.refused(rpc, name=name)
                    assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", ["name"])

    run(test())


def test_deletion_does_not_stop_the_work() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            model = v1beta.TunedModel(base_model="models/gemini-1.5-flash-001-tuning")
            model.tuning_task.training_data.examples.examples.add(text_input="a", output="b")
            name = (await call("CreateTunedModel", tuned_model=model, tuned_model_id="m")).name
            await call("DeleteOperation", name=name)
            assert (await call.refused("DeleteOperation", name=name)).code == "NOT_FOUND"
            assert not longrunning.is_cancelled(running.state, "", name)
            running.state.clock.advance(2)

            async def active() -> bool:
                made = await call("GetTunedModel", name="tunedModels/m")
                return bool(made.state == v1beta.TunedModel.State.ACTIVE)

            assert await comes_in_loop(active)
            assert (await call.refused("GetOperation", name=name)).code == "NOT_FOUND"

    run(test())


def test_waiting() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            state, name = running.state, begin(running)

            async def wait(**timeout: int) -> Any:
                request = operations_pb2.WaitOperationRequest(name=name)
                if timeout:
                    request.timeout.seconds = timeout["seconds"]
                return await call("WaitOperation", request)

            async def going(task: asyncio.Task[Any]) -> bool:
                assert await comes_in_loop(lambda: state.operation_events)
                # What would end it was seen before these calls are answered.
                for _ in range(2):
                    await call("ListOperations", name="operations")
                return not task.done()

            assert not (await wait(seconds=0)).done
            refused = await call.refused(
                "WaitOperation", operations_pb2.WaitOperationRequest(name=name, timeout={"seconds": -1})
            )
            assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", ["timeout"])

            # The emulator's time counts; progress does not end a wait.
            waiting = asyncio.create_task(wait(seconds=5))
            assert await going(waiting)
            longrunning.update_metadata(state, "", name, v1beta.CreateTunedModelMetadata(completed_steps=1))
            state.clock.advance(4.5)
            assert await going(waiting)
            state.clock.advance(0.5)
            assert not (await waiting).done

            # The caller's deadline counts as well, and an answer comes before it.
            assert not (await call("WaitOperation", name=name, timeout=2)).done

            forever, other = asyncio.create_task(wait()), asyncio.create_task(wait(seconds=9))
            assert await going(forever)
            longrunning.succeed(state, "", name, v1beta.TunedModel())
            assert (await forever).done
            assert (await other).done
            assert (await wait()).done

            gone = begin(running)
            waiting = asyncio.create_task(call.refused("WaitOperation", name=gone))
            assert await going(waiting)
            await call("DeleteOperation", name=gone)
            assert (await waiting).code == "NOT_FOUND"
            assert not state.operation_events

    run(test())


def test_what_was_unfinished() -> None:
    async def test() -> None:
        async with emulator() as (running, _):
            done, first, _, second = (begin(running, number=i) for i in range(4))
            begin(running, "tunedModels/m")
            longrunning.succeed(running.state, "", done, v1beta.TunedModel())
            found = list(longrunning.list_unfinished(running.state, "models"))
            assert found[0] == ("", first, {"number": 1})
            assert found[-1] == ("", second, {"number": 3})
            assert len(found) == 3

    run(test())
