# Derived from genai/_aio/json_caller.py by scripts/unasync. DO NOT EDIT.
"""Calls that are given as HTTP requests with JSON, for clients that know nothing else."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from google.protobuf.message import Message

from gemwire._transport.rest.routes import from_http
from gemwire._transport.rest.transcode import to_dict
from gemwire._transport.sync.token_wait import wait_for_token
from gemwire._transport.token import Pairs
from gemwire.errors import APIError
from gemwire.genai._convert.json_request import JsonRequest, keep_property_order
from gemwire.genai._sync.api import Api
from gemwire_runtime.method import Kind
from gemwire_runtime.sync.caller import Stream

#: All are served by v1beta, a superset of the others.
_VERSION = re.compile(r"^/v1(?:alpha|beta)?/")


@dataclass(frozen=True)
class JsonResponse:
    """An HTTP response.

    Attributes:
        status: HTTP status.
        body: JSON, or server-sent events.
        cancel: Ends the call that the events come from.
    """

    status: int
    body: bytes | Iterator[bytes]
    cancel: Callable[[], object]


class JsonCaller:
    """Makes the calls of HTTP requests through a client's caller."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def call(self, request: JsonRequest) -> JsonResponse | Pairs:
        """Make the call of a request. Errors of the API are responses, as the service sends them.

        Returns:
            The response; if no RPC carries all of the request, the credentials to send it with over HTTP.
        """
        path = _VERSION.sub("/v1beta/", request.path)
        found = from_http(request.verb, path, request.query, keep_property_order(request.body))
        settings = self._api.settings(None).copy()
        settings["metadata"] = request.metadata
        if request.timeout is not None:
            settings["timeout"] = request.timeout
        caller = self._api.caller
        try:
            if found is None:
                ready = caller.authorization.pairs(time.monotonic())
                return wait_for_token(caller.authorization, ready, request.timeout, request.path)
            method, message = found
            if method.kind is not Kind.SERVER_STREAM:
                response = caller.unary(method, message, (), **settings)
                return JsonResponse(200, _to_json(response), _do_nothing)
            stream = caller.server_stream(method, message, (), **settings)
        except APIError as error:
            return JsonResponse(error.code, _to_error_json(error), _do_nothing)
        return JsonResponse(200, _to_events(stream), stream.cancel)


def _to_events(stream: Stream[Message]) -> Iterator[bytes]:
    """Yield server-sent events; an error is the last one."""
    try:
        for message in stream:
            yield b"data: " + _to_json(message) + b"\r\n\r\n"
    except APIError as error:
        yield b"data: " + _to_error_json(error) + b"\r\n\r\n"


def _to_json(message: Message) -> bytes:
    return _dump(to_dict(message))


def _to_error_json(error: APIError) -> bytes:
    return _dump(error.to_json())


def _dump(tree: object) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def _do_nothing() -> None:
    return
