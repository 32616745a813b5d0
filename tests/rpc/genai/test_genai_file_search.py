"""File search stores and their documents, sync and async."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import comes
from scripted_grpc_server import Api

from gemwire import errors
from gemwire.genai import types
from gemwire.testing import RunningEmulator, environment

NOTES = b"The heron stands in shallow water. It waits for fish. The fox hunts at night."


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    made = RunningEmulator(http_port=0, frozen_at=1_800_000_000.0)
    yield made
    made.stop()


@pytest.fixture
def gemini(running: RunningEmulator) -> Iterator[RunningEmulator]:
    running.reset()
    with environment(running):
        yield running


def ended(api: Api, resources: Any, gemini: RunningEmulator, operation: Any) -> Any:
    """Return an operation when its work is done."""
    gemini.advance(1)
    assert comes(lambda: api(resources.operations.get(operation)).done)
    return api(resources.operations.get(operation))


def test_stores(api: Api, gemini: RunningEmulator) -> None:
    stores = api.genai().file_search_stores
    store = api(stores.create(config={"display_name": "My notes", "embedding_model": "text-embedding-004"}))
    assert type(store).__name__ == "FileSearchStore"
    assert store.name.startswith("fileSearchStores/my-notes-")
    assert (store.display_name, store.embedding_model) == ("My notes", "models/text-embedding-004")
    assert store.create_time == store.update_time
    for name in (store.name, store.name.removeprefix("fileSearchStores/"), store):
        assert api(stores.get(name=name)) == store
    more = [api(stores.create()).name for _ in range(2)]
    pager = api(stores.list(config={"page_size": 2}))
    assert (pager.name, [one.name for one in pager.page]) == ("file_search_stores", [store.name, more[0]])
    assert [one.name for one in api(pager.next_page())] == more[1:]
    assert api(stores.delete(name=store.name)) is None
    with pytest.raises(errors.PermissionDenied):
        api(stores.get(name=store.name))
    assert {call.front for call in gemini.calls()} == {"http"}


def test_import_of_a_file(api: Api, gemini: RunningEmulator) -> None:
    resources = api.genai()
    stores, documents = resources.file_search_stores, resources.file_search_stores.documents
    store = api(stores.create())
    file = api(
        resources.files.upload(file=NOTES, config={"mime_type": "text/plain", "display_name": "birds.txt"})
    )
    operation = api(
        stores.import_file(
            file_search_store_name=store.name,
            file_name=file.name,
            config={
                "custom_metadata": [
                    types.CustomMetadata(key="year", numeric_value=1930),
                    {"key": "tags", "string_list_value": {"values": ["birds", "water"]}},
                ],
                "chunking_config": {
                    "white_space_config": {"max_tokens_per_chunk": 6, "max_overlap_tokens": 1}
                },
            },
        )
    )
    assert type(operation).__name__ == "ImportFileOperation"
    assert (operation.done, operation.response, operation.error) == (None, None, None)
    [document] = api(documents.list(parent=store.name)).page
    assert (document.display_name, document.mime_type, document.size_bytes, document.state) == (
        *("birds.txt", "text/plain", len(NOTES)),
        types.DocumentState.STATE_PENDING,
    )
    assert api(stores.get(name=store.name)).pending_documents_count == 1
    operation = ended(api, resources, gemini, operation)
    assert type(operation).__name__ == "ImportFileOperation"
    assert (operation.response.parent, operation.response.document_name) == (store.name, document.name)
    document = api(documents.get(name=document.name))
    assert document.state == types.DocumentState.STATE_ACTIVE
    assert {one.key: one.numeric_value for one in document.custom_metadata}["year"] == 1930
    assert document.custom_metadata[1].string_list_value.values == ["birds", "water"]
    kept = api(stores.get(name=store.name))
    assert (kept.active_documents_count, kept.pending_documents_count, kept.size_bytes) == (
        *(1, None),
        len(NOTES),
    )
    # Not while there is something in it.
    for delete in (lambda: stores.delete(name=store.name), lambda: documents.delete(name=document.name)):
        with pytest.raises(errors.FailedPrecondition, match="Cannot delete non-empty"):
            api(delete())
    assert api(documents.delete(name=document.name, config={"force": True})) is None
    assert not api(documents.list(parent=store.name)).page
    assert api(stores.delete(name=store.name)) is None


def test_a_file_that_is_not_text_fails(api: Api, gemini: RunningEmulator) -> None:
    resources = api.genai()
    store = api(resources.file_search_stores.create())
    file = api(resources.files.upload(file=b"\x89PNG", config={"mime_type": "image/png"}))
    operation = api(
        resources.file_search_stores.import_file(file_search_store_name=store.name, file_name=file.name)
    )
    operation = ended(api, resources, gemini, operation)
    assert operation.response is None
    assert operation.error["code"] == 3
    assert "searches text files only" in operation.error["message"]
    [document] = api(resources.file_search_stores.documents.list(parent=store.name)).page
    assert document.state == types.DocumentState.STATE_FAILED
    assert api(resources.file_search_stores.get(name=store.name)).failed_documents_count == 1


def test_what_is_refused_before_it_is_sent(api: Api, gemini: RunningEmulator) -> None:
    stores = api.genai().file_search_stores
    with pytest.raises(ValueError, match=r"name: 'a b' is not a name, such as 'fileSearchStores/"):
        api(stores.get(name="a b"))
    with pytest.raises(ValueError, match=r"name: 'fileSearchStores/a' is not the name of a document"):
        api(stores.documents.get(name="fileSearchStores/a"))
    with pytest.raises(TypeError, match="name: expected the name of a document, got int"):
        api(stores.documents.delete(name=1))
    with pytest.raises(ValueError, match="has no field 'chunks'"):
        api(stores.import_file(file_search_store_name="a", file_name="b", config={"chunks": 1}))
    with pytest.raises(TypeError, match=r"config.embedding_model: expected a string, got int"):
        api(stores.create(config={"embedding_model": 3}))
    assert not gemini.calls()


def test_upload(api: Api, gemini: RunningEmulator, tmp_path: Path) -> None:
    resources = api.genai()
    store = api(resources.file_search_stores.create())
    path = tmp_path / "birds.txt"
    path.write_bytes(NOTES)
    told: list[tuple[int, int | None]] = []
    operation = api(
        resources.file_search_stores.upload_to_file_search_store(
            file_search_store_name=store.name,
            file=path,
            config={"custom_metadata": [{"key": "kind", "string_value": "bird"}]},
            progress=lambda sent, size: told.append((sent, size)),
        )
    )
    assert type(operation).__name__ == "UploadToFileSearchStoreOperation"
    assert operation.name.startswith(f"{store.name}/upload/operations/")
    assert told == [(len(NOTES), len(NOTES))]
    operation = ended(api, resources, gemini, operation)
    assert operation.response.size_bytes == len(NOTES)
    document = api(resources.file_search_stores.documents.get(name=operation.response.document_name))
    assert (document.display_name, document.mime_type) == ("birds.txt", "text/plain")
    assert document.custom_metadata[0].string_value == "bird"
    [call] = gemini.calls("UploadToFileSearchStore")
    assert call.request.file_search_store_name == store.name


def test_an_upload_without_a_media_type_is_refused(api: Api, gemini: RunningEmulator) -> None:
    stores = api.genai().file_search_stores
    with pytest.raises(ValueError, match=r"config\.mime_type: cannot be derived from the source"):
        api(stores.upload_to_file_search_store(file_search_store_name="a", file=NOTES))
    assert not gemini.calls()


def test_refusals_of_the_service(api: Api, gemini: RunningEmulator) -> None:
    resources = api.genai()
    stores = resources.file_search_stores
    text = {"mime_type": "text/plain"}
    with pytest.raises(errors.PermissionDenied, match="the FileSearchStore none or"):
        api(stores.upload_to_file_search_store(file_search_store_name="none", file=NOTES, config=text))
    store = api(stores.create()).name
    with pytest.raises(errors.PermissionDenied, match="the File none or"):
        api(stores.import_file(file_search_store_name=store, file_name="none"))
    for config, words in (
        ({"max_tokens_per_chunk": 513}, "max_tokens_per_chunk: must be from 1 to 512"),
        ({"max_tokens_per_chunk": 5, "max_overlap_tokens": 5}, "max_overlap_tokens: must be from 0 to 4"),
    ):
        with pytest.raises(errors.InvalidArgument, match=words):
            api(
                stores.upload_to_file_search_store(
                    file_search_store_name=store,
                    file=NOTES,
                    config={**text, "chunking_config": {"white_space_config": config}},
                )
            )
    with pytest.raises(errors.InvalidArgument, match="a file may have at most 104857600"):
        api(
            stores.upload_to_file_search_store(
                file_search_store_name=store, file=(b"a" * 2**20 for _ in range(101)), config=text
            )
        )
    for _ in range(9):
        api(stores.create())
    with pytest.raises(errors.ResourceExhausted, match="a project can have 10 stores"):
        api(stores.create())


def test_search(api: Api, gemini: RunningEmulator) -> None:
    resources = api.genai()
    stores = resources.file_search_stores
    names = []
    for kind, text in (("bird", b"The heron stands in water."), ("mammal", b"The fox hunts at night.")):
        names.append(api(stores.create()).name)
        operation = api(
            stores.upload_to_file_search_store(
                file_search_store_name=names[-1],
                file=text,
                config={
                    "mime_type": "text/plain",
                    "display_name": kind,
                    "custom_metadata": [{"key": "kind", "string_value": kind}],
                },
            )
        )
        ended(api, resources, gemini, operation)

    def ask(config: dict[str, Any] | None = None, **tool: Any) -> Any:
        tools = [{"file_search": {"file_search_store_names": names, **tool}}]
        return api(
            resources.models.generate_content(
                model="gemini-2.5-flash",
                contents="Where does the heron stand?",
                config={"tools": tools, **(config or {})},
            )
        )

    def titles(response: Any) -> list[str]:
        metadata = response.candidates[0].grounding_metadata
        chunks = metadata.grounding_chunks if metadata else []
        return [chunk.retrieved_context.title for chunk in chunks]

    response = ask()
    assert "According to bird: The heron stands in water." in response.text
    assert titles(response) == ["bird", "mammal"]
    metadata = response.candidates[0].grounding_metadata
    source = metadata.grounding_chunks[0].retrieved_context
    assert (source.text, source.file_search_store) == ("The heron stands in water.", names[0])
    assert source.custom_metadata[0].string_value == "bird"
    support = metadata.grounding_supports[0]
    assert response.text.encode()[support.segment.start_index : support.segment.end_index].decode() == (
        support.segment.text
    )
    assert 0 in support.grounding_chunk_indices
    usage = response.usage_metadata
    assert usage.total_token_count == (
        usage.prompt_token_count + usage.tool_use_prompt_token_count + usage.candidates_token_count
    )
    assert titles(ask(top_k=1)) == ["bird"]
    assert titles(ask(metadata_filter='kind = "mammal"')) == ["mammal"]
    assert titles(ask(metadata_filter='kind = "fish"')) == []
    assert titles(ask(file_search_store_names=names[1:])) == ["mammal"]
    shown = ask({"tool_config": {"include_server_side_tool_invocations": True}})
    called, answered = (part for part in shown.candidates[0].content.parts[:2])
    assert called.tool_call.args == {"query": "Where does the heron stand?"}
    assert answered.tool_response.response["passages"][0]["title"] == "bird"
    # They may come back when the conversation goes on.
    history = [types.UserContent("Where?"), shown.candidates[0].content, types.UserContent("And the fox?")]
    again = api(resources.models.generate_content(model="gemini-2.5-flash", contents=history))
    assert "And the fox?" in again.text
    refused: list[tuple[dict[str, Any], str]] = [
        ({"file_search_store_names": []}, "file_search_store_names: is required"),
        ({"file_search_store_names": ["corpora/a"]}, "is not of the form fileSearchStores/"),
        ({"top_k": 101}, "top_k: must be from 1 to 100"),
        ({"metadata_filter": "kind"}, "metadata_filter: its end is where a comparison"),
    ]
    for tool, words in refused:
        with pytest.raises(errors.InvalidArgument, match=words):
            ask(**tool)
