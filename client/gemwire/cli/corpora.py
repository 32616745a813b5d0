"""``corpora``: collections of documents to search."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gemwire import v1beta
from gemwire.cli import output
from gemwire.cli.content import AsJson, prompt_text

app = typer.Typer(help="Collections of documents to search.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name, with or without corpora/.")]


@app.command("create")
def create(
    display_name: Annotated[str, typer.Argument(help="Name for people.")],
    name: Annotated[
        str | None, typer.Option("--id", help="What comes after corpora/ in its name.", metavar="ID")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a corpus; its name on stdout."""
    corpus: dict[str, Any] = {"display_name": display_name}
    if name is not None:
        corpus["name"] = output.full("corpora", name)
    with v1beta.RetrieverServiceClient() as client:
        made = client.create_corpus(corpus=corpus)
    if as_json:
        output.print_json(made)
    else:
        output.write(f"{made.name}\n")


@app.command("list")
def list_corpora(as_json: AsJson = False) -> None:
    """List the corpora."""
    with v1beta.RetrieverServiceClient() as client:
        corpora = list(client.list_corpora({"page_size": 20}))
    output.print_list(corpora, lambda c: (c.name, c.display_name), as_json=as_json)


@app.command("get")
def get(name: Name, as_json: AsJson = False) -> None:
    """Show a corpus."""
    with v1beta.RetrieverServiceClient() as client:
        corpus = client.get_corpus(name=output.full("corpora", name))
    output.show(corpus, as_json=as_json)


@app.command("update")
def update(
    name: Name,
    display_name: Annotated[str, typer.Option(help="Name for people.", metavar="TEXT")],
    as_json: AsJson = False,
) -> None:
    """Give a corpus another name for people."""
    with v1beta.RetrieverServiceClient() as client:
        corpus = client.update_corpus(
            corpus={"name": output.full("corpora", name), "display_name": display_name},
            update_mask={"paths": ["display_name"]},
        )
    output.show(corpus, as_json=as_json)


@app.command("delete")
def delete(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="With the documents that are in it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a corpus."""
    with v1beta.RetrieverServiceClient() as client:
        client.delete_corpus({"name": output.full("corpora", name), "force": force})
    output.deleted(as_json=as_json)


@app.command("query")
def query(
    name: Name,
    text: Annotated[str | None, typer.Argument(help="What to find; - or nothing reads stdin.")] = None,
    count: Annotated[int | None, typer.Option(help="Most chunks to find.", metavar="N")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the chunks nearest to a text, the best first: score, name and text."""
    request: dict[str, Any] = {"name": output.full("corpora", name), "query": prompt_text(text)}
    if count is not None:
        request["results_count"] = count
    with v1beta.RetrieverServiceClient() as client:
        found = list(client.query_corpus(request).relevant_chunks)
    output.print_list(
        found,
        lambda r: (
            f"{r.chunk_relevance_score:.3f}",
            r.chunk.name,
            " ".join(r.chunk.data.string_value.split()),
        ),
        as_json=as_json,
    )
