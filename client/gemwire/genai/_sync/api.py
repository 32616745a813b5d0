# Derived from genai/_aio/api.py by scripts/unasync. DO NOT EDIT.
"""The connection that the resources of one client share, and the settings of its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from gemwire._clients.sync import v1beta
from gemwire._clients.sync.service_client import ServiceClient
from gemwire.errors import APIError
from gemwire.genai import http_options as http
from gemwire.genai._backends.base import Call, Flow
from gemwire.genai._backends.gemini import GEMINI
from gemwire.genai._sync.connections import Connections
from gemwire.options import ClientOptions

if TYPE_CHECKING:
    from gemwire._transport.recording import Tape

_S = TypeVar("_S", bound=ServiceClient)
_Result = TypeVar("_Result")


class Api:
    """The API as one client calls it. Nothing is connected before the first call."""

    def __init__(
        self,
        credentials: Any,
        options: ClientOptions,
        transport: str | None,
        plaintext: bool,
        http_options: Any,
        tape: Tape | None = None,
    ) -> None:
        """See `Connections`; ``http_options`` are of all calls, ``tape`` records or answers them.

        Raises:
            ImportError: ``gemwire[http]`` is not installed, and asked for.
            ValueError: Options exclude each other, or one is out of range.
            TypeError: An argument is of a wrong type.
        """
        self._arguments = (credentials, options, transport, plaintext, http_options, tape)
        self._http_options = http_options
        self._defaults = http.settings(http_options)
        self._connections = Connections(credentials, options, transport, plaintext)
        self._tape = tape
        self.backend = GEMINI
        self.caller = self._taped(self._connections.caller)
        self._clients: dict[type[Any], Any] = {}
        self.generative = self._client(v1beta.GenerativeServiceClient)

    def __reduce__(self) -> tuple[Any, ...]:
        credentials, options, *_, tape = self._arguments
        if credentials is not None or options.api_key:
            raise TypeError(
                "this client was given a key or credentials and does not pickle, so that no secret is "
                "written out; set GOOGLE_API_KEY or application default credentials where it is used"
            )
        if tape is not None:
            raise TypeError("this client records or replays calls and does not pickle")
        return type(self), self._arguments

    def _client(self, kind: type[_S]) -> _S:
        found = self._clients.get(kind)
        if found is None:
            found = self._clients[kind] = kind(transport=self._connections.transport)
            found._caller = self.caller
        return found

    def rest(self, what: str) -> Any:
        """The transport for what only HTTP carries; see `Connections.rest`."""
        if self._tape and self._tape.replays:
            return self.caller
        return self._taped(self._connections.rest(what))

    def _taped(self, caller: Any) -> Any:
        """A caller that is recorded, or the recording in its place."""
        if self._tape is None:
            return caller
        from gemwire._transport.sync.recorder import Recorder, Replayer

        return Replayer(self._tape) if self._tape.replays else Recorder(caller, self._tape)

    def settings(self, own: Mapping[str, Any] | Any | None) -> dict[str, Any]:
        """Arguments of a service client's method.

        Args:
            own: `HttpOptions` of the call.

        Raises:
            ValueError: A value is out of range.
            TypeError: A value is of a wrong type.
        """
        return http.settings(self._http_options, own) if own is not None else self._defaults

    def call(self, call: Call[_Result], http_options: Any) -> _Result:
        """Make a call and return its result.

        Args:
            call: The call.
            http_options: `HttpOptions` of the call.

        Raises:
            APIError: The call failed.
            ValueError: A value of the options is out of range.
            TypeError: A value of the options is of a wrong type.
        """
        caller = self.caller if call.over_http is None else self.rest(call.over_http)
        response = caller.unary(call.method, call.request, (), **self.settings(http_options))
        return call.read(response)

    def stream(self, call: Call[Any], http_options: Any) -> Any:
        """Start a streaming call and return the stream of its messages; see `call`."""
        return self.caller.server_stream(call.method, call.request, (), **self.settings(http_options))

    def run(self, flow: Flow[_Result], http_options: Any) -> _Result:
        """Make the calls of a flow and return its result; see `call`."""
        try:
            call = next(flow)
            while True:
                try:
                    response = self.call(call, http_options)
                except APIError as error:
                    call = flow.throw(error)
                else:
                    call = flow.send(response)
        except StopIteration as stop:
            result: _Result = stop.value
            return result

    def close(self) -> None:
        """End all calls and connections."""
        self._connections.close()
