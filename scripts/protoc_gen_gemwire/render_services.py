"""Per service: its method table, resource-name helpers and typed sync and async methods."""

from __future__ import annotations

import re

from .model import File, Message, Method, Model, Service
from .source import Source, argument, import_used, join_modules
from .types import Types

_RETRY = (
    "When to repeat the call: a `gemwire.Retry`, any retry object of google.api_core, None for never. "
    "Default: the method table's policy."
)
_METADATA = "Pairs to send besides the client's own; keys in lower case, values of `-bin` keys are bytes."
_FIELDS = "Refused: all fields that have no argument of their own are set in `request`."
_IDLE = "Seconds without a message after which the stream fails with DEADLINE_EXCEEDED. Default: no limit."


def module(service: Service, file: File, model: Model) -> str:
    """The module of one service."""
    types = Types(model, None)
    body = Source(file.path)
    _table(body, service, file, types)
    _paths(body, service)
    for asynchronous in (True, False):
        _typed(body, service, file, model, types, asynchronous)
    head = Source(file.path)
    head.docstring(service.comment)
    head()
    head("from __future__ import annotations")
    head()
    foreign = [line for line in types.imports() if "as _twin_" in line]
    if foreign and "_datetime." in body.text():
        foreign.insert(0, "import datetime as _datetime")
    if service.resources:
        head("import re as _re")
    import_used(head, body, "collections.abc", "AsyncIterable", "Coroutine", "Iterable", "Mapping")
    head("from typing import TYPE_CHECKING as _TYPE_CHECKING" if foreign else "")
    import_used(head, body, "typing", "Any", "NoReturn")
    head()
    head("from gemwire_runtime import method as _method")
    head("from gemwire_runtime.aio import caller as _aio")
    head("from gemwire_runtime.sync import caller as _sync")
    for line in types.imports():
        if line not in foreign:
            head(line)
    if foreign:
        head()
        head("if _TYPE_CHECKING:")
        with head.indent():
            for line in foreign:
                head(line)
    head()
    return join_modules(head, body)


def _constant(method: Method) -> str:
    return method.snake.upper()


def _table(out: Source, service: Service, file: File, types: Types) -> None:
    for method in service.methods:
        out(f"{_constant(method)} = _method.Method(")
        with out.indent():
            out(f'service="{service.full_name}",')
            out(f'name="{method.name}",')
            out(f'snake="{method.snake}",')
            out(f"kind=_method.Kind.{method.kind},")
            out(f"request={types.name(method.request)},")
            out(f"response={types.name(method.response)},")
            for name, value in (("flattened", method.flattened), ("routing", method.routing)):
                if value:
                    out(f"{name}={_tuple(value)},")
            if method.http:
                out("http=(")
                with out.indent():
                    for b in method.http:
                        body = f', body="{b.body}"' if b.body else ""
                        out(f'_method.HttpBinding("{b.verb}", "{b.template}"{body}),')
                out("),")
            if method.websocket:
                out(f'websocket="{method.websocket}",')
            policy = method.policy
            if policy.timeout is not None:
                out(f"timeout={policy.timeout},")
            if policy.retry_codes:
                out("retry=_method.RetryDefaults(")
                with out.indent():
                    out(f"codes={_tuple(policy.retry_codes)},")
                    out(
                        f"initial={policy.initial}, maximum={policy.maximum}, multiplier={policy.multiplier},"
                    )
                out("),")
            for fact in ("idempotent", "http_only", "may_hold_json_only"):
                if getattr(method, fact):
                    out(f"{fact}=True,")
            if method.items:
                out(f'items="{method.items}",')
            if method.operation:
                out(f"result={types.name(method.operation[0])},")
                out(f"progress={types.name(method.operation[1])},")
        out(")")
    out("SERVICE = _method.Service(")
    with out.indent():
        out(f'name="{service.full_name}",')
        out(f'host="{service.host}",')
        out(f"scopes={_tuple(service.scopes)},")
        if file.family is not None and file.family.regional:
            out("regional=True,")
        if file.family is not None and not file.family.environment_key:
            out("environment_key=False,")
        out("methods={")
        with out.indent():
            for method in service.methods:
                out(f'"{method.name}": {_constant(method)},')
        out("},")
    out(")")


def _tuple(values: tuple[str, ...]) -> str:
    return "(" + ", ".join(f'"{v}"' for v in values) + ("," if len(values) == 1 else "") + ")"


def _paths(out: Source, service: Service) -> None:
    out()
    out()
    out(f"class {service.name}Paths:")
    with out.indent():
        out.docstring("Resource names that the service's messages use, built and taken apart.")
        for resource in service.resources:
            variables = re.findall(r"\{(\w+)\}", resource.pattern)
            regex = re.sub(r"\{(\w+)\}", r"(?P<\1>.+?)", resource.pattern)
            out()
            out("@staticmethod")
            out(f"def {resource.snake}_path({', '.join(f'{v}: str' for v in variables)}) -> str:")
            with out.indent():
                out.docstring(f"The name ``{resource.pattern}``.")
                out(f'return f"{resource.pattern}"')
            out()
            out("@staticmethod")
            out(f"def parse_{resource.snake}_path(path: str) -> dict[str, str]:")
            with out.indent():
                out.docstring(
                    f"The variables of ``{resource.pattern}`` in ``path``; empty when it is no such name."
                )
                out(f'found = _re.match(r"^{regex}$", path)')
                out("return found.groupdict() if found else {}")
        if not service.resources:
            out()
            out("__slots__ = ()")


