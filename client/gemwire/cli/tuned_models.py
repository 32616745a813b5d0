"""``tuned-models``: tune a model, and see to those that are tuned."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from gemwire import v1beta
from gemwire.cli import chart, output
from gemwire.cli.content import AsJson, full_name

app = typer.Typer(help="Tune models, and see to those that are tuned.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name, with or without tunedModels/.")]
DisplayName = Annotated[str | None, typer.Option(help="Name for people.", metavar="TEXT")]
Description = Annotated[str | None, typer.Option(help="What it is for.", metavar="TEXT")]
Temperature = Annotated[
    float | None, typer.Option(help="Temperature where a request says none: 0 to 1.", metavar="NUMBER")
]
TopP = Annotated[float | None, typer.Option(help="Top p where a request says none.", metavar="NUMBER")]
TopK = Annotated[int | None, typer.Option(help="Top k where a request says none.", metavar="N")]

_COLUMNS = ("text_input", "output")


def examples_of(text: str, what: str = "examples") -> list[dict[str, str]]:
    """The examples in CSV with a header, or in JSON lines.

    Args:
        text: All of them.
        what: What to call them in an error, such as their file.

    Raises:
        ValueError: It is neither, or an example lacks something; the message says which.
    """
    rows: list[tuple[int, Any]]
    if text.lstrip().startswith("{"):
        try:
            rows = [(n, json.loads(line)) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        except json.JSONDecodeError as error:
            raise ValueError(f"{what}: not JSON lines: {error}") from None
    else:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise ValueError(f"{what}: the first line of CSV must name text_input and output")
        rows = [(reader.line_num, row) for row in reader]
    if not rows:
        raise ValueError(f"{what}: there are no examples")
    for line, row in rows:
        if not isinstance(row, dict) or not all(isinstance(row.get(c), str) for c in _COLUMNS):
            raise ValueError(f"{what}: line {line} needs text_input and output")
    return [{c: row[c] for c in _COLUMNS} for _, row in rows]


def _read(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


@contextmanager
def _progress() -> Iterator[Callable[[Any], None]]:
    """Draws how far a tuning is, where somebody sees it."""
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

        def show(metadata: Any) -> None:
            if metadata is not None and metadata.total_steps:
                loss = f"loss {metadata.snapshots[-1].mean_loss:.4g}" if metadata.snapshots else ""
                bar.update(task, total=metadata.total_steps, completed=metadata.completed_steps, loss=loss)

        yield show


def _wait(operation: Any) -> None:
    """Wait for a tuning, showing how far it is."""
    pause = 0.2
    try:
        with _progress() as show:
            show(operation.metadata)
            while not operation.done():
                show(operation.metadata)
                time.sleep(pause)
                pause = min(pause * 1.5, 5)
            show(operation.metadata)
    except KeyboardInterrupt:
        name = operation.metadata.tuned_model if operation.metadata else operation.name
        output.note(f"the tuning goes on; gemwire tuned-models get {name} tells how far it is")
        raise


def _curve(model: Any) -> str:
    losses = [snapshot.mean_loss for snapshot in model.tuning_task.snapshots]
    if not losses:
        return ""
    braille = (sys.stderr.encoding or "").lower().startswith("utf")
    lines = chart.curve(losses, braille=braille)
    return "\n".join([f"mean loss over {model.tuning_task.snapshots[-1].step} steps", *lines])


@app.command("create")
def create(
    examples: Annotated[
        Path, typer.Argument(help="CSV or JSON lines of text_input and output; - for stdin.", metavar="FILE")
    ],
    base_model: Annotated[
        str, typer.Option("--model", "-m", help="Model to tune; it may be a tuned one.", metavar="NAME")
    ] = "gemini-1.5-flash-001-tuning",
    tuned_model_id: Annotated[
        str | None, typer.Option("--id", help="What comes after tunedModels/ in its name.", metavar="ID")
    ] = None,
    display_name: DisplayName = None,
    description: Description = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    top_k: TopK = None,
    epochs: Annotated[int | None, typer.Option(help="Times to go through the examples.", metavar="N")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples of a step.", metavar="N")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="How far a step goes, such as 0.001.", metavar="NUMBER")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is tuned.")] = True,
    as_json: AsJson = False,
) -> None:
    """Tune a model; its name on stdout, progress and the curve of its loss on stderr.

    Ctrl-C stops the waiting, not the tuning.
    """
    source: dict[str, Any] = {"base_model": full_name(base_model)}
    if base_model.startswith("tunedModels/"):
        source = {"tuned_model_source": {"tuned_model": base_model}}
    model: dict[str, Any] = {
        **source,
        **_given(
            display_name=display_name,
            description=description,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
        ),
        "tuning_task": {
            "training_data": {"examples": {"examples": examples_of(_read(examples), str(examples))}},
            "hyperparameters": _given(epoch_count=epochs, batch_size=batch_size, learning_rate=learning_rate),
        },
    }
    request = {"tuned_model": model, **_given(tuned_model_id=tuned_model_id)}
    with v1beta.ModelServiceClient() as client:
        operation: Any = client.create_tuned_model(request)
        if not wait:
            begun: Any = operation.metadata
            if as_json:
                output.print_json(operation.operation)
            else:
                output.write(f"{begun.tuned_model if begun else operation.name}\n")
            return
        _wait(operation)
        tuned = operation.result()
    if as_json:
        output.print_json(tuned)
        return
    output.write(f"{tuned.name}\n")
    if drawn := _curve(tuned):
        output.note(drawn)


@app.command("list")
def list_tuned_models(
    query: Annotated[
        str, typer.Option("--filter", help="Such as owner:me or readers:everyone.", metavar="FILTER")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the tuned models that one may see."""
    with v1beta.ModelServiceClient() as client:
        models = list(client.list_tuned_models({"page_size": 1000, "filter": query}))
    output.print_list(
        models, lambda m: (m.name, v1beta.TunedModel.State.Name(m.state), m.display_name), as_json=as_json
    )


@app.command("get")
def get(name: Name, as_json: AsJson = False) -> None:
    """Show a tuned model, and the curve of its loss."""
    with v1beta.ModelServiceClient() as client:
        model = client.get_tuned_model(name=output.full("tunedModels", name))
    output.show(model, as_json=as_json)
    if not as_json and (drawn := _curve(model)):
        output.note(drawn)


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
    """Change what is given, and nothing else."""
    given = _given(
        display_name=display_name, description=description, temperature=temperature, top_p=top_p, top_k=top_k
    )
    if not given:
        raise ValueError("give what to change, such as --display-name")
    with v1beta.ModelServiceClient() as client:
        model = client.update_tuned_model(
            tuned_model={"name": output.full("tunedModels", name), **given},
            update_mask={"paths": list(given)},
        )
    output.show(model, as_json=as_json)


@app.command("delete")
def delete(name: Name, as_json: AsJson = False) -> None:
    """Delete a tuned model."""
    with v1beta.ModelServiceClient() as client:
        client.delete_tuned_model(name=output.full("tunedModels", name))
    output.deleted(as_json=as_json)
