"""Clients."""

from __future__ import annotations

from typing import Any

from genai_snippets.group import MODEL, Run, group


@group("Client with an API key")
def with_api_key(run: Run) -> Any:
    client = run.create_client(api_key="a-key")
    return client.vertexai


@group("Client configured by environment variables")
def by_environment(run: Run) -> Any:
    with run.environment(GOOGLE_API_KEY="a-key"):
        client = run.create_client()
    return client.models.count_tokens(model=MODEL, contents="Hello").total_tokens


@group("Client for Vertex AI")
def for_vertex(run: Run) -> Any:
    client = run.create_client(
        vertexai=True, project="a-project", location="us-central1", credentials=run.credentials
    )
    return client.vertexai, client.models.count_tokens(model=MODEL, contents="Hello").total_tokens


@group("API version")
def version(run: Run) -> Any:
    client = run.create_client(api_key="a-key", http_options=run.types.HttpOptions(api_version="v1alpha"))
    return client.models.count_tokens(model=MODEL, contents="Hello").total_tokens


@group("API version of Vertex AI")
def vertex_version(run: Run) -> Any:
    client = run.create_client(
        vertexai=True,
        project="a-project",
        location="us-central1",
        credentials=run.credentials,
        http_options=run.types.HttpOptions(api_version="v1"),
    )
    return client.models.count_tokens(model=MODEL, contents="Hello").total_tokens


@group("HTTP options of a client and of a call")
def options(run: Run) -> Any:
    options = run.types.HttpOptions(timeout=20_000, headers={"x-team": "harbour"})
    client = run.create_client(api_key="a-key", http_options=options)
    client.models.count_tokens(
        model=MODEL,
        contents="Hello",
        config={"http_options": {"timeout": 5_000, "headers": {"x-request": "first"}}},
    )
    metadata = run.emulator.calls()[-1].metadata
    return metadata["x-team"], metadata["x-request"]
