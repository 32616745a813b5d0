"""Google's own generated client as the judge of the emulator, by gRPC and REST, and its calls beside ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import grpc
import pytest
from google.ai import generativelanguage_v1beta as theirs
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.protobuf import field_mask_pb2

from gemwire import v1beta
from gemwire.testing import RunningEmulator, emulator

MODEL = "models/gemini-2.5-flash"
TUNABLE = "models/gemini-1.5-flash-001-tuning"


@pytest.fixture(scope="module")
def gemini() -> Iterator[RunningEmulator]:
    with emulator(http_port=0) as running:
        yield running


def client_of(service: str, gemini: RunningEmulator, wire: str = "grpc") -> Any:
    """Google's sync client of a service, in plaintext."""
    module = import_module(f"{theirs.__name__}.services.{service.lower()}_service").transports
    if wire == "grpc":
        transport = getattr(module, f"{service}ServiceGrpcTransport")
        made = transport(channel=grpc.insecure_channel(gemini.address))
    else:
        transport = getattr(module, f"{service}ServiceRestTransport")
        host = gemini.http.removeprefix("http://")
        made = transport(host=host, url_scheme="http", credentials=AnonymousCredentials())
    return getattr(theirs, f"{service}ServiceClient")(transport=made)


@pytest.fixture(params=["grpc", "rest"])
def google(request: pytest.FixtureRequest, gemini: RunningEmulator) -> Callable[[str], Any]:
    """Google's client of a service, by its name."""
    gemini.reset()
    return partial(client_of, gemini=gemini, wire=request.param)


def said(text: str) -> list[theirs.Content]:
    return [theirs.Content(role="user", parts=[theirs.Part(text=text)])]


def test_generate_stream_and_count(gemini: RunningEmulator, google: Callable[[str], Any]) -> None:
    client = google("Generative")
    whole = client.generate_content(model=MODEL, contents=said("Why is the sky blue?"))
    assert whole.candidates[0].finish_reason == theirs.Candidate.FinishReason.STOP
    pieces = list(client.stream_generate_content(model=MODEL, contents=said("Why is the sky blue?")))
    assert len(pieces) > 3
    assert (
        "".join(p.candidates[0].content.parts[0].text for p in pieces)
        == whole.candidates[0].content.parts[0].text
    )
    counted = client.count_tokens(model=MODEL, contents=said("Why is the sky blue?"))
    assert counted.total_tokens == whole.usage_metadata.prompt_token_count > 0


def test_embeddings(gemini: RunningEmulator, google: Callable[[str], Any]) -> None:
    client = google("Generative")
    model = "models/gemini-embedding-001"
    one = client.embed_content(model=model, content=said("a")[0]).embedding.values
    requests = [theirs.EmbedContentRequest(model=model, content=said(t)[0]) for t in ("a", "b")]
    many = client.batch_embed_contents(model=model, requests=requests).embeddings
    assert list(many[0].values) == list(one) != list(many[1].values)


def test_answer_from_passages(gemini: RunningEmulator, google: Callable[[str], Any]) -> None:
    client = google("Generative")
    passages = [{"id": "1", "content": {"parts": [{"text": "The sky scatters blue light the most."}]}}]
    request = {
        "model": "models/aqa",
        "contents": said("Why is the sky blue?"),
        "inline_passages": {"passages": passages},
        "answer_style": "EXTRACTIVE",
    }
    response = client.generate_answer(theirs.GenerateAnswerRequest(request))
    assert "blue" in response.answer.content.parts[0].text
    assert response.answer.grounding_attributions


def test_models_and_tuning_with_progress(gemini: RunningEmulator, google: Callable[[str], Any]) -> None:
    client = google("Model")
    request = theirs.ListModelsRequest(page_size=3)
    names = [m.name for m in client.list_models(request=request)]
    assert MODEL in names
    assert len(names) == len(set(names)) > 3
    examples = [{"text_input": str(n), "output": str(n + 1)} for n in range(4)]
    operation = client.create_tuned_model(
        tuned_model={
            "display_name": "counting",
            "base_model": TUNABLE,
            "tuning_task": {"training_data": {"examples": {"examples": examples}}},
        }
    )
    assert operation.metadata.total_steps > 0
    gemini.advance(3600)
    tuned = operation.result(timeout=30)
    assert tuned.state == theirs.TunedModel.State.ACTIVE
    assert tuned.tuning_task.snapshots
    assert [m.name for m in client.list_tuned_models(page_size=5)] == [tuned.name]
    answer = google("Generative").generate_content(model=tuned.name, contents=said("2"))
    assert answer.candidates[0].content.parts[0].text == "3"
    tuned.description = "counts"
    mask = field_mask_pb2.FieldMask(paths=["description"])
    assert client.update_tuned_model(tuned_model=tuned, update_mask=mask).description == "counts"
    client.delete_tuned_model(name=tuned.name)
    with pytest.raises(exceptions.NotFound):
        client.get_tuned_model(name=tuned.name)


