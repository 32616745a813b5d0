"""Videos of Vertex AI: operations that belong to a publisher's model."""

from __future__ import annotations

import asyncio

from gemwire_emulator.call import Call
from gemwire_emulator.errors import StatusError, invalid_argument, not_found
from gemwire_emulator.names import check_name
from gemwire_emulator.services import longrunning
from gemwire_emulator.services.failure_markers import find_failure_marker
from gemwire_emulator.services.prediction import VideoPlan, parse_parameters, parse_video, render_videos
from gemwire_emulator.state import State
from gemwire_emulator.vertex.labels import check_labels
from gemwire_emulator.vertex.names import check_parent, resolve_model
from gemwire_proto import aiplatform_v1
from gemwire_proto.google.longrunning import operations_pb2
from gemwire_proto.google.protobuf import struct_pb2

_MODEL = "projects/*/locations/*/publishers/*/models/*"
_MIME_TYPE = "image/apng"


class Videos:
    """The handlers of PredictLongRunning and FetchPredictOperation."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def predict_long_running(
        self, request: aiplatform_v1.PredictLongRunningRequest, call: Call
    ) -> operations_pb2.Operation:
        """Start an operation that generates videos: patterns derived from the prompt."""
        check_name(request.endpoint, _MODEL, "endpoint")
        resolve_model(self._state, request.endpoint, "endpoint", "predictLongRunning")
        check_labels(request.labels)
        folder = parse_parameters(request).get("storageUri", "")
        if not isinstance(folder, str):
            raise invalid_argument("parameters.storageUri", "must be a text")
        if folder:
            self._state.storage.check_prefix(folder, "parameters.storageUri")
        plan = parse_video(self._state, request)
        plan["folder"] = folder
        call.tenant = _get_location(request.endpoint)
        operation = longrunning.create(self._state, call, request.endpoint, struct_pb2.Struct(), plan)
        self._state.spawn(self._generate(call.tenant, operation.name, plan))
        return operations_pb2.Operation(name=operation.name)

    def fetch_predict_operation(
        self, request: aiplatform_v1.FetchPredictOperationRequest, call: Call
    ) -> aiplatform_v1.PredictOperation:
        """Return an operation, with its videos when it is done."""
        check_name(request.endpoint, _MODEL, "endpoint")
        check_parent(request.endpoint, "endpoint")
        name = check_name(request.operation_name, f"{_MODEL}/operations/*", "operation_name")
        if not name.startswith(f"{request.endpoint}/"):
            raise invalid_argument("operation_name", f"must be an operation of {request.endpoint}")
        found = longrunning.get(self._state, _get_location(name), name)
        if found is None:
            raise not_found(name)
        fetched = aiplatform_v1.PredictOperation(name=name, done=found.done)
        if found.HasField("error"):
            fetched.error.CopyFrom(found.error)
        elif found.done:
            fetched.response.ParseFromString(found.response.value)
        return fetched

    def resume(self) -> None:
        """Resume unfinished videos."""
        for tenant, name, plan in longrunning.list_unfinished(self._state, "projects"):
            if "seconds" in plan:
                self._state.spawn(self._generate(tenant, name, plan))

    async def _generate(self, tenant: str, name: str, plan: VideoPlan) -> None:
        await self._state.clock.sleep(max(plan["ends"] - self._state.clock.now(), 0.0))
        try:
            if failure := find_failure_marker([plan["prompt"]], "instances[0].prompt"):
                raise failure
            response = await asyncio.to_thread(self._render, name, plan)
        except StatusError as error:
            longrunning.fail(self._state, tenant, name, error)
        else:
            longrunning.succeed(self._state, tenant, name, response)

    def _render(self, name: str, plan: VideoPlan) -> aiplatform_v1.PredictLongRunningResponse:
        made = render_videos(plan).generate_video_response
        response = aiplatform_v1.PredictLongRunningResponse(
            rai_media_filtered_count=made.rai_media_filtered_count,
            rai_media_filtered_reasons=made.rai_media_filtered_reasons,
        )
        for number, sample in enumerate(made.generated_samples):
            video = response.videos.add(mime_type=_MIME_TYPE)
            if plan["folder"]:
                folder = f"{plan['folder'].rstrip('/')}/{name.rpartition('/')[2]}"
                video.gcs_uri = f"{folder}/sample_{number}.apng"
                self._state.storage.write(video.gcs_uri, sample.video.video)
            else:
                video.bytes_base64_encoded = sample.video.video
        return response


def _get_location(name: str) -> str:
    return "/".join(name.split("/")[:4])
