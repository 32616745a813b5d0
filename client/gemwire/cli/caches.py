"""``caches``."""

from __future__ import annotations

import datetime
from typing import Annotated

import typer

from gemwire.cli import output, service
from gemwire.cli.options import AsJson, DisplayName, File, Model, Prompt, System
from gemwire.cli.prompt_input import user_content

app = typer.Typer(help="Manage cached contents: prompts that later requests reuse.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Cache name, with or without cachedContents/.")]
_TTL = "Time to live in seconds, from now."


def _parent() -> dict[str, object]:
    """Return the field that says where caches are, which the Gemini API does not have."""
    place = service.find_vertex()
    return {} if place is None else {"parent": place.name}


@app.command("create")
def create(
    prompt: Prompt = None,
    model: Model = "gemini-2.5-flash",
    file: File = None,
    system: System = None,
    display_name: DisplayName = None,
    ttl: Annotated[float | None, typer.Option(help=_TTL, metavar="SECONDS")] = None,
    as_json: AsJson = False,
) -> None:
    """Cache a prompt and print the name of the cache."""
    cache: dict[str, object] = {
        "model": service.name_model(model),
        "contents": [user_content(prompt, file)],
    }
    if system:
        cache["system_instruction"] = {"parts": [{"text": system}]}
    if display_name is not None:
        cache["display_name"] = display_name
    if ttl is not None:
        cache["ttl"] = datetime.timedelta(seconds=ttl)
    with service.create_cache_client() as client:
        created = client.create_cached_content({**_parent(), "cached_content": cache})
    output.print_result(created, created.name, as_json=as_json)


@app.command("list")
def list_caches(as_json: AsJson = False) -> None:
    """List caches."""
    with service.create_cache_client() as client:
        caches: list[service.CachedContent] = list(
            client.list_cached_contents({**_parent(), "page_size": 1000})
        )
    output.print_list(
        caches,
        lambda c: (c.name, c.model, f"until {c.expire_time.ToJsonString()}", c.display_name),
        as_json=as_json,
    )


@app.command("get")
def get(name: Name, as_json: AsJson = False) -> None:
    """Describe a cache. The service does not return its contents."""
    with service.create_cache_client() as client:
        cache = client.get_cached_content(name=service.name_cache(name))
    output.print_message(cache, as_json=as_json)


@app.command("update")
def update(
    name: Name,
    ttl: Annotated[float, typer.Option(help=_TTL, metavar="SECONDS")],
    as_json: AsJson = False,
) -> None:
    """Update the expiration time of a cache."""
    with service.create_cache_client() as client:
        cache = client.update_cached_content(
            cached_content={
                "name": service.name_cache(name),
                "ttl": datetime.timedelta(seconds=ttl),
            },
            update_mask={"paths": ["ttl"]},
        )
    output.print_message(cache, as_json=as_json)


@app.command("delete")
def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete a cache."""
    with service.create_cache_client() as client:
        client.delete_cached_content(name=service.name_cache(name))
    output.print_deleted(as_json=as_json)
