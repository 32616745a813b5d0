"""Fields of messages, set from fields of configs."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message

from gemwire_runtime.field_errors import locate
from gemwire_runtime.view_fields import Field


def write_config_field(field: Field, message: Message, value: object) -> None:
    """Set a field of a message, converting the value as views do. An empty dict sets nothing."""
    if isinstance(value, Mapping) and not value:
        return
    try:
        field.write(message, value)
    except (TypeError, ValueError) as error:
        raise locate("config", error) from None
