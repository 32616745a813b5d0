"""RPCs of Vertex AI, with the version of their paths over HTTP."""

from __future__ import annotations

import dataclasses
import functools
from typing import TypeVar

from google.protobuf.message import Message

from gemwire_runtime.method import AnyMethod, Method

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)

_VERSION = "/v1/"


class Rpcs:
    """RPCs as a client calls them: v1 over gRPC, and another version over HTTP, which has more fields.

    Attributes:
        version: The version over HTTP.
        over_http: Whether calls may go over HTTP.
    """

    def __init__(self, version: str, *, over_http: bool) -> None:
        self.version = version
        self.over_http = over_http

    def __call__(self, method: Method[_Request, _Response]) -> Method[_Request, _Response]:
        """Return an RPC of the tables."""
        return _with_version(method, self.version)


@functools.cache
def _with_version(method: AnyMethod, version: str) -> AnyMethod:
    http = tuple(
        dataclasses.replace(binding, template=f"/{version}/{binding.template.removeprefix(_VERSION)}")
        if binding.template.startswith(_VERSION)
        else binding
        for binding in method.http
    )
    return dataclasses.replace(method, http=http)
