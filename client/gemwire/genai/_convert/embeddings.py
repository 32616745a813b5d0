"""Requests for embeddings, each as the bytes that it takes up in a batch.

What all requests of an embedder have in common is serialised once; a text is put between.
"""

from __future__ import annotations

from typing import Any

from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._types.content import to_content
from gemwire_proto import v1beta
from gemwire_runtime.varint import varint

_EMBEDDABLE = ("text", "inline_data", "file_data")
#: ``role: "user"`` of a content.
_ROLE = b"\x12\x04user"


class Entries:
    """Makes the entries of BatchEmbedContentsRequests.

    Attributes:
        model: Full name of the model.
    """

    def __init__(self, model: Any, task_type: Any, title: Any, output_dimensionality: Any) -> None:
        """What is the same in all of them; see `gemwire.embeddings.Embedder`.

        Raises:
            ValueError: A value is none that can be sent.
            TypeError: A value is of a wrong type.
        """
        self.model = model_name(model)
        kind = _task_type(task_type)
        if title is not None:
            if not isinstance(title, str):
                raise TypeError(f"title: expected a text, got {type(title).__name__}")
            if kind != v1beta.TaskType.RETRIEVAL_DOCUMENT:
                raise ValueError("title: goes with task_type='RETRIEVAL_DOCUMENT' only")
        if output_dimensionality is not None:
            if isinstance(output_dimensionality, bool) or not isinstance(output_dimensionality, int):
                name = type(output_dimensionality).__name__
                raise TypeError(f"output_dimensionality: expected a number of values, got {name}")
            if not 1 <= output_dimensionality < 1 << 31:
                raise ValueError(
                    f"output_dimensionality: {output_dimensionality} is no number of values above 0"
                )
        options = {"task_type": kind, "title": title, "output_dimensionality": output_dimensionality}
        self._head = v1beta.EmbedContentRequest(model=self.model).SerializeToString()
        self._tail = v1beta.EmbedContentRequest(
            **{name: value for name, value in options.items() if value is not None}
        ).SerializeToString()
        self._batch = v1beta.BatchEmbedContentsRequest(model=self.model).SerializeToString()

    def entry(self, content: Any, argument: str, index: int | None = None) -> bytes:
        """One content as an entry of a batch.

        Args:
            content: A text, or what else makes a content: a part, a content, a dict of one, a list of parts.
            argument: What to call it in an error.
            index: Its place, where it is one of many.

        Raises:
            ValueError: It says nothing that can be embedded.
            TypeError: It is of another type.
        """
        if type(content) is str and content:
            try:
                text = content.encode()
            except UnicodeEncodeError as error:
                raise ValueError(f"{_place(argument, index)}: is no valid Unicode: {error}") from None
            part = b"\x12%b%b" % (varint(len(text)), text)
            inner = b"\n%b%b%b" % (varint(len(part)), part, _ROLE)
        else:
            inner = _content(content, _place(argument, index)).SerializeToString()
        request = b"%b\x12%b%b%b" % (self._head, varint(len(inner)), inner, self._tail)
        return b"\x12%b%b" % (varint(len(request)), request)

    def batch(self, entries: list[bytes]) -> v1beta.BatchEmbedContentsRequest:
        """The request for some entries."""
        return v1beta.BatchEmbedContentsRequest.FromString(b"".join((self._batch, *entries)))


def _task_type(value: Any) -> int | None:
    """The number of a task type.

    Raises:
        ValueError: There is none of that name or number.
        TypeError: It is neither a name nor a number.
    """
    if value is None:
        return None
    known = v1beta.TaskType
    value = getattr(value, "value", value)
    if isinstance(value, str):
        if value.upper() not in known.keys():  # noqa: SIM118 - no dict
            raise ValueError(f"task_type: {value!r} is none of {', '.join(known.keys())}")
        return int(known.Value(value.upper()))
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"task_type: expected a name, got {type(value).__name__}")
    if value not in known.values():
        raise ValueError(f"task_type: {value} is the number of none")
    return value


def _place(argument: str, index: int | None) -> str:
    return argument if index is None else f"{argument}[{index}]"


def _content(value: Any, argument: str) -> Any:
    if value is None:
        raise TypeError(f"{argument}: expected a text or a content, got None")
    content = to_content(value, argument)
    for part in content.parts:
        kind = part.WhichOneof("data")
        if kind is not None and kind not in _EMBEDDABLE:
            raise ValueError(f"{argument}: a {kind} cannot be embedded; {', '.join(_EMBEDDABLE)} can")
    if not any(
        part.text or part.HasField("inline_data") or part.HasField("file_data") for part in content.parts
    ):
        raise ValueError(f"{argument}: is empty; there is no vector of nothing")
    return content
