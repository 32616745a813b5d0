"""``views.py`` and ``views.pyi``: one API version's messages as Python objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .families import Package
from .model import Enum, Field, File, Message, Model, ModelError
from .source import Source, import_used, join_modules, summary
from .types import Types, alias
from .view_names import FURTHER_MEMBERS, VIEW_NAMES

#: What a view shows instead of a well-known type, and what it takes.
_WELL_KNOWN = {
    "google.protobuf.Struct": ("dict[str, _Any]", "_Mapping[str, object]"),
    "google.protobuf.Value": ("_Any", "object"),
    "google.protobuf.Timestamp": ("_datetime.datetime", "_datetime.datetime | str"),
    "google.protobuf.Duration": ("str", "str | float | _datetime.timedelta"),
    "google.protobuf.FieldMask": ("list[str]", "_Sequence[str] | str"),
}


def module(package: Package, files: Sequence[File], model: Model) -> str:
    """The run-time module."""
    out = Source(f"the protos of {package.module}")
    out.docstring(
        f"The messages of {package.module} as Python objects; what a view is says `gemwire_runtime.views`."
    )
    out()
    out("from __future__ import annotations")
    out()
    out("from gemwire_runtime import views as _views")
    for file in files:
        if file.messages or file.enums:
            folder, _, leaf = file.module.rpartition(".")
            out(f"from {folder} import {leaf} as {alias(file.module)}")
    out()
    for full_name, enum in _enums(files):
        home = model.homes[full_name]
        out()
        out(f"@_views.Enum.of({alias(home.module)}.{_place(full_name, model)})")
        out(f"class {flat(full_name, model)}(_views.Enum):")
        with out.indent():
            out.docstring(summary(enum.comment) or full_name)
            out()
            for name in [*(value.name for value in enum.values), *_further(enum, model)]:
                out(f'{name} = "{name}"')
        out()
    for full_name, message in _messages(files, model):
        home = model.homes[full_name]
        kind = f"{alias(home.module)}.{model.python_name(full_name)}"
        out()
        out(f"class {flat(full_name, model)}(_views.View, kind={kind}):")
        with out.indent():
            out.docstring(summary(message.comment) or full_name)
            out()
            out("__slots__ = ()")
        out()
        for variant, field, value in _variants(full_name, model):
            out()
            out(f'class {variant}({flat(full_name, model)}, metaclass=_views.Variant, {field}="{value}"):')
            with out.indent():
                out.docstring(_describe_variant(full_name, model, field, value))
                out()
                out("__slots__ = ()")
            out()
    out()
    out("def __getattr__(name: str) -> object:")
    with out.indent():
        out("found = globals()[name] = _views.typed_dict(globals(), name)")
        out("return found")
    return out.text()


def stub(package: Package, files: Sequence[File], model: Model) -> str:
    """The typed face of the same module."""
    body = Source(f"the protos of {package.module}")
    for full_name, enum in _enums(files):
        body(f"class {flat(full_name, model)}(_views.Enum):")
        with body.indent():
            body.docstring(enum.comment or full_name)
            for value in enum.values:
                body(f'{value.name} = "{value.name}"')
                if value.comment:
                    body.docstring(value.comment)
            for name in _further(enum, model):
                body(f'{name} = "{name}"')
        body()
    types = Types(model, None)
    for full_name, message in _messages(files, model):
        _stub(body, full_name, message, types)
        _typed_dict(body, full_name, message, types)
    head = Source(f"the protos of {package.module}")
    if "_datetime." in body.text():
        head("import datetime as _datetime")
    import_used(head, body, "collections.abc", "Mapping", "Sequence")
    import_used(head, body, "typing", "Any", "TypedDict")
    head()
    head("from google.protobuf.message import Message as _Message")
    head()
    head("from gemwire_runtime import views as _views")
    for line in types.imports():
        head(line)
    head()
    return join_modules(head, body)


def _stub(out: Source, full_name: str, message: Message, types: Types) -> None:
    out(f"class {flat(full_name, types.model)}(_views.View):")
    with out.indent():
        out.docstring(message.comment or full_name)
        for field in message.fields:
            out(f"{field.name}: {_shown(field, types)} | None")
            if field.comment:
                out.docstring(field.comment)
        if message.fields:
            out("def __init__(")
            with out.indent():
                out("self,")
                out("*,")
                for field in message.fields:
                    out(f"{field.name}: {_taken(field, types)} | None = ...,")
            out(") -> None: ...")
        else:
            out("def __init__(self) -> None: ...")
    out()
    for variant, key, value in _variants(full_name, types.model):
        out(f"class {variant}({flat(full_name, types.model)}):")
        with out.indent():
            out.docstring(_describe_variant(full_name, types.model, key, value))
        out()


def _variants(full_name: str, model: Model) -> Iterator[tuple[str, str, str]]:
    """Yield the class of each variant of a message, and the field and the value that tell it apart."""
    for variant in model.variants.get(full_name, ()):
        condition, name = variant.split(" ")
        field, _, value = condition.partition("=")
        yield name, field, value


def _describe_variant(full_name: str, model: Model, field: str, value: str) -> str:
    return f"A `{flat(full_name, model)}` whose ``{field}`` is ``{value}``."


def _typed_dict(out: Source, full_name: str, message: Message, types: Types) -> None:
    name = flat(full_name, types.model)
    out(f"class {name}Dict(_TypedDict, total=False):")
    with out.indent():
        out.docstring(f"Fields of a `{name}`, which is accepted in its place.")
        for field in message.fields:
            out(f"{field.name}: {_taken(field, types)} | None")
    out()


def _shown(field: Field, types: Types) -> str:
    item = _item(field, types)[0]
    if field.map_key:
        return f"dict[{field.map_key}, {item}]"
    return f"list[{item}]" if field.repeated else item


def _taken(field: Field, types: Types) -> str:
    item = _item(field, types)[1]
    if field.map_key:
        return f"_Mapping[{field.map_key}, {item}]"
    return f"_Sequence[{item}]" if field.repeated else item


def _item(field: Field, types: Types) -> tuple[str, str]:
    """Return the types of one value of a field: as it is read, and as it is accepted."""
    if field.kind == "scalar":
        return field.type_name, "bytes | str" if field.type_name == "bytes" else field.type_name
    if field.type_name in _WELL_KNOWN:
        return _WELL_KNOWN[field.type_name]
    home = types.model.homes[field.type_name].home
    if home is None or not home.views:
        name = types.name(field.type_name)
        return name, f"{name} | _Message | _Mapping[str, object]"
    name = flat(field.type_name, types.model)
    if field.kind == "enum":
        return name, f"{name} | str | int"
    return name, f"{name} | {name}Dict | _Message"


def flat(full_name: str, model: Model) -> str:
    """Return google-genai's name, or one without dots: ``GroundingChunk.Web`` is GroundingChunkWeb."""
    name = model.python_name(full_name)
    return VIEW_NAMES.get(name, name).replace(".", "")


