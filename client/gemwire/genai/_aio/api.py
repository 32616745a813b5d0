"""What the resources of one client share: service clients over the same transport, and call settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gemwire._clients.aio import v1beta
from gemwire._clients.aio.service_client import AsyncServiceClient
from gemwire._transport.connection_settings import ConnectionSettings
from gemwire.genai import http_options as http
from gemwire.genai._aio.connections import AsyncConnections

if TYPE_CHECKING:
    from gemwire.genai._types.call_configs import HttpOptions
    from gemwire.genai.client_arguments import ClientArguments

_S = TypeVar("_S", bound=AsyncServiceClient)


class AsyncApi:
    """The API as one client calls it.

    Attributes:
        arguments: The arguments of the client.
        resolved: Name of the transport, and the connection settings.
    """

    def __init__(
        self, arguments: ClientArguments, resolved: tuple[str | None, ConnectionSettings] | None = None
    ) -> None:
        """Make the transport. Nothing is connected before the first call.

        Args:
            arguments: The arguments of the client.
            resolved: What they resolve to, if that is known.

        Raises:
            ImportError: ``gemwire[http]`` is needed and not installed.
            ValueError: Options exclude each other, or one is out of range.
            TypeError: An argument is of a wrong type.
        """
        self.arguments = arguments
        self._defaults = http.to_call_settings(arguments.http_options)
        self.resolved = resolved or arguments.resolve()
        self._connections = AsyncConnections(*self.resolved)
        self._recording = arguments.recording
        self._caller = self._record(self._connections.caller)
        self._clients: dict[type[AsyncServiceClient], AsyncServiceClient] = {}
        self.generative = self._client(v1beta.GenerativeServiceAsyncClient)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.arguments.credentials is not None or self.arguments.api_key:
            raise TypeError(
                "this client was given a key or credentials and cannot be pickled, which would write out a "
                "secret; set GOOGLE_API_KEY or application default credentials where it is used"
            )
        if self._recording is not None:
            raise TypeError("this client records or replays calls and cannot be pickled")
        return type(self), (self.arguments,)

    @property
    def models(self) -> v1beta.ModelServiceAsyncClient:
        """ModelService."""
        return self._client(v1beta.ModelServiceAsyncClient)

    @property
    def caches(self) -> v1beta.CacheServiceAsyncClient:
        """CacheService."""
        return self._client(v1beta.CacheServiceAsyncClient)

    @property
    def files(self) -> v1beta.FileServiceAsyncClient:
        """FileService."""
        return self._client(v1beta.FileServiceAsyncClient)

    @property
    def predictions(self) -> v1beta.PredictionServiceAsyncClient:
        """PredictionService."""
        return self._client(v1beta.PredictionServiceAsyncClient)

    def _client(self, kind: type[_S]) -> _S:
        found = self._clients.get(kind)
        if found is None:
            found = self._clients[kind] = kind(transport=self._connections.transport)
            found._caller = self._caller
        return cast("_S", found)

    def rest(self, what: str) -> Any:
        """Return the transport for what only HTTP carries; see `AsyncConnections.rest`."""
        if self._recording and self._recording.replays:
            return self._caller
        return self._record(self._connections.rest(what))

    def _record(self, caller: Any) -> Any:
        """Return a caller that records, or replays, the calls of another."""
        if self._recording is None:
            return caller
        from gemwire._transport.aio.recorder import AsyncRecorder, AsyncReplayer

        replays = self._recording.replays
        return AsyncReplayer(self._recording) if replays else AsyncRecorder(caller, self._recording)

    def settings(self, own: HttpOptions | Mapping[str, object] | None) -> http.CallSettings:
        """Return the arguments that a call passes to a service client's method.

        Args:
            own: `HttpOptions` of the call.

        Raises:
            ValueError: A value is out of range.
            TypeError: A value is of a wrong type.
        """
        if own is None:
            return self._defaults
        return http.to_call_settings(self.arguments.http_options, own)

    async def close(self) -> None:
        """End all calls and connections."""
        await self._connections.close()
