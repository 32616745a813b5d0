"""The descriptor pool of gemwire and the message classes made from it.

protobuf's default pool refuses a second definition of a name, so a process that imported both Google's
package and ours from there would fail on the second import. All messages here live in a pool of their own,
built from descriptor sets; the classes need no code generated for one version of the protobuf runtime.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

from gemwire_runtime.message_init import build_init, build_merge_methods
from gemwire_runtime.upb import DescriptorPool, MessageMeta

#: Every descriptor set that was loaded; the same file in two of them is taken once.
POOL: Any = DescriptorPool()
_loaded: list[str] = []

_REMEDY = "reinstall gemwire, or run scripts/generate in a checkout"


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _files(data: bytes) -> Iterator[bytes]:
    """Yield the serialized files of a FileDescriptorSet (``repeated FileDescriptorProto file = 1``).

    Without protobuf: importing ``descriptor_pb2`` costs more than all else this package does on import.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        size, at = _varint(data, at)
        if tag != 0x0A or at + size > len(data):
            raise ValueError(at)
        yield data[at : at + size]
        at += size


def load(path: Path) -> None:
    """Add a serialized ``FileDescriptorSet`` to the pool: imports included, each file after those it imports.

    Raises:
        ImportError: The file cannot be read, or is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImportError(
            f"gemwire_proto cannot read its descriptors at {path} ({error.strerror}); {_REMEDY}"
        ) from None
    _loaded.append(str(path))
    try:
        for file in _files(data):
            POOL.AddSerializedFile(file)
    except (ValueError, IndexError, TypeError):
        raise ImportError(f"gemwire_proto found damaged descriptors at {path}; {_REMEDY}") from None


def define(namespace: dict[str, object], path: str) -> FileDescriptor:
    """Give a ``_pb2`` module its messages, enums and enum values.

    Args:
        namespace: ``globals()`` of the module. Modules of the files it imports must have been imported
            before: protobuf makes one class for each descriptor, for the first module that asks.
        path: The file's name in the pool, such as ``google/rpc/status.proto``.
    """
    try:
        file: FileDescriptor = POOL.FindFileByName(path)
    except KeyError:
        raise ImportError(f"gemwire_proto found no {path} at {', '.join(_loaded)}; {_REMEDY}") from None
    module = str(namespace["__name__"])
    for descriptor in file.message_types_by_name.values():
        namespace[descriptor.name] = _message_class(descriptor, module, descriptor.name)
    for enum in file.enum_types_by_name.values():
        namespace[enum.name] = EnumTypeWrapper(enum)
        for value in enum.values:
            namespace[value.name] = value.number
    return file


def _message_class(descriptor: Descriptor, module: str, qualname: str) -> type[Message]:
    attributes: dict[str, object] = {
        "DESCRIPTOR": descriptor,
        "__module__": module,
        **build_init(descriptor),
        **build_merge_methods(descriptor),
    }
    if descriptor.containing_type is not None:
        attributes["__reduce__"] = _reduce
    for nested in descriptor.nested_types:
        attributes[nested.name] = _message_class(nested, module, f"{qualname}.{nested.name}")
    made: type[Message] = MessageMeta(descriptor.name, (Message,), attributes)
    # The metaclass drops a __qualname__ among the attributes; pickle needs it for nested classes.
    made.__qualname__ = qualname
    return made


def _reduce(self: Message) -> tuple[object, ...]:
    """Pickle a nested message by its class; protobuf would look its name up in the default pool."""
    return type(self), (), self.__getstate__()  # type: ignore[attr-defined]
