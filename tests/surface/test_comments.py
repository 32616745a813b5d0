"""Everything that the protos define is explained where it is defined."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import grpc_tools
import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc

if TYPE_CHECKING:
    from collections.abc import Iterator

PROTOS = Path(__file__).resolve().parents[2] / "protos"
OVERLAY = PROTOS / "overlay"
FILES = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
INCLUDES = (
    OVERLAY,
    PROTOS,
    Path(annotations_pb2.__file__).parents[2],
    Path(grpc_tools.__file__).parent / "_proto",
)

# Where an element stands in its file: field numbers and indexes from FileDescriptorProto downwards.
Place = tuple[int, ...]
# The comment on a file is the one on its syntax statement; the licence before it is detached from that.
SYNTAX: Place = (FileDescriptorProto.SYNTAX_FIELD_NUMBER,)


def compile_with_comments(root: Path, name: str, folder: Path) -> FileDescriptorProto:
    output = folder / "descriptors.binpb"
    includes = [f"-I{path}" for path in (root, *INCLUDES)]
    arguments = ["protoc", *includes, "--include_source_info", f"--descriptor_set_out={output}", name]
    assert protoc.main(arguments) == 0
    (file,) = FileDescriptorSet.FromString(output.read_bytes()).file
    return file


def elements(file: FileDescriptorProto) -> Iterator[tuple[str, Place]]:
    """Everything that needs a comment: a full name and where it stands."""
    yield file.name, SYNTAX
    for index, message in enumerate(file.message_type):
        yield from in_message(message, file.package, (FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER, index))
    for index, enum in enumerate(file.enum_type):
        yield from in_enum(enum, file.package, (FileDescriptorProto.ENUM_TYPE_FIELD_NUMBER, index))
    for index, extension in enumerate(file.extension):
        yield f"{file.package}.{extension.name}", (FileDescriptorProto.EXTENSION_FIELD_NUMBER, index)
    for index, service in enumerate(file.service):
        place = (FileDescriptorProto.SERVICE_FIELD_NUMBER, index)
        yield f"{file.package}.{service.name}", place
        for number, method in enumerate(service.method):
            # The number of ServiceDescriptorProto.method.
            yield f"{file.package}.{service.name}.{method.name}", (*place, 2, number)


def in_message(message: DescriptorProto, scope: str, place: Place) -> Iterator[tuple[str, Place]]:
    name = f"{scope}.{message.name}"
    yield name, place
    for index, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*place, DescriptorProto.FIELD_FIELD_NUMBER, index)
    # protoc makes up a oneof for every field declared optional, and a message for every map.
    made_up = {field.oneof_index for field in message.field if field.proto3_optional}
    for index, oneof in enumerate(message.oneof_decl):
        if index not in made_up:
            yield f"{name}.{oneof.name}", (*place, DescriptorProto.ONEOF_DECL_FIELD_NUMBER, index)
    for index, extension in enumerate(message.extension):
        yield f"{name}.{extension.name}", (*place, DescriptorProto.EXTENSION_FIELD_NUMBER, index)
    for index, enum in enumerate(message.enum_type):
        yield from in_enum(enum, name, (*place, DescriptorProto.ENUM_TYPE_FIELD_NUMBER, index))
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from in_message(nested, name, (*place, DescriptorProto.NESTED_TYPE_FIELD_NUMBER, index))


def in_enum(enum: EnumDescriptorProto, scope: str, place: Place) -> Iterator[tuple[str, Place]]:
    name = f"{scope}.{enum.name}"
    yield name, place
    for index, value in enumerate(enum.value):
        yield f"{name}.{value.name}", (*place, EnumDescriptorProto.VALUE_FIELD_NUMBER, index)


def starts_with_a_sentence(comment: str) -> bool:
    """Whether the first sentence of the first paragraph ends in a full stop."""
    paragraph = re.split(r"\n\s*\n", comment.strip())[0]
    end = re.search(r"[.?!](?=\s|$)", paragraph)
    return end is not None and end.group() == "."


def unexplained(file: FileDescriptorProto) -> list[str]:
    comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    return [name for name, place in elements(file) if not starts_with_a_sentence(comments.get(place, ""))]


def test_there_are_protos() -> None:
    assert FILES


@pytest.mark.parametrize("name", FILES)
def test_everything_is_explained(name: str, tmp_path: Path) -> None:
    root = OVERLAY if name.startswith("overlay/") else PROTOS
    assert unexplained(compile_with_comments(root, name.removeprefix("overlay/"), tmp_path)) == []


BARE = """\
// Licence of the file.

syntax = "proto3";
package p;
import "google/protobuf/descriptor.proto";
extend google.protobuf.MethodOptions { bool extension = 50000; }
service Service { rpc Method(Message) returns (Message); }
enum Enum { ZERO = 0; }
message Message {
  message Nested { bool field = 1; }
  enum Inner { NONE = 0; }
  extend google.protobuf.MethodOptions { bool inner_extension = 50001; }
  oneof oneof { bool member = 1; }
  optional bool present = 2;
  map<string, bool> map = 3;
}
"""


def test_notices_every_kind_of_element(tmp_path: Path) -> None:
    (tmp_path / "bare.proto").write_text(BARE, encoding="utf-8")
    assert sorted(unexplained(compile_with_comments(tmp_path, "bare.proto", tmp_path))) == [
        "bare.proto",
        "p.Enum",
        "p.Enum.ZERO",
        "p.Message",
        "p.Message.Inner",
        "p.Message.Inner.NONE",
        "p.Message.Nested",
        "p.Message.Nested.field",
        "p.Message.inner_extension",
        "p.Message.map",
        "p.Message.member",
        "p.Message.oneof",
        "p.Message.present",
        "p.Service",
        "p.Service.Method",
        "p.extension",
    ]


@pytest.mark.parametrize(
    ("comment", "is_sentence"),
    [
        (" The name. More words\n", True),
        (" A sentence that goes on\n in a second line with 1.5 in it.\n", True),
        ("", False),
        (" The name\n", False),
        (" The name\n\n It is unique.\n", False),
        (" Is it? Yes.\n", False),
    ],
)
def test_what_a_sentence_is(comment: str, is_sentence: bool) -> None:
    assert starts_with_a_sentence(comment) is is_sentence
