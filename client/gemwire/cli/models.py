"""``models``."""

from __future__ import annotations

from typing import Annotated

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.options import AsJson

app = typer.Typer(help="List and describe models.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List models."""
    with v1beta.ModelServiceClient() as client:
        models = list(client.list_models(page_size=1000))
    output.print_list(models, lambda m: (m.name, ", ".join(m.supported_generation_methods)), as_json=as_json)


@app.command("get")
def get_model(
    model: Annotated[str, typer.Argument(help="Model name, with or without models/.")],
    as_json: AsJson = False,
) -> None:
    """Describe a model."""
    with v1beta.ModelServiceClient() as client:
        response = client.get_model(name=output.full_name("models", model))
    output.print_message(response, as_json=as_json)


@app.command("pull")
def pull_models(as_json: AsJson = False) -> None:
    """Download the models for --local and the emulator's local engine: about 180 MB, once.

    Models that exist already are verified. Prints the paths of the files.
    """
    from gemwire_emulator import weights

    try:
        paths = [str(path) for path in weights.pull()]
    except weights.WeightsError as error:
        output.print_error(str(error))
        raise SystemExit(1) from None
    if as_json:
        output.print_json(paths)
    else:
        output.write("".join(f"{path}\n" for path in paths))
