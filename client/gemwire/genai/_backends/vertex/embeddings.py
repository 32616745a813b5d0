"""Embeddings of Vertex AI, which some models compute with EmbedContent and others with Predict."""

from __future__ import annotations

from collections.abc import Sequence

from gemwire.genai._backends.base import Call, Flow
from gemwire.genai._backends.vertex.family import VERTEX
from gemwire.genai._backends.vertex.rpcs import Rpcs
from gemwire.genai._convert.contents import to_content, to_contents
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.embed_content import (
    EmbedContentConfig,
    EmbedContentMetadata,
    EmbedContentResponse,
)
from gemwire_proto import aiplatform_v1, v1beta
from gemwire_proto.aiplatform_v1.prediction_service import BATCH_EMBED_CONTENTS, EMBED_CONTENT, PREDICT
from gemwire_proto.v1beta import views
from gemwire_runtime.pydantic_models import Fields
from gemwire_runtime.view_fields import message_of
from gemwire_runtime.well_known import write_json

#: Models that take a list of texts as a list of contents, although they compute with EmbedContent.
_ONE_EACH = ("gemini-embedding-001", "gemini-embedding-exp")
_CONFIG = ("title", "output_dimensionality", "auto_truncate", "document_ocr", "audio_track_extraction")


def embed(
    model: str, contents: ContentListUnion, config: EmbedContentConfig, rpcs: Rpcs
) -> Flow[EmbedContentResponse]:
    """Compute embeddings: with EmbedContent for models named gemini or maas, with Predict for others."""
    name = model.rpartition("/")[2]
    takes_contents = "gemini" in name or "maas" in name
    items: list[v1beta.Content]
    if takes_contents and not name.startswith(_ONE_EACH):
        items = to_contents(contents, "contents", VERTEX)
    else:
        items = _to_items(contents)
    if not takes_contents:
        return _predict(model, items, config, rpcs)
    if len(items) > 1 and "maas" in name:
        raise ValueError(f"contents: {name} takes one content at a time, got {len(items)}")
    return _embed(model, items, config, rpcs)


def _to_items(contents: ContentListUnion) -> list[v1beta.Content]:
    given: Sequence[object] = contents if isinstance(contents, list) else [contents]
    if contents is None or not given:
        raise ValueError("contents are required: a string, or a list with one item for each vector")
    return [to_content(item, f"contents[{at}]", VERTEX) for at, item in enumerate(given)]


def _predict(
    model: str, contents: Sequence[v1beta.Content], config: EmbedContentConfig, rpcs: Rpcs
) -> Flow[EmbedContentResponse]:
    """Call Predict with an instance for each text."""
    shared = {"task_type": _to_task(config), "title": config.title, "mimeType": config.mime_type}
    options = {"outputDimensionality": config.output_dimensionality, "autoTruncate": config.auto_truncate}
    request = aiplatform_v1.PredictRequest(endpoint=model)
    for at, content in enumerate(contents):
        for index, part in enumerate(content.parts):
            if part.WhichOneof("data") != "text":
                name = model.rpartition("/")[2]
                raise ValueError(f"contents[{at}].parts[{index}]: {name} embeds texts only")
            request.instances.append(write_json(_without_none({"content": part.text, **shared})))
    if parameters := _without_none(options):
        request.parameters.CopyFrom(write_json(parameters))
    response: EmbedContentResponse = yield Call(rpcs(PREDICT), request, _from_predictions)
    return response


def _embed(
    model: str, contents: Sequence[v1beta.Content], config: EmbedContentConfig, rpcs: Rpcs
) -> Flow[EmbedContentResponse]:
    """Call EmbedContent or, for several contents, BatchEmbedContents, which gRPC does not have."""
    if config.mime_type is not None:
        raise ValueError("config.mime_type: only models that embed texts take it; leave it out")
    fields = {name: value for name in _CONFIG if (value := getattr(config, name)) is not None}
    if (task := _to_task(config)) is not None:
        fields["task_type"] = task
    made: EmbedContentResponse
    if len(contents) > 1 and rpcs.over_http:
        entries = [_to_request(None, content, fields) for content in contents]
        batch = aiplatform_v1.BatchEmbedContentsRequest(model=model, requests=entries)
        made = yield Call(rpcs(BATCH_EMBED_CONTENTS), batch, _from_batch)
        return made
    requests = [_to_request(model, content, fields) for content in contents]
    if len(requests) == 1:
        made = yield Call(rpcs(EMBED_CONTENT), requests[0], _from_response)
    else:
        several: list[EmbedContentResponse] = yield [
            Call(rpcs(EMBED_CONTENT), request, _from_response) for request in requests
        ]
        made = EmbedContentResponse(embeddings=[vector for one in several for vector in one.embeddings or ()])
    return made


def _to_request(
    model: str | None, content: v1beta.Content, config: Fields
) -> aiplatform_v1.EmbedContentRequest:
    fields: Fields = {"model": model, "content": content, "embed_content_config": config or None}
    return aiplatform_v1.EmbedContentRequest(**fields)


def _to_task(config: EmbedContentConfig) -> str | None:
    task = config.task_type
    return None if task is None else str(getattr(task, "value", task)).upper()


def _without_none(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def _from_predictions(response: aiplatform_v1.PredictResponse) -> EmbedContentResponse:
    made = EmbedContentResponse()
    message: v1beta.BatchEmbedContentsResponse = message_of(made)
    for prediction in views.PredictResponse.of(response).predictions or ():
        vector = prediction["embeddings"]
        embedding = message.embeddings.add(values=vector.get("values"))
        if statistics := vector.get("statistics"):
            embedding.statistics.truncated = bool(statistics.get("truncated"))
            embedding.statistics.token_count = statistics.get("token_count", 0)
    billed = response.metadata.struct_value.fields
    if "billableCharacterCount" in billed:
        count = int(billed["billableCharacterCount"].number_value)
        made.metadata = EmbedContentMetadata(billable_character_count=count)
    return made


def _from_response(response: aiplatform_v1.EmbedContentResponse) -> EmbedContentResponse:
    made = EmbedContentResponse()
    message: v1beta.BatchEmbedContentsResponse = message_of(made)
    embedding = message.embeddings.add(values=response.embedding.values)
    if response.HasField("usage_metadata") or response.truncated:
        embedding.statistics.truncated = response.truncated
        embedding.statistics.token_count = response.usage_metadata.prompt_token_count
    return made


def _from_batch(response: aiplatform_v1.BatchEmbedContentsResponse) -> EmbedContentResponse:
    made = EmbedContentResponse()
    message: v1beta.BatchEmbedContentsResponse = message_of(made)
    for embedding in response.embeddings:
        message.embeddings.add(values=embedding.values)
    return made
