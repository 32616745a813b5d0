"""Merging of overlay protos: fields and RPCs that the service has over HTTP only.

An overlay file names the file of the public protos that it merges into. Its messages and services that carry
``extends`` add to those of the same name there; all others are new. A file that names none is one of its own.
``protos/README.md`` describes the form.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from google.api import annotations_pb2, http_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileOptions,
    MessageOptions,
    MethodDescriptorProto,
    MethodOptions,
    ServiceDescriptorProto,
    ServiceOptions,
)
from google.protobuf.descriptor_pool import DescriptorPool

from gemwire_runtime.json_only import FIRST_NUMBER, LAST_NUMBER

OPTIONS_FILE = "gemwire/overlay/v1/options.proto"
_OPTIONS_PACKAGE = "gemwire.overlay.v1"

FIELD_NOTE = "HTTP only: gRPC cannot carry this field, and a request that sets it goes as JSON."
RPC_NOTE = "HTTP only: the service does not have this RPC over gRPC."

_Path = tuple[int, ...]
_Named = DescriptorProto | EnumDescriptorProto
_Options = FileOptions | MessageOptions | MethodOptions | ServiceOptions
_Container = TypeVar("_Container", FileDescriptorProto, DescriptorProto)


class OverlayError(Exception):
    """An overlay does not fit what it merges into."""


@dataclass(frozen=True)
class Merged:
    """The result of a merge.

    Attributes:
        files: All files but those of overlays, each after those it imports.
        http_only: RPCs that the service has over HTTP only, ``package.Service/Method``.
        variants: Kinds of messages with a class of their own, by the message's full name: each the value of a
            field and the name of the class, ``type=text TextContent``.
    """

    files: list[FileDescriptorProto]
    http_only: frozenset[str]
    variants: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)


def merge(files: Sequence[FileDescriptorProto]) -> Merged:
    """Merge the overlays among some files into the others.

    Args:
        files: In dependency order, overlays included, with source info where there are comments. They are
            not changed.

    Raises:
        OverlayError: An overlay does not fit; the text names the file and the element.
    """
    if not any(file.name == OPTIONS_FILE for file in files):
        return Merged(list(files), frozenset())
    option = _option_reader(files)
    targets = {file.name: str(option(file.options, "merges_into")) for file in files}
    kept: dict[str, FileDescriptorProto] = {}
    for file in files:
        if not targets[file.name] and file.name != OPTIONS_FILE:
            kept[file.name] = FileDescriptorProto()
            kept[file.name].CopyFrom(file)
    http_only: set[str] = set()
    variants: dict[str, Sequence[str]] = {}
    for file in kept.values():
        if OPTIONS_FILE in file.dependency:
            variants |= _read_variants(file, option)
            http_only |= set(_take_options(file, option))
    prefixes = _prefixes(files, targets, kept)
    for file in files:
        if targets[file.name]:
            overlay = _Overlay(file, kept[targets[file.name]], prefixes, option)
            overlay.merge(targets)
            http_only |= overlay.http_only
    ordered = _in_dependency_order(kept)
    _check_builds(ordered)
    return Merged(ordered, frozenset(http_only), variants)


_OptionReader = Callable[[_Options, str], object]


def _read_variants(file: FileDescriptorProto, option: _OptionReader) -> dict[str, Sequence[str]]:
    """Return the variants of the messages of an overlay file, by their full names."""
    found: dict[str, Sequence[str]] = {
        f"{file.package}.{message.name}": [str(one) for one in cast("Iterable[object]", given)]
        for message in file.message_type
        if (given := option(message.options, "variants"))
    }
    for name, variants in found.items():
        for variant in variants:
            if not re.fullmatch(r"\w+=\S+ \w+", variant):
                raise OverlayError(f"{file.name}: {name}: {variant!r} is not of the form field=value Name")
    return found


def _take_options(file: FileDescriptorProto, option: _OptionReader) -> Iterator[str]:
    """Apply and remove the options of an overlay file that is one of its own; yield its RPCs.

    Raises:
        OverlayError: An RPC does not say that it is HTTP only, or has no binding.
    """
    for service in file.service:
        for method in service.method:
            name = f"{file.package}.{service.name}/{method.name}"
            if not option(method.options, "http_only"):
                raise OverlayError(f"{file.name}: {name}: is in no public proto; set the option http_only")
            if not method.options.Extensions[annotations_pb2.http].WhichOneof("pattern"):
                raise OverlayError(f"{file.name}: {name}: has no google.api.http binding")
            method.options.DiscardUnknownFields()
            yield name
    snake_case = bool(option(file.options, "snake_case_json"))
    todo = list(file.message_type)
    while todo:
        message = todo.pop()
        todo.extend(message.nested_type)
        message.options.DiscardUnknownFields()
        for field in message.field:
            if snake_case:
                field.json_name = field.name
    file.options.DiscardUnknownFields()
    file.dependency.remove(OPTIONS_FILE)


def _option_reader(files: Sequence[FileDescriptorProto]) -> _OptionReader:
    """Build a reader of the overlay's own options, which no generated module knows."""
    pool = DescriptorPool()
    for file in files:
        pool.Add(file)

    def read(options: _Options, name: str) -> object:
        kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(options.DESCRIPTOR.full_name))
        known = kind.FromString(options.SerializeToString())
        extension = pool.FindExtensionByName(f"{_OPTIONS_PACKAGE}.{name}")
        values: dict[str, object] = {field.full_name: value for field, value in known.ListFields()}
        return values.get(extension.full_name, extension.default_value)

    return read


