"""HTTP sessions whose requests a client of httpx makes: one that the program gave, or with its arguments.

httpx is not imported; httpx2 is the same library under another name.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import cast

from gemwire._secret import drop_frames
from gemwire._transport.rest.given_clients import AsyncClient, GivenClient, HttpxResponse, SyncClient
from gemwire._transport.rest.http_errors import BROKEN, UNCONNECTED, HttpError
from gemwire._transport.rest.session import Exchange, Session
from gemwire._transport.rest.tls_and_proxy import HttpTarget
from gemwire_runtime.status_code import StatusCode


class HttpxSession(Session):
    """The requests of one target by way of httpx. WebSockets, which httpx lacks, are opened without it."""

    def __init__(self, target: HttpTarget, given: GivenClient) -> None:
        """Make requests with a client."""
        super().__init__(target)
        self._given = given
        self._is_async = hasattr(given.client, "aclose")

    async def open_exchange(
        self,
        verb: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float | None,
        ends_at: float | None,
    ) -> Exchange:
        """Send a request; see `Session.send`."""
        url = str(self.to_url(target))
        with _translate_errors():
            client = cast("AsyncClient", self._given.client)
            request = client.build_request(verb, url, headers=dict(headers), content=body, timeout=timeout)
            if self._is_async:
                sending = client.send(request, stream=True, follow_redirects=False)
            else:
                sync = cast("SyncClient", self._given.client)
                sending = asyncio.to_thread(sync.send, request, stream=True, follow_redirects=False)
            response = await asyncio.wait_for(sending, timeout)
        return HttpxExchange(self, response, ends_at, is_async=self._is_async)

    async def close(self) -> None:
        """End all exchanges; close the client if it was made for them."""
        await super().close()
        if self._given.is_owned:
            if self._is_async:
                await cast("AsyncClient", self._given.client).aclose()
            else:
                await asyncio.to_thread(cast("SyncClient", self._given.client).close)


class HttpxExchange(Exchange):
    """A request that httpx sent, and its response."""

    def __init__(
        self, session: HttpxSession, response: HttpxResponse, ends_at: float | None, *, is_async: bool
    ) -> None:
        self._session = session
        self._received = response
        self._ends_at = ends_at
        self._is_async = is_async
        self._closing: asyncio.Future[None] | None = None
        pieces = response.aiter_bytes() if is_async else _in_threads(response.iter_bytes())
        self._pieces = cast("AsyncGenerator[bytes, None]", pieces)
        self.max_size = session.target.max_response_size
        self.status = response.status_code
        self.headers = [(name.lower(), value) for name, value in response.headers.multi_items()]

    def header(self, name: str, default: str = "") -> str:
        """Return the value of a header field of the response."""
        return dict(self.headers).get(name.lower(), default)

    async def read_some(self) -> bytes:
        """Return the next bytes; none at the end. Raises as `Exchange.read_some`."""
        left = None if self._ends_at is None else self._ends_at - self._session.loop.time()
        with _translate_errors():
            try:
                return await asyncio.wait_for(anext(self._pieces, b""), left)
            except asyncio.TimeoutError:
                self.close()
                raise

    def close(self) -> None:
        """End the exchange."""
        if self._closing is None and not self._session.loop.is_closed():
            # The loop may not be running at the moment.
            self._closing = self._session.loop.create_task(self._end())

    async def _end(self) -> None:
        with contextlib.suppress(Exception):
            await self._pieces.aclose()
            if self._is_async:
                await self._received.aclose()
            else:
                await asyncio.to_thread(self._received.close)

    def shut_down(self) -> None:
        """Do nothing: httpx closes its connections when they are collected."""


async def _in_threads(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except (HttpError, asyncio.CancelledError):
        raise
    except Exception as error:
        names = {base.__name__ for base in type(error).__mro__}
        if not names & {"HTTPError", "TimeoutError", "StreamError", "InvalidURL"}:
            raise  # an error of the program's own, such as that of a hook
        drop_frames(error)
        unavailable, text = StatusCode.UNAVAILABLE, f"{type(error).__name__}: {error}"
        if names & {"ConnectError", "ConnectTimeout", "ProxyError"}:
            raise HttpError(unavailable, f"{UNCONNECTED}{text}", delivered=False) from error
        if names & {"TimeoutException", "TimeoutError"}:
            raise HttpError(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded") from error
        raise HttpError(unavailable, f"{BROKEN}{text}") from error