def test_caches_files_and_permissions(gemini: RunningEmulator, google: Callable[[str], Any]) -> None:
    caches = google("Cache")
    cached = caches.create_cached_content(
        cached_content=theirs.CachedContent(model=MODEL, contents=said("a long story"), ttl={"seconds": 60})
    )
    assert cached.usage_metadata.total_token_count > 0
    assert [c.name for c in caches.list_cached_contents(theirs.ListCachedContentsRequest())] == [cached.name]
    gemini.advance(61)
    with pytest.raises(exceptions.Forbidden):
        caches.get_cached_content(name=cached.name)
    files = google("File")
    created = files.create_file(theirs.CreateFileRequest(file={"display_name": "notes"})).file
    assert files.get_file(name=created.name).display_name == "notes"
    files.delete_file(name=created.name)
    corpus = google("Retriever").create_corpus(corpus=theirs.Corpus(display_name="shared"))
    permissions = google("Permission")
    given = permissions.create_permission(
        theirs.CreatePermissionRequest(
            parent=corpus.name, permission={"grantee_type": "EVERYONE", "role": "READER"}
        )
    )
    assert given.name in [p.name for p in permissions.list_permissions(parent=corpus.name)]


def test_corpora_are_searched_by_meaning(gemini: RunningEmulator, google: Callable[[str], Any]) -> None:
    client = google("Retriever")
    corpus = client.create_corpus(corpus=theirs.Corpus(display_name="nature"))
    document = client.create_document(parent=corpus.name, document=theirs.Document(display_name="sky"))
    texts = ["The sky is blue because air scatters blue light.", "Bread is baked from flour and water."]
    client.batch_create_chunks(
        theirs.BatchCreateChunksRequest(
            parent=document.name,
            requests=[
                theirs.CreateChunkRequest(parent=document.name, chunk={"data": {"string_value": t}})
                for t in texts
            ],
        )
    )
    found = client.query_corpus(theirs.QueryCorpusRequest(name=corpus.name, query="why is the sky blue"))
    assert found.relevant_chunks[0].chunk.data.string_value == texts[0]


def test_errors_have_decoded_details(gemini: RunningEmulator, google: Callable[[str], Any]) -> None:
    client = google("Generative")
    with pytest.raises(exceptions.BadRequest) as refused:
        client.generate_content(model=MODEL)
    # Over REST, Google's client leaves details as JSON.
    [bad] = refused.value.details
    violations = bad["fieldViolations"] if isinstance(bad, dict) else bad.field_violations
    assert "contents" in str(violations[0])
    gemini.fail("RESOURCE_EXHAUSTED", retry_delay=1.5)
    with pytest.raises(exceptions.TooManyRequests) as exhausted:
        client.generate_content(model=MODEL, contents=said("x"))
    [retry] = exhausted.value.details
    delay = retry["retryDelay"] if isinstance(retry, dict) else retry.retry_delay.ToJsonString()
    assert delay == "1.500s"


def test_async_client(gemini: RunningEmulator) -> None:
    from google.ai.generativelanguage_v1beta.services.generative_service.transports import (
        GenerativeServiceGrpcAsyncIOTransport,
    )

    async def main() -> int:
        channel = grpc.aio.insecure_channel(gemini.address)
        client = theirs.GenerativeServiceAsyncClient(
            transport=GenerativeServiceGrpcAsyncIOTransport(channel=channel)
        )
        stream = await client.stream_generate_content(model=MODEL, contents=said("Why?"))
        count = len([chunk async for chunk in stream])
        await channel.close()
        return count

    assert asyncio.run(main()) > 3


def test_ours_and_googles_calls_leave_the_same_journal(gemini: RunningEmulator) -> None:
    contents = [{"role": "user", "parts": [{"text": "Why is the sky blue?"}]}]
    config = {"temperature": 0.5, "stop_sequences": ["x"]}
    request = {"model": MODEL, "contents": contents, "generation_config": config}

    def calls(client: Any, models: Any) -> list[Any]:
        before = len(gemini.calls())
        client.generate_content(request)
        client.count_tokens(model=MODEL, contents=contents)
        list(client.stream_generate_content(request))
        models.get_model(name=MODEL)
        list(models.list_models({"page_size": 50}))
        return gemini.calls()[before:]

    ours = calls(v1beta.GenerativeServiceClient(), v1beta.ModelServiceClient())
    googles = calls(client_of("Generative", gemini), client_of("Model", gemini))
    for mine, other in zip(ours, googles, strict=True):
        assert mine.method == other.method
        assert mine.requests[0].SerializeToString() == other.requests[0].SerializeToString()
        assert list(mine.metadata) == list(other.metadata)
        assert mine.metadata.get("x-goog-request-params") == other.metadata.get("x-goog-request-params")
        tokens = [t.split("/")[0] for t in mine.metadata["x-goog-api-client"].split()]
        assert tokens == [t.split("/")[0] for t in other.metadata["x-goog-api-client"].split()]
