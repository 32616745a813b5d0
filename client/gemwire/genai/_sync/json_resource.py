# Derived from genai/_aio/json_resource.py by scripts/unasync. DO NOT EDIT.
"""What the resources whose methods take no config have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.message import Message

from gemwire.genai._backends.base import Call
from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.call_options import split_options
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.view_fields import message_of
from gemwire_runtime.views import View, view

_View = TypeVar("_View", bound=View)
_NOTHING: Mapping[str, object] = {}


class JsonResource(Resource):
    """A resource that the service has over HTTP only."""

    #: The collection in names of the resource, which are accepted in place of its ids.
    _collection: str

    def _to_id(self, value: object, argument: str = "id") -> str:
        """Return an id. Raises TypeError or ValueError if it is none."""
        if not isinstance(value, str):
            raise TypeError(f"{argument}: expected a string, got {type(value).__name__}")
        found = value.removeprefix(f"{self._collection}/")
        if not found or "/" in found or found in {".", ".."}:
            raise ValueError(f"{argument}: {value!r} is not an id")
        return found

    def _call(
        self,
        method: AnyMethod,
        shown: type[_View],
        arguments: Mapping[str, object],
        path: Mapping[str, object] = _NOTHING,
        *,
        body: str = "",
        required: tuple[str, ...] = (),
    ) -> _View:
        """Make a call.

        Args:
            method: The RPC.
            shown: View of its response.
            arguments: Fields of the request, and options of the call.
            path: Fields beside those of the body.
            body: Field of the request that holds the fields; empty if the request has them itself.
            required: Fields without which nothing is sent.
        """
        fields, options = split_options(arguments, body)
        for name in required:
            if name not in fields:
                raise ValueError(f"{name}: is required")
        given = {body: fields, **path} if body else {**fields, **path}
        request: Message = message_of(type(view(method.request())).model_validate(given))
        return self._api.call(Call(method, request, shown.of), options)
