"""``tuned-models``."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gemwire import v1beta
from gemwire.cli import line_chart, output
from gemwire.cli.options import AsJson, DisplayName
from gemwire_runtime.sync.caller import Operation

app = typer.Typer(help="Tune models and manage tuned models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Tuned model name, with or without tunedModels/.")]
Description = Annotated[str | None, typer.Option(help="Description.", metavar="TEXT")]
Temperature = Annotated[
    float | None, typer.Option(help="Default temperature of requests, 0 to 1.", metavar="NUMBER")
]
TopP = Annotated[float | None, typer.Option(help="Default top_p of requests.", metavar="NUMBER")]
TopK = Annotated[int | None, typer.Option(help="Default top_k of requests.", metavar="N")]

_TuningOperation: TypeAlias = Operation[v1beta.TunedModel, v1beta.CreateTunedModelMetadata]
_COLUMNS = ("text_input", "output")


def parse_examples(text: str, source: str = "examples") -> list[dict[str, str]]:
    """Parse training examples: CSV with a header, or JSON lines.

    Args:
        text: Content of the file.
        source: Name of the file in error messages.

    Raises:
        ValueError: The format is invalid, or an example is incomplete; the error says which.
    """
    rows: list[tuple[int, dict[str, str]]]
    if text.lstrip().startswith("{"):
        try:
            rows = [(n, json.loads(line)) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        except json.JSONDecodeError as error:
            raise ValueError(f"{source}: not JSON lines: {error}") from None
    else:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise ValueError(f"{source}: the first line of CSV must name text_input and output")
        rows = [(reader.line_num, row) for row in reader]
    if not rows:
        raise ValueError(f"{source}: the file has no examples")
    for line, row in rows:
        if not isinstance(row, dict) or not all(isinstance(row.get(c), str) for c in _COLUMNS):
            raise ValueError(f"{source}: line {line} needs text_input and output")
    return [{c: row[c] for c in _COLUMNS} for _, row in rows]


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _set_fields(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _wait(operation: _TuningOperation) -> None:
    """Wait for a tuning operation, and show its progress."""
    pause = 0.2
    try:
        with _progress_bar() as update:
            update(operation.metadata)
            while not operation.done():
                update(operation.metadata)
                time.sleep(pause)
                pause = min(pause * 1.5, 5)
            update(operation.metadata)
    except KeyboardInterrupt:
        output.note(f"The tuning continues; run gemwire tuned-models get {_model_of(operation)} to check it.")
        raise


def _model_of(operation: _TuningOperation) -> str:
    return operation.metadata.tuned_model if operation.metadata else operation.name


@contextmanager
def _progress_bar() -> Iterator[Callable[[v1beta.CreateTunedModelMetadata | None], None]]:
    """Show a progress bar, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda metadata: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("tuning"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} steps {task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("tuning", total=1, loss="")

        def update(metadata: v1beta.CreateTunedModelMetadata | None) -> None:
            if metadata is not None and metadata.total_steps:
                loss = f"loss {metadata.snapshots[-1].mean_loss:.4g}" if metadata.snapshots else ""
                bar.update(task, total=metadata.total_steps, completed=metadata.completed_steps, loss=loss)

        yield update


def _print_loss(model: v1beta.TunedModel) -> None:
    """Print a chart of the loss, if there is any."""
    snapshots = model.tuning_task.snapshots
    if snapshots:
        braille = (sys.stderr.encoding or "").lower().startswith("utf")
        lines = line_chart.line_chart([snapshot.mean_loss for snapshot in snapshots], braille=braille)
        output.note("\n".join([f"mean loss over {snapshots[-1].step} steps", *lines]))


@app.command("create")
def create(
    examples: Annotated[
        Path,
        typer.Argument(help="CSV or JSON lines with text_input and output; - for stdin.", metavar="FILE"),
    ],
    base_model: Annotated[
        str, typer.Option("--model", "-m", help="Model to tune; may be a tuned model.", metavar="NAME")
    ] = "gemini-1.5-flash-001-tuning",
    tuned_model_id: Annotated[
        str | None, typer.Option("--id", help="Tuned model ID, the name without tunedModels/.", metavar="ID")
    ] = None,
    display_name: DisplayName = None,
    description: Description = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    top_k: TopK = None,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.", metavar="N")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Batch size.", metavar="N")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Learning rate, such as 0.001.", metavar="NUMBER")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the tuning to complete.")] = True,
    as_json: AsJson = False,
) -> None:
    """Tune a model and print its name. Shows progress and a chart of the loss on stderr.

    Ctrl-C stops waiting; the tuning continues.
    """
    source: dict[str, object] = {"base_model": output.full_name("models", base_model)}
    if base_model.startswith("tunedModels/"):
        source = {"tuned_model_source": {"tuned_model": base_model}}
    model: dict[str, object] = {
        **source,
        **_set_fields(
            display_name=display_name,
            description=description,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
        ),
        "tuning_task": {
            "training_data": {"examples": {"examples": parse_examples(_read(examples), str(examples))}},
            "hyperparameters": _set_fields(
                epoch_count=epochs, batch_size=batch_size, learning_rate=learning_rate
            ),
        },
    }
    request = {"tuned_model": model, **_set_fields(tuned_model_id=tuned_model_id)}
    with v1beta.ModelServiceClient() as client:
        operation = client.create_tuned_model(request)
        if not wait:
            output.print_result(operation.operation, _model_of(operation), as_json=as_json)
            return
        _wait(operation)
        tuned = operation.result()
    output.print_result(tuned, tuned.name, as_json=as_json)
    if not as_json:
        _print_loss(tuned)


@app.command("list")
def list_tuned_models(
    query: Annotated[
        str, typer.Option("--filter", help="Filter, such as owner:me or readers:everyone.", metavar="FILTER")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the tuned models that you can access."""
    with v1beta.ModelServiceClient() as client:
        models = list(client.list_tuned_models({"page_size": 1000, "filter": query}))
    output.print_list(
        models, lambda m: (m.name, v1beta.TunedModel.State.Name(m.state), m.display_name), as_json=as_json
    )


@app.command("get")
def get(name: Name, as_json: AsJson = False) -> None:
    """Describe a tuned model, with a chart of its loss."""
    with v1beta.ModelServiceClient() as client:
        model = client.get_tuned_model(name=output.full_name("tunedModels", name))
    output.print_message(model, as_json=as_json)
    if not as_json:
        _print_loss(model)


@app.command("update")
def update(
    name: Name,
    display_name: DisplayName = None,
    description: Description = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    top_k: TopK = None,
    as_json: AsJson = False,
) -> None:
    """Update the given fields of a tuned model."""
    fields = _set_fields(
        display_name=display_name, description=description, temperature=temperature, top_p=top_p, top_k=top_k
    )
    if not fields:
        raise ValueError("nothing to update; give at least one option, such as --display-name")
    with v1beta.ModelServiceClient() as client:
        model = client.update_tuned_model(
            tuned_model={"name": output.full_name("tunedModels", name), **fields},
            update_mask={"paths": list(fields)},
        )
    output.print_message(model, as_json=as_json)


@app.command("delete")
def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete a tuned model."""
    with v1beta.ModelServiceClient() as client:
        client.delete_tuned_model(name=output.full_name("tunedModels", name))
    output.print_deleted(as_json=as_json)
