"""``models list``, ``models get`` and ``models pull``."""

from __future__ import annotations

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
    if as_json:
        output.print_json([output.as_dict(m) for m in models])
        return
    for model in models:
        output.write(f"{model.name:44} {', '.join(model.supported_generation_methods)}\n")


@app.command("get")
def get_model(model: str) -> None:
    """Show a model as JSON."""
    with v1beta.ModelServiceClient() as client:
        output.print_json(client.get_model(name=full_name(model)))


@app.command("pull")
def pull_models() -> None:
    """Fetch the models that the emulator's local engine runs: some 180 MB, once."""
    from gemwire_emulator import weights

    try:
        for path in weights.pull():
            output.write(f"{path}\n")
    except weights.WeightsError as error:
        output.note(f"gemwire: {error}")
        raise SystemExit(1) from None
