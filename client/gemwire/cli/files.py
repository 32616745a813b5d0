"""``files``."""

from __future__ import annotations

from typing import Annotated

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.options import AsJson

app = typer.Typer(help="Manage uploaded files.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="File name, with or without files/.")]


@app.command("list")
def list_files(as_json: AsJson = False) -> None:
    """List files."""
    with v1beta.FileServiceClient() as client:
        files = list(client.list_files({"page_size": 100}))
    output.print_list(
        files, lambda f: (f.name, f.mime_type, f"{f.size_bytes}", f.display_name), as_json=as_json
    )


@app.command("get")
def get(name: Name, as_json: AsJson = False) -> None:
    """Describe a file."""
    with v1beta.FileServiceClient() as client:
        file = client.get_file(name=output.full_name("files", name))
    output.print_message(file, as_json=as_json)


@app.command("delete")
def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete a file."""
    with v1beta.FileServiceClient() as client:
        client.delete_file(name=output.full_name("files", name))
    output.print_deleted(as_json=as_json)
