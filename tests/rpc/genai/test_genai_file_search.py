"""File search stores and their documents, sync and async."""

from __future__ import annotations

from collections.abc import Iterator
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
    with pytest.raises(errors.NotFound):
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
