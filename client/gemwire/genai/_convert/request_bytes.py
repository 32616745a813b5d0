"""Serialised requests whose first bytes are shared by many calls.

Serialised messages that follow each other are one message: repeated fields are appended, other fields are
replaced or merged. The pieces joined here have no field in common but the contents, which are appended.
"""

from __future__ import annotations

from collections.abc import MutableSequence
from dataclasses import dataclass
from typing import NamedTuple

from gemwire_proto import v1beta
from gemwire_runtime import json_only
from gemwire_runtime.varint import varint

_INNER = v1beta.CountTokensRequest.DESCRIPTOR.fields_by_name["generate_content_request"].number


class SerializedRequest(NamedTuple):
    """The bytes of a request.

    Attributes:
        data: The bytes.
        suspect: Whether they may hold JSON-only fields; False is certain.
    """

    data: bytes
    suspect: bool


@dataclass(slots=True)
class RequestDraft:
    """A request for content: shared serialised pieces, and the contents of one call.

    Attributes:
        model: Full name of the model.
        shared: Serialised requests with different fields, or with contents that come first; not copied.
        last: Request with only the contents that come last; more may be appended.
        suspect: Whether the shared pieces may hold JSON-only fields; see `json_only.suspect`.
    """

    model: str
    shared: tuple[bytes, ...]
    last: v1beta.GenerateContentRequest
    suspect: bool

    @property
    def contents(self) -> MutableSequence[v1beta.Content]:
        """The contents that come last; more may be appended."""
        return self.last.contents

    def serialize(self) -> SerializedRequest:
        """Serialise the whole request. The shared pieces are not searched again."""
        last = self.last.SerializeToString()
        suspect = self.suspect or json_only.may_be_in(self.last, last)
        return SerializedRequest(b"".join((*self.shared, last)), suspect)

    def serialize_count(self) -> SerializedRequest:
        """Serialise a CountTokensRequest for the whole request."""
        data, suspect = self.serialize()
        head = v1beta.CountTokensRequest(model=self.model).SerializeToString()
        return SerializedRequest(b"".join((head, varint(_INNER << 3 | 2), varint(len(data)), data)), suspect)

    def parse(self) -> v1beta.GenerateContentRequest:
        """Build the whole request as a message."""
        return type(self.last).FromString(self.serialize().data)
