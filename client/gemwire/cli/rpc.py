"""``rpc``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer
from google.protobuf.message import Message

from gemwire import v1, v1beta
from gemwire.cli import output, protojson, service
from gemwire.cli.options import Transport, TransportName
from gemwire_proto.longrunning import operations
from gemwire_runtime.method import Kind, Method, Service

_SUFFIX = "ServiceClient"
_DATA = "Request as JSON. Reads standard input if omitted or -."
_LIST = "List all RPCs; with the name of a service, its RPCs."
_PACKAGES = ("google.ai.generativelanguage.", "google.cloud.aiplatform.v1.", "google.longrunning.", "v1beta.")
#: Descriptions of the kinds of calls.
_KINDS = {
    Kind.UNARY: "",
    Kind.SERVER_STREAM: "server streaming",
    Kind.CLIENT_STREAM: "client streaming",
    Kind.BIDI: "bidirectional streaming",
}


def services() -> dict[str, tuple[Any, Service]]:
    """Return client class and method table of each service, by names like Generative and v1.Generative."""
    tables: dict[str, tuple[Any, Service]] = {}
    place = service.find_vertex()
    for prefix, version in (("", v1beta), ("v1.", v1)) if place is None else (("", service.messages()),):
        for name in version.__all__:
            if name.endswith(_SUFFIX):
                client = getattr(version, name)
                tables[prefix + name.removesuffix(_SUFFIX)] = client, client.SERVICE
    # All clients have the methods of Operations.
    tables["Operations"] = service.messages().ModelServiceClient, operations.SERVICE
    return tables


def _normalize(name: str) -> str:
    return name.replace("_", "").lower()


def _find_service(name: str) -> tuple[str, Any, Service]:
    """Return the short name, client class and method table of a service.

    Raises:
        ValueError: The service is unknown.
    """
    wanted = _normalize(name).removesuffix("service")
    # Names with packages, as other tools write them.
    packages = (
        "google.ai.generativelanguage.",
        "google.cloud.aiplatform.v1.",
        "google.longrunning.",
        "v1beta.",
    )
    for package in packages:
        wanted = wanted.removeprefix(package)
    known = services()
    for short, (client, table) in known.items():
        if wanted == short.lower():
            return short, client, table
    raise ValueError(f"unknown service {name!r}; expected one of {', '.join(known)}")


def find_method(name: str) -> tuple[Any, Method[Any, Any]]:
    """Return the client class and method of ``Generative.CountTokens`` or ``generative.count_tokens``.

    Args:
        name: Service and method; also ``v1.Generative.CountTokens``, and the full name as in gRPC.

    Raises:
        ValueError: The method is unknown.
    """
    service, _, wanted = name.strip("/").replace("/", ".").rpartition(".")
    if not service:
        raise ValueError(
            f"{name!r}: expected SERVICE.METHOD, such as Generative.CountTokens; see gemwire rpc --list"
        )
    short, client, table = _find_service(service)
    for method in table.methods.values():
        if _normalize(wanted) == _normalize(method.name):
            return client, method
    raise ValueError(f"{short} has no method {wanted!r}; it has {', '.join(table.methods)}")


def rpc(
    name: Annotated[
        str | None, typer.Argument(metavar="SERVICE.METHOD", help="RPC, such as Generative.CountTokens.")
    ] = None,
    data: Annotated[str | None, typer.Argument(metavar="[REQUEST]", help=_DATA)] = None,
    listing: Annotated[bool, typer.Option("--list", help=_LIST)] = False,
    timeout: Annotated[float, typer.Option(help="Timeout of the call in seconds.", metavar="SECONDS")] = 600,
    transport: Transport = TransportName.GRPC,
    as_json: Annotated[bool, typer.Option("--json", help="List as JSON. Calls always print JSON.")] = False,
) -> None:
    """Call any RPC, with request and response in JSON.

    Field names may be in camelCase or as in the protos. Streams print one message per line;
    bidirectional streams also read one request per line.
    """
    if listing:
        _list(name, as_json=as_json)
        return
    if name is None:
        raise ValueError("missing SERVICE.METHOD, such as Generative.CountTokens; see gemwire rpc --list")
    client_class, method = find_method(name)
    bidi = method.kind is Kind.BIDI
    requests = [
        protojson.parse_message(protojson.loads(text, source), method.request, source)
        for source, text in _read_requests(data, bidi=bidi)
    ]
    chosen = "rest" if method.http_only else transport.value
    place = service.find_vertex()
    with client_class(transport=chosen, client_options=place.options if place else None) as client:
        call = getattr(client, method.snake)
        if bidi:
            _print_stream(call(iter(requests), timeout=timeout))
            return
        result = call(requests[0], timeout=timeout)
        if method.kind is Kind.SERVER_STREAM:
            _print_stream(result)
        elif method.items:
            output.print_json([output.to_dict(item) for item in result])
        elif method.result:
            output.print_json(result.operation)
        else:
            # Methods with an empty response return None.
            output.print_json({} if result is None else result)


def _read_requests(data: str | None, *, bidi: bool) -> Iterator[tuple[str, str]]:
    """Yield the requests, each with its name in error messages."""
    if data is None and sys.stdin.isatty():
        raise ValueError("missing request; pass it as an argument or on standard input ({} is an empty one)")
    text = sys.stdin.read() if data in (None, "-") else data or ""
    if not bidi:
        yield "request", text if text.strip() else "{}"
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"request on line {number}", line


def _list(service: str | None, *, as_json: bool) -> None:
    known = services()
    selected = [_find_service(service)[0]] if service else list(known)
    rows = [(short, method) for short in selected for method in known[short][1].methods.values()]
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
    output.print_table(
        [(f"{short}.{m.name}", m.request.DESCRIPTOR.name, _KINDS[m.kind]) for short, m in rows]
    )


def _print_stream(messages: Iterable[Message]) -> None:
    for message in messages:
        output.print_json(message, indent=None)
