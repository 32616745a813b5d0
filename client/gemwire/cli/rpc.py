"""``rpc``: any RPC, JSON in and JSON out."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from google.protobuf import json_format

import gemwire_proto
from gemwire import v1beta
from gemwire.cli import output

SERVICES = (
    "Generative",
    "Model",
    "Cache",
    "File",
    "Permission",
    "Prediction",
    "Retriever",
    "Text",
    "Discuss",
)


def find(name: str) -> tuple[Any, Any]:
    """The client class and method of ``Generative.CountTokens`` or ``generative.count_tokens``.

    Raises:
        ValueError: There is none.
    """
    service, _, wanted = name.partition(".")
    for known in SERVICES:
        if service.lower() in (known.lower(), f"{known}Service".lower()):
            client = getattr(v1beta, f"{known}ServiceClient")
            for method in client.SERVICE.methods.values():
                if wanted in (method.name, method.snake):
                    return client, method
            raise ValueError(f"{known}Service has no {wanted!r}; it has {', '.join(client.SERVICE.methods)}")
    raise ValueError(f"there is no service {service!r}; there are {', '.join(SERVICES)}")


def rpc(
    name: Annotated[str, typer.Argument(metavar="SERVICE.METHOD", help="Such as Generative.CountTokens.")],
    data: Annotated[
        str | None, typer.Argument(help="The request; - or nothing reads standard input.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for the call.")] = 600,
) -> None:
    """Make any call: the request as JSON (for bidi calls one a line), the response as JSON."""
    made, method = find(name)
    bidi = method.kind.value == "bidi"
    text = sys.stdin.read() if data in (None, "-") else data
    documents = text.splitlines() if bidi else [text or "{}"]
    try:
        requests = [
            json_format.Parse(d or "{}", method.request(), descriptor_pool=gemwire_proto.POOL)
            for d in documents
            if d.strip() or not bidi
        ]
    except json_format.ParseError as error:
        raise ValueError(f"the request is no {method.request.__name__}: {error}") from None
    with made() as client:
        if bidi:
            _print_all(client.bidi_generate_content(iter(requests), timeout=timeout))
            return
        result = getattr(client, method.snake)(requests[0], timeout=timeout)
        if method.kind.value == "server_stream":
            _print_all(result)
        elif method.items:
            output.print_json([output.as_dict(item) for item in result])
        elif method.result:
            output.print_json(result.operation)
        else:
            output.print_json(result)


def _print_all(messages: Any) -> None:
    for message in messages:
        output.print_json(message, indent=None)
