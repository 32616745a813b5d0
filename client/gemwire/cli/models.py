"""``models list``, ``models get`` and ``models pull``."""

from __future__ import annotations

from typing import Annotated

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.content import AsJson, full_name

app = typer.Typer(help="The models there are.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models."""
    with v1beta.ModelServiceClient() as client:
        models = list(client.list_models(page_size=1000))
    output.print_list(models, lambda m: (m.name, ", ".join(m.supported_generation_methods)), as_json=as_json)


@app.command("get")
def get_model(
    model: Annotated[str, typer.Argument(help="Name, with or without models/.")],
    as_json: AsJson = False,
) -> None:
    """Show a model."""
    with v1beta.ModelServiceClient() as client:
        found = client.get_model(name=full_name(model))
    output.show(found, as_json=as_json)


@app.command("pull")
def pull_models(as_json: AsJson = False) -> None:
    """Fetch the models that --local and the emulator's local engine run: some 180 MB, once.

    Models that are here are checked; their files are printed.
    """
    from gemwire_emulator import weights

    try:
        paths = [str(path) for path in weights.pull()]
        if as_json:
            output.print_json(paths)
        else:
            output.write("".join(f"{path}\n" for path in paths))
    except weights.WeightsError as error:
        output.complain(str(error))
        raise SystemExit(1) from None
