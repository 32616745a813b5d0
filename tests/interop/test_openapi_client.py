"""Generators as judges of ``/openapi.json``: the clients that they make get what gRPC gets."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openapi_tools
import pytest
from emulator_calls import calling
from google.protobuf import json_format

from gemwire.testing import RunningEmulator

QUESTION = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]
SKY = {"parts": [{"text": "The sky is blue because of Rayleigh scattering."}]}
GENERATION = {"contents": QUESTION, "generation_config": {"candidate_count": 2, "max_output_tokens": 20}}
EMBEDDING = {"model": "models/embedding-001", "content": QUESTION[0]}
FLASH, TUNED, DYNAMIC = "models/gemini-2.5-flash", "tunedModels/kept", "dynamic/any"
#: The operations, and the same as RPCs.
TEN: dict[str, tuple[str, dict[str, Any]]] = {
    "generate_model_content": ("GenerateContent", {"model": FLASH, **GENERATION}),
    "generate_tuned_model_content": ("GenerateContent", {"model": TUNED, **GENERATION}),
    "generate_dynamic_content": ("GenerateContent", {"model": DYNAMIC, **GENERATION}),
    "stream_generate_model_content": ("StreamGenerateContent", {"model": FLASH, **GENERATION}),
    "stream_generate_tuned_model_content": ("StreamGenerateContent", {"model": TUNED, **GENERATION}),
    "stream_generate_dynamic_content": ("StreamGenerateContent", {"model": DYNAMIC, **GENERATION}),
    "count_tokens": ("CountTokens", {"model": FLASH, "contents": QUESTION}),
    "embed_content": ("EmbedContent", EMBEDDING),
    "batch_embed_contents": ("BatchEmbedContents", {"model": EMBEDDING["model"], "requests": [EMBEDDING]}),
    "generate_answer": (
        "GenerateAnswer",
        {
            "model": "models/aqa",
            "contents": QUESTION,
            "answer_style": "EXTRACTIVE",
            "inline_passages": {"passages": [{"id": "1", "content": {"role": "user", **SKY}}]},
        },
    ),
}


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    running = RunningEmulator(http_port=0, tuning_seconds=0.0)
    yield running
    running.stop()


def _by_openapi_python_client(document: str, into: Path) -> Path:
    settings = into.with_name("settings.json")
    # Formatting what nobody reads takes another tool.
    settings.write_text(json.dumps({"post_hooks": []}))
    python = openapi_tools.python("tools")
    openapi_tools.run(
        python.with_name("openapi-python-client"),
        *("generate", "--url", document, "--meta", "none", "--fail-on-warning"),
        *("--config", settings, "--output-path", into),
    )
    return python


def _by_openapi_generator(document: str, into: Path) -> Path:
    python = openapi_tools.python("generator")
    openapi_tools.run(
        python.with_name("openapi-generator-cli"),
        *("generate", "--generator-name", "python", "--input-spec", document),
        *("--output", into.parent, "--additional-properties", f"packageName={into.name}"),
    )
    return python


#: What makes a client of a document, and gives the Python that can run it.
GENERATORS: dict[str, Callable[[str, Path], Path]] = {
    "openapi_python_client": _by_openapi_python_client,
    "openapi_generator": _by_openapi_generator,
}


@pytest.fixture(
    scope="module",
    params=[
        "openapi_python_client",
        pytest.param(
            "openapi_generator", marks=[pytest.mark.slow, pytest.mark.xdist_group("openapi_generator")]
        ),
    ],
)
def generator(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def answers(
    gemini: RunningEmulator, generator: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the generated client gets, by operation. The generator's name is its key as well."""
    folder = tmp_path_factory.mktemp("generated")
    python = GENERATORS[generator](f"{gemini.http}/openapi.json", folder / "gemini_client")
    program = folder / f"{generator}.py"
    program.write_bytes((openapi_tools.FOLDER / program.name).read_bytes())
    found: dict[str, Any] = json.loads(openapi_tools.run(python, program, gemini.http, generator, cwd=folder))
    return found


def test_the_client_has_every_operation(answers: dict[str, Any]) -> None:
    assert set(answers) == {*TEN, "refused"}


def test_it_reads_errors(answers: dict[str, Any]) -> None:
    error = answers["refused"]["error"]
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")
    assert "models/none" in error["message"]


@pytest.mark.parametrize("operation", TEN)
def test_it_gets_what_grpc_gets(
    gemini: RunningEmulator, generator: str, answers: dict[str, Any], operation: str
) -> None:
    rpc, fields = TEN[operation]

    async def by_grpc() -> Any:
        async with calling(gemini.address) as call:
            if rpc.startswith("Stream"):
                metadata = (("x-goog-api-key", generator),)
                return [_plain(message) async for message in call.stream(rpc, metadata=metadata, **fields)]
            return _plain(await call(rpc, key=generator, **fields))

    expected = asyncio.run(by_grpc())
    assert expected
    assert _without_ids(answers[operation]) == _without_ids(expected)


def _plain(message: Any) -> Any:
    return json_format.MessageToDict(message)


def _without_ids(tree: Any) -> Any:
    """Every response has an id of its own. Numbers are compared as what they are on the wire, of 32 bits."""
    if isinstance(tree, list):
        return [_without_ids(item) for item in tree]
    if isinstance(tree, float):
        return struct.unpack("f", struct.pack("f", tree))[0]
    if not isinstance(tree, dict):
        return tree
    return {key: _without_ids(value) for key, value in tree.items() if key != "responseId"}
