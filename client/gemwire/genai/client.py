"""`Client`: where a program begins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.resources import AsyncResources
from gemwire.genai._sync.api import Api
from gemwire.genai._sync.resources import Resources
from gemwire.genai._types.http_options import HttpOptions
from gemwire.genai._types.recording_config import DebugConfig
from gemwire.genai.http_options import address
from gemwire.options import ClientOptions

if TYPE_CHECKING:
    from gemwire._transport.recording import Tape

_VERTEX_VARIABLES = ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")


class Client(Resources):
    """The Gemini API, in the shape of google-genai's client. `aio` has the same for asyncio.

    Nothing is connected before the first call, and one client serves any number of threads and event loops.
    It is closed by `close` or at the end of a ``with`` block, and never by itself.
    """

    def __init__(
        self,
        *,
        vertexai: bool | None = None,
        api_key: str | None = None,
        credentials: Any = None,
        project: str | None = None,
        location: str | None = None,
        http_options: HttpOptions | Mapping[str, Any] | None = None,
        transport: str | None = None,
        debug_config: DebugConfig | Mapping[str, Any] | None = None,
    ) -> None:
        """Decide where the calls go and whose they are.

        Args:
            vertexai: Whether to call Vertex AI, which this version cannot. Default:
                GOOGLE_GENAI_USE_ENTERPRISE, then GOOGLE_GENAI_USE_VERTEXAI.
            api_key: Key of the API. Default: GOOGLE_API_KEY, then GEMINI_API_KEY.
            credentials: google-auth credentials, instead of a key.
            project: Of Vertex AI.
            location: Of Vertex AI.
            http_options: Where calls go and how long they may take, unless a call says otherwise.
            transport: ``"grpc"`` for that alone, ``"rest"`` for JSON over HTTP, or ``"auto"`` for gRPC and,
                where that is blocked, REST. Default: gRPC, and HTTP for what gRPC cannot carry.
            debug_config: Whether calls are recorded to a file, or replayed from one without a service and
                without a key. Default: what the environment says; see `DebugConfig`.

        Raises:
            FileNotFoundError: There is no recording to replay.
            ImportError: HTTP was asked for, and ``gemwire[http]`` is not installed.
            ValueError: Options exclude each other, or one is out of range.
            TypeError: An argument is of a wrong type.
            google.auth.exceptions.DefaultCredentialsError: There is neither a key nor credentials.
        """
        if vertexai if vertexai is not None else _vertex_by_environment():
            raise ValueError(
                "vertexai: Vertex AI is not served by this version; leave it out for the Gemini API, "
                f"and unset {' and '.join(_VERTEX_VARIABLES)}"
            )
        for name, value in (("project", project), ("location", location)):
            if value is not None:
                raise ValueError(f"{name}: is of Vertex AI; the Gemini API takes a key or credentials")
        options = HttpOptions.of(http_options, "http_options")
        host, plaintext = address(options)
        tape = _tape(DebugConfig.of(debug_config, "debug_config"))
        if tape and tape.replays and credentials is None:
            api_key = api_key or "replayed"  # Nothing is sent: none needs to be found.
        client_options = ClientOptions(api_key=api_key, api_endpoint=host)
        self._arguments = (credentials, client_options, transport, plaintext, options, tape)
        super().__init__(Api(*self._arguments))
        self._aio: AsyncClient | None = None

    @property
    def aio(self) -> AsyncClient:
        """The same for asyncio, over connections of its own."""
        if self._aio is None:
            credentials, client_options, transport, plaintext, options, tape = self._arguments
            named = f"{transport}_asyncio" if transport in {"grpc", "rest"} else transport
            self._aio = AsyncClient(AsyncApi(credentials, client_options, named, plaintext, options, tape))
        return self._aio

    @property
    def vertexai(self) -> bool:
        """Whether Vertex AI is called: it is not."""
        return False

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(AsyncResources):
    """The resources of a client for asyncio; closed by `aclose` or at the end of an ``async with`` block."""

    async def aclose(self) -> None:
        """End all calls and connections; the same as `close`."""
        await self.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _tape(config: DebugConfig) -> Tape | None:
    decided = config.resolve()
    if decided is None:
        return None
    from gemwire._transport.recording import Tape

    path, replays = decided
    return Tape(path, replays=replays)


def _vertex_by_environment() -> bool:
    given = next((os.environ[name] for name in _VERTEX_VARIABLES if os.environ.get(name)), "")
    return given.lower() in {"1", "true"}
