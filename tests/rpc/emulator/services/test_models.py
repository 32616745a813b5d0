"""ModelService: base models, and tuned models from creation to deletion."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from emulator_calls import Caller, calling, emulator
from eventually import comes_in_loop

from gemwire_proto import v1beta

BASE = "models/gemini-1.5-flash-001-tuning"
NOW = 1_800_000_000.0
ACTIVE: Any = v1beta.TunedModel.State.ACTIVE
CREATING: Any = v1beta.TunedModel.State.CREATING
FAILED: Any = v1beta.TunedModel.State.FAILED


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def model(examples: int = 8, **fields: Any) -> Any:
    """Build a tuned model."""
    made = v1beta.TunedModel(**{"base_model": BASE, **fields})
    for i in range(examples):
        made.tuning_task.training_data.examples.examples.add(text_input=f"in {i}", output=f"out {i}")
    return made


def progress(operation: Any) -> Any:
    assert operation.metadata.type_url.endswith(
        "/google.ai.generativelanguage.v1beta.CreateTunedModelMetadata"
    )
    return v1beta.CreateTunedModelMetadata.FromString(operation.metadata.value)


async def tuned(call: Caller, identifier: str, **fields: Any) -> Any:
    """Create a tuned model, and wait until it is ready."""
    operation = await call("CreateTunedModel", tuned_model=model(**fields), tuned_model_id=identifier)
    operation = await call("WaitOperation", name=operation.name)
    assert operation.done
    assert not operation.HasField("error")
    return v1beta.TunedModel.FromString(operation.response.value)


async def names(call: Caller, **fields: Any) -> list[str]:
    answer = await call("ListTunedModels", **fields)
    return [m.name.removeprefix("tunedModels/") for m in answer.tuned_models]


def test_base_models_by_name_and_page() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            everything = (await call("ListModels", page_size=1000)).models
            assert len(everything) > 5
            pages, token = [], ""
            while True:
                page = await call("ListModels", page_size=4, page_token=token)
                assert 1 <= len(page.models) <= 4
                pages.extend(page.models)
                if not (token := page.next_page_token):
                    break
            assert pages == list(everything)
            for one in everything:
                assert await call("GetModel", name=one.name) == one
            refused = await call.refused("GetModel", name="models/none")
            assert refused.code == "NOT_FOUND"
            for name in ("", "gemini", "models/", "models/a/b", "tunedModels/x"):
                refused = await call.refused("GetModel", name=name)
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", ["name"])
            for bad, field in ({"page_size": -1}, "page_size"), ({"page_token": "x"}, "page_token"):
                refused = await call.refused("ListModels", **bad)
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [field])

    run(test())


def test_a_tuning_from_beginning_to_end() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            asked = model(display_name="Sentence Translator!", temperature=0.5)
            operation = await call("CreateTunedModel", tuned_model=asked)
            first = progress(operation)
            assert operation.name.startswith(f"{first.tuned_model}/operations/")
            assert first.tuned_model.startswith("tunedModels/sentence-translator-")
            assert not operation.done
            # 8 examples, 5 times, by 4.
            assert (first.total_steps, first.completed_steps, first.completed_percent) == (10, 0, 0)

            made = await call("GetTunedModel", name=first.tuned_model)
            assert made.state == CREATING
            assert (made.base_model, made.display_name) == (BASE, "Sentence Translator!")
            assert (made.temperature, made.top_k) == (0.5, 64)
            assert made.create_time.seconds == made.tuning_task.start_time.seconds == NOW
            assert "mulated" in made.description
            assert not made.tuning_task.HasField("training_data")
            settings = made.tuning_task.hyperparameters
            assert (settings.epoch_count, settings.batch_size) == (5, 4)
            assert settings.learning_rate == pytest.approx(0.001)
            refused = await call.refused(
                "GenerateContent", model=made.name, contents=[{"parts": [{"text": "in 3"}]}]
            )
            assert refused.code == "FAILED_PRECONDITION"

            running.state.clock.advance(1.0)
            halfway = first

            async def arrive_halfway() -> bool:
                nonlocal halfway
                halfway = progress(await call("GetOperation", name=operation.name))
                return (halfway.completed_steps, halfway.completed_percent) == (5, 50)

            assert await comes_in_loop(arrive_halfway)
            running.state.clock.advance(1.0)
            done = await call("WaitOperation", name=operation.name)
            assert done.done
            last = progress(done)
            assert last.completed_percent == 100
            assert last.snapshots[: len(halfway.snapshots)] == halfway.snapshots
            assert [s.step for s in last.snapshots] == list(range(1, 11))
            assert [s.epoch for s in last.snapshots] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
            losses = [s.mean_loss for s in last.snapshots]
            assert losses == sorted(set(losses), reverse=True)
            assert all(NOW < s.compute_time.ToMicroseconds() / 1e6 <= NOW + 2 for s in last.snapshots)

            assert (
                done.response.type_url == "type.googleapis.com/google.ai.generativelanguage.v1beta.TunedModel"
            )
            result = v1beta.TunedModel.FromString(done.response.value)
            assert result == await call("GetTunedModel", name=made.name)
            assert result.state == ACTIVE
            assert result.tuning_task.complete_time.seconds == NOW + 2
            assert list(result.tuning_task.snapshots) == list(last.snapshots)
            answer = await call("GenerateContent", model=made.name, contents=[{"parts": [{"text": "in 3"}]}])
            assert answer.candidates[0].content.parts[0].text == "out 3"

    run(test())


def test_a_long_training_has_few_snapshots() -> None:
    async def test() -> None:
        async with emulator(tuning_seconds=0.1) as (_, call):
            asked = model(500)
            asked.tuning_task.hyperparameters.epoch_count = 100
            asked.tuning_task.hyperparameters.batch_size = 1
            asked.tuning_task.hyperparameters.learning_rate_multiplier = 2
            operation = await call("CreateTunedModel", tuned_model=asked)
            assert progress(operation).total_steps == 50_000
            last = progress(await call("WaitOperation", name=operation.name))
            assert last.completed_steps == last.snapshots[-1].step == 50_000
            assert last.snapshots[-1].epoch == 100
            assert len(last.snapshots) < 250
            made = await call("GetTunedModel", name=last.tuned_model)
            assert made.tuning_task.hyperparameters.learning_rate_multiplier == 2

    run(test())


def test_tuning_a_tuned_model() -> None:
    async def test() -> None:
        async with emulator(tuning_seconds=0.05) as (_, call):
            await tuned(call, "first", top_k=7)
            asked = v1beta.TunedModel(tuned_model_source={"tuned_model": "tunedModels/first"})
            asked.tuning_task.training_data.examples.examples.add(text_input="more", output="yes")
            operation = await call("CreateTunedModel", tuned_model=asked, tuned_model_id="second")
            assert (
                await call.refused(
                    "CreateTunedModel",
                    tuned_model=v1beta.TunedModel(
                        tuned_model_source={"tuned_model": "tunedModels/second"},
                        tuning_task=asked.tuning_task,
                    ),
                )
            ).code == "FAILED_PRECONDITION"
            await call("WaitOperation", name=operation.name)
            second = await call("GetTunedModel", name="tunedModels/second")
            assert second.tuned_model_source.base_model == BASE
            assert second.top_k == 7
            for said, answer in (("more", "yes"), ("in 0", "out 0")):
                given = await call(
                    "GenerateContent", model=second.name, contents=[{"parts": [{"text": said}]}]
                )
                assert given.candidates[0].content.parts[0].text == answer

    run(test())


def test_what_is_refused_at_creation() -> None:
    task = model().tuning_task
    path = "tuned_model.tuning_task"
    examples = f"{path}.training_data.examples.examples"

    def with_examples(*pairs: tuple[str, str]) -> Any:
        made = model(0, tuning_task={"training_data": {"examples": {}}})
        for said, answer in pairs:
            made.tuning_task.training_data.examples.examples.add(text_input=said, output=answer)
        return made

    def with_settings(**settings: Any) -> Any:
        made = model()
        made.tuning_task.hyperparameters.CopyFrom(v1beta.Hyperparameters(**settings))
        return made

    settings = f"{path}.hyperparameters"
    cases: list[tuple[Any, str, str]] = [
        (v1beta.TunedModel(tuning_task=task), "tuned_model.base_model", "INVALID_ARGUMENT"),
        (model(base_model="gemini"), "tuned_model.base_model", "INVALID_ARGUMENT"),
        (model(base_model="models/gemini-embedding-001"), "tuned_model.base_model", "INVALID_ARGUMENT"),
        (model(base_model="models/none"), "", "NOT_FOUND"),
        (
            v1beta.TunedModel(tuned_model_source={"tuned_model": "x"}, tuning_task=task),
            "tuned_model.tuned_model_source.tuned_model",
            "INVALID_ARGUMENT",
        ),
        (
            v1beta.TunedModel(tuned_model_source={"tuned_model": "tunedModels/x"}, tuning_task=task),
            "",
            "NOT_FOUND",
        ),
        (model(display_name="x" * 41), "tuned_model.display_name", "INVALID_ARGUMENT"),
        (model(temperature=1.5), "tuned_model.temperature", "INVALID_ARGUMENT"),
        (model(temperature=float("nan")), "tuned_model.temperature", "INVALID_ARGUMENT"),
        (model(top_p=-0.1), "tuned_model.top_p", "INVALID_ARGUMENT"),
        (model(top_k=0), "tuned_model.top_k", "INVALID_ARGUMENT"),
        (model(reader_project_numbers=[1, -1]), "tuned_model.reader_project_numbers[1]", "INVALID_ARGUMENT"),
        (model(0), path, "INVALID_ARGUMENT"),
        (model(0, tuning_task={}), f"{path}.training_data", "INVALID_ARGUMENT"),
        (with_examples(), examples, "INVALID_ARGUMENT"),
        (with_examples(*[("a", "b")] * 501), examples, "INVALID_ARGUMENT"),
        (with_examples(("a", "b"), ("", "b")), f"{examples}[1].text_input", "INVALID_ARGUMENT"),
        (with_examples(("a", "")), f"{examples}[0].output", "INVALID_ARGUMENT"),
        (with_examples(("a", "b" * 5001)), f"{examples}[0].output", "INVALID_ARGUMENT"),
        (with_settings(epoch_count=0), f"{settings}.epoch_count", "INVALID_ARGUMENT"),
        (with_settings(epoch_count=-5), f"{settings}.epoch_count", "INVALID_ARGUMENT"),
        (with_settings(batch_size=0), f"{settings}.batch_size", "INVALID_ARGUMENT"),
        (with_settings(learning_rate=0), f"{settings}.learning_rate", "INVALID_ARGUMENT"),
        (with_settings(learning_rate=float("inf")), f"{settings}.learning_rate", "INVALID_ARGUMENT"),
        (
            with_settings(learning_rate_multiplier=-1),
            f"{settings}.learning_rate_multiplier",
            "INVALID_ARGUMENT",
        ),
    ]

    async def test() -> None:
        async with emulator() as (_, call):
            assert (await call.refused("CreateTunedModel")).fields == ["tuned_model"]
            for asked, field, code in cases:
                refused = await call.refused("CreateTunedModel", tuned_model=asked)
                assert (refused.code, refused.fields) == (code, [field] if field else []), (asked, refused)
            for identifier in ("Upper", "9lives", "-x", "x-", "a_b", "x" * 41, "a/b", "é"):
                refused = await call.refused(
                    "CreateTunedModel", tuned_model=model(), tuned_model_id=identifier
                )
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", ["tuned_model_id"]), identifier
            # Nothing of all that was kept.
            assert await names(call) == []
            await call("CreateTunedModel", tuned_model=model(), tuned_model_id="x" * 40)
            refused = await call.refused("CreateTunedModel", tuned_model=model(), tuned_model_id="x" * 40)
            assert refused.code == "ALREADY_EXISTS"
            assert await names(call) == ["x" * 40]

    run(test())


def test_lists_their_filters_and_pages() -> None:
    async def test() -> None:
        async with emulator(tuning_seconds=0) as (_, call):
            for i in range(12):
                await tuned(
                    call, f"m{i}", display_name=f"Model number {i}", description="for Cats" if i < 3 else "x"
                )
            everything = [f"m{i}" for i in range(12)]
            assert await names(call) == everything[:10]
            assert await names(call, page_size=5000) == everything
            assert await names(call, filter="owner:me", page_size=50) == everything
            assert await names(call, filter="writers:me readers:me", page_size=50) == everything
            assert await names(call, filter="cats") == ["m0", "m1", "m2"]
            assert await names(call, filter='"number 2" owner:me CATS') == ["m2"]
            assert await names(call, filter="readers:everyone") == []
            assert await names(call, filter="readers:someone@example.com") == []
            assert await names(call, key="another") == []

            reader = {"grantee_type": "EVERYONE", "role": "READER"}
            await call("CreatePermission", parent="tunedModels/m4", permission=reader)
            writer = {"grantee_type": "USER", "role": "WRITER", "email_address": "someone@example.com"}
            await call("CreatePermission", parent="tunedModels/m5", permission=writer)
            assert await names(call, filter="readers:everyone") == ["m4"]
            assert await names(call, filter="readers:someone@example.com") == ["m5"]
            assert await names(call, filter="writers:Someone@example.com") == ["m5"]
            assert await names(call, filter="owner:someone@example.com") == []
            await call("TransferOwnership", name="tunedModels/m5", email_address="someone@example.com")
            assert "m5" not in await names(call, filter="owner:me", page_size=50)
            assert await names(call, filter="writers:me 5") == ["m5"]

            for bad in ("owner:", "owner:you", "state:ACTIVE", '"open', "writers:everyone", 'a"b"', ":"):
                refused = await call.refused("ListTunedModels", filter=bad)
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", ["filter"]), bad

            found: list[str] = []
            token = ""
            while True:
                page = await call("ListTunedModels", page_size=5, page_token=token, filter="model")
                found.extend(m.name for m in page.tuned_models)
                if not (token := page.next_page_token):
                    break
            assert found == [f"tunedModels/{n}" for n in everything]
            token = (await call("ListTunedModels", page_size=5)).next_page_token
            for bad_page in ({"filter": "model"}, {"page_token": "!"}, {"page_token": token[:-2]}):
                refused = await call.refused("ListTunedModels", **{"page_token": token, **bad_page})
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", ["page_token"])
            # Deleting what was listed does not lose what was not.
            await call("DeleteTunedModel", name="tunedModels/m4")
            rest = await call("ListTunedModels", page_size=5, page_token=token)
            assert [m.name for m in rest.tuned_models] == [f"tunedModels/m{i}" for i in range(5, 10)]

    run(test())


def test_updates() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            await call("CreateTunedModel", tuned_model=model(description="old"), tuned_model_id="m")
            running.state.clock.advance(0.5)

            def update(*paths: str, **fields: Any) -> dict[str, Any]:
                return {"tuned_model": {"name": "tunedModels/m", **fields}, "update_mask": {"paths": paths}}

            new = await call(
                "UpdateTunedModel", **update("display_name", display_name="New", description="no")
            )
            assert (new.display_name, new.description, new.state) == ("New", "old", CREATING)
            assert new.update_time.ToMicroseconds() == (NOW + 0.5) * 1e6
            new = await call(
                "UpdateTunedModel",
                **update("description", "temperature", "reader_project_numbers", reader_project_numbers=[3]),
            )
            assert (new.description, new.HasField("temperature"), new.reader_project_numbers) == (
                "",
                False,
                [3],
            )
            # Without a mask, what is set.
            new = await call("UpdateTunedModel", **update(top_k=3))
            assert (new.top_k, new.display_name) == (3, "New")

            for path in (
                "name",
                "state",
                "base_model",
                "tuning_task.hyperparameters",
                "none",
                "display_name.x",
            ):
                refused = await call.refused("UpdateTunedModel", **update(path))
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", ["update_mask"])
            for name, value in (("display_name", "x" * 41), ("temperature", 2.0)):
                refused = await call.refused("UpdateTunedModel", **update(name, **{name: value}))
                assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", [f"tuned_model.{name}"])
            assert (await call.refused("UpdateTunedModel")).fields == ["tuned_model"]
            refused = await call.refused("UpdateTunedModel", tuned_model={"name": "m"})
            assert refused.fields == ["tuned_model.name"]
            refused = await call.refused("UpdateTunedModel", tuned_model={"name": "tunedModels/none"})
            assert refused.code == "NOT_FOUND"

            # The tuning has not lost what was changed meanwhile.
            running.state.clock.advance(2)
            operation = (await call("ListOperations", name="tunedModels/m/operations")).operations[0]
            await call("WaitOperation", name=operation.name)
            done = await call("GetTunedModel", name="tunedModels/m")
            assert (done.state, done.display_name, done.top_k) == (ACTIVE, "New", 3)

    run(test())


def test_deletion() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            operation = await call("CreateTunedModel", tuned_model=model(), tuned_model_id="m")
            await call("DeleteTunedModel", name="tunedModels/m")
            for rpc, name in (
                ("GetTunedModel", "tunedModels/m"),
                ("DeleteTunedModel", "tunedModels/m"),
                ("GetOperation", operation.name),
            ):
                assert (await call.refused(rpc, name=name)).code == "NOT_FOUND"
            assert (await call.refused("DeleteTunedModel", name="m")).fields == ["name"]
            # Another of that name is not taken for the first.
            second = await call("CreateTunedModel", tuned_model=model(4), tuned_model_id="m")
            running.state.clock.advance(1)
            assert await comes_in_loop(lambda: len(running.state.tasks) == 1)
            assert progress(await call("GetOperation", name=second.name)).total_steps == 5
            # Who has given it away cannot delete it.
            await call("TransferOwnership", name="tunedModels/m", email_address="a@example.com")
            assert (await call.refused("DeleteTunedModel", name="tunedModels/m")).code == "PERMISSION_DENIED"

    run(test())


def test_cancelling_a_tuning() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            operation = await call("CreateTunedModel", tuned_model=model(), tuned_model_id="m")
            await call("CancelOperation", name=operation.name)
            ended = await call("WaitOperation", name=operation.name)
            assert (ended.done, ended.error.code) == (True, 1)
            # With no task left, nothing can change it any more.
            assert await comes_in_loop(lambda: not running.state.tasks)
            assert (await call("GetTunedModel", name="tunedModels/m")).state == FAILED
            running.state.clock.advance(5)
            assert not running.state.tasks
            assert (await call("GetTunedModel", name="tunedModels/m")).state == FAILED

    run(test())


def doomed(mark: str, examples: int = 8) -> Any:
    """Build a tuned model with a failure marker in its last example."""
    made = model(examples)
    made.tuning_task.training_data.examples.examples[-1].output = f"out [[fail:{mark}]]"
    return made


def test_a_tuning_may_fail_on_purpose() -> None:
    async def test() -> None:
        async with emulator(frozen_at=NOW) as (running, call):
            operation = await call("CreateTunedModel", tuned_model=doomed("INTERNAL"), tuned_model_id="m")
            assert not operation.done
            running.state.clock.advance(5)
            ended = await call("WaitOperation", name=operation.name)
            assert (ended.done, ended.error.code) == (True, 13)
            assert "[[fail:INTERNAL]]" in ended.error.message
            assert not ended.HasField("response")
            done = progress(ended)
            assert 0 < done.completed_steps < done.total_steps
            failed = await call("GetTunedModel", name="tunedModels/m")
            assert failed.state == FAILED
            assert failed.tuning_task.HasField("complete_time")
            said = [{"role": "user", "parts": [{"text": "in 0"}]}]
            refused = await call.refused("GenerateContent", model="tunedModels/m", contents=said)
            assert refused.code == "FAILED_PRECONDITION"
            # Even one of a single step has a middle to fail in.
            small = doomed("ABORTED", 1)
            small.tuning_task.hyperparameters.epoch_count = 1
            operation = await call("CreateTunedModel", tuned_model=small)
            running.state.clock.advance(5)
            assert (await call("WaitOperation", name=operation.name)).error.code == 10
            assert not running.state.tasks

    run(test())


@pytest.mark.parametrize("mark", ["", "OK", "internal", "NOTHING"])
def test_marks_that_name_no_status(mark: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            refused = await call.refused("CreateTunedModel", tuned_model=doomed(mark))
            assert refused.fields == ["tuned_model.tuning_task.training_data.examples.examples[7].output"]

    run(test())


def test_a_tuning_that_is_to_fail_does_so_after_a_restart(tmp_path: Path) -> None:
    async def test() -> None:
        state = tmp_path / "state.db"
        async with emulator(state=state, frozen_at=NOW) as (_, call):
            operation = await call("CreateTunedModel", tuned_model=doomed("INTERNAL"), tuned_model_id="m")
        async with emulator(state=state, frozen_at=NOW) as (running, call):
            assert not (await call("GetOperation", name=operation.name)).done
            running.state.clock.advance(5)
            assert (await call("WaitOperation", name=operation.name)).error.code == 13
            assert (await call("GetTunedModel", name="tunedModels/m")).state == FAILED

    run(test())


_SERVE = """
import asyncio, sys
from gemwire_emulator.server import Emulator, Settings

