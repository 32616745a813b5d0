"""`Embedder`: for asyncio."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from types import TracebackType
from typing import Any, Literal, TypeVar

from gemwire import errors
from gemwire._transport.aio.grpc_transport import AsyncTransport
from gemwire._transport.metadata import check
from gemwire._transport.retry import check_timeout, policy
from gemwire.embeddings.arguments import check_many, form_of, seconds, service_client, whole
from gemwire.embeddings.batcher import Gathering, closed, own
from gemwire.embeddings.reorder_buffer import Window
from gemwire.genai._convert.embedding_vectors import SerializedEmbeddings
from gemwire.genai._convert.embeddings import EmbedRequestSerializer
from gemwire_proto.v1beta.generative_service import BATCH_EMBED_CONTENTS
from gemwire_runtime.method import DEFAULT, Metadata, Timeout

_Embedder = TypeVar("_Embedder", bound="Embedder")
#: A list of float, ``array.array('f')`` or a float32 array of numpy.
Vector = Any
Contents = Iterable[Any] | AsyncIterable[Any]
OnError = Literal["raise", "return"]

#: The most texts that the service takes in one call.
LARGEST_BATCH = 100
#: Seconds that a stream waits for a batch to be full where its source pauses.
_LINGER = 0.01
#: Calls that may be refused, and none accepted, before the reason is taken to be what all texts share.
_REFUSALS = 31
#: The response stays as it came: the vectors are cut out of its bytes.
_PACKED: Any = dataclasses.replace(BATCH_EMBED_CONTENTS, response=SerializedEmbeddings)  # type: ignore[arg-type]


class Embedder:
    """Makes embeddings, up to 100 in a call.

    Calls of `embed` from any number of tasks are gathered: those of one tick of the event loop go together,
    and while ``concurrency`` calls are under way, all that come meanwhile. A text that the service refuses
    fails alone. One embedder serves any number of event loops, also in several threads at a time; each loop
    has batches of its own.
    """

    def __init__(
        self,
        client: Any = None,
        *,
        model: str,
        task_type: str | int | None = None,
        title: str | None = None,
        output_dimensionality: int | None = None,
        vectors: Literal["list", "array", "numpy"] = "list",
        batch_size: int = LARGEST_BATCH,
        batch_bytes: int = 1 << 20,
        concurrency: int = 8,
        delay: float = 0.0,
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
    ) -> None:
        """Nothing is connected before the first call.

        Args:
            client: A `gemwire.v1beta.GenerativeServiceAsyncClient`, or a `gemwire.genai.Client`, with the
                settings of its ``http_options``; it stays open. Default: one of its own.
            model: Name of an embedding model, with or without ``models/``.
            task_type: What the vectors are for: ``"RETRIEVAL_DOCUMENT"``, ``"RETRIEVAL_QUERY"``…
            title: Of the documents; goes with ``task_type="RETRIEVAL_DOCUMENT"`` only.
            output_dimensionality: Values of a vector. Default: as many as the model makes.
            vectors: What they come as: ``"list"`` of float, ``"array"`` for ``array.array('f')`` or
                ``"numpy"`` for float32 arrays.
            batch_size: Texts in a call at most, 1 to 100.
            batch_bytes: Bytes of texts and settings in a call at most. A text that is larger goes alone.
            concurrency: Calls under way at a time, on each event loop.
            delay: Seconds that a text waits for others at most. Default: it waits for those of its tick.
            retry: When to repeat a call; see `gemwire.Retry`.
            timeout: Seconds for a call with all its attempts; None for no deadline. Default: 60.
            metadata: Pairs to send with each call.

        Raises:
            ValueError: An argument is out of range.
            TypeError: An argument is of a wrong type.
            ImportError: numpy is asked for and not installed.
            google.auth.exceptions.DefaultCredentialsError: No client is given, and there are no credentials.
        """
        self._entries = EmbedRequestSerializer(model, task_type, title, output_dimensionality)
        self._form = form_of(vectors)
        self._most = whole("batch_size", batch_size, LARGEST_BATCH)
        self._most_bytes = whole("batch_bytes", batch_bytes)
        self._concurrency = whole("concurrency", concurrency)
        self._delay = seconds("delay", delay)
        policy(None if retry is DEFAULT else retry, None)
        check_timeout(timeout, None)
        check(metadata)
        self._mine, self._client, settings = service_client(client)
        self._retry = settings.get("retry", DEFAULT) if retry is DEFAULT else retry
        self._timeout = settings.get("timeout", DEFAULT) if timeout is DEFAULT else timeout
        self._metadata = (*settings.get("metadata", ()), *metadata)
        self._gatherings: dict[asyncio.AbstractEventLoop, Gathering] = {}
        self._latest: Gathering | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._entries.model} {self._client!r}>"

    async def embed(self, content: Any) -> Vector:
        """The vector of one text.

        A task that is cancelled here disturbs no other.

        Args:
            content: A text, or what else makes a content: a part, a content, a dict of one, a list of parts.

        Raises:
            ValueError: It is empty, or cannot be embedded.
            TypeError: It is of a wrong type.
            APIError: The call failed, or this text was refused.
            RuntimeError: The embedder is closed.
        """
        entry = self._entries.serialize(content, "content")
        gathering = self._gathering()
        future, batch = gathering.add(entry, self._delay)
        try:
            return await future
        except BaseException:
            gathering.leave(batch, future)
            raise

    async def embed_all(self, contents: Contents, *, on_error: OnError = "raise") -> list[Vector]:
        """The vectors of many texts, in their order.

        Args:
            contents: Texts, or what else `embed` takes: any iterable. Of a list or a tuple, all are looked
                at before anything is sent.
            on_error: ``"raise"`` the first error, or ``"return"`` errors in the place of vectors.

        Raises:
            ValueError: One is empty, or cannot be embedded.
            TypeError: One is of a wrong type.
            APIError: A call failed, or a text was refused.
            RuntimeError: The embedder is closed.
        """
        check_many(contents, on_error)
        if on_error == "raise" and isinstance(contents, (list, tuple)):
            made = [self._entries.serialize(one, "contents", index) for index, one in enumerate(contents)]
            return [vector async for vector in self._stream(made, lambda entry, _: entry, on_error)]
        return [vector async for vector in self.stream(contents, on_error=on_error)]

    def stream(self, contents: Contents, *, on_error: OnError = "raise") -> AsyncGenerator[Vector, None]:
        """The vectors of many texts, in their order, as they come.

        The source is read no further than ``concurrency`` + 1 batches ahead of what is taken here.

        Args:
            contents: Texts, or what else `embed` takes: any iterable. One that is not async runs on the loop.
            on_error: ``"raise"`` the first error, or give errors in the place of vectors: ``"return"``.

        Raises:
            ValueError: ``on_error`` is neither. While one reads: see `embed_all`.
            TypeError: It is no iterable, or one text. While one reads: see `embed_all`.
        """
        check_many(contents, on_error)
        return self._stream(
            contents, lambda content, index: self._entries.serialize(content, "contents", index), on_error
        )

    async def outcomes(self, contents: list[Any], start: int) -> list[Vector]:
        """Vectors and errors of a part of many texts, which begins at one of their places."""
        stream = self._stream(
            contents,
            lambda content, index: self._entries.serialize(content, "contents", start + index),
            "return",
            start,
        )
        return [vector async for vector in stream]

    async def _stream(
        self, contents: Contents, entry: Callable[[Any, int], bytes], on_error: OnError, start: int = 0
    ) -> AsyncGenerator[Vector, None]:
        window = Window(self._gathering(), self._most * (self._concurrency + 1), self._most)
        filling = asyncio.ensure_future(
            window.fill(contents, entry, max(self._delay, _LINGER), on_error == "return")
        )
        index = start
        try:
            while (future := await window.first()) is not None:
                try:
                    vector = future.result() if future.done() else await future
                except (errors.APIError, ValueError, TypeError) as error:
                    if isinstance(error, errors.APIError):
                        error.hint = f"It is about contents[{index}]. {error.hint}".rstrip()
                    if on_error == "raise":
                        raise
                    vector = error
                window.took()
                yield vector
                index += 1
            await filling
        finally:
            window.close()
            filling.cancel()
            await asyncio.wait([filling])
            if not filling.cancelled():
                filling.exception()

    def _gathering(self) -> Gathering:
        """What gathers the texts of the running loop."""
        loop = asyncio.get_running_loop()
        latest = self._latest
        if latest is not None and latest.loop is loop:
            return latest
        if self._closed:
            raise closed()
        for owner in [owner for owner in list(self._gatherings) if owner.is_closed()]:
            self._gatherings.pop(owner, None)
        found = self._gatherings.get(loop)
        if found is None:
            found = self._gatherings[loop] = Gathering(
                self._send, self._most, self._most_bytes, self._concurrency
            )
        self._latest = found
        return found

    async def _send(self, entries: list[bytes], deliver: Callable[[int, Any], None]) -> None:
        """Make the call of a batch; where it is refused, halve it until what is bad is alone.

        That takes at most 2n - 2 more calls for n texts, and 62 where none of them is accepted.
        """
        groups = deque([range(len(entries))])
        refusals, accepted = 0, False
        while groups:
            group = groups.popleft()
            try:
                vectors = await self._call(entries[group.start : group.stop])
            except errors.InvalidArgument as error:
                refusals += 1
                if len(group) > 1 and (accepted or refusals <= _REFUSALS):
                    half = len(group) // 2
                    groups += group[:half], group[half:]
                    continue
                if len(group) > 1:
                    error.hint = "None of many texts was accepted: it may be about what they share."
                outcomes: list[Any] = [own(error) for _ in group]
            except Exception as error:
                outcomes = [own(error) for _ in group]
            else:
                accepted, outcomes = True, vectors
            for index, outcome in zip(group, outcomes, strict=True):
                deliver(index, outcome)

    async def _call(self, entries: list[bytes]) -> list[Vector]:
        caller: Any = self._client._caller
        # Who writes calls down, or answers from what was written, deals in messages.
        method = _PACKED if isinstance(caller, AsyncTransport) else BATCH_EMBED_CONTENTS
        request = self._entries.build_batch(entries)
        response = await caller.unary(method, request, (), self._retry, self._timeout, self._metadata)
        vectors = self._form(response)
        if len(vectors) != len(entries):
            raise errors.Internal(
                f"{len(vectors)} embeddings came for {len(entries)} texts", method=method.path[1:]
            )
        return vectors

    async def close(self) -> None:
        """Take no more texts, wait for those of this loop, then close the client if it is the embedder's own.

        Texts of other loops end by themselves; with the embedder's own client those that have no vector yet
        fail with CANCELLED. Again it does nothing.
        """
        await self._close(finish=True)

    async def _close(self, *, finish: bool) -> None:
        if self._closed:
            return
        self._closed, self._latest = True, None
        gatherings, self._gatherings = self._gatherings, {}
        here = gatherings.pop(asyncio.get_running_loop(), None)
        for gathering in gatherings.values():
            if gathering.loop.is_running():
                gathering.loop.call_soon_threadsafe(gathering.close)
        try:
            if here is not None:
                here.close()
                if finish:
                    await here.finished()
        finally:
            if here is not None:
                here.fail(errors.Cancelled("the embedder was closed before this text had its vector"))
                await here.finished()
            if self._mine:
                await self._client.close()

    async def __aenter__(self: _Embedder) -> _Embedder:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Nobody waits for what an error leaves behind.
        await self._close(finish=kind is None)
