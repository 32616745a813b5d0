# Derived from _clients/aio/prepare.py by scripts/unasync. DO NOT EDIT.
"""``prepare`` of the generative service's clients: requests whose fields are serialised once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemwire._clients.sync.service_client import ServiceClient
from gemwire._transport.request_message import to_message
from gemwire._transport.serialized_message import with_serialized_request
from gemwire_runtime.method import DEFAULT, Metadata, Method, Timeout


class Preparing(ServiceClient):
    """A client that prepares requests."""

    def prepare(self, request: Any = None, **fields: Any) -> PreparedRequest:
        """Prepare what many requests begin with: it is serialised once. Nothing is sent.

        Args:
            request: A `GenerateContentRequest`, or a dict of its fields. It is copied.
            **fields: Fields of it, instead: ``model``, ``contents``, ``system_instruction``, ``tools``,
                ``generation_config``…

        Raises:
            ValueError: A field does not exist or takes no such value, there is no model, or both the
                request and fields were given.
            TypeError: A value is of a wrong type.
        """
        method: Method[Any, Any] = self.SERVICE.methods["GenerateContent"]
        if request is not None and fields:
            raise ValueError(f"request: the fields {', '.join(fields)} were given beside it; set them in it")
        kind = method.request
        whole = kind(**fields) if request is None else to_message(kind, request, "request")
        _check_model(whole.model)
        first = kind(contents=whole.contents)
        head = kind()
        head.CopyFrom(whole)
        head.ClearField("contents")
        return PreparedRequest(self, head.SerializeToString(), first.SerializeToString())


class PreparedRequest:
    """A request whose bytes are there already: each call adds what is its own.

    It cannot be changed. Any number of tasks, threads and event loops may use it at once. It pickles where
    its client does.

    Attributes:
        model: Name of the model.
        size: Bytes that the calls share.
    """

    def __init__(self, client: Preparing, head: bytes, contents: bytes) -> None:
        """See `Preparing.prepare`."""
        self._client = client
        self._head = head
        self._contents = contents
        self._model: str = self._method("GenerateContent").request.FromString(head).model

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self._model}, {self.size} bytes>"

    @property
    def model(self) -> str:
        return self._model

    @property
    def size(self) -> int:
        return len(self._head) + len(self._contents)

    def generate(
        self,
        contents: Any = None,
        *,
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        **fields: Any,
    ) -> Any:
        """Generate content.

        Args:
            contents: What follows the prepared contents: a text, a `Content`, a dict of its fields, or a list
                of these. None where the request says all.
            retry: As for ``generate_content``.
            timeout: As for ``generate_content``.
            metadata: As for ``generate_content``.
            **fields: Other fields of the request: each counts instead of the prepared one, in its whole;
                None for not setting it.

        Returns:
            The `GenerateContentResponse`.

        Raises:
            APIError: The call failed.
            ValueError: A field does not exist or takes no such value, or there are no contents.
            TypeError: A value is of a wrong type.
        """
        method = self._method("GenerateContent")
        wire = self._wire(method, contents, fields)
        return self._client._caller.unary(with_serialized_request(method), wire, (), retry, timeout, metadata)

    def generate_stream(
        self,
        contents: Any = None,
        *,
        retry: Any = DEFAULT,
        timeout: Timeout = DEFAULT,
        metadata: Metadata = (),
        idle_timeout: float | None = None,
        **fields: Any,
    ) -> Any:
        """Generate content, piece by piece.

        Args:
            contents: See `generate`.
            retry: As for ``stream_generate_content``.
            timeout: As for ``stream_generate_content``.
            metadata: As for ``stream_generate_content``.
            idle_timeout: As for ``stream_generate_content``.
            **fields: See `generate`.

        Returns:
            The stream of `GenerateContentResponse`.

        Raises:
            APIError: The call failed; also while one reads.
            ValueError: A field does not exist or takes no such value, or there are no contents.
            TypeError: A value is of a wrong type.
        """
        method = self._method("StreamGenerateContent")
        wire = self._wire(method, contents, fields)
        return self._client._caller.server_stream(
            with_serialized_request(method), wire, (), retry, timeout, metadata, idle_timeout
        )

    def _method(self, name: str) -> Method[Any, Any]:
        found: Method[Any, Any] = self._client.SERVICE.methods[name]
        return found

    def _wire(self, method: Method[Any, Any], contents: Any, fields: Mapping[str, Any]) -> Any:
        kind, wire = method.request, with_serialized_request(method).request
        if contents is None and not self._contents:
            raise ValueError("contents: there are none, prepared or given")
        added = kind(contents=_listed(contents)).SerializeToString()
        head, model = self._head, self._model
        if fields:
            changed = kind.FromString(head)
            for name in fields:
                if name in kind.DESCRIPTOR.fields_by_name:
                    changed.ClearField(name)
            changed.MergeFrom(kind(**fields))
            head, model = changed.SerializeToString(), changed.model
            _check_model(model)
        return wire(b"".join((head, self._contents, added)), wire.routing_type(model=model))


def _check_model(model: str) -> None:
    if not model:
        raise ValueError("model: there is none; give its name, such as 'models/gemini-2.5-flash'")


def _listed(contents: Any) -> Any:
    """Contents as a request takes them."""
    if contents is None:
        return []
    if isinstance(contents, str):
        return [{"role": "user", "parts": [{"text": contents}]}]
    return contents if isinstance(contents, (list, tuple)) else [contents]
