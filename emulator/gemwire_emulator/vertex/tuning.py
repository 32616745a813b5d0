"""GenAiTuningService of Vertex AI."""

from __future__ import annotations

import asyncio
import re

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument, not_found, quote
from gemwire_emulator.names import check_name
from gemwire_emulator.paging import paginate
from gemwire_emulator.services.resource_lookup import check_display_name
from gemwire_emulator.state import State
from gemwire_emulator.storage import SCHEME
from gemwire_emulator.vertex.labels import check_labels
from gemwire_emulator.vertex.names import enter_location, enter_parent
from gemwire_emulator.vertex.tuned_models import TunedModels, parse_filter
from gemwire_emulator.vertex.tuning_data import TuningData, read_tuning_data
from gemwire_proto import aiplatform_v1
from gemwire_proto.google.protobuf import empty_pb2

_JOB = "tuningJobs/*"
_DATA = re.compile(r"gs://[^/]+/.+|projects/[^/]+/locations/[^/]+/datasets/[^/]+")
_EPOCHS = 100
_DISPLAY_NAME = 128


class GenAiTuningService:
    """The handlers of GenAiTuningService."""

    def __init__(self, models: TunedModels, state: State) -> None:
        """Create the handlers."""
        self._models = models
        self._state = state

    async def create_tuning_job(
        self, request: aiplatform_v1.CreateTuningJobRequest, call: Call
    ) -> aiplatform_v1.TuningJob:
        """Start a job. Its data are read if there is Cloud Storage; a bad line makes it fail."""
        enter_parent(call, request.parent)
        job = aiplatform_v1.TuningJob()
        job.CopyFrom(request.tuning_job)
        base = self._find_base(job, call)
        spec = job.supervised_tuning_spec
        path = "tuning_job.supervised_tuning_spec"
        if job.WhichOneof("tuning_spec") is None:
            raise invalid_argument(path, "is required")
        for name, uri in (
            ("training_dataset_uri", spec.training_dataset_uri),
            ("validation_dataset_uri", spec.validation_dataset_uri),
        ):
            if not _DATA.fullmatch(uri) and (uri or name == "training_dataset_uri"):
                raise invalid_argument(f"{path}.{name}", f"{quote(uri)} is neither gs:// nor a dataset")
        if not 0 <= spec.hyper_parameters.epoch_count <= _EPOCHS:
            raise invalid_argument(f"{path}.hyper_parameters.epoch_count", f"must be from 1 to {_EPOCHS}")
        check_display_name(job.tuned_model_display_name, "tuning_job.tuned_model_display_name", _DISPLAY_NAME)
        check_labels(job.labels)
        return self._models.start(job, base, call, await self._read_data(spec, path))

    def get_tuning_job(
        self, request: aiplatform_v1.GetTuningJobRequest, call: Call
    ) -> aiplatform_v1.TuningJob:
        """Return a job as it is now."""
        with enter_location(call, request.name, _JOB, "name"):
            return self._models.get_job(request.name, call)

    def list_tuning_jobs(
        self, request: aiplatform_v1.ListTuningJobsRequest, call: Call
    ) -> aiplatform_v1.ListTuningJobsResponse:
        """List the jobs of a location, oldest first."""
        enter_parent(call, request.parent)
        matches = parse_filter(request.filter)

        def accept(job: aiplatform_v1.TuningJob) -> bool:
            fields = {
                "state": aiplatform_v1.JobState.Name(job.state),
                "tuned_model_display_name": job.tuned_model_display_name,
                "base_model": job.base_model,
            }
            return matches(fields, job.labels)

        rows, token = paginate(
            lambda after: self._models.list_jobs(call, after),
            request,
            default=50,
            most=1000,
            accept=lambda row: accept(row.message(aiplatform_v1.TuningJob)),
        )
        jobs = [row.message(aiplatform_v1.TuningJob) for row in rows]
        return aiplatform_v1.ListTuningJobsResponse(tuning_jobs=jobs, next_page_token=token)

    def cancel_tuning_job(self, request: aiplatform_v1.CancelTuningJobRequest, call: Call) -> empty_pb2.Empty:
        """Cancel a job."""
        with enter_location(call, request.name, _JOB, "name"):
            self._models.cancel_job(request.name, call)
        return empty_pb2.Empty()

    async def _read_data(
        self, spec: aiplatform_v1.SupervisedTuningSpec, path: str
    ) -> TuningData | StatusError | None:
        """Return the examples of a job, or what is wrong with them; None where they cannot be read."""
        data: TuningData | None = None
        for name in ("validation_dataset_uri", "training_dataset_uri"):
            address: str = getattr(spec, name)
            if self._state.storage and address.startswith(SCHEME):
                file = self._state.storage.find(address, f"{path}.{name}")
                try:
                    data = await asyncio.to_thread(read_tuning_data, file, address)
                except StatusError as error:
                    return error
        return data

    def _find_base(self, job: aiplatform_v1.TuningJob, call: Call) -> str:
        """Return the base model of a job; one that tunes a tuned model further has that model's."""
        if job.WhichOneof("source_model") == "pre_tuned_model":
            name = job.pre_tuned_model.tuned_model_name
            check_name(name, "projects/*/locations/*/models/*", "tuning_job.pre_tuned_model.tuned_model_name")
            if not name.startswith(f"{call.tenant}/"):
                raise invalid_argument(
                    "tuning_job.pre_tuned_model.tuned_model_name", f"must be a model in {call.tenant}"
                )
            model = self._models.get_model(name, call)
            base = self._models.find_base(model.deployed_models[0].endpoint)
            job.pre_tuned_model.base_model = base
            return base
        base = job.base_model.removeprefix("publishers/google/").removeprefix("models/")
        if not base:
            raise invalid_argument("tuning_job.base_model", "is required, or pre_tuned_model")
        if "generateContent" not in self._state.models.get_methods(base):
            raise not_found(f"publishers/google/models/{base}")
        return base
