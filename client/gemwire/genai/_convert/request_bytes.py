"""Requests as bytes that others share, and what is added to them for one call.

Serialised messages that follow each other are one message: repeated fields are appended, of all else the
last counts, or is merged. The pieces here share no field but the repeated contents: they are appended.
"""

from __future__ import annotations

from typing import Any

from gemwire_proto import v1beta
from gemwire_runtime.varint import varint

_INNER = v1beta.CountTokensRequest.DESCRIPTOR.fields_by_name["generate_content_request"].number


class Draft:
    """A request.

    Attributes:
        model: What it is for.
    """

    __slots__ = ("_added", "_shared", "model")

    def __init__(self, model: str, shared: tuple[bytes, ...], added: Any) -> None:
        """Nothing is copied.

        Args:
            model: What it is for.
            shared: Serialised messages, of which each has other fields, or more contents.
            added: A message with nothing but the contents that come last.
        """
        self.model = model
        self._shared = shared
        self._added = added

    @property
    def contents(self) -> Any:
        """The contents that come last; more may be added."""
        return self._added.contents

    def data(self) -> bytes:
        """All of it, serialised."""
        return b"".join((*self._shared, self._added.SerializeToString()))

    def whole(self) -> Any:
        """All of it, as a message of its own."""
        return type(self._added).FromString(self.data())

    def counting(self) -> bytes:
        """A serialised CountTokensRequest for all of it."""
        data = self.data()
        outer = v1beta.CountTokensRequest(model=self.model).SerializeToString()
        return b"".join((outer, varint(_INNER << 3 | 2), varint(len(data)), data))