def _prefixes(
    files: Sequence[FileDescriptorProto], targets: dict[str, str], kept: dict[str, FileDescriptorProto]
) -> dict[str, str]:
    """Map the package of each overlay to that of its target, as type names write them."""
    found: dict[str, str] = {}
    for file in files:
        target = targets[file.name]
        if not target:
            continue
        if target not in kept:
            raise OverlayError(f"{file.name}: merges_into: there is no file {target}")
        known = found.setdefault(f".{file.package}.", f".{kept[target].package}.")
        if known != f".{kept[target].package}.":
            raise OverlayError(
                f"{file.name}: package {file.package} merges into {known.strip('.')} elsewhere, "
                f"and here into {kept[target].package}"
            )
    return found


class _Overlay:
    """One overlay file on its way into its target."""

    def __init__(
        self,
        file: FileDescriptorProto,
        target: FileDescriptorProto,
        prefixes: dict[str, str],
        option: _OptionReader,
    ) -> None:
        self._file = file
        self._target = target
        self._prefixes = prefixes
        self._option = option
        # Where subtrees of the overlay went, by their source paths; with a note to add to their comments.
        self._moved: dict[_Path, tuple[_Path, str]] = {}
        self.http_only: set[str] = set()

    def merge(self, targets: dict[str, str]) -> None:
        """Merge the whole file.

        Args:
            targets: What each overlay file merges into.
        """
        self._merge_messages(self._file, self._target, (), (), self._target.package)
        self._merge_enums(self._file, self._target, (), (), self._target.package)
        for index, service in enumerate(self._file.service):
            self._merge_service(service, index)
        for name in self._file.dependency:
            mapped = targets.get(name) or name
            if mapped not in (*self._target.dependency, self._target.name, OPTIONS_FILE):
                self._target.dependency.append(mapped)
        self._merge_comments()

    def _fail(self, element: str, problem: str) -> OverlayError:
        return OverlayError(f"{self._file.name}: {element}: {problem}")

    def _merge_messages(
        self, source: _Container, target: _Container, old: _Path, new: _Path, scope: str
    ) -> None:
        here, there = _messages(source), _messages(target)
        # DescriptorProto.nested_type and FileDescriptorProto.message_type
        number = 3 if old else 4
        for index, message in enumerate(here):
            name = f"{scope}.{message.name}"
            place = (*old, number, index)
            if not self._option(message.options, "extends"):
                self._check_free(name, target, message.name)
                self._moved[place] = ((*new, number, len(there)), "")
                self._retype(message, there.add())
                continue
            at = next((at for at, one in enumerate(there) if one.name == message.name), None)
            if at is None:
                raise self._fail(name, "extends a message that does not exist")
            self._extend(message, there[at], place, (*new, number, at), name)

    def _merge_enums(
        self, source: _Container, target: _Container, old: _Path, new: _Path, scope: str
    ) -> None:
        number = 4 if old else 5
        for index, enum in enumerate(source.enum_type):
            self._check_free(f"{scope}.{enum.name}", target, enum.name)
            place = (*old, number, index)
            self._moved[place] = ((*new, number, len(target.enum_type)), "")
            target.enum_type.add().CopyFrom(enum)

    def _check_free(self, full_name: str, target: FileDescriptorProto | DescriptorProto, name: str) -> None:
        taken = [one.name for one in (*_messages(target), *target.enum_type)]
        if name in taken:
            raise self._fail(full_name, "this name is taken; set the option extends to add to it")

    def _extend(
        self, source: DescriptorProto, target: DescriptorProto, old: _Path, new: _Path, name: str
    ) -> None:
        oneofs = self._merge_oneofs(source, target, name)
        taken = {field.number: field.name for field in target.field}
        names = {one: field.name for field in target.field for one in (field.name, field.json_name)}
        for index, field in enumerate(source.field):
            element = f"{name}.{field.name}"
            if not FIRST_NUMBER <= field.number <= LAST_NUMBER:
                raise self._fail(element, f"{field.number} is not from {FIRST_NUMBER} to {LAST_NUMBER}")
            if field.number in taken:
                raise self._fail(element, f"{field.number} is the number of {taken[field.number]}")
            for one in (field.name, field.json_name):
                if one in names:
                    raise self._fail(element, f"{one!r} is the name of {names[one]}")
            taken[field.number] = field.name
            place = (*old, 2, index)
            self._moved[place] = ((*new, 2, len(target.field)), FIELD_NOTE)
            added = target.field.add()
            added.CopyFrom(field)
            self._retype_field(added)
            if field.HasField("oneof_index"):
                added.oneof_index = oneofs[field.oneof_index]
        self._merge_messages(source, target, old, new, name)
        self._merge_enums(source, target, old, new, name)

    def _merge_oneofs(self, source: DescriptorProto, target: DescriptorProto, name: str) -> dict[int, int]:
        """Find or add the oneofs of an extended message; the result maps their indexes."""
        synthetic = {field.oneof_index for field in source.field if field.proto3_optional}
        known = {oneof.name: index for index, oneof in enumerate(target.oneof_decl)}
        found: dict[int, int] = {}
        for index, oneof in enumerate(source.oneof_decl):
            if index in synthetic:
                # Those of optional fields stand behind all others, so they can be appended.
                found[index] = len(target.oneof_decl)
                target.oneof_decl.add(name=oneof.name)
            elif oneof.name in known:
                found[index] = known[oneof.name]
            else:
                raise self._fail(f"{name}.{oneof.name}", "a message that is extended has no such oneof")
        return found

    def _retype(self, source: DescriptorProto, target: DescriptorProto) -> None:
        """Copy a message, its types named as they are in the target."""
        target.CopyFrom(source)
        todo = [target]
        while todo:
            message = todo.pop()
            todo.extend(message.nested_type)
            for field in message.field:
                self._retype_field(field)

    def _retype_field(self, field: FieldDescriptorProto) -> None:
        if field.type_name:
            field.type_name = self._renamed(field.type_name)

    def _renamed(self, type_name: str) -> str:
        for old, new in self._prefixes.items():
            if type_name.startswith(old):
                return new + type_name.removeprefix(old)
        return type_name

    def _merge_service(self, source: ServiceDescriptorProto, index: int) -> None:
        name = f"{self._target.package}.{source.name}"
        at = next((at for at, one in enumerate(self._target.service) if one.name == source.name), None)
        if not self._option(source.options, "extends_service"):
            if at is not None:
                raise self._fail(name, "this name is taken; set the option extends_service to add to it")
            at = len(self._target.service)
            self._moved[6, index] = ((6, at), "")
            self._target.service.add(name=source.name).options.CopyFrom(source.options)
        elif at is None:
            raise self._fail(name, "extends a service that does not exist")
        target = self._target.service[at]
        known = {method.name: method for method in target.method}
        for number, method in enumerate(source.method):
            element = f"{name}.{method.name}"
            rule = method.options.Extensions[annotations_pb2.http]
            if not rule.WhichOneof("pattern"):
                raise self._fail(element, "has no google.api.http binding")
            http_only = bool(self._option(method.options, "http_only"))
            if method.name in known:
                if http_only:
                    raise self._fail(element, "is an RPC of the public protos, so it cannot be http_only")
                _bind(known[method.name], method)
                continue
            if not http_only:
                raise self._fail(element, "is no RPC of the public protos; set the option http_only")
            self.http_only.add(f"{name}/{method.name}")
            self._moved[6, index, 2, number] = ((6, at, 2, len(target.method)), RPC_NOTE)
            added = target.method.add()
            added.CopyFrom(method)
            added.input_type = self._renamed(method.input_type)
            added.output_type = self._renamed(method.output_type)
            # Options of ours, which no registered type has, are for this merge alone.
            added.options.DiscardUnknownFields()

    def _merge_comments(self) -> None:
        for location in self._file.source_code_info.location:
            path = tuple(location.path)
            for length in range(len(path), 1, -2):
                if path[:length] not in self._moved:
                    continue
                new, note = self._moved[path[:length]]
                added = self._target.source_code_info.location.add()
                added.CopyFrom(location)
                added.path[:] = (*new, *path[length:])
                if note and length == len(path):
                    added.leading_comments = f"{location.leading_comments.rstrip()}\n\n {note}\n"
                break


