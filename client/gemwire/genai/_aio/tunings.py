"""``client.tunings``: tuning jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gemwire.genai._aio.pager import AsyncPager
from gemwire.genai._aio.resource import AsyncResource
from gemwire.genai._types.tunings import (
    CancelTuningJobConfig,
    CancelTuningJobResponse,
    CreateTuningJobConfig,
    GetTuningJobConfig,
    ListTuningJobsConfig,
    TuningJob,
)

if TYPE_CHECKING:
    from gemwire.genai._types.dicts import (
        CancelTuningJobConfigOrDict,
        CreateTuningJobConfigOrDict,
        GetTuningJobConfigOrDict,
        ListTuningJobsConfigOrDict,
        TuningDatasetOrDict,
    )


class AsyncTunings(AsyncResource):
    """Tuning jobs, which train models on examples."""

    async def tune(
        self,
        *,
        base_model: str,
        training_dataset: TuningDatasetOrDict,
        config: CreateTuningJobConfigOrDict | None = None,
    ) -> TuningJob:
        """Start a tuning job.

        Args:
            base_model: Name of the model to tune; it may be a tuned model itself.
            training_dataset: `TuningDataset`, or a dict of its fields: the examples.
            config: `CreateTuningJobConfig`, or a dict of its fields.

        Returns:
            The job, which has just started; poll it with `get`.

        Raises:
            ValueError: An argument is invalid.
            TypeError: An argument is of a wrong type.
            APIError: A call failed.
        """
        config = CreateTuningJobConfig.of(config)
        flow = self._api.backend.tunings.tune(base_model, training_dataset, config)
        return await self._api.run(flow, config.http_options)

    async def get(self, *, name: str, config: GetTuningJobConfigOrDict | None = None) -> TuningJob:
        """Get a tuning job and, while it runs, its progress.

        Args:
            name: Name of the job, which is that of the tuned model, with or without ``tunedModels/``.
            config: `GetTuningJobConfig`, or a dict of its fields.

        Raises:
            ValueError: The name is invalid.
            APIError: The call failed.
        """
        flow = self._api.backend.tunings.get(name)
        return await self._api.run(flow, GetTuningJobConfig.of(config).http_options)

    async def cancel(
        self, *, name: str, config: CancelTuningJobConfigOrDict | None = None
    ) -> CancelTuningJobResponse:
        """Cancel a tuning job. Vertex AI only.

        Args:
            name: Name of the job, with or without ``tuningJobs/``.
            config: `CancelTuningJobConfig`, or a dict of its fields.

        Raises:
            ValueError: The client calls the Gemini API, or the name is invalid.
            APIError: The call failed.
        """
        call = self._api.backend.tunings.cancel(name)
        return await self._api.call(call, CancelTuningJobConfig.of(config).http_options)

    async def validate_reward(
        self,
        *,
        parent: str,
        sample_response: object,
        example: object,
        single_reward_config: object = None,
        composite_reward_config: object = None,
        config: object = None,
    ) -> NoReturn:
        """Refuse to try out the reward of reinforcement tuning, which neither service has over gRPC.

        Args:
            parent: Project and location.
            sample_response: Response that is rated.
            example: Example that it responds to.
            single_reward_config: The reward.
            composite_reward_config: Several rewards.
            config: Config of the call.

        Raises:
            ValueError: Always.
        """
        self._api.backend.tunings.refuse("validate_reward")

    async def list(self, *, config: ListTuningJobsConfigOrDict | None = None) -> AsyncPager[TuningJob]:
        """List tuning jobs, running and ended ones.

        Args:
            config: `ListTuningJobsConfig`, or a dict of its fields.

        Raises:
            ValueError: The config has an unknown field.
            APIError: The call failed.
        """
        config = ListTuningJobsConfig.of(config)
        return await AsyncPager.start(self._api, self._api.backend.tunings.list, config)
