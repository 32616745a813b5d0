"""``corpora``."""

from __future__ import annotations

from typing import Annotated

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.options import AsJson
from gemwire.cli.prompt_input import read_prompt

app = typer.Typer(help="Manage and query corpora: collections of documents.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Corpus name, with or without corpora/.")]


@app.command("create")
def create(
    display_name: Annotated[str, typer.Argument(help="Display name.")],
    name: Annotated[
        str | None, typer.Option("--id", help="Corpus ID, the name without corpora/.", metavar="ID")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a corpus and print its name."""
    corpus: dict[str, object] = {"display_name": display_name}
    if name is not None:
        corpus["name"] = output.full_name("corpora", name)
    with v1beta.RetrieverServiceClient() as client:
        created = client.create_corpus(corpus=corpus)
    output.print_result(created, created.name, as_json=as_json)


@app.command("list")
def list_corpora(as_json: AsJson = False) -> None:
    """List corpora."""
    with v1beta.RetrieverServiceClient() as client:
        corpora = list(client.list_corpora({"page_size": 20}))
    output.print_list(corpora, lambda c: (c.name, c.display_name), as_json=as_json)


@app.command("get")
def get(name: Name, as_json: AsJson = False) -> None:
    """Describe a corpus."""
    with v1beta.RetrieverServiceClient() as client:
        corpus = client.get_corpus(name=output.full_name("corpora", name))
    output.print_message(corpus, as_json=as_json)


@app.command("update")
def update(
    name: Name,
    display_name: Annotated[str, typer.Option(help="New display name.", metavar="TEXT")],
    as_json: AsJson = False,
) -> None:
    """Update the display name of a corpus."""
    with v1beta.RetrieverServiceClient() as client:
        corpus = client.update_corpus(
            corpus={"name": output.full_name("corpora", name), "display_name": display_name},
            update_mask={"paths": ["display_name"]},
        )
    output.print_message(corpus, as_json=as_json)


@app.command("delete")
def delete(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Also delete the documents in it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a corpus."""
    with v1beta.RetrieverServiceClient() as client:
        client.delete_corpus({"name": output.full_name("corpora", name), "force": force})
    output.print_deleted(as_json=as_json)


@app.command("query")
def query(
    name: Name,
    text: Annotated[
        str | None, typer.Argument(help="Query text. Reads standard input if omitted or -.")
    ] = None,
    count: Annotated[int | None, typer.Option(help="Maximum number of chunks.", metavar="N")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the chunks that are most similar to a text: score, name and text, best first."""
    request: dict[str, object] = {"name": output.full_name("corpora", name), "query": read_prompt(text)}
    if count is not None:
        request["results_count"] = count
    with v1beta.RetrieverServiceClient() as client:
        chunks = list(client.query_corpus(request).relevant_chunks)
    output.print_list(
        chunks,
        lambda r: (
            f"{r.chunk_relevance_score:.3f}",
            r.chunk.name,
            " ".join(r.chunk.data.string_value.split()),
        ),
        as_json=as_json,
    )
