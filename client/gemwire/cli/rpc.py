"""``rpc``: any RPC, JSON in and JSON out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from gemwire import v1, v1beta
from gemwire.cli import output, protojson
from gemwire_proto.longrunning import operations

_SUFFIX = "ServiceClient"
_DATA = "The request as JSON; - or nothing reads standard input."
_LIST = "List every RPC; with a service's name, its RPCs."
#: How the kinds of calls are called in a list.
_KINDS = {"unary": "", "server_stream": "streams", "client_stream": "is streamed to", "bidi": "both stream"}


def services() -> dict[str, tuple[Any, Any]]:
    """The client class and method table of every service, by names such as Generative and v1.Generative."""
    found: dict[str, tuple[Any, Any]] = {}
    for prefix, version in (("", v1beta), ("v1.", v1)):
        for name in version.__all__:
            if name.endswith(_SUFFIX):
                client = getattr(version, name)
                found[prefix + name.removesuffix(_SUFFIX)] = client, client.SERVICE
    # Every client has its methods.
    found["Operations"] = v1beta.ModelServiceClient, operations.SERVICE
    return found


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _service(name: str) -> tuple[str, Any, Any]:
    """The short name, client class and method table of a service.

    Raises:
        ValueError: There is none.
    """
    wanted = _plain(name).removesuffix("service")
    # The names of packages do as well, as other tools write them.
    for package in ("google.ai.generativelanguage.", "google.longrunning.", "v1beta."):
        wanted = wanted.removeprefix(package)
    known = services()
    for short, (client, table) in known.items():
        if wanted == short.lower():
            return short, client, table
    raise ValueError(f"there is no service {name!r}; there are {', '.join(known)}")


def find(name: str) -> tuple[Any, Any]:
    """The client class and method of ``Generative.CountTokens`` or ``generative.count_tokens``.

    Args:
        name: Of service and method; also ``v1.Generative.CountTokens``, and as gRPC writes it, in full.

    Raises:
        ValueError: There is none.
    """
    service, _, wanted = name.strip("/").replace("/", ".").rpartition(".")
    if not service:
        raise ValueError(
            f"{name!r} is no SERVICE.METHOD, such as Generative.CountTokens; gemwire rpc --list lists them"
        )
    short, client, table = _service(service)
    for method in table.methods.values():
        if _plain(wanted) == _plain(method.name):
            return client, method
    raise ValueError(f"{short} has no method {wanted!r}; it has {', '.join(table.methods)}")


def rpc(
    name: Annotated[
        str | None, typer.Argument(metavar="SERVICE.METHOD", help="Such as Generative.CountTokens.")
    ] = None,
    data: Annotated[str | None, typer.Argument(metavar="[REQUEST]", help=_DATA)] = None,
    listing: Annotated[bool, typer.Option("--list", help=_LIST)] = False,
    timeout: Annotated[float, typer.Option(help="Seconds for the call.", metavar="SECONDS")] = 600,
    as_json: Annotated[bool, typer.Option("--json", help="List as JSON. Calls always print JSON.")] = False,
) -> None:
    """Make any call: the request as JSON, the response as JSON.

    Fields are in camelCase or as the protos name them. Streams print a message a line;
    requests of calls where both sides stream are a message a line as well.
    """
    if listing:
        _list(name, as_json=as_json)
        return
    if name is None:
        raise ValueError("name an RPC, such as Generative.CountTokens; gemwire rpc --list lists them")
    made, method = find(name)
    bidi = method.kind.value == "bidi"
    requests = [
        protojson.message(protojson.loads(text, what), method.request, what)
        for what, text in _documents(data, bidi=bidi)
    ]
    with made() as client:
        call = getattr(client, method.snake)
        if bidi:
            _print_all(call(iter(requests), timeout=timeout))
            return
        result = call(requests[0], timeout=timeout)
        if method.kind.value == "server_stream":
            _print_all(result)
        elif method.items:
            output.print_json([output.as_dict(item) for item in result])
        elif method.result:
            output.print_json(result.operation)
        else:
            # Methods that answer with nothing give None.
            output.print_json({} if result is None else result)


def _documents(data: str | None, *, bidi: bool) -> Iterator[tuple[str, str]]:
    """The requests, each with what to call it."""
    if data is None and sys.stdin.isatty():
        raise ValueError("the request: give it, or write it to standard input; {} is an empty one")
    text = sys.stdin.read() if data in (None, "-") else data or ""
    if not bidi:
        yield "request", text if text.strip() else "{}"
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"request on line {number}", line


def _list(service: str | None, *, as_json: bool) -> None:
    known = services()
    chosen = [_service(service)[0]] if service else list(known)
    rows = [(short, method) for short in chosen for method in known[short][1].methods.values()]
    if as_json:
        output.print_json(
            [
                {
                    "name": f"{short}.{method.name}",
                    "path": method.path,
                    "kind": method.kind.value,
                    "request": method.request.DESCRIPTOR.full_name,
                    "response": method.response.DESCRIPTOR.full_name,
                }
                for short, method in rows
            ]
        )
        return
    output.print_list(
        rows,
        lambda row: (f"{row[0]}.{row[1].name}", row[1].request.DESCRIPTOR.name, _KINDS[row[1].kind.value]),
        as_json=False,
    )


def _print_all(messages: Any) -> None:
    for message in messages:
        output.print_json(message, indent=None)
