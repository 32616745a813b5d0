# Derived from genai/_aio/batches.py by scripts/unasync. DO NOT EDIT.
"""``client.batches``: batch jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gemwire.genai._sync.pager import Pager
from gemwire.genai._sync.resource import Resource
from gemwire.genai._types.batches import (
    BatchJob,
    CancelBatchJobConfig,
    CreateBatchJobConfig,
    CreateEmbeddingsBatchJobConfig,
    DeleteBatchJobConfig,
    DeleteResourceJob,
    GetBatchJobConfig,
    ListBatchJobsConfig,
)
from gemwire_proto.v1beta.views import File

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import (
        BatchJobSourceOrDict,
        CancelBatchJobConfigOrDict,
        CreateBatchJobConfigOrDict,
        CreateEmbeddingsBatchJobConfigOrDict,
        DeleteBatchJobConfigOrDict,
        EmbeddingsBatchJobSourceOrDict,
        GetBatchJobConfigOrDict,
        InlinedRequestOrDict,
        ListBatchJobsConfigOrDict,
    )


class Batches(Resource):
    """Batch jobs: many requests that the service answers in the background, at half the price.

    They are created, read and listed over HTTP, which needs ``gemwire[http]``.
    """

    def create(
        self,
        *,
        model: str,
        src: BatchJobSourceOrDict | Sequence[InlinedRequestOrDict] | File | str,
        config: CreateBatchJobConfigOrDict | None = None,
    ) -> BatchJob:
        """Start a batch job.

        The call is not retried, as a job that is started twice is billed twice.

        Args:
            model: Name of the model.
            src: The requests: a list of `InlinedRequest` or of dicts of its fields; an uploaded `File` or its
                name; or `BatchJobSource`, or a dict of its fields.
            config: `CreateBatchJobConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CreateBatchJobConfig.of(config)
        call = self._api.backend.batches.create(model, src, config)
        return self._api.call(call, config.http_options)

    def create_embeddings(
        self,
        *,
        model: str,
        src: EmbeddingsBatchJobSourceOrDict,
        config: CreateEmbeddingsBatchJobConfigOrDict | None = None,
    ) -> BatchJob:
        """Start a batch job that computes embeddings. The call is not retried; see `create`.

        Args:
            model: Name of an embedding model.
            src: `EmbeddingsBatchJobSource`, or a dict of its fields.
            config: `CreateEmbeddingsBatchJobConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CreateEmbeddingsBatchJobConfig.of(config)
        call = self._api.backend.batches.create_embeddings(model, src, config)
        return self._api.call(call, config.http_options)

    def get(self, *, name: str, config: GetBatchJobConfigOrDict | None = None) -> BatchJob:
        """Get the current state of a batch job and, if they are not in a file, its responses.

        Args:
            name: Name of the job, with or without ``batches/``.
            config: `GetBatchJobConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.batches.get(name)
        return self._api.call(call, GetBatchJobConfig.of(config).http_options)

    def list(self, *, config: ListBatchJobsConfigOrDict | None = None) -> Pager[BatchJob]:
        """List batch jobs, running and ended ones.

        Args:
            config: `ListBatchJobsConfig`, or a dict of its fields.

        Raises:
            ImportError: ``gemwire[http]`` is not installed.
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        config = ListBatchJobsConfig.of(config)
        return Pager.start(self._api, self._api.backend.batches.list, config)

    def cancel(self, *, name: str, config: CancelBatchJobConfigOrDict | None = None) -> None:
        """Cancel a batch job.

        Args:
            name: Name of the job, with or without ``batches/``.
            config: `CancelBatchJobConfig`, or a dict of its fields.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.batches.cancel(name)
        self._api.call(call, CancelBatchJobConfig.of(config).http_options)

    def delete(self, *, name: str, config: DeleteBatchJobConfigOrDict | None = None) -> DeleteResourceJob:
        """Delete a batch job and, if they are not in a file, its responses.

        Args:
            name: Name of the job, with or without ``batches/``.
            config: `DeleteBatchJobConfig`, or a dict of its fields.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.batches.delete(name)
        return self._api.call(call, DeleteBatchJobConfig.of(config).http_options)
