"""Headers of responses: those of HTTP, or the metadata of gRPC."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import TypeAlias

from gemwire.genai._types.http_options import HttpResponse
from gemwire_runtime.view_fields import LocalField
from gemwire_runtime.views import View

#: Headers as they arrived.
Received: TypeAlias = Iterable[tuple[str, str | bytes]]

_NAME = "sdk_http_response"


class HeadersField(LocalField):
    """``sdk_http_response``, built of the headers when it is first read."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(_NAME, HttpResponse)

    def __get__(self, view: View | None, owner: type[View]) -> object:
        shown = super().__get__(view, owner)
        if isinstance(shown, list) and view is not None:
            shown = to_http_response(shown)
            self.set(view, shown)
        return shown


def to_http_response(received: Received) -> HttpResponse:
    """Return headers as google-genai shows them: values of one name are joined, bytes are base64."""
    headers: dict[str, str] = {}
    for name, value in received:
        text = base64.b64encode(value).decode() if isinstance(value, bytes) else value
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return HttpResponse(headers=headers)


def attach_headers(result: object, received: Received) -> None:
    """Set the headers of a result that has a field for them."""
    kind = type(result)
    field = getattr(kind, _NAME, result)
    if isinstance(field, HeadersField) and isinstance(result, View):
        field.set(result, list(received))
    elif field is not result:
        setattr(result, _NAME, to_http_response(received))


class ResponseOrigin:
    """What the responses to one request have in common.

    Attributes:
        schema: Schema by which `GenerateContentResponse.parsed` reads the answer.
    """

    __slots__ = ("_received", "_shown", "schema")

    def __init__(self, schema: object = None, received: Received | None = None) -> None:
        """Keep the schema and the headers; None if there are none."""
        self.schema = schema
        self._received = received
        self._shown: HttpResponse | None = None

    @property
    def http_response(self) -> HttpResponse | None:
        """The headers; the same object each time."""
        if self._shown is None and self._received is not None:
            self._shown = to_http_response(self._received)
        return self._shown
