"""``models``."""

from __future__ import annotations

from typing import Annotated

import typer
from google.protobuf.message import Message

from gemwire import v1beta
from gemwire.cli import output, service
from gemwire.cli.options import AsJson

app = typer.Typer(help="List and describe models.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List models."""
    if place := service.find_vertex():
        from gemwire import aiplatform_v1

        with aiplatform_v1.ModelGardenServiceClient(transport="rest", client_options=place.options) as garden:
            publishers = list(
                garden.list_publisher_models({"parent": "publishers/google", "page_size": 1000})
            )
        output.print_list(publishers, lambda m: (m.name, m.version_id), as_json=as_json)
        return
    with v1beta.ModelServiceClient() as client:
        models = list(client.list_models(page_size=1000))
    output.print_list(models, lambda m: (m.name, ", ".join(m.supported_generation_methods)), as_json=as_json)


@app.command("get")
def get_model(
    model: Annotated[str, typer.Argument(help="Model name, with or without models/.")],
    as_json: AsJson = False,
) -> None:
    """Describe a model."""
    if place := service.find_vertex():
        output.print_message(_get_vertex_model(model, place), as_json=as_json)
        return
    with v1beta.ModelServiceClient() as client:
        response = client.get_model(name=service.name_model(model))
    output.print_message(response, as_json=as_json)


def _get_vertex_model(model: str, place: service.VertexPlace) -> Message:
    """Return a publisher's model, or a tuned one: digits, ``models/5`` or its full name."""
    from gemwire import aiplatform_v1

    short = model.removeprefix("models/")
    if short.partition("@")[0].isdecimal() or (model.startswith("projects/") and "/publishers/" not in model):
        with aiplatform_v1.ModelServiceClient(client_options=place.options) as client:
            return client.get_model(name=model if "projects/" in model else f"{place.name}/models/{short}")
    name = f"publishers/{service.name_model(model).partition('/publishers/')[2]}"
    with aiplatform_v1.ModelGardenServiceClient(client_options=place.options) as garden:
        return garden.get_publisher_model(name=name)


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
