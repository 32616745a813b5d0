"""Files and caches."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import Run, group

MODEL = "gemini-1.5-pro-002"


@group("Upload files")
def upload(run: Run) -> Any:
    for name in ("log", "chart"):
        (run.folder / f"{name}.pdf").write_bytes(b"%PDF-1.4 of the " + name.encode())
        run.kept[name] = run.client.files.upload(file=run.folder / f"{name}.pdf")
    file = run.kept["log"]
    return file.mime_type, file.size_bytes, file.state


@group("Get a file")
def get(run: Run) -> Any:
    file = run.kept["log"]
    found = run.client.files.get(name=file.name)
    return found == file, found.uri == file.uri


@group("List files")
def listed(run: Run) -> Any:
    found = [file.name for file in run.client.files.list(config={"page_size": 1})]
    return [found.count(run.kept[name].name) for name in ("log", "chart")]


@group("Delete a file")
def delete(run: Run) -> Any:
    file = run.client.files.upload(file=run.folder / "log.pdf")
    run.client.files.delete(name=file.name)
    try:
        run.client.files.get(name=file.name)
    except run.errors.ClientError as error:
        return error.code


@group("Create a cache")
def cache(run: Run) -> Any:
    types = run.types
    parts = [
        types.Part.from_uri(file_uri=run.kept[name].uri, mime_type="application/pdf")
        for name in ("log", "chart")
    ]
    run.kept["cache"] = cached = run.client.caches.create(
        model=MODEL,
        config=types.CreateCachedContentConfig(
            contents=[types.Content(role="user", parts=parts)],
            system_instruction="Where do the log and the chart disagree?",
            display_name="voyage",
            ttl="1800s",
        ),
    )
    return cached.model, cached.display_name, cached.usage_metadata.total_token_count


@group("Get a cache")
def cache_get(run: Run) -> Any:
    cached = run.client.caches.get(name=run.kept["cache"].name)
    return cached.name == run.kept["cache"].name, cached.model


@group("Use a cache")
def cache_used(run: Run) -> Any:
    response = run.client.models.generate_content(
        model=MODEL,
        contents="Sum the voyage up.",
        config=run.types.GenerateContentConfig(cached_content=run.kept["cache"].name),
    )
    # What the emulator goes on with depends on the names of the files.
    said = response.text.partition("). ")[0]
    return said, response.usage_metadata.cached_content_token_count


@group("Update, list and delete caches")
def cache_changed(run: Run) -> Any:
    name = run.kept["cache"].name
    changed = run.client.caches.update(name=name, config=run.types.UpdateCachedContentConfig(ttl="3600s"))
    listed = [cached.name for cached in run.client.caches.list()]
    run.client.caches.delete(name=name)
    lasts = changed.expire_time - run.kept["cache"].expire_time
    return round(lasts.total_seconds(), -2), listed == [name], list(run.client.caches.list())
