"""``prepare`` of generative service clients: requests whose shared fields are serialized once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from google.protobuf.message import Message

from gemwire._clients.aio.service_client import AsyncServiceClient
from gemwire._transport.request_message import to_message
from gemwire._transport.serialized_message import SerializedMessage, with_serialized_request
from gemwire_runtime import json_only
from gemwire_runtime.method import DEFAULT, AnyMethod, Metadata, RetryOption, Timeout

#: A text, a `Content`, a dict of its fields, or a list of these.
ContentsLike: TypeAlias = "str | Message | Mapping[str, object] | Sequence[object]"


class AsyncPreparingClient(AsyncServiceClient):
    """A service client that prepares requests."""

    def prepare(
        self, request: Message | Mapping[str, object] | None = None, **fields: object
    ) -> AsyncPreparedRequest:
        """Prepare what many requests have in common: it is serialized once. Nothing is sent.

        Args:
            request: A `GenerateContentRequest`, or a dict of its fields. It is copied.
            **fields: Fields of the request, instead of it: ``model``, ``contents``, ``system_instruction``,
                ``tools``, ``generation_config``…

        Raises:
            ValueError: A field does not exist or its value is out of range, the model is missing, or both
                the request and fields were given.
            TypeError: A value is of a wrong type.
        """
        if request is not None and fields:
            raise ValueError(f"request: the fields {', '.join(fields)} were given as well; set them in it")
        kind = self.SERVICE.methods["GenerateContent"].request
        whole = kind(**fields) if request is None else to_message(kind, request, "request")
        _check_model(whole.model)
        contents = kind(contents=whole.contents)
        head = kind()
        head.CopyFrom(whole)
        head.ClearField("contents")
        return AsyncPreparedRequest(self, head.SerializeToString(), contents.SerializeToString())


class AsyncPreparedRequest:
    """A request that is serialized already; each call adds its own contents and fields.

    It is immutable. Any number of tasks, threads and event loops can use it at once. It can be pickled if
    its client can.
    """

    def __init__(self, client: AsyncPreparingClient, head: bytes, contents: bytes) -> None:
        """See `AsyncPreparingClient.prepare`."""
        self._client = client
        self._head = head
        self._contents = contents
        self._suspect = json_only.suspect(head) or json_only.suspect(contents)
        self._model: str = self._method("GenerateContent").request.FromString(head).model

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self._model}, {self.size} bytes>"

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._model

    @property
    def size(self) -> int:
        """Number of bytes that the calls share."""
        return len(self._head) + len(self._contents)

    async def generate(
        self,
        contents: ContentsLike | None = None,
        *,
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        **fields: object,
    ) -> Any:
        """Generate content.

        ``contents`` follow the prepared ones: a text, a `Content`, a dict of its fields, or a list of these;
        None if the prepared request is complete. Other ``fields`` of the request replace the prepared ones;
        None leaves one unset. The further arguments are those of ``generate_content``.

        Returns:
            The `GenerateContentResponse`.

        Raises:
            APIError: The call failed.
            ValueError: A field does not exist or its value is out of range, or there are no contents.
            TypeError: A value is of a wrong type.
        """
        method = with_serialized_request(self._method("GenerateContent"))
        request = self._build(method, contents, fields)
        return await self._client.transport.unary(method, request, (), retry, timeout, metadata)

    async def generate_stream(
        self,
        contents: ContentsLike | None = None,
        *,
        retry: RetryOption = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
        **fields: object,
    ) -> Any:
        """Generate content as a stream of `GenerateContentResponse`.

        ``contents``, ``fields`` and errors are those of `generate`; errors also come while the stream is
        read. The further arguments are those of ``stream_generate_content``.
        """
        method = with_serialized_request(self._method("StreamGenerateContent"))
        request = self._build(method, contents, fields)
        return await self._client.transport.server_stream(
            method, request, (), retry, timeout, metadata, idle_timeout
        )

    def _method(self, name: str) -> AnyMethod:
        return self._client.SERVICE.methods[name]

    def _build(
        self, method: AnyMethod, contents: ContentsLike | None, fields: Mapping[str, object]
    ) -> SerializedMessage:
        """Build the request of a call, without parsing what is prepared unless fields are replaced."""
        serialized: type[SerializedMessage] = method.request
        kind = self._method(method.name).request
        if contents is None and not self._contents:
            raise ValueError("contents: neither the prepared prompt nor the call has any")
        added = kind(contents=_to_list(contents)).SerializeToString()
        head, model = self._head, self._model
        if fields:
            changed = kind.FromString(head)
            for name in fields:
                if name in kind.DESCRIPTOR.fields_by_name:
                    changed.ClearField(name)
            changed.MergeFrom(kind(**fields))
            head, model = changed.SerializeToString(), changed.model
            _check_model(model)
        data = b"".join((head, self._contents, added))
        suspect = self._suspect or json_only.suspect(added) or (bool(fields) and json_only.suspect(head))
        return serialized(data, serialized.routing_type(model=model), suspect=suspect)


def _check_model(model: str) -> None:
    if not model:
        raise ValueError("model: it is missing; give the name of a model")


def _to_list(contents: ContentsLike | None) -> Sequence[object]:
    if contents is None:
        return []
    if isinstance(contents, str):
        return [{"role": "user", "parts": [{"text": contents}]}]
    return contents if isinstance(contents, (list, tuple)) else [contents]
