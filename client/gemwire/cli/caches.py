"""``caches``: prompts that are kept to be used again."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.content import AsJson, Model, Prompt, file_part, full_name, prompt_text

app = typer.Typer(help="Prompts that are kept to be used again.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name, with or without cachedContents/.")]
_TTL = "Seconds that it lives from now on."


@app.command("create")
def create(
    prompt: Prompt = None,
    model: Model = "gemini-2.5-flash",
    file: Annotated[
        list[Path] | None, typer.Option("--file", "-f", help="A file to keep; repeatable.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="System instruction.")] = None,
    display_name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    ttl: Annotated[float | None, typer.Option(help=_TTL)] = None,
    as_json: AsJson = False,
) -> None:
    """Keep a prompt; its name on stdout."""
    parts = [file_part(f) for f in file or ()]
    if prompt is not None or not parts:
        parts.append({"text": prompt_text(prompt)})
    cache: dict[str, Any] = {"model": full_name(model), "contents": [{"role": "user", "parts": parts}]}
    if system:
        cache["system_instruction"] = {"parts": [{"text": system}]}
    if display_name is not None:
        cache["display_name"] = display_name
    if ttl is not None:
        cache["ttl"] = datetime.timedelta(seconds=ttl)
    with v1beta.CacheServiceClient() as client:
        made = client.create_cached_content(cached_content=cache)
    if as_json:
        output.print_json(made)
    else:
        output.write(f"{made.name}\n")


@app.command("list")
def list_caches(as_json: AsJson = False) -> None:
    """List the caches."""
    with v1beta.CacheServiceClient() as client:
        caches = list(client.list_cached_contents({"page_size": 1000}))
    output.print_list(
        caches,
        lambda c: (c.name, c.model, f"until {c.expire_time.ToJsonString()}", c.display_name),
        as_json=as_json,
    )


@app.command("get")
def get(name: Name, as_json: AsJson = False) -> None:
    """Show a cache; what it keeps is not told by the service."""
    with v1beta.CacheServiceClient() as client:
        cache = client.get_cached_content(name=output.full("cachedContents", name))
    output.show(cache, as_json=as_json)


@app.command("update")
def update(
    name: Name,
    ttl: Annotated[float, typer.Option(help=_TTL)],
    as_json: AsJson = False,
) -> None:
    """Let a cache live for another time."""
    with v1beta.CacheServiceClient() as client:
        cache = client.update_cached_content(
            cached_content={
                "name": output.full("cachedContents", name),
                "ttl": datetime.timedelta(seconds=ttl),
            },
            update_mask={"paths": ["ttl"]},
        )
    output.show(cache, as_json=as_json)


@app.command("delete")
def delete(name: Name) -> None:
    """Delete a cache."""
    with v1beta.CacheServiceClient() as client:
        client.delete_cached_content(name=output.full("cachedContents", name))
