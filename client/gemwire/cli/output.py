"""What the commands print: messages as JSON for programs, text for people."""

from __future__ import annotations

import json
import sys
from typing import Any

from google.protobuf import json_format

import gemwire_proto


def as_dict(message: Any) -> Any:
    """A message as JSON values, under the names of the protos."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, descriptor_pool=gemwire_proto.POOL
    )


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a message or JSON value."""
    value = as_dict(value) if hasattr(value, "DESCRIPTOR") else value
    sys.stdout.write(json.dumps(value, indent=indent, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def write(text: str) -> None:
    """Print a piece of text at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def note(text: str) -> None:
    """Say something beside the output."""
    sys.stderr.write(text + "\n")
