# Types that only stubs name. At run time an enum is protobuf's EnumTypeWrapper.
from typing import TypeVar

from google.protobuf.descriptor import EnumDescriptor

_E = TypeVar("_E")

class EnumType(type):
    """Names and numbers of a proto enum."""

    @property
    def DESCRIPTOR(cls) -> EnumDescriptor: ...
    def Name(cls, number: int) -> str:
        """Name of a number; ValueError if it has none."""
    def Value(cls: type[_E], name: str) -> _E:
        """Number of a name; ValueError if there is none."""
    def keys(cls) -> list[str]: ...
    def values(cls: type[_E]) -> list[_E]: ...
    def items(cls: type[_E]) -> list[tuple[str, _E]]: ...
