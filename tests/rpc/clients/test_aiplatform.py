"""The service clients of Vertex AI against the emulator: sync and async, gRPC and REST."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from gemwire import aiplatform_v1, errors
from gemwire.testing import RunningEmulator, emulator

_MODEL = "projects/my-project/locations/us-central1/publishers/google/models/gemini-2.5-flash"
_ASK = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]


@pytest.fixture
def running() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


@pytest.mark.parametrize("transport", ["grpc", "rest", "auto"])
def test_sync(running: RunningEmulator, transport: str) -> None:
    with aiplatform_v1.PredictionServiceClient(transport=transport) as client:
        answer = client.generate_content(model=_MODEL, contents=_ASK)
        streamed = list(client.stream_generate_content(model=_MODEL, contents=_ASK))
        prepared = client.prepare(model=_MODEL, system_instruction={"parts": [{"text": "Be brief."}]})
        assert prepared.generate("Why?").usage_metadata.prompt_token_count == 5
    text = answer.candidates[0].content.parts[0].text
    assert text == "".join(p.text for s in streamed for p in s.candidates[0].content.parts)
    with aiplatform_v1.LlmUtilityServiceClient(transport=transport) as client:
        assert client.count_tokens({"endpoint": _MODEL, "contents": _ASK}).total_tokens == 6


@pytest.mark.parametrize("transport", ["grpc_asyncio", "rest_asyncio", "auto"])
def test_async(running: RunningEmulator, transport: str) -> None:
    async def test() -> None:
        async with aiplatform_v1.PredictionServiceAsyncClient(transport=transport) as client:
            answers = await asyncio.gather(
                *(client.generate_content(model=_MODEL, contents=_ASK) for _ in range(3))
            )
            assert all(isinstance(a, aiplatform_v1.GenerateContentResponse) for a in answers)
            with pytest.raises(errors.NotFound, match="publishers/google/models/none was not found"):
                await client.generate_content(model=_MODEL.replace("gemini-2.5-flash", "none"), contents=_ASK)

    asyncio.run(test())


def test_the_header_routes_by_the_model(running: RunningEmulator) -> None:
    with aiplatform_v1.PredictionServiceClient() as client:
        client.generate_content(model=_MODEL, contents=_ASK)
    sent = dict(running.calls()[-1].metadata)
    assert sent["x-goog-request-params"] == f"model={_MODEL}"


def test_clients_pickle(running: RunningEmulator) -> None:
    client = pickle.loads(pickle.dumps(aiplatform_v1.PredictionServiceClient()))
    with client:
        assert client.generate_content(model=_MODEL, contents=_ASK).candidates


def test_names_are_built_and_taken_apart() -> None:
    paths: Any = aiplatform_v1.PredictionServiceClient
    name = paths.endpoint_path("p", "l", "e")
    assert name == "projects/p/locations/l/endpoints/e"
    assert paths.parse_endpoint_path(name) == {"project": "p", "location": "l", "endpoint": "e"}
    assert paths.template_path("p", "l", "t") == "projects/p/locations/l/templates/t"


def test_nothing_of_it_is_loaded_before() -> None:
    program = """
import sys
import gemwire, gemwire.genai
from gemwire import v1beta
v1beta.GenerativeServiceClient(client_options={"api_key": "k"}).close()
from gemwire_runtime.pool import POOL
try:
    POOL.FindFileByName("google/cloud/aiplatform/v1/content.proto")
except KeyError:
    pass
else:
    raise SystemExit("the descriptors are loaded")
raise SystemExit([name for name in sys.modules if "aiplatform" in name] or 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
