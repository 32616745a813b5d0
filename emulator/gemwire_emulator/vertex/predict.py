"""Predict of Vertex AI: embeddings of texts, and images, by the same RPC."""

from __future__ import annotations

from google.protobuf import json_format
from google.protobuf.message import Message

from gemwire_emulator.call import Call
from gemwire_emulator.errors import invalid_argument, method_not_supported, quote
from gemwire_emulator.services.generation import GenerativeService
from gemwire_emulator.state import State
from gemwire_emulator.vertex.labels import check_labels
from gemwire_emulator.vertex.names import resolve_model
from gemwire_emulator.vertex.predict_images import predict_images
from gemwire_proto import aiplatform_v1, v1beta

#: Maximum instances of a call.
_INSTANCES = 250


class Predictor:
    """The handler of Predict; those of the Gemini API do the work."""

    def __init__(self, state: State, generative: GenerativeService) -> None:
        """Create the handler."""
        self._state = state
        self._generative = generative

    async def predict(
        self, request: aiplatform_v1.PredictRequest, call: Call
    ) -> aiplatform_v1.PredictResponse:
        """Embed texts, or generate pictures, by what the model is for."""
        check_labels(request.labels)
        model = resolve_model(self._state, request.endpoint, "endpoint")
        methods = self._state.models.get_methods(model)
        if "embedContent" in methods:
            return await self._embed(request, model, call)
        if "predict" not in methods:
            raise method_not_supported(request.endpoint, "predict", methods)
        return await predict_images(self._state, request)

    async def _embed(
        self, request: aiplatform_v1.PredictRequest, model: str, call: Call
    ) -> aiplatform_v1.PredictResponse:
        if not request.instances:
            raise invalid_argument("instances", "is required")
        if len(request.instances) > _INSTANCES:
            raise invalid_argument(
                "instances", f"has {len(request.instances)} entries; at most {_INSTANCES} are allowed"
            )
        settings = _to_object(request.parameters, "parameters") if request.HasField("parameters") else {}
        size = settings.get("outputDimensionality") or 0
        if not isinstance(size, (int, float)) or size != int(size):
            raise invalid_argument(
                "parameters.outputDimensionality", f"must be an integer, got {quote(size)}"
            )
        response = aiplatform_v1.PredictResponse()
        characters = 0
        for number, instance in enumerate(request.instances):
            path = f"instances[{number}]"
            values = _to_object(instance, path)
            text = values.get("content")
            if not isinstance(text, str) or not text:
                raise invalid_argument(f"{path}.content", "is required; it must be a text")
            embedded = await self._generative.embed_content(
                v1beta.EmbedContentRequest(
                    model=model,
                    content={"parts": [{"text": text}]},
                    title=_get_text(values, "title", path) or None,
                    task_type=_get_task(values, path),
                    output_dimensionality=int(size) or None,
                ),
                call,
            )
            tokens = self._state.engine.count_tokens([text])
            characters += sum(not character.isspace() for character in text)
            found = {
                "embeddings": {
                    "values": list(embedded.embedding.values),
                    "statistics": {"truncated": False, "token_count": tokens},
                }
            }
            json_format.ParseDict(found, response.predictions.add())
        json_format.ParseDict({"billableCharacterCount": characters}, response.metadata)
        return response


def _to_object(value: Message, path: str) -> dict[str, object]:
    found: object = json_format.MessageToDict(value)
    if not isinstance(found, dict):
        raise invalid_argument(path, "must be an object")
    return found


def _get_text(values: dict[str, object], name: str, path: str) -> str:
    text = values.get(name) or ""
    if not isinstance(text, str):
        raise invalid_argument(f"{path}.{name}", "must be a text")
    return text


def _get_task(values: dict[str, object], path: str) -> int | None:
    """Return the task of an instance, by either of the two names that it has in JSON."""
    key = "task_type" if "task_type" in values else "taskType"
    name = _get_text(values, key, path)
    if name and name not in v1beta.TaskType.keys():  # noqa: SIM118 - no dict
        raise invalid_argument(f"{path}.{key}", f"{quote(name)} is not a task")
    return v1beta.TaskType.Value(name) if name else None
