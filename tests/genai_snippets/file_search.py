"""File search stores, and the tool that searches them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from genai_snippets.group import Run, group

MODEL = "gemini-2.5-flash"
BIRDS = "The heron stands in shallow water and waits for fish. Herons nest in tall trees. " * 4
FOXES = "The fox hunts at night. Foxes dig dens in the ground and raise their cubs there."


def _wait(run: Run, operation: Any) -> Any:
    run.emulator.advance(1)
    while not (operation := run.client.operations.get(operation)).done:
        time.sleep(0.02)
    return operation


@group("File search stores: create, get, list and delete")
def stores(run: Run) -> Any:
    stores = run.client.file_search_stores
    made = [stores.create(config={"display_name": f"Notes {number}"}) for number in range(3)]
    store = stores.get(name=made[0].name)
    listed = [one.display_name for one in stores.list(config={"page_size": 2})]
    for one in made:
        stores.delete(name=one.name)
    return store.display_name, store.embedding_model, store == made[0], listed, list(stores.list())


@group("Upload a file to a file search store")
def upload(run: Run) -> Any:
    stores = run.client.file_search_stores
    store = run.kept["store"] = stores.create()
    (run.folder / "birds.txt").write_text(BIRDS, "utf-8")
    operation = stores.upload_to_file_search_store(
        file_search_store_name=store.name,
        file=str(run.folder / "birds.txt"),
        config={
            "custom_metadata": [{"key": "kind", "string_value": "bird"}],
            "chunking_config": {"white_space_config": {"max_tokens_per_chunk": 20, "max_overlap_tokens": 5}},
        },
    )
    begun = type(operation).__name__, operation.done, operation.error, operation.response
    operation = _wait(run, operation)
    document = stores.documents.get(name=operation.response.document_name)
    return (
        *(begun, operation.response.parent == store.name),
        *(document.display_name, document.mime_type, document.size_bytes, document.state),
        [(one.key, one.string_value) for one in document.custom_metadata],
    )


@group("Import a file into a file search store")
def imported(run: Run) -> Any:
    store = run.kept["store"]
    (run.folder / "foxes.txt").write_text(FOXES, "utf-8")
    file = run.client.files.upload(file=run.folder / "foxes.txt", config={"display_name": "Foxes"})
    operation = run.client.file_search_stores.import_file(
        file_search_store_name=store.name,
        file_name=file.name,
        config={"custom_metadata": [{"key": "kind", "string_value": "mammal"}]},
    )
    pending = run.client.file_search_stores.get(name=store.name).pending_documents_count
    operation = _wait(run, operation)
    counted = run.client.file_search_stores.get(name=store.name)
    return pending, operation.done, counted.active_documents_count, counted.size_bytes


def _sources(response: Any) -> Any:
    found = response.candidates[0].grounding_metadata
    sources = [
        (chunk.retrieved_context.title, chunk.retrieved_context.text)
        for chunk in found.grounding_chunks or []
    ]
    supports = [
        (support.segment.text, support.segment.end_index, list(support.grounding_chunk_indices))
        for support in found.grounding_supports or []
    ]
    return sources, supports


@group("Search files")
def search(run: Run) -> Any:
    types = run.types
    tool = types.Tool(file_search=types.FileSearch(file_search_store_names=[run.kept["store"].name], top_k=2))
    response = run.client.models.generate_content(
        model=MODEL,
        contents="Where do herons nest?",
        config=types.GenerateContentConfig(tools=[tool]),
    )
    return response.text, _sources(response), response.usage_metadata.tool_use_prompt_token_count


@group("Search files by their metadata, streaming")
def filtered(run: Run) -> Any:
    store = run.kept["store"].name
    tool = {"file_search": {"file_search_store_names": [store], "metadata_filter": 'kind = "mammal"'}}
    chunks = list(
        run.client.models.generate_content_stream(
            model=MODEL, contents="Where do herons nest?", config={"tools": [tool]}
        )
    )
    return "".join(chunk.text for chunk in chunks), _sources(chunks[-1])


@group("List and delete documents of a file search store")
def documents(run: Run) -> Any:
    stores, store = run.client.file_search_stores, run.kept["store"]
    listed = sorted(document.display_name for document in stores.documents.list(parent=store.name))
    refused = []
    for delete, name in (
        (stores.documents.delete, next(iter(stores.documents.list(parent=store.name))).name),
        (stores.delete, store.name),
    ):
        try:
            delete(name=name)
        except run.errors.ClientError as error:
            refused.append((error.code, error.message))
        delete(name=name, config={"force": True})
    return listed, refused, list(stores.list())


@group("File search stores (async)")
async def asynchronous(run: Run) -> Any:
    stores = run.client.aio.file_search_stores
    store = await stores.create(config={"display_name": "Tides"})
    (run.folder / "tides.txt").write_text("High water is at noon.", "utf-8")
    # google-genai uploads with asyncio by a client that does not know the emulator's certificate.
    file = run.client.files.upload(file=run.folder / "tides.txt", config={"display_name": "Tides"})
    operation = await stores.import_file(file_search_store_name=store.name, file_name=file.name)
    run.sleep(1)
    while not (operation := await run.client.aio.operations.get(operation)).done:  # noqa: ASYNC110 - as programs poll
        await asyncio.sleep(0.02)
    found = [document.display_name async for document in await stores.documents.list(parent=store.name)]
    await stores.delete(name=store.name, config={"force": True})
    return store.display_name, found
