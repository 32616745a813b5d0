"""ModelGardenService of Vertex AI: the models of publishers."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.errors import not_found
from gemwire_emulator.names import check_name
from gemwire_emulator.services.model_catalog import list_base_models
from gemwire_emulator.state import State
from gemwire_proto import aiplatform_v1


class ModelGardenService:
    """The handlers of ModelGardenService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def get_publisher_model(
        self, request: aiplatform_v1.GetPublisherModelRequest, call: Call
    ) -> aiplatform_v1.PublisherModel:
        """Return a model; a version after ``@`` must be the one that there is."""
        check_name(request.name, "publishers/*/models/*", "name")
        name, _, version = request.name.partition("@")
        for model in list_base_models(self._state):
            if name == f"publishers/google/{model.name}" and version in ("", model.version, "default"):
                return aiplatform_v1.PublisherModel(
                    name=name,
                    version_id=model.version,
                    open_source_category="PROPRIETARY",
                    launch_stage="GA",
                    version_state="VERSION_STATE_STABLE",
                    publisher_model_template=f"projects/{{project}}/locations/{{location}}/{name}",
                )
        raise not_found(request.name)
