"""``embed``."""

from __future__ import annotations

from typing import Annotated

import typer

from gemwire.cli import output, service
from gemwire.cli.local_model import Local, use_local_model
from gemwire.cli.options import AsJson, Model, Transport, TransportName
from gemwire.cli.prompt_input import read_prompt


def embed(
    text: Annotated[str | None, typer.Argument(help="Text. Reads standard input if omitted or -.")] = None,
    model: Model = "gemini-embedding-001",
    dimensions: Annotated[int | None, typer.Option(help="Length of the vector.", metavar="N")] = None,
    local: Local = False,
    transport: Transport = TransportName.GRPC,
    as_json: AsJson = False,
) -> None:
    """Print the embedding of a text: one number per line, or a JSON array."""
    content, name = read_prompt(text), service.name_model(model)
    with use_local_model(local):
        values = service.embed(name, content, dimensions, transport.value)
    if as_json:
        output.print_json(values, indent=None)
    else:
        output.write("".join(f"{value}\n" for value in values))
