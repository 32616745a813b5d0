"""Batch jobs of the Gemini API, which exist over HTTP alone."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from gemwire._transport.json_method import Json, JsonRequest, method
from gemwire.genai._backends.base import BatchesBackend, Call, Page
from gemwire.genai._backends.gemini.models import GeminiModels
from gemwire.genai._backends.gemini.vertex_only import check_fields
from gemwire.genai._convert.batches import (
    from_operation,
    to_batch,
    to_batch_name,
    to_batch_source,
    to_embeddings_batch,
)
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._types.batches import (
    BatchJob,
    CreateBatchJobConfig,
    CreateEmbeddingsBatchJobConfig,
    DeleteResourceJob,
    ListBatchJobsConfig,
)
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.longrunning import operations

_SERVICE = "google.ai.generativelanguage.v1beta.GenerativeService"
# Not retried: a batch that is started twice is billed twice.
_CREATE = method(_SERVICE, "BatchGenerateContent", "batch_generate_content", 600.0, None)
_EMBED = method(_SERVICE, "AsyncBatchEmbedContent", "async_batch_embed_content", 600.0, None)
# The protos of operations are public, those of their metadata are not.
_GET, _LIST = (
    method(one.service, one.name, one.snake, 60.0, one.retry)
    for one in (operations.GET_OPERATION, operations.LIST_OPERATIONS)
)


class GeminiBatches(BatchesBackend):
    """Calls of GenerativeService and Operations."""

    def __init__(self, models: GeminiModels) -> None:
        """Build the requests of batch jobs as ``client.models`` does."""
        self._models = models

    def create(self, model: str, src: object, config: CreateBatchJobConfig) -> Call[BatchJob]:
        """Call BatchGenerateContent."""
        name = to_model_name(model)
        check_fields(config)
        source = to_batch_source(src)
        check_fields(source, "src")
        batch = to_batch(name, source, config, self._models.to_request)
        request = JsonRequest.post(f"/v1beta/{quote(name)}:batchGenerateContent", batch)
        return Call(_CREATE, request, from_operation, over_http="batches.create")

    def create_embeddings(
        self, model: str, src: object, config: CreateEmbeddingsBatchJobConfig
    ) -> Call[BatchJob]:
        """Call AsyncBatchEmbedContent."""
        name = to_model_name(model)
        batch = to_embeddings_batch(name, src, config, self._models.to_embed_request)
        request = JsonRequest.post(f"/v1beta/{quote(name)}:asyncBatchEmbedContent", batch)
        return Call(_EMBED, request, from_operation, over_http="batches.create_embeddings")

    def get(self, name: str) -> Call[BatchJob]:
        """Call GetOperation."""
        request = JsonRequest("GET", f"/v1beta/{quote(to_batch_name(name))}")
        return Call(_GET, request, from_operation, over_http="batches.get")

    def list(self, config: ListBatchJobsConfig, page_token: str) -> Call[Page[BatchJob]]:
        """Call ListOperations."""
        given = {"pageSize": config.page_size, "pageToken": page_token, "filter": config.filter}
        query = urlencode({name: value for name, value in given.items() if value})
        return Call(_LIST, JsonRequest("GET", f"/v1beta/batches?{query}"), _to_page, over_http="batches.list")

    def cancel(self, name: str) -> Call[None]:
        """Call CancelOperation."""
        request = operations_pb2.CancelOperationRequest(name=to_batch_name(name))
        return Call(operations.CANCEL_OPERATION, request, lambda _: None)

    def delete(self, name: str) -> Call[DeleteResourceJob]:
        """Call DeleteOperation."""
        found = to_batch_name(name)
        request = operations_pb2.DeleteOperationRequest(name=found)
        return Call(operations.DELETE_OPERATION, request, lambda _: DeleteResourceJob(name=found, done=True))


def _to_page(tree: Json) -> Page[BatchJob]:
    return Page(
        "batch_jobs",
        [from_operation(item) for item in tree.get("operations") or ()],
        tree.get("nextPageToken") or "",
    )
