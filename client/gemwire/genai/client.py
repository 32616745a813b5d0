"""`Client`, the entry point."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from gemwire._secret import hide_key, hide_text
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.resources import Resources
from gemwire.genai._types.http_options import HttpOptions, hide_http_options
from gemwire.genai._types.recording_config import DebugConfig
from gemwire.genai.client_arguments import ClientArguments
from gemwire.genai.service_choice import choose_service

if TYPE_CHECKING:
    import google.auth.credentials

    from gemwire._transport.recording import Recording
    from gemwire.genai._types.dicts import DebugConfigOrDict, HttpOptionsOrDict
    from gemwire.genai.async_client import AsyncClient as AsyncClient


class Client(Resources):
    """The Gemini API, in the shape of google-genai's client. `aio` has the same for asyncio.

    Nothing is connected before the first call. One client serves any number of threads and event loops.
    Close it by `close` or a ``with`` block; it does not close by itself.
    """

    def __init__(
        self,
        *,
        enterprise: bool | None = None,
        vertexai: bool | None = None,
        api_key: str | None = None,
        credentials: google.auth.credentials.Credentials | None = None,
        project: str | None = None,
        location: str | None = None,
        http_options: HttpOptionsOrDict | None = None,
        transport: str | None = None,
        debug_config: DebugConfigOrDict | None = None,
    ) -> None:
        """Find credentials and the endpoint. Nothing is connected before the first call.

        Args:
            enterprise: Whether to call Vertex AI. Default: GOOGLE_GENAI_USE_ENTERPRISE, then
                GOOGLE_GENAI_USE_VERTEXAI.
            vertexai: The same, under its earlier name.
            api_key: API key. Default: GOOGLE_API_KEY, then GEMINI_API_KEY.
            credentials: google-auth credentials, instead of an API key.
            project: Vertex AI only: id or number of the project. Default: GOOGLE_CLOUD_PROJECT, then that of
                the credentials. Without one, ``api_key`` is a key of express mode.
            location: Vertex AI only: a region such as ``us-central1``, ``us``, ``eu`` or ``global``. Default:
                GOOGLE_CLOUD_LOCATION, then ``global``.
            http_options: Endpoint, and timeout, retries and headers of calls that do not set their own.
            transport: ``"grpc"`` for gRPC alone, ``"rest"`` for JSON over HTTP, ``"auto"`` for gRPC and,
                where that is blocked, REST, or ``"h2"`` for gRPC without grpcio, which takes less CPU, and
                HTTP for what gRPC cannot carry. Default: gRPC, and HTTP for what gRPC cannot carry.
            debug_config: Whether calls are recorded to a file, or replayed from one without network and
                without credentials. Default: the environment's; see `DebugConfig`.

        Raises:
            FileNotFoundError: There is no recording to replay.
            ImportError: HTTP was asked for, and ``gemwire[http]`` is not installed.
            ValueError: Options exclude each other, or one is out of range.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: No API key and no credentials were found.
        """
        # A traceback shows these variables.
        api_key, credentials = hide_key(api_key), hide_text(credentials)
        hidden_options, http_options = hide_http_options(http_options), None
        target = choose_service(enterprise, vertexai, project, location, api_key, credentials)
        arguments = ClientArguments(
            HttpOptions.of(hidden_options, "http_options"),
            api_key,
            credentials,
            transport,
            _open_recording(DebugConfig.of(debug_config, "debug_config")),
            target,
        )
        super().__init__(Api(arguments))
        self._aio: AsyncClient | None = None

    @property
    def aio(self) -> AsyncClient:
        """The same resources for asyncio, over connections of their own."""
        if self._aio is None:
            from gemwire.genai._aio.api import AsyncApi
            from gemwire.genai.async_client import AsyncClient

            self._aio = AsyncClient(AsyncApi(self._api.arguments, self._api.resolved))
        return self._aio

    @property
    def vertexai(self) -> bool:
        """Whether the client calls Vertex AI."""
        return self._api.backend.vertexai

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open_recording(config: DebugConfig) -> Recording | None:
    decided = config.resolve()
    if decided is None:
        return None
    from gemwire._transport.recording import Recording

    path, replays = decided
    return Recording(path, replays=replays)
