"""``*_pb2_grpc.py``: raw stubs and servicers, as grpcio-tools names them. HTTP-only RPCs have none."""

from __future__ import annotations

from .model import File, Method, Model, Service
from .source import Source, join_modules, summary
from .types import Types

#: kind → (channel method, handler, request streams, response streams)
_ARITY = {
    "UNARY": "unary_unary",
    "SERVER_STREAM": "unary_stream",
    "CLIENT_STREAM": "stream_unary",
    "BIDI": "stream_stream",
}


def module(file: File, model: Model) -> str:
    """The module of one file's services."""
    types = Types(model, None)
    body = Source(file.path)
    for service in (service for service in file.services if methods_over_grpc(service)):
        _stub(body, service, types)
        _servicer(body, service)
        _registration(body, service, types)
    head = Source(file.path)
    head.docstring(
        "Raw gRPC stubs and servicers. A stub has no deadline, no retry and no credentials of its own; "
        "``gemwire`` brings clients that have."
    )
    head()
    head("from typing import Any as _Any")
    head()
    head("import grpc as _grpc")
    head()
    for line in types.imports():
        head(line)
    head()
    head()
    head("def _unimplemented(context: _Any, method: str) -> _Any:")
    with head.indent():
        head('context.abort(_grpc.StatusCode.UNIMPLEMENTED, f"{method} is not implemented by this server")')
    return join_modules(head, body)


def methods_over_grpc(service: Service) -> list[Method]:
    """Return the methods of a service that gRPC has."""
    return [method for method in service.methods if not method.http_only]


def _stub(out: Source, service: Service, types: Types) -> None:
    out()
    out()
    out(f"class {service.name}Stub:")
    with out.indent():
        out.docstring(
            f"{summary(service.comment)}\n\nThe methods of {service.full_name} on a channel, sync or asyncio."
        )
        out()
        out("def __init__(self, channel: _Any) -> None:")
        with out.indent():
            for method in methods_over_grpc(service):
                out(f"self.{method.name} = channel.{_ARITY[method.kind]}(")
                with out.indent():
                    out(f'"/{service.full_name}/{method.name}",')
                    out(f"request_serializer={types.name(method.request)}.SerializeToString,")
                    out(f"response_deserializer={types.name(method.response)}.FromString,")
                    out("_registered_method=True,")
                out(")")


def _servicer(out: Source, service: Service) -> None:
    out()
    out()
    out(f"class {service.name}Servicer:")
    with out.indent():
        out.docstring(
            f"{summary(service.comment)}\n\nOverride the methods you serve; the others answer UNIMPLEMENTED."
        )
        for method in methods_over_grpc(service):
            out()
            first = "request_iterator" if method.kind in ("CLIENT_STREAM", "BIDI") else "request"
            out(f"def {method.name}(self, {first}: _Any, context: _Any) -> _Any:")
            with out.indent():
                out.docstring(method.comment or method.name)
                call = f'_unimplemented(context, "{service.full_name}/{method.name}")'
                if method.kind in ("SERVER_STREAM", "BIDI"):
                    # A generator's body runs in a thread of an asyncio server; a plain function would be
                    # called on its event loop, and abort() there waits for that loop: the server hangs.
                    out(f"yield {call}")
                else:
                    out(f"return {call}")


def _registration(out: Source, service: Service, types: Types) -> None:
    out()
    out()
    out(f"def add_{service.name}Servicer_to_server(servicer: {service.name}Servicer, server: _Any) -> None:")
    with out.indent():
        out.docstring("Register a servicer with a server, sync or asyncio.")
        out("handlers: dict[str, _Any] = {")
        with out.indent():
            for method in methods_over_grpc(service):
                _handler(out, method, types)
        out("}")
        out(f'generic = _grpc.method_handlers_generic_handler("{service.full_name}", handlers)')
        out("server.add_generic_rpc_handlers((generic,))")
        out(f'server.add_registered_method_handlers("{service.full_name}", handlers)')


def _handler(out: Source, method: Method, types: Types) -> None:
    out(f'"{method.name}": _grpc.{_ARITY[method.kind]}_rpc_method_handler(')
    with out.indent():
        out(f"servicer.{method.name},")
        out(f"request_deserializer={types.name(method.request)}.FromString,")
        out(f"response_serializer={types.name(method.response)}.SerializeToString,")
    out("),")
