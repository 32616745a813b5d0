"""Batch jobs of the Gemini API, which exist over HTTP only."""

from __future__ import annotations

import dataclasses

from gemwire.genai._backends.base import Call, Page
from gemwire.genai._backends.gemini.models import GeminiModels
from gemwire.genai._backends.gemini.vertex_only import check_fields
from gemwire.genai._convert.batches import (
    COLLECTION,
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
from gemwire_proto import v1beta
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.longrunning import operations
from gemwire_proto.v1beta.generative_service import ASYNC_BATCH_EMBED_CONTENT, BATCH_GENERATE_CONTENT

# Over gRPC the metadata of batch jobs would have field numbers that are not public.
_GET_OPERATION = dataclasses.replace(operations.GET_OPERATION, http_only=True)
_LIST_OPERATIONS = dataclasses.replace(operations.LIST_OPERATIONS, http_only=True)


class GeminiBatches:
    """Calls of GenerativeService and Operations."""

    def __init__(self, models: GeminiModels) -> None:
        """Build the requests of batch jobs as ``client.models`` does."""
        self._models = models

    def create(self, model: str, src: object, config: CreateBatchJobConfig) -> Call[BatchJob]:
        source = to_batch_source(src)
        check_fields(source, "src")
        check_fields(config)
        name = to_model_name(model)
        batch = to_batch(name, source, config, self._models.to_request)
        request = v1beta.BatchGenerateContentRequest(model=name, batch=batch)
        return Call(BATCH_GENERATE_CONTENT, request, from_operation)

    def create_embeddings(
        self, model: str, src: object, config: CreateEmbeddingsBatchJobConfig
    ) -> Call[BatchJob]:
        name = to_model_name(model)
        batch = to_embeddings_batch(name, src, config, self._models.to_embed_request)
        request = v1beta.AsyncBatchEmbedContentRequest(model=name, batch=batch)
        return Call(ASYNC_BATCH_EMBED_CONTENT, request, from_operation)

    def get(self, name: str) -> Call[BatchJob]:
        request = operations_pb2.GetOperationRequest(name=to_batch_name(name))
        return Call(_GET_OPERATION, request, from_operation)

    def list(self, config: ListBatchJobsConfig, page_token: str) -> Call[Page[BatchJob]]:
        request = operations_pb2.ListOperationsRequest(
            name=COLLECTION,
            filter=config.filter or "",
            page_size=config.page_size or 0,
            page_token=page_token,
        )
        return Call(_LIST_OPERATIONS, request, _to_page)

    def cancel(self, name: str) -> Call[None]:
        request = operations_pb2.CancelOperationRequest(name=to_batch_name(name))
        return Call(operations.CANCEL_OPERATION, request, lambda _: None)

    def delete(self, name: str) -> Call[DeleteResourceJob]:
        found = to_batch_name(name)
        request = operations_pb2.DeleteOperationRequest(name=found)
        return Call(operations.DELETE_OPERATION, request, lambda _: DeleteResourceJob(name=found, done=True))


def _to_page(response: operations_pb2.ListOperationsResponse) -> Page[BatchJob]:
    jobs = [from_operation(operation) for operation in response.operations]
    return Page("batch_jobs", jobs, response.next_page_token)