def _further(enum: Enum, model: Model) -> list[str]:
    known = {value.name for value in enum.values}
    return [name for name in FURTHER_MEMBERS.get(model.python_name(enum.full_name), ()) if name not in known]


def _place(full_name: str, model: Model) -> str:
    """Return the expression of an enum's descriptor; that of a nested enum is on its message's."""
    name = model.python_name(full_name)
    if "." not in name:
        return f"{name}.DESCRIPTOR"
    message, _, enum = name.rpartition(".")
    return f'{message}.DESCRIPTOR.enum_types_by_name["{enum}"]'


def _enums(files: Sequence[File]) -> Iterator[tuple[str, Enum]]:
    for file in files:
        for enum in file.enums:
            yield enum.full_name, enum
        for message in file.messages:
            yield from _inner_enums(message)


def _inner_enums(message: Message) -> Iterator[tuple[str, Enum]]:
    for enum in message.enums:
        yield enum.full_name, enum
    for nested in message.messages:
        yield from _inner_enums(nested)


def _messages(files: Sequence[File], model: Model) -> Iterator[tuple[str, Message]]:
    seen: dict[str, str] = {}
    for file in files:
        for message in file.messages:
            for nested in _nested(message):
                short = flat(nested.full_name, model)
                if other := seen.get(short):
                    raise ModelError(f"{nested.full_name} and {other} would both be views.{short}")
                seen[short] = nested.full_name
                yield nested.full_name, nested


def _nested(message: Message) -> Iterator[Message]:
    yield message
    for nested in message.messages:
        yield from _nested(nested)
