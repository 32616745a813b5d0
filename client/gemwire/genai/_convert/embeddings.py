"""Requests for embeddings, serialised as entries of a batch.

The fields that all requests of an embedder share are serialised once and put around each content.
"""

from __future__ import annotations

from google.protobuf.message import Message

from gemwire.genai._convert.contents import to_content
from gemwire.genai._convert.embedding_vectors import EmbedResponse
from gemwire.genai._convert.resource_names import to_model_name
from gemwire_proto import v1beta
from gemwire_proto.v1beta.generative_service import BATCH_EMBED_CONTENTS
from gemwire_runtime.method import AnyMethod
from gemwire_runtime.varint import varint

_EMBEDDABLE = ("text", "inline_data", "file_data")
#: ``role: "user"`` of a content.
_ROLE = b"\x12\x04user"


class EmbedRequestSerializer:
    """Serialises contents as entries of BatchEmbedContentsRequests.

    Attributes:
        model: Full name of the model.
        method: The RPC.
        largest_batch: Contents that a call takes.
    """

    method: AnyMethod = BATCH_EMBED_CONTENTS
    largest_batch = 100

    def __init__(
        self, model: object, task_type: object, title: object, output_dimensionality: object
    ) -> None:
        """Serialise the fields that all entries share; see `gemwire.embeddings.Embedder`."""
        self.model = to_model_name(model)
        number = _to_task_type(task_type)
        if title is not None:
            if not isinstance(title, str):
                raise TypeError(f"title: expected a string, got {type(title).__name__}")
            if number != v1beta.TaskType.RETRIEVAL_DOCUMENT:
                raise ValueError("title: requires task_type='RETRIEVAL_DOCUMENT'")
        if output_dimensionality is not None:
            if isinstance(output_dimensionality, bool) or not isinstance(output_dimensionality, int):
                name = type(output_dimensionality).__name__
                raise TypeError(f"output_dimensionality: expected a number of values, got {name}")
            if not 1 <= output_dimensionality < 1 << 31:
                raise ValueError(
                    f"output_dimensionality: {output_dimensionality} is not a number of values above 0"
                )
        self._head = v1beta.EmbedContentRequest(model=self.model).SerializeToString()
        self._tail = v1beta.EmbedContentRequest(
            task_type=number, title=title, output_dimensionality=output_dimensionality
        ).SerializeToString()
        self._batch = v1beta.BatchEmbedContentsRequest(model=self.model).SerializeToString()

    def serialize(self, content: object, argument: str, index: int | None = None) -> bytes:
        """Serialise one content as an entry of a batch.

        Args:
            content: A text, a part, a content, a dict of one or a list of parts.
            argument: Name of the argument, for error messages.
            index: Index of the content, if it is one of several.
        """
        if type(content) is str and content:
            try:
                text = content.encode()
            except UnicodeEncodeError as error:
                raise ValueError(f"{_place(argument, index)}: is not valid Unicode: {error}") from None
            part = b"\x12%b%b" % (varint(len(text)), text)
            inner = b"\n%b%b%b" % (varint(len(part)), part, _ROLE)
        else:
            inner = _to_embeddable_content(content, _place(argument, index)).SerializeToString()
        request = b"%b\x12%b%b%b" % (self._head, varint(len(inner)), inner, self._tail)
        return b"\x12%b%b" % (varint(len(request)), request)

    def build_batch(self, entries: list[bytes]) -> v1beta.BatchEmbedContentsRequest:
        """Build the request with the given entries."""
        return v1beta.BatchEmbedContentsRequest.FromString(b"".join((self._batch, *entries)))

    def build_request(self, entries: list[bytes]) -> Message:
        """Build what is sent for the given entries."""
        return self.build_batch(entries)

    def read_embeddings(self, response: EmbedResponse) -> EmbedResponse:
        """Return the embeddings of a response: this service's are in the form that `FORMS` takes."""
        return response


def _to_task_type(value: object) -> int | None:
    """Return the number of a task type."""
    if value is None:
        return None
    known = v1beta.TaskType
    value = getattr(value, "value", value)
    if isinstance(value, str):
        if value.upper() not in known.keys():  # noqa: SIM118 - not a dict
            raise ValueError(f"task_type: {value!r} is not one of {', '.join(known.keys())}")
        return int(known.Value(value.upper()))
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"task_type: expected a name, got {type(value).__name__}")
    if value not in known.values():
        raise ValueError(f"task_type: {value} is not the number of a task type")
    return value


def _place(argument: str, index: int | None) -> str:
    return argument if index is None else f"{argument}[{index}]"


def _to_embeddable_content(value: object, argument: str) -> v1beta.Content:
    if value is None:
        raise TypeError(f"{argument}: expected a string or a content, got None")
    content = to_content(value, argument)
    for part in content.parts:
        kind = part.WhichOneof("data")
        if kind is not None and kind not in _EMBEDDABLE:
            raise ValueError(f"{argument}: a {kind} cannot be embedded; {', '.join(_EMBEDDABLE)} can")
    if not any(
        part.text or part.HasField("inline_data") or part.HasField("file_data") for part in content.parts
    ):
        raise ValueError(f"{argument}: is empty and has no embedding")
    return content