def _typed(out: Source, service: Service, file: File, model: Model, types: Types, asynchronous: bool) -> None:
    prefix = "Async" if asynchronous else ""
    out()
    out()
    out(f"class {prefix}{service.name}({service.name}Paths):")
    with out.indent():
        out.docstring(service.comment)
        out()
        out("SERVICE = SERVICE")
        out(f"_caller: {_flavour(prefix)}Caller")
        for method in service.methods:
            out()
            _method(out, method, file, model, types, prefix)


def _method(out: Source, method: Method, file: File, model: Model, types: Types, prefix: str) -> None:
    request = model.messages[method.request]
    returned = _returned(method, model, types, prefix)
    annotated = f"_Coroutine[_Any, _Any, {returned}]" if prefix else returned
    streams = method.kind in ("CLIENT_STREAM", "BIDI")
    out(f"def {method.snake}(")
    with out.indent():
        out("self,")
        item = f"{types.name(method.request)} | _Mapping[str, _Any]"
        if streams:
            sources = f"_AsyncIterable[{item}] | _Iterable[{item}]" if prefix else f"_Iterable[{item}]"
            out(f"requests: {sources} | None = None,")
            out("*,")
        else:
            out(f"request: {item} | None = None,")
            out("*,")
            for name in method.flattened:
                out(f"{name}: {types.input(request.field(name))} | None = None,")
            out("retry: _method.RetryOption = _method.DEFAULT,")
        out("timeout: _method.Timeout = _method.DEFAULT,")
        out("metadata: _method.Metadata = (),")
        if method.kind != "UNARY":
            out("idle_timeout: float | None = None,")
        if not streams:
            out("**fields: _NoReturn,")
    out(f") -> {annotated}:")
    with out.indent():
        out.docstring(_documentation(method, request, file, prefix, returned))
        if streams:
            out(f"return self._caller.bidi({_constant(method)}, requests, timeout, metadata, idle_timeout)")
            return
        out("if fields:")
        with out.indent():
            out(f"_method.refuse_arguments({_constant(method)}, fields)")
        call = "server_stream" if method.kind == "SERVER_STREAM" else "unary"
        call = "paged" if method.items else "operation" if method.operation else call
        names = ", ".join(method.flattened)
        flattened = f"({names},)" if len(method.flattened) == 1 else f"({names})"
        idle = ", idle_timeout" if call == "server_stream" else ""
        out(f"return self._caller.{call}(")
        with out.indent():
            out(f"{_constant(method)}, request, {flattened}, retry, timeout, metadata{idle}")
        out(")")


def _flavour(prefix: str) -> str:
    """The start of an interface's name: its module and ``Async``."""
    return f"_aio.{prefix}" if prefix else "_sync."


def _returned(method: Method, model: Model, types: Types, prefix: str) -> str:
    response = types.name(method.response)
    if method.kind == "SERVER_STREAM":
        return f"{_flavour(prefix)}Stream[{response}]"
    if method.kind == "BIDI":
        return f"{_flavour(prefix)}BidiStream[{types.name(method.request)}, {response}]"
    if method.items:
        item = model.messages[method.response].field(method.items)
        inner = item.type_name if item.kind == "scalar" else types.name(item.type_name)
        return f"{_flavour(prefix)}Pager[{inner}, {response}]"
    if method.operation:
        return f"{_flavour(prefix)}Operation[{', '.join(types.name(name) for name in method.operation)}]"
    return response


def _documentation(method: Method, request: Message, file: File, prefix: str, returned: str) -> str:
    default = f"{method.policy.timeout:g}" if method.policy.timeout is not None else "none"
    arguments = []
    if method.kind in ("CLIENT_STREAM", "BIDI"):
        arguments.append(
            argument("requests", f"`{request.name}` messages or dicts to send; None to send with ``write``.")
        )
    else:
        excludes = " Excludes the field arguments." if method.flattened else ""
        arguments.append(argument("request", f"A `{request.name}` or a dict of its fields.{excludes}"))
        arguments += [argument(name, request.field(name).comment) for name in method.flattened]
        arguments.append(argument("retry", _RETRY))
    arguments.append(
        argument(
            "timeout",
            f"Seconds for the whole call, all attempts included; None for none. Default: {default}.",
        )
    )
    arguments.append(argument("metadata", _METADATA))
    if method.kind != "UNARY":
        arguments.append(argument("idle_timeout", _IDLE))
    if method.kind not in ("CLIENT_STREAM", "BIDI"):
        arguments.append(argument("fields", _FIELDS))
    plain = re.sub(r"\b_\w+?\.", "", returned).replace("_", "")
    return "\n\n".join(
        [
            method.comment,
            "Args:\n" + "\n".join(arguments),
            "Returns:\n" + f"    {plain}: {_returns(method)}",
            "Raises:\n"
            + argument(
                "gemwire.errors.APIError",
                "The call failed; the class tells the status, `attempts` how often it was tried.",
            )
            + "\n"
            + argument(
                "ValueError", "An argument is out of range, or `request` came together with a field argument."
            )
            + "\n"
            + argument("TypeError", "An argument is of a wrong type."),
            f"Source: {file.path}, `{method.name}`{_rest(method)}.",
        ]
    )


def _returns(method: Method) -> str:
    if method.kind == "SERVER_STREAM":
        return "the messages as they arrive. Leaving the loop ends the call."
    if method.kind == "BIDI":
        return "both directions of the call."
    if method.items:
        return f"the items of `{method.items}`, further pages fetched on the way."
    if method.operation:
        return "the operation, to be waited for."
    return "the response."


def _rest(method: Method) -> str:
    if method.websocket:
        return f"; WebSocket: {method.websocket}"
    if not method.http:
        return "; gRPC only"
    first = method.http[0]
    return f"; REST: {first.verb.upper()} {first.template}"
