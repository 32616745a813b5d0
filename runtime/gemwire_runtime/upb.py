"""The three things that are needed of the protobuf runtime: a pool, a metaclass, a constructor.

With the usual C implementation (upb) they are taken from it directly. The public modules that offer them,
``descriptor_pool`` and ``message_factory``, import protobuf's pure-Python implementation as well since 6.30,
which costs more than all of this package's own import (``benchmarks/import_time.py``). Where the C
implementation is absent or has changed, the public way is used.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

from google.protobuf.internal import api_implementation


def _upb() -> tuple[type, type, Callable[..., None]] | None:
    if api_implementation.Type() != "upb":
        return None
    try:
        from google._upb import _message

        return _message.DescriptorPool, _message.MessageMeta, _message.Message.__init__
    except (ImportError, AttributeError):
        return None


def _public() -> tuple[type, type, Callable[..., None]]:
    from google.protobuf import descriptor_pool, reflection
    from google.protobuf.empty_pb2 import Empty

    return descriptor_pool.DescriptorPool, reflection.GeneratedProtocolMessageType, Empty.__init__


#: The class of descriptor pools, the metaclass of messages, and the slot that fills in any message's fields.
DescriptorPool: Any
MessageMeta: Any
construct: Callable[..., None]
DescriptorPool, MessageMeta, construct = _upb() or _public()


def descriptor_of(kind: "type[Message] | Message") -> "Descriptor":
    """Return the descriptor of a message or its class; to type checkers it could be upb's own as well."""
    return cast("Descriptor", kind.DESCRIPTOR)
