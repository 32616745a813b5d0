"""``client.batches``: many requests, answered in the background at half the price."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from gemwire._transport.json_method import JsonRequest, method
from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.pager import AsyncPager, paged
from gemwire.genai._convert.batches import JobPage, batch_name, created, created_embeddings, job
from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._types.batches import BatchJob, DeleteResourceJob
from gemwire.genai._types.resource_configs import (
    CancelBatchJobConfig,
    CreateBatchJobConfig,
    CreateEmbeddingsBatchJobConfig,
    DeleteBatchJobConfig,
    GetBatchJobConfig,
    ListBatchJobsConfig,
)
from gemwire_proto.longrunning import operations

_SERVICE = "google.ai.generativelanguage.v1beta.GenerativeService"
# Not repeated: a batch that was begun twice costs twice.
_CREATE = method(_SERVICE, "BatchGenerateContent", "batch_generate_content", 600.0, None)
_EMBED = method(_SERVICE, "AsyncBatchEmbedContent", "async_batch_embed_content", 600.0, None)
# Their protos are known, but not those of what they tell of a batch.
_GET, _LIST = (
    method(one.service, one.name, one.snake, 60.0, one.retry)
    for one in (operations.GET_OPERATION, operations.LIST_OPERATIONS)
)


class AsyncBatches:
    """Many requests, answered in the background. They go over HTTP, which needs ``gemwire[http]``."""

    def __init__(self, api: AsyncApi) -> None:
        """``api``: what the resources share."""
        self._api = api

    async def create(
        self, *, model: str, src: Any, config: CreateBatchJobConfig | Any | None = None
    ) -> BatchJob:
        """Begin a batch.

        Args:
            model: Name of the model.
            src: A list of `InlinedRequest`, or of dicts of its fields; the name of a file, or a `File`; or
                `BatchJobSource`, or a dict of its fields.
            config: `CreateBatchJobConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CreateBatchJobConfig.of(config)
        name = model_name(model)
        request = JsonRequest.post(f"/v1beta/{quote(name)}:batchGenerateContent", created(name, src, config))
        return job(await self._call("batches.create", _CREATE, request, config))

    async def create_embeddings(
        self, *, model: str, src: Any, config: CreateEmbeddingsBatchJobConfig | Any | None = None
    ) -> BatchJob:
        """Begin a batch of embeddings.

        Args:
            model: Name of an embedding model.
            src: `EmbeddingsBatchJobSource`, or a dict of its fields.
            config: `CreateEmbeddingsBatchJobConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CreateEmbeddingsBatchJobConfig.of(config)
        name = model_name(model)
        request = JsonRequest.post(
            f"/v1beta/{quote(name)}:asyncBatchEmbedContent", created_embeddings(name, src, config)
        )
        return job(await self._call("batches.create_embeddings", _EMBED, request, config))

    async def get(self, *, name: str, config: GetBatchJobConfig | Any | None = None) -> BatchJob:
        """One batch as it is now, with its answers if it is done and they are in no file.

        Args:
            name: Its name, with or without ``batches/``.
            config: `GetBatchJobConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: It is no name.
            APIError: The call failed.
        """
        config = GetBatchJobConfig.of(config)
        request = JsonRequest("GET", f"/v1beta/{quote(batch_name(name))}")
        return job(await self._call("batches.get", _GET, request, config))

    async def list(self, *, config: ListBatchJobsConfig | Any | None = None) -> AsyncPager[BatchJob]:
        """The batches that there are and were.

        Args:
            config: `ListBatchJobsConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        config = ListBatchJobsConfig.of(config)

        async def fetch(token: str) -> JobPage:
            given = {"pageSize": config.page_size, "pageToken": token, "filter": config.filter}
            query = urlencode({name: value for name, value in given.items() if value})
            request = JsonRequest("GET", f"/v1beta/batches?{query}")
            return JobPage(await self._call("batches.list", _LIST, request, config))

        return await paged(fetch, "batch_jobs", config, job)

    async def cancel(self, *, name: str, config: CancelBatchJobConfig | Any | None = None) -> None:
        """End a batch before it is done.

        Args:
            name: Its name, with or without ``batches/``.
            config: `CancelBatchJobConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        settings = self._api.settings(CancelBatchJobConfig.of(config).http_options)
        await self._api.generative.cancel_operation({"name": batch_name(name)}, **settings)

    async def delete(
        self, *, name: str, config: DeleteBatchJobConfig | Any | None = None
    ) -> DeleteResourceJob:
        """Delete a batch, and its answers if they are in no file.

        Args:
            name: Its name, with or without ``batches/``.
            config: `DeleteBatchJobConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        settings = self._api.settings(DeleteBatchJobConfig.of(config).http_options)
        found = batch_name(name)
        await self._api.generative.delete_operation({"name": found}, **settings)
        return DeleteResourceJob(name=found, done=True)

    async def _call(self, what: str, method: Any, request: JsonRequest, config: Any) -> Any:
        """Make a call over HTTP."""
        settings = self._api.settings(config.http_options)
        return await self._api.rest(what).unary(method, request, (), **settings)