def _messages(container: FileDescriptorProto | DescriptorProto):  # type: ignore[no-untyped-def]
    return container.message_type if isinstance(container, FileDescriptorProto) else container.nested_type


def _bind(known: MethodDescriptorProto, method: MethodDescriptorProto) -> None:
    """Add the HTTP bindings of an overlay to an RPC that exists."""
    rule = http_pb2.HttpRule()
    rule.CopyFrom(method.options.Extensions[annotations_pb2.http])
    more = [*rule.additional_bindings]
    rule.ClearField("additional_bindings")
    present = known.options.Extensions[annotations_pb2.http]
    if present.WhichOneof("pattern"):
        present.additional_bindings.extend([rule, *more])
    else:
        present.CopyFrom(rule)
        present.additional_bindings.extend(more)


def _in_dependency_order(files: dict[str, FileDescriptorProto]) -> list[FileDescriptorProto]:
    done: dict[str, FileDescriptorProto] = {}

    def add(name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            chain = " imports ".join((*importers[importers.index(name) :], name))
            raise OverlayError(f"overlays make a circle of imports: {chain}")
        if name not in done:
            for dependency in files[name].dependency:
                add(dependency, (*importers, name))
            done[name] = files[name]

    for name in files:
        add(name, ())
    return list(done.values())


def _check_builds(files: Iterable[FileDescriptorProto]) -> None:
    """Raise if protobuf refuses a merged file: for types that were not found, names that clash, and so on."""
    pool = DescriptorPool()
    for file in files:
        try:
            pool.AddSerializedFile(file.SerializeToString())
        except TypeError as error:
            raise OverlayError(f"{file.name}: with its overlays: {error}") from None
