"""Several contents for a model that takes one: one call each over gRPC, at the same time and in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from eventually import PATIENCE

from gemwire import aiplatform_v1, errors, genai

_TEXTS = ["a", "bb", "ccc"]
_PLACE: dict[str, Any] = {"vertexai": True, "project": "my-project", "location": "us-central1"}
_SERVICE = "google.cloud.aiplatform.v1.PredictionService"


class _Embedding:
    """A server that answers none of three calls before all have arrived."""

    def __init__(self) -> None:
        self.meeting = threading.Barrier(len(_TEXTS))
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        handler = grpc.unary_unary_rpc_method_handler(
            self._embed,
            aiplatform_v1.EmbedContentRequest.FromString,
            aiplatform_v1.EmbedContentResponse.SerializeToString,
        )
        self.server.add_registered_method_handlers(_SERVICE, {"EmbedContent": handler})
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def _embed(
        self, request: aiplatform_v1.EmbedContentRequest, context: grpc.ServicerContext
    ) -> aiplatform_v1.EmbedContentResponse:
        text = request.content.parts[0].text
        try:
            self.meeting.wait(PATIENCE)
        except threading.BrokenBarrierError:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the calls did not meet")
        if text == "bad":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "this text is bad")
        return aiplatform_v1.EmbedContentResponse(embedding={"values": [len(text)]})


@pytest.fixture
def embedding(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Embedding]:
    made = _Embedding()
    monkeypatch.setenv("GEMINI_EMULATOR_HOST", made.address)
    yield made
    made.server.stop(None).wait(PATIENCE)


def _embed(contents: list[str], *, asynchronous: bool) -> list[float]:
    async def embed_async(client: genai.Client) -> Any:
        async with client.aio as aio:
            return await aio.models.embed_content(model="gemini-embedding-001", contents=contents)

    with genai.Client(transport="grpc", **_PLACE) as client:
        if asynchronous:
            found = asyncio.run(embed_async(client))
        else:
            found = client.models.embed_content(model="gemini-embedding-001", contents=contents)
    return [value for embedding in found.embeddings or () for value in embedding.values or ()]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_they_go_side_by_side_and_come_in_order(embedding: _Embedding, asynchronous: bool) -> None:
    assert _embed(_TEXTS, asynchronous=asynchronous) == [1, 2, 3]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_error_of_one_is_raised(embedding: _Embedding, asynchronous: bool) -> None:
    with pytest.raises(errors.InvalidArgument, match="this text is bad"):
        _embed(["a", "bad", "ccc"], asynchronous=asynchronous)
