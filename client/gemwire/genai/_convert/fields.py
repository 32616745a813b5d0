"""Fields of messages, set from fields of configs."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import Message

from gemwire_runtime.views import View, write_field


def write_config_field(kind: type[View], message: Message, name: str, value: object) -> None:
    """Set a field of a message, converting the value as views do. An empty dict sets nothing.

    Raises:
        ValueError: The value is out of range; the error names the field of the config.
        TypeError: The value is of a wrong type.
    """
    if isinstance(value, Mapping) and not value:
        return
    try:
        write_field(kind, message, name, value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"config.{error}") from None
