"""The models that an emulator has: public ones, those of its settings, and names that it does not know."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from emulator_calls import emulator

from gemwire_emulator.base_models import ModelCatalog

OLD = (
    *("gemini-pro", "gemini-1.0-pro-001", "gemini-1.5-pro", "gemini-1.5-pro-latest", "gemini-1.5-pro-002"),
    *("gemini-1.5-flash", "gemini-1.5-flash-001", "gemini-1.5-flash-002", "gemini-2.0-flash-001"),
)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def asked(model: str) -> dict[str, Any]:
    return {"model": model, "contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


def test_old_and_new_names_answer() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for name in (*OLD, "gemini-3.8-flash", "gemini-4-carbon", "gemini-flash-latest"):
                answer = await call("GenerateContent", **asked(f"models/{name}"))
                assert answer.candidates[0].finish_reason == 1, name
            for name, method in (
                ("gemini-embedding-2", "embedContent"),
                ("imagen-4.0-generate-001", "predict"),
                ("veo-3.1-generate-preview", "predictLongRunning"),
                ("gemini-2.5-flash-native-audio-preview-12-2025", "bidiGenerateContent"),
            ):
                model = await call("GetModel", name=f"models/{name}")
                assert method in model.supported_generation_methods

    run(test())


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("gemini-2.5-flsh", "gemini-2.5-flash"),
        ("gemini-3.9-flash", "gemini-3.8-flash"),
        ("GEMINI-2.5-PRO", "gemini-2.5-pro"),
        ("imagen-4", "imagen-4.0-generate-001"),
    ],
)
def test_unknown_names_are_refused_with_near_ones(wrong: str, near: str) -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for rpc, fields in (
                ("GenerateContent", asked(f"models/{wrong}")),
                ("GetModel", {"name": f"models/{wrong}"}),
            ):
                refused = await call.refused(rpc, **fields)
                assert refused.code == "NOT_FOUND"
                assert near in refused.message.partition("Names close to it")[2]
                assert "--model NAME" in refused.message
            assert (
                "or is not supported for generateContent"
                in (await call.refused("GenerateContent", **asked(f"models/{wrong}"))).message
            )

    run(test())


def test_models_of_the_settings() -> None:
    entries = [
        "gemini-9-flash",
        "models/my-embedder=gemini-embedding-2",
        {"name": "gemini-9-tts", "displayName": "Nine", "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/gemini-2.5-pro", "like": "gemini-2.0-flash", "temperature": 0.5},
    ]

    async def test() -> None:
        async with emulator(models=entries) as (_, call):
            listed = (await call("ListModels", page_size=1000)).models
            assert [m.name for m in listed[:2]] == ["models/gemini-9-flash", "models/my-embedder"]
            assert len({m.name for m in listed}) == len(listed)
            assert (await call("GenerateContent", **asked("models/gemini-9-flash"))).candidates
            embedded = await call(
                "EmbedContent", model="models/my-embedder", content={"parts": [{"text": "Hello"}]}
            )
            assert len(embedded.embedding.values) == 768
            nine = await call("GetModel", name="models/gemini-9-tts")
            assert (nine.display_name, list(nine.supported_generation_methods)) == (
                "Nine",
                ["generateContent"],
            )
            pro = await call("GetModel", name="models/gemini-2.5-pro")
            assert (pro.temperature, pro.thinking) == (0.5, False)
            refused = await call.refused("GenerateContent", **asked("models/my-embedder"))
            assert "is not supported for generateContent" in refused.message

    run(test())


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("", "is not the name of a model"),
        ("a/b", "is not the name of a model"),
        ("gemini-9=gemini-2.5-flsh", "did you mean gemini-2.5-flash?"),
        ({"name": "gemini-9", "metods": ["x"]}, "metods"),
        ({"displayName": "x"}, "is not the name of a model"),
        (7, "neither a name nor an object"),
    ],
)
def test_bad_entries_are_refused(entry: Any, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        ModelCatalog([entry])


def serve(*options: str, json_line: bool = True) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gemwire_emulator", *(["--json"] if json_line else []), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_flags_and_a_catalog_file(tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    # As ListModels of the service answers.
    file.write_text(
        json.dumps({"models": [{"name": "models/gemini-7", "supportedGenerationMethods": ["countTokens"]}]})
    )
    with serve("--http-port", "0", "--models", str(file), "--model", "gemini-9=gemini-2.0-flash") as process:
        assert process.stdout
        base = json.loads(process.stdout.readline())["http"]
        with urllib.request.urlopen(f"{base}/v1beta/models/gemini-7") as response:
            assert json.load(response)["supportedGenerationMethods"] == ["countTokens"]
        with urllib.request.urlopen(f"{base}/v1/models/gemini-9") as response:
            assert "generateContent" in json.load(response)["supportedGenerationMethods"]
        process.terminate()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--model", "gemini-9=none"), "cannot be like 'none'"),
        (("--model", "model.gguf"), "--gguf FILE"),
        (("--models", "none.json"), "none.json cannot be read"),
        (("--gguf", "none.gguf", "--engine", "local"), "--gguf: the file none.gguf does not exist"),
        (("--gguf", "none.gguf"), "--gguf requires --engine local"),
    ],
)
def test_bad_flags(options: tuple[str, ...], says: str) -> None:
    with serve(*options) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert says in errors
    assert errors.count("\n") == 1


def test_generated_ids_of_tuned_models_begin_with_a_letter() -> None:
    async def test() -> None:
        async with emulator() as (_, call):
            for title in ("7 of 9", "", "!", "Nine", *("" for _ in range(40))):
                operation = await call(
                    "CreateTunedModel",
                    tuned_model={
                        "base_model": "models/gemini-1.5-flash-001-tuning",
                        "display_name": title,
                        "tuning_task": {
                            "training_data": {"examples": {"examples": [{"text_input": "1", "output": "2"}]}}
                        },
                    },
                )
                identifier = operation.name.split("/")[1]
                assert identifier[0].isalpha(), identifier
                assert len(identifier) <= 40

    run(test())


def test_v1_cancels_tunings() -> None:
    async def test() -> None:
        async with emulator(http_port=0, frozen_at=1_800_000_000.0) as (running, call):
            operation = await call(
                "CreateTunedModel",
                tuned_model={
                    "base_model": "models/gemini-1.5-flash-001-tuning",
                    "tuning_task": {
                        "training_data": {"examples": {"examples": [{"text_input": "1", "output": "2"}]}}
                    },
                },
            )
            request = urllib.request.Request(
                f"{running.http}/v1/{operation.name}:cancel", b"{}", {"Content-Type": "application/json"}
            )
            answer = await asyncio.to_thread(lambda: urllib.request.urlopen(request).read())
            assert answer.strip() == b"{}"
            assert (await call("GetOperation", name=operation.name)).error.code == 1

    run(test())
