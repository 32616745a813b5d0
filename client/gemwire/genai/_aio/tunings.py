"""``client.tunings``: models trained on examples."""

from __future__ import annotations

from typing import Any

from gemwire.errors import APIError
from gemwire.genai._aio.api import AsyncApi
from gemwire.genai._aio.pager import AsyncPager, paged
from gemwire.genai._convert.resource_names import resource_name
from gemwire.genai._types.resource_configs import (
    CreateTuningJobConfig,
    GetTuningJobConfig,
    ListTuningJobsConfig,
)
from gemwire.genai._types.tuning import COLLECTION, TuningDataset, TuningJob, to_tune
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views


class AsyncTunings:
    """Models trained on examples."""

    def __init__(self, api: AsyncApi) -> None:
        """``api``: what the resources share."""
        self._api = api

    async def tune(
        self,
        *,
        base_model: str,
        training_dataset: TuningDataset | Any,
        config: CreateTuningJobConfig | Any | None = None,
    ) -> TuningJob:
        """Begin to train a model.

        Args:
            base_model: Name of the model to begin with, which may be a tuned one.
            training_dataset: `TuningDataset`, or a dict of its fields: examples.
            config: `CreateTuningJobConfig`, or a dict of its fields.

        Returns:
            The job, which has just begun; `get` tells how far it is.

        Raises:
            ValueError: An argument says nothing that can be sent.
            TypeError: An argument is of a wrong type.
            APIError: The call failed.
        """
        config = CreateTuningJobConfig.of(config)
        settings = self._api.settings(config.http_options)
        operation = await self._api.models.create_tuned_model(
            tuned_model=to_tune(base_model, training_dataset, config), **settings
        )
        begun = operation.metadata
        name = begun.tuned_model if begun else operation.name.partition("/operations/")[0]
        model = await self._api.models.get_tuned_model(name=name, **settings)
        return TuningJob.of(model, views.CreateTunedModelMetadata.of(begun) if begun else None)

    async def get(self, *, name: str, config: GetTuningJobConfig | Any | None = None) -> TuningJob:
        """One job, as far as it is.

        Args:
            name: Its name, which is that of the model, with or without ``tunedModels/``.
            config: `GetTuningJobConfig`, or a dict of its fields.

        Raises:
            ValueError: It is no name.
            APIError: The call failed.
        """
        settings = self._api.settings(GetTuningJobConfig.of(config).http_options)
        model = await self._api.models.get_tuned_model(name=resource_name(name, COLLECTION), **settings)
        job = TuningJob.of(model)
        return job if job.has_ended else TuningJob.of(model, await self._progress(model.name, settings))

    async def list(self, *, config: ListTuningJobsConfig | Any | None = None) -> AsyncPager[TuningJob]:
        """The jobs that there are and were.

        Args:
            config: `ListTuningJobsConfig`, or a dict of its fields.

        Raises:
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        config = ListTuningJobsConfig.of(config)
        settings = self._api.settings(config.http_options)

        def fetch(token: str) -> Any:
            asked = {"page_size": config.page_size or 0, "page_token": token, "filter": config.filter or ""}
            return self._api.models.list_tuned_models(asked, **settings)

        return await paged(fetch, "tuned_models", config, TuningJob.of)

    async def _progress(self, model: str, settings: dict[str, Any]) -> views.CreateTunedModelMetadata | None:
        """What the operation that trains a model tells."""
        made = v1beta.CreateTunedModelMetadata()
        try:
            found = await self._api.models.list_operations({"name": f"{model}/operations"}, **settings)
            async for operation in found:
                if operation.metadata.type_url.endswith(f"/{made.DESCRIPTOR.full_name}"):
                    made.ParseFromString(operation.metadata.value)
                    return views.CreateTunedModelMetadata.of(made)
        except APIError:
            pass  # It is an extra: the job is known without it.
        return None
