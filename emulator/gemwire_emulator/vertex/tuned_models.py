"""Tuning jobs and what becomes of them: models, versions, checkpoints, and endpoints that answer.

A job goes on by the clock, and nothing runs for it: whoever looks settles the jobs that are due. So there is
nothing to resume after a restart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, failed_precondition, invalid_argument, not_found, quote
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_emulator.vertex.tuning_data import TuningData, describe
from gemwire_proto import aiplatform_v1

_STATES = aiplatform_v1.JobState
#: Part of a job's time in which it is PENDING.
_PENDING = 0.1
_EPOCHS = 3
_STEPS = 10
_BASE_LABEL = "google-vertex-llm-tuning-base-model-id"
_TERM = re.compile(r'(?P<field>[\w.-]+)\s*(?P<operator>=|:)\s*(?P<value>"[^"]*"|[\w*.-]+)')


class TunedModels:
    """The jobs, models and endpoints of all projects."""

    def __init__(self, state: State) -> None:
        """Use the store of an emulator."""
        self._state = state

    def start(
        self, job: aiplatform_v1.TuningJob, base: str, call: Call, data: TuningData | StatusError | None
    ) -> aiplatform_v1.TuningJob:
        """Store a new job.

        Args:
            job: The job, checked.
            base: The model that it tunes, ``gemini-2.0-flash-001``.
            call: The call, which is in its location.
            data: Its examples, or what is wrong with them; None if they are unknown.
        """
        job.name = f"{call.tenant}/tuningJobs/{generate_id(self._state)}"
        job.state = _STATES.JOB_STATE_PENDING
        job.create_time.FromDatetime(self._state.clock.datetime())
        job.update_time.CopyFrom(job.create_time)
        extra: dict[str, object] = {"began": self._state.clock.now(), "base": base}
        if isinstance(data, StatusError):
            extra["problem"] = [data.code.value[0], data.message]
        elif data is not None:
            epochs = job.supervised_tuning_spec.hyper_parameters.epoch_count or _EPOCHS
            job.tuning_data_stats.CopyFrom(describe(data, epochs))
            extra["answers"] = data.answers
        self._state.store.put(call.tenant, job.name, job, owner=call.caller, extra=json.dumps(extra))
        return job

    def list_jobs(self, call: Call, after: int = 0) -> list[Row]:
        """Return the jobs of a location, as they are now."""
        return [
            self._settle(row, call.tenant)
            for row in self._state.store.list(call.tenant, "tuningJobs", after=after)
        ]

    def get_job(self, name: str, call: Call) -> aiplatform_v1.TuningJob:
        """Return a job as it is now.

        Raises:
            StatusError: NOT_FOUND.
        """
        row = self._state.store.get(call.tenant, name)
        if row is None:
            raise not_found(name)
        return self._settle(row, call.tenant).message(aiplatform_v1.TuningJob)

    def cancel_job(self, name: str, call: Call) -> None:
        """Cancel a job.

        Raises:
            StatusError: NOT_FOUND, or FAILED_PRECONDITION for one that has ended.
        """
        job = self.get_job(name, call)
        if job.state not in (_STATES.JOB_STATE_PENDING, _STATES.JOB_STATE_RUNNING):
            raise failed_precondition(
                name, f"is {_STATES.Name(job.state)}; only a running job can be cancelled"
            )
        job.state = _STATES.JOB_STATE_CANCELLED
        for moment in (job.end_time, job.update_time):
            moment.FromDatetime(self._state.clock.datetime())
        self._state.store.replace(call.tenant, name, job)

    def list_models(self, call: Call, after: int = 0) -> list[Row]:
        """Return the models of a location."""
        self.list_jobs(call)
        return list(self._state.store.list(call.tenant, "models", after=after))

    def get_model(self, name: str, call: Call) -> aiplatform_v1.Model:
        """Return a model, by its name with or without a version.

        Raises:
            StatusError: NOT_FOUND.
        """
        self.list_jobs(call)
        plain, _, version = name.partition("@")
        row = self._state.store.get(call.tenant, plain)
        if row is None or version not in ("", "1", "default"):
            raise not_found(name)
        return row.message(aiplatform_v1.Model)

    def find_base(self, endpoint: str) -> str:
        """Return the model that answers at an endpoint, ``gemini-2.0-flash-001``.

        Raises:
            StatusError: NOT_FOUND; there is no such endpoint.
        """
        return self._find_endpoint(endpoint)["base"]

    def find_answers(self, endpoint: str) -> dict[str, str]:
        """Return the answers that an endpoint was tuned on, by their prompts. Raises as `find_base`."""
        location, job = "/".join(endpoint.split("/")[:4]), self._find_endpoint(endpoint).get("job", "")
        row = self._state.store.get(location, job)
        return dict(json.loads(row.extra).get("answers", {})) if row else {}

    def _find_endpoint(self, endpoint: str) -> dict[str, str]:
        location = "/".join(endpoint.split("/")[:4])
        for tenant, row in self._state.store.list_all_tenants("tuningJobs"):
            if tenant == location:
                self._settle(row, tenant)
        found = self._state.store.get(location, endpoint)
        if found is None:
            raise not_found(endpoint)
        return dict(json.loads(found.extra))

    def _settle(self, row: Row, tenant: str) -> Row:
        """Bring a job to where it is by now; return its row."""
        job = row.message(aiplatform_v1.TuningJob)
        if job.state not in (_STATES.JOB_STATE_PENDING, _STATES.JOB_STATE_RUNNING):
            return row
        extra, seconds = json.loads(row.extra), self._state.tuning_seconds
        elapsed = self._state.clock.now() - extra["began"] + 1e-6
        if elapsed < seconds * _PENDING:
            return row
        job.start_time.FromMicroseconds(int((extra["began"] + seconds * _PENDING) * 1e6))
        job.update_time.CopyFrom(job.start_time)
        job.state = _STATES.JOB_STATE_RUNNING
        with self._state.store.transaction():
            if elapsed >= seconds:
                job.end_time.FromMicroseconds(int((extra["began"] + seconds) * 1e6))
                job.update_time.CopyFrom(job.end_time)
                if "problem" in extra:
                    job.state = _STATES.JOB_STATE_FAILED
                    job.error.code, job.error.message = extra["problem"]
                else:
                    job.state = _STATES.JOB_STATE_SUCCEEDED
                    self._deploy(job, extra["base"], tenant)
            self._state.store.replace(tenant, job.name, job)
        return self._state.store.get(tenant, job.name) or row

    def _deploy(self, job: aiplatform_v1.TuningJob, base: str, tenant: str) -> None:
        """Store the model and the endpoints of a job that has ended."""
        name = f"{tenant}/models/{generate_id(self._state)}"
        endpoint = f"{tenant}/endpoints/{generate_id(self._state)}"
        spec = job.supervised_tuning_spec
        last = spec.hyper_parameters.epoch_count or _EPOCHS
        epochs = [last] if spec.export_last_checkpoint_only else range(1, last + 1)
        job.tuned_model.model, job.tuned_model.endpoint = f"{name}@1", endpoint
        model = aiplatform_v1.Model(
            name=name,
            version_id="1",
            version_aliases=["default"],
            display_name=job.tuned_model_display_name or f"tuned {base}",
            description=job.description,
            labels={
                **job.labels,
                "tune-type": "sft",
                _BASE_LABEL: base.replace(".", "-"),
                "google-vertex-llm-tuning-job-id": job.name.rpartition("/")[2],
            },
            deployed_models=[{"endpoint": endpoint, "deployed_model_id": generate_id(self._state)}],
            default_checkpoint_id=str(last),
            create_time=job.end_time,
            update_time=job.end_time,
            version_create_time=job.end_time,
            version_update_time=job.end_time,
            etag="1",
        )
        extra = json.dumps({"base": base, "job": job.name})
        for epoch in epochs:
            place = {"checkpoint_id": str(epoch), "epoch": epoch, "step": epoch * _STEPS}
            model.checkpoints.add(**place)
            own = endpoint if epoch == last else f"{tenant}/endpoints/{generate_id(self._state)}"
            job.tuned_model.checkpoints.add(**place, endpoint=own)
            self._state.store.put(tenant, own, model, extra=extra)
        self._state.store.put(tenant, name, model, extra=extra)


def generate_id(state: State) -> str:
    """Return digits, as the service has them for ids."""
    return str(state.store.next_number() * 2_654_435_761 % 10**16 + 10**16)


def parse_filter(text: str) -> Callable[[Mapping[str, str], Mapping[str, str]], bool]:
    """Return a function that says whether a resource with these fields and labels matches a filter.

    Terms are ``field=value`` or ``labels.key:*``, joined by ``AND``.

    Raises:
        StatusError: INVALID_ARGUMENT; it has another form.
    """
    terms = []
    for part in filter(None, re.split(r"\s+AND\s+", text.strip())):
        found = _TERM.fullmatch(part.strip())
        if found is None:
            raise invalid_argument("filter", f"{quote(part)} is not of the form field=value or labels.key:*")
        terms.append((found["field"], found["operator"], found["value"].strip('"')))

    def matches(fields: Mapping[str, str], labels: Mapping[str, str]) -> bool:
        for field, operator, value in terms:
            known = labels if field.startswith("labels.") else fields
            key = field.removeprefix("labels.")
            if key not in known or ((value != "*" or operator == "=") and known[key] != value):
                return False
        return True

    return matches
