"""The connection that the resources of one client share, and the settings of its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.message import DecodeError, Message

from gemwire._transport.aio.concurrency import run_side_by_side
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire._transport.response_metadata import start_collecting, stop_collecting
from gemwire.errors import APIError, Internal
from gemwire.genai import http_options as http
from gemwire.genai._aio.connections import AsyncConnections
from gemwire.genai._backends.base import Call, Flow
from gemwire.genai._convert.error_details import details_as_json
from gemwire.genai._convert.extra_body import add_extra_body
from gemwire.genai._convert.request_bytes import RequestDraft
from gemwire.genai._types.http_options import HttpOptions
from gemwire.genai._types.response_headers import Received, attach_headers
from gemwire_runtime.method import Method

if TYPE_CHECKING:
    from gemwire._clients.aio.v1beta import GenerativeServiceAsyncClient
    from gemwire._transport.aio.recorder import AsyncRecordedFiles
    from gemwire._transport.aio.rest_transport import RestAsyncIOTransport
    from gemwire.genai.client_arguments import ClientArguments

_Result = TypeVar("_Result")
_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response", bound=Message)


class AsyncApi:
    """The API as one client calls it.

    Attributes:
        arguments: The arguments of the client.
        resolved: Name of the transport, and the connection settings.
        backend: The service, which builds the calls.
        caller: Makes the calls.
    """

    def __init__(
        self, arguments: ClientArguments, resolved: tuple[str | None, ConnectionSettings] | None = None
    ) -> None:
        """Make the transport. Nothing is connected before the first call."""
        self.arguments = arguments
        self._defaults = http.to_call_settings(arguments.http_options)
        self.resolved = resolved or arguments.resolve()
        self._connections = AsyncConnections(*self.resolved, arguments.recording)
        self.backend = arguments.backend
        self.caller = self._connections.transport
        self._generative: GenerativeServiceAsyncClient | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        if self.arguments.credentials is not None or self.arguments.api_key:
            raise TypeError(
                "this client was given a key or credentials and cannot be pickled, which would write out a "
                "secret; set GOOGLE_API_KEY or application default credentials where it is used"
            )
        if self.arguments.recording is not None:
            raise TypeError("this client records or replays calls and cannot be pickled")
        return type(self), (self.arguments,)

    @property
    def generative(self) -> GenerativeServiceAsyncClient:
        """The service client that generates content, of the Gemini API."""
        if self.backend.vertexai:
            raise ValueError(
                "client: calls Vertex AI; this needs one of the Gemini API, made without vertexai"
            )
        if self._generative is None:
            from gemwire._clients.aio.v1beta import GenerativeServiceAsyncClient

            self._generative = GenerativeServiceAsyncClient(transport=self.caller)
        return self._generative

    def transfers(self, what: str) -> RestAsyncIOTransport | AsyncRecordedFiles:
        """Return what uploads and downloads files; see `AsyncConnections.files`."""
        return self._connections.files(what)

    def settings(self, own: HttpOptions | Mapping[str, object] | None) -> http.CallSettings:
        """Return the arguments that a call passes to a service client's method."""
        if own is None:
            return self._defaults
        return http.to_call_settings(self.arguments.http_options, own)

    def transfer_settings(self, own: HttpOptions | Mapping[str, object] | None) -> http.CallSettings:
        """Return the settings of a transfer, which the timeout of the client's calls does not limit."""
        settings = self.settings(own).copy()
        if own is None or HttpOptions.of(own, "config.http_options").timeout is None:
            settings.pop("timeout", None)
        return settings

    def extend(self, request: Message | RequestDraft, own: HttpOptions | Mapping[str, object] | None) -> None:
        """Set the fields of ``http_options.extra_body`` of the client and of the call."""
        client = self.arguments.http_options
        if own is not None or client.extra_body:
            for options in (client, HttpOptions.of(own, "http_options")):
                if options.extra_body:
                    add_extra_body(request, options.extra_body)

    async def unary(
        self, method: Method[_Request, _Response], request: _Request, settings: http.CallSettings
    ) -> tuple[_Response, Received]:
        """Make a call and return its response and the headers of that."""
        received, token = start_collecting()
        try:
            return await self.caller.unary(method, request, (), **settings), received
        finally:
            stop_collecting(token)

    async def call(
        self, call: Call[_Result], http_options: HttpOptions | Mapping[str, object] | None
    ) -> _Result:
        """Make a call and return its result."""
        result, received = await self._call(call, http_options)
        attach_headers(result, received)
        return result

    async def _call(
        self, call: Call[_Result], http_options: HttpOptions | Mapping[str, object] | None
    ) -> tuple[_Result, Received]:
        with details_as_json:
            self.extend(call.request, http_options)
            response, received = await self.unary(call.method, call.request, self.settings(http_options))
            try:
                return call.read(response), received
            except DecodeError as error:
                text = f"the response contains bytes that cannot be decoded: {error}"
                raise Internal(text, method=call.method.path[1:]) from None

    async def _make(
        self,
        call: Call[_Result] | list[Call[_Result]],
        http_options: HttpOptions | Mapping[str, object] | None,
    ) -> tuple[_Result | list[_Result], Received]:
        """Make one call, or several side by side; return also the headers of the one."""
        if isinstance(call, list):
            return await run_side_by_side(lambda one: self.call(one, http_options), call), ()
        return await self._call(call, http_options)

    async def run(
        self, flow: Flow[_Result], http_options: HttpOptions | Mapping[str, object] | None
    ) -> _Result:
        """Make the calls of a flow and return its result; see `call`."""
        received: Received = ()
        try:
            call = next(flow)
            while True:
                try:
                    response, received = await self._make(call, http_options)
                except APIError as error:
                    call = flow.throw(error)
                else:
                    call = flow.send(response)
        except StopIteration as stop:
            result: _Result = stop.value
            attach_headers(result, received)
            return result

    async def close(self) -> None:
        """End all calls and connections."""
        await self._connections.close()
