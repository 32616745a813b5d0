"""`Embedder`, for asyncio."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from types import TracebackType
from typing import Any, Literal, TypeAlias, TypeVar, cast

from gemwire import errors
from gemwire._arguments import check_concurrency, check_integer, check_number
from gemwire._clients.aio.service_client import AsyncServiceClient
from gemwire._transport.aio.transport import AsyncTransport
from gemwire._transport.metadata import validate
from gemwire._transport.retry import check_timeout, resolve_policy
from gemwire.embeddings.arguments import check_contents, create_serializer, resolve_service, vector_reader
from gemwire.embeddings.batcher import Batcher, closed_error, copy_error
from gemwire.embeddings.reorder_buffer import ReorderBuffer
from gemwire.genai._convert.embedding_vectors import SerializedEmbeddings
from gemwire_proto.v1beta.generative_service import BATCH_EMBED_CONTENTS
from gemwire_runtime.method import DEFAULT, AnyMethod, Metadata, RetryOption, Timeout

_Embedder = TypeVar("_Embedder", bound="Embedder")
_T = TypeVar("_T")
#: A list of float, ``array.array('f')`` or a float32 array of numpy; with ``on_error="return"``, or an error.
Vector: TypeAlias = Any
Contents: TypeAlias = Iterable[object] | AsyncIterable[object]
OnError: TypeAlias = Literal["raise", "return"]

#: Seconds that a stream waits for a batch to be full where its source pauses.
_LINGER = 0.01
#: Refused calls without an accepted one after which the cause is taken to be common to all texts.
_MAX_REFUSALS = 31
#: Leaves the response serialized: the vectors are read directly from its bytes.
_PACKED = dataclasses.replace(BATCH_EMBED_CONTENTS, response=cast("type[Any]", SerializedEmbeddings))


class Embedder:
    """Embeds texts, many in a call.

    Concurrent calls of `embed` are batched: those of one iteration of the event loop are sent together, and
    while ``concurrency`` calls are in flight, so are all that come meanwhile. A text that the service refuses
    fails alone. One embedder serves any number of event loops, also in several threads; each loop has its own
    batches.

    Attributes:
        batch_size: Maximum number of texts in a call.
        concurrency: Maximum number of calls in flight on each event loop.
    """

    def __init__(
        self,
        client: object = None,
        *,
        model: str,
        task_type: str | int | None = None,
        title: str | None = None,
        output_dimensionality: int | None = None,
        vectors: Literal["list", "array", "numpy"] = "list",
        batch_size: int | None = None,
        batch_bytes: int = 1 << 20,
        concurrency: int = 8,
        delay: float = 0.0,
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> None:
        """Create an embedder. It connects on the first call.

        Args:
            client: A `gemwire.v1beta.GenerativeServiceAsyncClient`; a `gemwire.genai.Client`, whose
                ``http_options`` apply; or a `gemwire.aiplatform_v1.PredictionServiceAsyncClient`. It is not
                closed. Default: a client of the embedder's own, of the Gemini API.
            model: Name of an embedding model, with or without ``models/``; for a client of `aiplatform_v1`
                its full name.
            task_type: Intended use of the vectors: ``"RETRIEVAL_DOCUMENT"``, ``"RETRIEVAL_QUERY"``…
            title: Title of the documents; requires ``task_type="RETRIEVAL_DOCUMENT"``.
            output_dimensionality: Length of a vector. Default: that of the model.
            vectors: Type of a vector: ``"list"`` of float, ``"array"`` for ``array.array('f')`` or
                ``"numpy"`` for float32 arrays.
            batch_size: Maximum number of texts in a call. Default, and most: what the model takes: 100 with
                the Gemini API; with Vertex AI 250 if it has Predict, else one, or 100 over HTTP.
            batch_bytes: Maximum bytes of texts and settings in a call. A larger text is sent alone.
            concurrency: Maximum number of calls in flight on each event loop, up to 65,536.
            delay: Maximum seconds that a text waits for others. Default: it waits for those of the same
                iteration of the event loop.
            retry: When to retry a call; see `gemwire.Retry`.
            timeout: Seconds for a call with all its attempts; None for no deadline. Default: 60.
            metadata: Pairs to send with each call.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument has a wrong type.
            ImportError: ``vectors="numpy"`` is given, and numpy is not installed.
            google.auth.exceptions.DefaultCredentialsError: No client is given, and there are no credentials.
        """
        service = resolve_service(client)
        self._entries = create_serializer(service, model, task_type, title, output_dimensionality)
        self._read_vectors = vector_reader(vectors)
        largest = self._entries.largest_batch
        self.batch_size = (
            largest if batch_size is None else check_integer("batch_size", batch_size, maximum=largest)
        )
        self._batch_bytes = check_integer("batch_bytes", batch_bytes)
        self.concurrency = check_concurrency("concurrency", concurrency)
        self._delay = check_number("delay", delay, zero=True, expected="seconds")
        resolve_policy(None if retry is DEFAULT else retry, None)
        check_timeout(timeout, None)
        validate(metadata)
        self._owns_client = service.client is None
        self._client = service.client or _create_client()
        settings = service.settings
        self._retry = settings.get("retry", DEFAULT) if retry is DEFAULT else retry
        self._timeout = settings.get("timeout", DEFAULT) if timeout is DEFAULT else timeout
        self._metadata = (*settings.get("metadata", ()), *metadata)
        self._batchers: dict[asyncio.AbstractEventLoop, Batcher[Vector]] = {}
        self._latest: Batcher[Vector] | None = None
        self._closed = False

    def __repr__(self) -> str:
        # A constructor that fails leaves no client.
        shown = f"{self._entries.model} {self._client!r}" if hasattr(self, "_client") else "without a client"
        return f"<{type(self).__name__} {shown}>"

    async def embed(self, content: object) -> Vector:
        """Embed one text.

        Cancelling a call does not affect other calls.

        Args:
            content: A text, or anything else that makes a content: a part, a content, a dict of one, a list
                of parts.

        Returns:
            The vector.

        Raises:
            ValueError: The content is empty, or cannot be embedded.
            TypeError: The content has a wrong type.
            APIError: The call failed, or this text was refused.
            RuntimeError: The embedder is closed.
        """
        entry = self._entries.serialize(content, "content")
        batcher = self._batcher()
        future, batch = batcher.add(entry, self._delay)
        try:
            return await future
        except BaseException:
            batcher.abandon(batch, future)
            raise

    async def embed_all(self, contents: Contents, *, on_error: OnError = "raise") -> list[Vector]:
        """Embed texts.

        Args:
            contents: Any iterable of texts, or of what else `embed` accepts. A list or tuple is checked as a
                whole before anything is sent.
            on_error: ``"raise"`` the first error, or ``"return"`` errors in place of vectors.

        Returns:
            The vectors, in the order of the texts.

        Raises:
            ValueError: A content is empty, or cannot be embedded.
            TypeError: A content has a wrong type.
            APIError: A call failed, or a text was refused.
            RuntimeError: The embedder is closed.
        """
        check_contents(contents, on_error)
        if on_error == "raise" and isinstance(contents, (list, tuple)):
            entries = [self._entries.serialize(one, "contents", index) for index, one in enumerate(contents)]
            return [vector async for vector in self._stream(entries, lambda entry, _: entry, on_error)]
        return [vector async for vector in self.stream(contents, on_error=on_error)]

    def stream(self, contents: Contents, *, on_error: OnError = "raise") -> AsyncGenerator[Vector, None]:
        """Embed texts, and iterate over the vectors in their order.

        The source is read at most ``concurrency`` + 1 batches ahead of the consumer.

        Args:
            contents: Any iterable of texts, or of what else `embed` accepts. A sync iterable is read on the
                event loop.
            on_error: ``"raise"`` the first error, or ``"return"`` errors in place of vectors.

        Raises:
            ValueError: ``on_error`` is invalid. During iteration: see `embed_all`.
            TypeError: The contents are not iterable, or one text. During iteration: see `embed_all`.
        """
        check_contents(contents, on_error)
        return self._stream(
            contents, lambda content, index: self._entries.serialize(content, "contents", index), on_error
        )

    async def embed_chunk(self, contents: list[object], start: int) -> list[Vector]:
        """Embed a chunk of a longer source, and return vectors and errors; ``start`` is its first index."""
        stream = self._stream(
            contents,
            lambda content, index: self._entries.serialize(content, "contents", start + index),
            "return",
            start,
        )
        return [vector async for vector in stream]

    async def _stream(
        self,
        contents: Iterable[_T] | AsyncIterable[_T],
        entry: Callable[[_T, int], bytes],
        on_error: OnError,
        start: int = 0,
    ) -> AsyncGenerator[Vector, None]:
        buffer: ReorderBuffer[_T, Vector] = ReorderBuffer(
            self._batcher(), self.batch_size * (self.concurrency + 1), self.batch_size
        )
        filling = asyncio.ensure_future(
            buffer.fill(contents, entry, max(self._delay, _LINGER), skip_invalid=on_error == "return")
        )
        index = start
        try:
            while (future := await buffer.peek()) is not None:
                try:
                    vector = future.result() if future.done() else await future
                except (errors.APIError, ValueError, TypeError) as error:
                    if isinstance(error, errors.APIError):
                        error.hint = f"It is about contents[{index}]. {error.hint}".rstrip()
                    if on_error == "raise":
                        raise
                    vector = error
                buffer.pop()
                yield vector
                index += 1
            await filling
        finally:
            buffer.close()
            filling.cancel()
            await asyncio.wait([filling])
            if not filling.cancelled():
                filling.exception()

    def _batcher(self) -> Batcher[Vector]:
        """Return the batcher of the running loop."""
        loop = asyncio.get_running_loop()
        latest = self._latest
        if latest is not None and latest.loop is loop:
            return latest
        if self._closed:
            raise closed_error()
        for owner in [owner for owner in list(self._batchers) if owner.is_closed()]:
            self._batchers.pop(owner, None)
        batcher = self._batchers.get(loop)
        if batcher is None:
            batcher = Batcher(self._send, self.batch_size, self._batch_bytes, self.concurrency)
            self._batchers[loop] = batcher
        self._latest = batcher
        return batcher

    async def _send(self, entries: list[bytes], set_result: Callable[[int, Vector], None]) -> None:
        """Make the call of a batch; if it is refused, bisect it until the refused texts are alone.

        This takes at most 2n - 2 more calls for n texts, and 62 if none of them is accepted.
        """
        groups = deque([range(len(entries))])
        refusals, accepted = 0, False
        while groups:
            group = groups.popleft()
            try:
                vectors = await self._call(entries[group.start : group.stop])
            except errors.InvalidArgument as error:
                refusals += 1
                if len(group) > 1 and (accepted or refusals <= _MAX_REFUSALS):
                    half = len(group) // 2
                    groups += group[:half], group[half:]
                    continue
                if len(group) > 1:
                    error.hint = "No text of the batch was accepted: the cause may be a setting they share."
                results: list[Vector] = [copy_error(error) for _ in group]
            except Exception as error:
                results = [copy_error(error) for _ in group]
            else:
                accepted, results = True, vectors
            for index, result in zip(group, results, strict=True):
                set_result(index, result)

    async def _call(self, entries: list[bytes]) -> list[Vector]:
        caller = self._client.caller
        # Recording and replaying need messages.
        is_packed = isinstance(caller, AsyncTransport) and not caller.is_recorded
        method: AnyMethod = self._entries.method
        if is_packed and method is BATCH_EMBED_CONTENTS:
            method = _PACKED
        request = self._entries.build_request(entries)
        response = await caller.unary(method, request, (), self._retry, self._timeout, self._metadata)
        vectors = self._read_vectors(self._entries.read_embeddings(response))
        if len(vectors) != len(entries):
            raise errors.Internal(
                f"the service returned {len(vectors)} embeddings for {len(entries)} texts",
                method=method.path[1:],
            )
        return vectors

    async def close(self, *, finish: bool = True) -> None:
        """Accept no more texts, wait for those of this loop, and close the client if the embedder created it.

        Texts of other loops complete on their own; if the embedder created its client, those that have no
        vector yet fail with CANCELLED. Further calls do nothing.

        Args:
            finish: Whether to wait for pending texts, rather than fail them with CANCELLED.
        """
        if self._closed:
            return
        self._closed, self._latest = True, None
        batchers, self._batchers = self._batchers, {}
        here = batchers.pop(asyncio.get_running_loop(), None)
        for batcher in batchers.values():
            if batcher.loop.is_running():
                batcher.loop.call_soon_threadsafe(batcher.close)
        try:
            if here is not None:
                here.close()
                if finish:
                    await here.wait_idle()
        finally:
            if here is not None:
                here.fail(errors.Cancelled("the embedder was closed before this text had its vector"))
                await here.wait_idle()
            if self._owns_client:
                await self._client.close()

    async def __aenter__(self: _Embedder) -> _Embedder:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # After an error nothing waits for the pending texts.
        await self.close(finish=kind is None)


def _create_client() -> AsyncServiceClient:
    from gemwire.v1beta import GenerativeServiceAsyncClient

    return GenerativeServiceAsyncClient()
