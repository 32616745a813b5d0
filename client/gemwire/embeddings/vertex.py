"""Embeddings of Vertex AI: which RPC a model has, how many texts it takes, and where its vectors are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire.genai._convert.embeddings import EmbedRequestSerializer
from gemwire_proto import aiplatform_v1, v1beta
from gemwire_proto.aiplatform_v1.prediction_service import BATCH_EMBED_CONTENTS, EMBED_CONTENT, PREDICT
from gemwire_runtime.pool import POOL

if TYPE_CHECKING:
    from gemwire_runtime.method import AnyMethod

_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/publishers/[^/]+/models/[^/]+")
#: Instances that models of Predict take in a call, by how their names begin; the last is for all others.
_INSTANCES = (("textembedding-gecko@001", 5), ("multimodalembedding", 1), ("", 250))
#: Contents of a BatchEmbedContentsRequest.
_CONTENTS = 100


class VertexRequestSerializer(EmbedRequestSerializer):
    """Serialises contents as `EmbedRequestSerializer` does, and builds requests of Vertex AI of them."""

    def __init__(
        self,
        model: str,
        task_type: object,
        title: object,
        output_dimensionality: object,
        *,
        over_http: bool,
        rpcs: Callable[[AnyMethod], AnyMethod] = lambda method: method,
    ) -> None:
        """Serialise the fields that all entries share.

        Args:
            model: Full name of the model.
            task_type: See `gemwire.embeddings.Embedder`.
            title: The same.
            output_dimensionality: The same.
            over_http: Whether all calls go over HTTP.
            rpcs: Returns an RPC with the version of the API that is called over HTTP. Default: v1.
        """
        short = model.rpartition("/")[2]
        super().__init__(short, task_type, title, output_dimensionality)
        self.model = model
        self._takes_contents = "gemini" in short or "maas" in short
        kind: AnyMethod
        if not self._takes_contents:
            kind = PREDICT
            self.largest_batch = next(number for start, number in _INSTANCES if short.startswith(start))
        elif over_http and "maas" not in short:
            kind, self.largest_batch = BATCH_EMBED_CONTENTS, _CONTENTS
        else:
            kind, self.largest_batch = EMBED_CONTENT, 1
        self._kind, self.method = kind.name, rpcs(kind)

    def serialize(self, content: object, argument: str, index: int | None = None) -> bytes:
        """Serialise one content; raises ValueError if the model cannot embed it."""
        entry = super().serialize(content, argument, index)
        if not self._takes_contents and type(content) is not str:
            for part in _parse([entry])[0].content.parts:
                if part.WhichOneof("data") != "text":
                    place = argument if index is None else f"{argument}[{index}]"
                    raise ValueError(f"{place}: {self.model.rpartition('/')[2]} embeds texts only")
        return entry

    def build_request(self, entries: list[bytes]) -> Message:
        """Build the request with the given entries."""
        requests = _parse(entries)
        if self._kind == PREDICT.name:
            return self._build_prediction(requests)
        built = [_to_request(request) for request in requests]
        if self._kind == EMBED_CONTENT.name:
            built[0].model = self.model
            return built[0]
        return aiplatform_v1.BatchEmbedContentsRequest(model=self.model, requests=built)

    def _build_prediction(self, requests: list[v1beta.EmbedContentRequest]) -> aiplatform_v1.PredictRequest:
        prediction = aiplatform_v1.PredictRequest(endpoint=self.model)
        for request in requests:
            instance = prediction.instances.add().struct_value
            instance["content"] = "".join(part.text for part in request.content.parts)
            if request.task_type:
                instance["task_type"] = v1beta.TaskType.Name(request.task_type)
            if request.title:
                instance["title"] = request.title
        if size := requests[0].output_dimensionality:
            prediction.parameters.struct_value["outputDimensionality"] = size
        return prediction

    def read_embeddings(self, response: object) -> v1beta.BatchEmbedContentsResponse:
        """Return the embeddings of a response, as the Gemini API has them."""
        found = v1beta.BatchEmbedContentsResponse()
        if isinstance(response, aiplatform_v1.PredictResponse):
            for prediction in response.predictions:
                fields = prediction.struct_value.fields["embeddings"].struct_value.fields
                values = fields["values"].list_value.values
                found.embeddings.add(values=[value.number_value for value in values])
        elif isinstance(response, aiplatform_v1.EmbedContentResponse):
            found.embeddings.add(values=response.embedding.values)
        elif isinstance(response, aiplatform_v1.BatchEmbedContentsResponse):
            for embedding in response.embeddings:
                found.embeddings.add(values=embedding.values)
        return found


def check_full_name(model: object) -> str:
    """Return the name of a publisher's model, which must be in full."""
    if not isinstance(model, str):
        raise TypeError(f"model: expected a string, got {type(model).__name__}")
    if not _NAME.fullmatch(model):
        form = "projects/PROJECT/locations/LOCATION/publishers/google/models/MODEL"
        raise ValueError(f"model: {model!r} is not a full name of Vertex AI, which has the form {form}")
    return model


def _parse(entries: list[bytes]) -> list[v1beta.EmbedContentRequest]:
    return list(v1beta.BatchEmbedContentsRequest.FromString(b"".join(entries)).requests)


def _to_request(request: v1beta.EmbedContentRequest) -> aiplatform_v1.EmbedContentRequest:
    """Return a request with the content and the settings of one of the Gemini API, by their names."""
    made = aiplatform_v1.EmbedContentRequest()
    _copy(request.content, made.content)
    config = made.embed_content_config
    if request.task_type:
        name = v1beta.TaskType.Name(request.task_type)
        config.task_type = aiplatform_v1.EmbedContentRequest.EmbeddingTaskType.Value(name)
    if request.title:
        config.title = request.title
    if request.output_dimensionality:
        config.output_dimensionality = request.output_dimensionality
    return made


def _copy(source: Message, target: Message) -> None:
    """Copy a message to one of the same fields with other numbers."""
    json_format.ParseDict(
        json_format.MessageToDict(source, descriptor_pool=POOL), target, descriptor_pool=POOL
    )