async def serve():
    emulator = Emulator(Settings(state=sys.argv[1], tuning_seconds=float(sys.argv[2])))
    print(await emulator.start(), flush=True)
    await emulator.wait()

asyncio.run(serve())
"""


def served(state: Path, seconds: float) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(state), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, process.stdout.readline().strip()


def test_a_tuning_survives_kill_9(tmp_path: Path) -> None:
    state = tmp_path / "state"

    async def before(address: str) -> tuple[Any, Any]:
        async with calling(address) as call:
            operation = await call("CreateTunedModel", tuned_model=model(), tuned_model_id="m", key="k")
            cancelled = await call("CreateTunedModel", tuned_model=model(), tuned_model_id="c", key="k")
            await call("CancelOperation", name=cancelled.name, key="k")

            async def under_way() -> bool:
                nonlocal operation
                operation = await call("GetOperation", name=operation.name, key="k")
                return bool(progress(operation).completed_steps >= 2)

            assert await comes_in_loop(under_way)
            return operation, progress(operation)

    async def after(address: str, operation: Any, seen: Any) -> None:
        async with calling(address) as call:
            now = progress(await call("GetOperation", name=operation.name, key="k"))
            assert now.completed_steps >= seen.completed_steps
            ended = await call("WaitOperation", name=operation.name, key="k")
            assert ended.done
            assert progress(ended).completed_percent == 100
            assert progress(ended).snapshots[: len(seen.snapshots)] == seen.snapshots
            assert v1beta.TunedModel.FromString(ended.response.value).state == ACTIVE
            contents = [{"parts": [{"text": "in 1"}]}]
            answer = await call("GenerateContent", model="tunedModels/m", contents=contents, key="k")
            assert answer.candidates[0].content.parts[0].text == "out 1"
            assert (await call("GetTunedModel", name="tunedModels/c", key="k")).state == FAILED

    # The first run would take ten seconds; the second goes on at the step that the first had reached.
    process, address = served(state, 10.0)
    try:
        operation, seen = asyncio.run(asyncio.wait_for(before(address), 30))
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert seen.completed_percent < 100
    process, address = served(state, 1.0)
    try:
        asyncio.run(asyncio.wait_for(after(address, operation, seen), 30))
    finally:
        process.kill()
        process.communicate()
