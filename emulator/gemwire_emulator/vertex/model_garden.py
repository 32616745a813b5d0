"""ModelGardenService of Vertex AI: the models of publishers."""

from __future__ import annotations

from gemwire_emulator.call import Call
from gemwire_emulator.errors import not_found
from gemwire_emulator.names import check_name
from gemwire_emulator.paging import paginate
from gemwire_emulator.state import State
from gemwire_emulator.store import Row
from gemwire_proto import aiplatform_v1


class ModelGardenService:
    """The handlers of ModelGardenService."""

    def __init__(self, state: State) -> None:
        """Create the handlers."""
        self._state = state

    def list_publisher_models(
        self, request: aiplatform_v1.ListPublisherModelsRequest, call: Call
    ) -> aiplatform_v1.ListPublisherModelsResponse:
        """List the models of a publisher; Google alone has some."""
        check_name(request.parent, "publishers/*", "parent")
        models = self._list_models() if request.parent == "publishers/google" else []
        rows, token = paginate(
            lambda after: [
                Row(model.name, "", number, "", model.SerializeToString(), "{}")
                for number, model in enumerate(models, 1)
                if number > after
            ],
            request,
            default=50,
            most=1000,
        )
        found = [row.message(aiplatform_v1.PublisherModel) for row in rows]
        return aiplatform_v1.ListPublisherModelsResponse(publisher_models=found, next_page_token=token)

    def get_publisher_model(
        self, request: aiplatform_v1.GetPublisherModelRequest, call: Call
    ) -> aiplatform_v1.PublisherModel:
        """Return a model; a version after ``@`` must be the one that there is."""
        check_name(request.name, "publishers/*/models/*", "name")
        name, _, version = request.name.partition("@")
        for model in self._list_models():
            if name == model.name and version in ("", model.version_id, "default"):
                return model
        raise not_found(request.name)

    def _list_models(self) -> list[aiplatform_v1.PublisherModel]:
        return [
            aiplatform_v1.PublisherModel(
                name=f"publishers/google/{model.name}",
                version_id=model.version,
                open_source_category="PROPRIETARY",
                launch_stage="GA",
                version_state="VERSION_STATE_STABLE",
                publisher_model_template="projects/{project}/locations/{location}/publishers/google/"
                + model.name,
            )
            for model in self._state.models.list_all(vertex=True)
        ]
