"""``caches``: prompts that are kept to be used again."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.content import AsJson, File, Model, Prompt, System, full_name, user_content

app = typer.Typer(help="Prompts that are kept to be used again.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name, with or without cachedContents/.")]
_TTL = "Seconds that it lives from now on."


@app.command("create")
def create(
    prompt: Prompt = None,
    model: Model = "gemini-2.5-flash",
    file: File = None,
    system: System = None,
    display_name: Annotated[str | None, typer.Option(help="Name for people.", metavar="TEXT")] = None,
    ttl: Annotated[float | None, typer.Option(help=_TTL, metavar="SECONDS")] = None,
    as_json: AsJson = False,
) -> None:
    """Keep a prompt; its name on stdout."""
    cache: dict[str, Any] = {"model": full_name(model), "contents": [user_content(prompt, file)]}
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
    ttl: Annotated[float, typer.Option(help=_TTL, metavar="SECONDS")],
    as_json: AsJson = False,
) -> None:
    """Let a cache live until another time, counted from now."""
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
def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete a cache."""
    with v1beta.CacheServiceClient() as client:
        client.delete_cached_content(name=output.full("cachedContents", name))
    output.deleted(as_json=as_json)
