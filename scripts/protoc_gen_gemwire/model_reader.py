"""Reads the model of the protos from the descriptors that protoc hands over, comments included."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter

from google.api import annotations_pb2, client_pb2, field_behavior_pb2, http_pb2, resource_pb2
from google.longrunning import operations_proto_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from gemwire_runtime.json_only import FIRST_NUMBER, LAST_NUMBER

from .families import Family, Package, packages
from .model import (
    Enum,
    EnumValue,
    Field,
    File,
    HttpBinding,
    Message,
    Method,
    Model,
    ModelError,
    Resource,
    Service,
    snake_case,
)
from .overlay import Merged
from .policy import Policy

_PROTO_FIELD = FieldDescriptorProto
#: Options that Google's protos define, by the extensions of a descriptor's options.
_read_resource_definition = itemgetter(resource_pb2.resource_definition)
_read_resource_reference = itemgetter(resource_pb2.resource_reference)
_read_resource = itemgetter(resource_pb2.resource)
_read_field_behavior = itemgetter(field_behavior_pb2.field_behavior)
_read_http = itemgetter(annotations_pb2.http)
_read_method_signature = itemgetter(client_pb2.method_signature)
_read_operation_info = itemgetter(operations_proto_pb2.operation_info)
_read_default_host = itemgetter(client_pb2.default_host)
_read_oauth_scopes = itemgetter(client_pb2.oauth_scopes)
_SCALARS = {
    _PROTO_FIELD.TYPE_DOUBLE: "float",
    _PROTO_FIELD.TYPE_FLOAT: "float",
    _PROTO_FIELD.TYPE_BOOL: "bool",
    _PROTO_FIELD.TYPE_STRING: "str",
    _PROTO_FIELD.TYPE_BYTES: "bytes",
}


class _Comments:
    """Leading comments of one file by descriptor path."""

    def __init__(self, file: FileDescriptorProto, ours: bool) -> None:
        # The comments of files that come from elsewhere are not ours to carry.
        self._by_path = {tuple(loc.path): loc for loc in file.source_code_info.location if ours}

    def __call__(self, *path: int) -> str:
        location = self._by_path.get(path)
        return _clean(location.leading_comments) if location else ""

    def of_file(self) -> str:
        location = self._by_path.get((12,))
        return _clean(location.leading_comments) if location else ""


def _clean(comment: str) -> str:
    return "\n".join(line.removeprefix(" ").rstrip() for line in comment.strip("\n").splitlines()).strip()


def build(
    merged: Merged,
    policies: Mapping[str, Policy],
    families: Sequence[Family],
    patterns: Mapping[str, str],
) -> Model:
    """Read the descriptors.

    Args:
        merged: The files, with source info for those that have comments.
        policies: A policy for each RPC.
        families: The table of families.
        patterns: The name pattern of each resource that the protos refer to and do not define, by its type.

    Raises:
        ModelError: Two names collide in snake case, a field is a Python keyword, the policy file says of
            an RPC what its verb says, or a service does not fit its family.
    """
    model = Model(http_only=merged.http_only, variants=merged.variants)
    homes = packages(families)
    comments = {proto.name: _Comments(proto, proto.package in homes) for proto in merged.files}
    for proto in merged.files:
        file = _file(proto, comments[proto.name], homes)
        model.files.append(file)
        for message in file.messages:
            _index(model, message, file)
        for enum in file.enums:
            model.enums[enum.full_name] = enum
            model.homes[enum.full_name] = file
        model.patterns |= _patterns(proto, file)
    for kind in sorted(patterns.keys() & model.patterns.keys()):
        raise ModelError(f"resource_patterns.json: {kind} is defined by the protos; remove it")
    model.patterns |= patterns
    # Services come last: their methods refer to messages and resources of any file.
    model.files = [
        replace(
            file,
            services=tuple(
                _service(s, proto, model, policies, comments[proto.name], (6, i))
                for i, s in enumerate(proto.service)
            ),
        )
        for file, proto in zip(model.files, merged.files, strict=True)
    ]
    for file in model.files:
        _check_services(file)
    return model


def _patterns(proto: FileDescriptorProto, file: File) -> Iterator[tuple[str, str]]:
    """Yield the type and the main pattern of each resource that a file defines."""
    for definition in _read_resource_definition(proto.options.Extensions):
        yield definition.type, definition.pattern[0]
    for message in file.messages:
        if message.resource:
            yield message.resource[0], message.resource[1][0]


def _check_services(file: File) -> None:
    """Raise if the services of a file do not fit its family."""
    for service in file.services:
        if file.family is None or file.home is None:
            raise ModelError(
                f"{service.full_name}: package {file.package} belongs to no family; add it to families.py"
            )
        if service.host != file.family.host and not file.home.mixin:
            raise ModelError(
                f"{service.full_name}: default_host is {service.host}; "
                f"family {file.family.name} has {file.family.host}"
            )


def _file(
    proto: FileDescriptorProto, comments: _Comments, homes: Mapping[str, tuple[Family, Package]]
) -> File:
    family, home = homes.get(proto.package, (None, None))
    return File(
        path=proto.name,
        package=proto.package,
        home=home,
        family=family,
        comment=comments.of_file(),
        imports=tuple(proto.dependency),
        messages=tuple(
            _message(m, proto.package, comments, (4, i)) for i, m in enumerate(proto.message_type)
        ),
        enums=tuple(_enum(e, proto.package, comments, (5, i)) for i, e in enumerate(proto.enum_type)),
        services=(),
    )


def _index(model: Model, message: Message, file: File) -> None:
    model.messages[message.full_name] = message
    model.homes[message.full_name] = file
    for enum in message.enums:
        model.enums[enum.full_name] = enum
        model.homes[enum.full_name] = file
    for nested in message.messages:
        _index(model, nested, file)


def _enum(proto: EnumDescriptorProto, scope: str, comments: _Comments, path: tuple[int, ...]) -> Enum:
    return Enum(
        name=proto.name,
        full_name=f"{scope}.{proto.name}",
        comment=comments(*path),
        values=tuple(EnumValue(v.name, v.number, comments(*path, 2, i)) for i, v in enumerate(proto.value)),
    )


def _message(proto: DescriptorProto, scope: str, comments: _Comments, path: tuple[int, ...]) -> Message:
    full_name = f"{scope}.{proto.name}"
    maps = {f"{full_name}.{n.name}": n for n in proto.nested_type if n.options.map_entry}
    fields = []
    for i, f in enumerate(proto.field):
        if keyword.iskeyword(f.name):
            raise ModelError(f"{full_name}.{f.name}: a Python keyword cannot name a field")
        fields.append(_field(f, proto, maps, comments(*path, 2, i)))
    resource = _read_resource(proto.options.Extensions)
    return Message(
        name=proto.name,
        full_name=full_name,
        comment=comments(*path),
        fields=tuple(fields),
        oneofs=tuple(dict.fromkeys(f.oneof for f in fields if f.oneof)),
        messages=tuple(
            _message(n, full_name, comments, (*path, 3, i))
            for i, n in enumerate(proto.nested_type)
            if not n.options.map_entry
        ),
        enums=tuple(_enum(e, full_name, comments, (*path, 4, i)) for i, e in enumerate(proto.enum_type)),
        resource=(resource.type, tuple(resource.pattern)) if resource.type else None,
    )


def _kind(f: FieldDescriptorProto) -> tuple[str, str]:
    if f.type == _PROTO_FIELD.TYPE_MESSAGE:
        return "message", f.type_name.removeprefix(".")
    if f.type == _PROTO_FIELD.TYPE_ENUM:
        return "enum", f.type_name.removeprefix(".")
    return "scalar", _SCALARS.get(f.type, "int")


def _field(
    f: FieldDescriptorProto, parent: DescriptorProto, maps: Mapping[str, DescriptorProto], comment: str
) -> Field:
    kind, type_name = _kind(f)
    map_key = None
    if type_name in maps:
        key, value = maps[type_name].field
        map_key = _SCALARS.get(key.type, "int")
        kind, type_name = _kind(value)
    in_oneof = f.HasField("oneof_index") and not f.proto3_optional
    reference = _read_resource_reference(f.options.Extensions)
    return Field(
        name=f.name,
        number=f.number,
        comment=comment,
        kind=kind,
        type_name=type_name,
        repeated=f.label == _PROTO_FIELD.LABEL_REPEATED,
        presence=f.proto3_optional
        or in_oneof
        or (kind == "message" and f.label != _PROTO_FIELD.LABEL_REPEATED),
        oneof=parent.oneof_decl[f.oneof_index].name if in_oneof else None,
        behaviors=tuple(
            field_behavior_pb2.FieldBehavior.Name(b) for b in _read_field_behavior(f.options.Extensions)
        ),
        references=tuple(name for name in (reference.type, reference.child_type) if name),
        map_key=map_key,
    )


def _bindings(rule: http_pb2.HttpRule) -> Iterator[HttpBinding]:
    verb = rule.WhichOneof("pattern")
    if verb and verb != "custom":
        yield HttpBinding(verb, getattr(rule, verb), rule.body)
    for more in rule.additional_bindings:
        yield from _bindings(more)


def _websocket(rule: http_pb2.HttpRule) -> str:
    """Return the path of a rule of the kind ``WEBSOCKET``, if it is one."""
    return rule.custom.path if rule.custom.kind == "WEBSOCKET" else ""


def _idempotent(rpc: str, http: Sequence[HttpBinding], policy: Policy) -> bool:
    """Return whether an RPC changes nothing: its verb is GET, or the policy file says so."""
    get = bool(http) and all(binding.verb == "get" for binding in http)
    if get and policy.idempotent:
        raise ModelError(f"call_policy.json: idempotent: {rpc} is so by its verb, GET; remove it")
    return get or policy.idempotent


def _page_items(request: Message | None, response: Message | None) -> str | None:
    """AIP-4233: the request has page_size and page_token, the response next_page_token and the items."""
    if request is None or response is None:
        return None
    wanted = {f.name for f in request.fields}
    repeated = [f.name for f in response.fields if f.repeated]
    if {"page_size", "page_token"} <= wanted and any(f.name == "next_page_token" for f in response.fields):
        return repeated[0] if repeated else None
    return None


def _method(
    m: MethodDescriptorProto, service: str, package: str, model: Model, policy: Policy, comment: str
) -> Method:
    request, response = m.input_type.removeprefix("."), m.output_type.removeprefix(".")
    http = tuple(_bindings(_read_http(m.options.Extensions)))
    signatures = tuple(
        tuple(part for part in text.split(",") if part)
        for text in _read_method_signature(m.options.Extensions)
    )
    routing = tuple(
        dict.fromkeys(name for b in http for name in re.findall(r"\{([a-z_.]+)(?:=[^}]*)?\}", b.template))
    )
    info = _read_operation_info(m.options.Extensions)
    operation = None
    if info.response_type:
        operation = tuple(
            name if "." in name else f"{package}.{name}" for name in (info.response_type, info.metadata_type)
        )
    kinds = {(False, False): "UNARY", (False, True): "SERVER_STREAM", (True, False): "CLIENT_STREAM"}
    return Method(
        name=m.name,
        snake=snake_case(m.name),
        comment=comment,
        request=request,
        response=response,
        kind=kinds.get((m.client_streaming, m.server_streaming), "BIDI"),
        flattened=tuple(dict.fromkeys(name for names in signatures for name in names)),
        signatures=signatures,
        routing=routing,
        http=http,
        websocket=_websocket(_read_http(m.options.Extensions)),
        items=_page_items(model.messages.get(request), model.messages.get(response)),
        operation=operation,  # type: ignore[arg-type]
        idempotent=_idempotent(f"{service}/{m.name}", http, policy),
        http_only=f"{service}/{m.name}" in model.http_only,
        may_hold_json_only=_may_hold_json_only(request, model),
        policy=policy,
    )


def _service(
    s: ServiceDescriptorProto,
    file: FileDescriptorProto,
    model: Model,
    policies: Mapping[str, Policy],
    comments: _Comments,
    path: tuple[int, ...],
) -> Service:
    full_name = f"{file.package}.{s.name}"
    methods = tuple(
        _method(m, full_name, file.package, model, policies[f"{full_name}/{m.name}"], comments(*path, 2, i))
        for i, m in enumerate(s.method)
    )
    by_snake: dict[str, str] = {}
    for method in methods:
        if method.snake in by_snake:
            raise ModelError(
                f"{full_name}: {by_snake[method.snake]} and {method.name} are both {method.snake}() in Python"
            )
        by_snake[method.snake] = method.name
    return Service(
        name=s.name,
        full_name=full_name,
        snake=snake_case(s.name),
        comment=comments(*path),
        host=_read_default_host(s.options.Extensions),
        scopes=tuple(filter(None, _read_oauth_scopes(s.options.Extensions).replace(" ", "").split(","))),
        methods=methods,
        resources=_resources(methods, model),
    )


def _reachable(roots: Iterable[str], model: Model) -> Iterator[Message]:
    """Yield some messages, by full name, and all that they can hold."""
    todo, seen = list(roots), set[str]()
    while todo:
        message = model.messages.get(todo.pop())
        if message is not None and message.full_name not in seen:
            seen.add(message.full_name)
            yield message
            todo.extend(f.type_name for f in message.fields if f.kind == "message")


def _may_hold_json_only(request: str, model: Model) -> bool:
    fields = (f for message in _reachable([request], model) for f in message.fields)
    return any(FIRST_NUMBER <= f.number <= LAST_NUMBER for f in fields)


def _resources(methods: Sequence[Method], model: Model) -> tuple[Resource, ...]:
    """Resources that the service's messages define or refer to, however deep."""
    found: set[str] = set()
    roots = [name for m in methods for name in (m.request, m.response, *(m.operation or ()))]
    for message in _reachable(roots, model):
        if message.resource:
            found.add(message.resource[0])
        for f in message.fields:
            found.update(f.references)
    return tuple(
        Resource(snake_case(type_.rsplit("/", 1)[-1]), model.patterns[type_])
        for type_ in sorted(found)
        if type_ in model.patterns
    )
