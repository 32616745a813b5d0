"""Interactions, and the arguments that create them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from gemwire.genai._types.call_options import CallOptions
from gemwire_proto.interactions import views


class Interaction(views.Interaction, local={"continuation_ids": list[str]}):
    """A turn with a model or an agent.

    Attributes:
        continuation_ids: Ids of the interactions that automatic continuation merged, in order.
    """

    if TYPE_CHECKING:
        continuation_ids: list[str]

    @property
    def output_text(self) -> str | None:
        """Text at the end of the output; None if there is none."""
        return "".join(reversed(self._collect_texts())) or None

    def _collect_texts(self) -> list[str]:
        """Return the texts without anything between them, the last one first."""
        texts: list[str] = []
        for step in reversed(self.steps or ()):
            if step.type == "user_input" or (texts and step.type not in {"model_output", "thought"}):
                break
            if step.type != "model_output":
                continue
            for content in reversed(step.content or ()):
                if content.type == "text":
                    texts.append(content.text or "")
                elif texts:
                    return texts
        return texts

    @property
    def output_image(self) -> views.Content | None:
        """The last image of the output; None if there is none."""
        return self._find_output("image")

    @property
    def output_audio(self) -> views.Content | None:
        """The last audio of the output; None if there is none."""
        return self._find_output("audio")

    @property
    def output_video(self) -> views.Content | None:
        """The last video of the output; None if there is none."""
        return self._find_output("video")

    def _find_output(self, kind: str) -> views.Content | None:
        for step in reversed(self.steps or ()):
            if step.type == "user_input":
                break
            for content in reversed(step.content or ()):
                if content.type == kind:
                    return content
        return None


#: One piece of the input: a text, a content or a step, or a dict of its fields.
InputItem: TypeAlias = "str | views.Content | views.Step | Mapping[str, object]"
#: The input of an interaction.
InputUnion: TypeAlias = "InputItem | Sequence[InputItem]"
#: The form of the output.
ResponseFormatUnion: TypeAlias = "views.ResponseFormat | Mapping[str, object]"


class InteractionArguments(CallOptions, total=False):
    """Arguments of ``interactions.create``; of ``model`` and ``agent``, one must be given.

    Attributes:
        model: Name of the model.
        agent: Name of the agent.
        input: A text, a content, or a list of texts, contents or steps.
        system_instruction: Instructions that steer the model.
        tools: What the model may use: functions and tools of the service.
        generation_config: Temperature, thinking, tool choice and the like.
        response_format: Media type and JSON Schema of the output.
        response_mime_type: Media type of the output; deprecated in favour of ``response_format``.
        response_modalities: Kinds of output; deprecated in favour of ``response_format``.
        previous_interaction_id: Id of the interaction that this one continues.
        store: Whether the service keeps the interaction. Default: True.
        background: Whether to return at once; the interaction goes on, and `get` shows how far it is.
        agent_config: Settings of the agent.
        environment: Where the agent works: an environment, or the id of one.
        labels: Labels of the request.
        cached_content: Name of cached content that the input continues.
        safety_settings: What is blocked for safety.
        service_tier: ``flex``, ``standard``, ``priority`` or ``deferred``.
        continuation_token: Token of an interaction that requires continuation.
        webhook_config: Who learns of the outcome.
    """

    model: str | None
    agent: str | None
    input: InputUnion | None
    system_instruction: str | None
    tools: Sequence[views.Tool | views.ToolDict] | None
    generation_config: views.GenerationConfig | views.GenerationConfigDict | None
    response_format: ResponseFormatUnion | Sequence[ResponseFormatUnion] | None
    response_mime_type: str | None
    response_modalities: Sequence[str] | None
    previous_interaction_id: str | None
    store: bool | None
    background: bool | None
    agent_config: views.AgentConfig | views.AgentConfigDict | None
    environment: views.Environment | views.EnvironmentDict | str | None
    labels: Mapping[str, str] | None
    cached_content: str | None
    safety_settings: Sequence[views.SafetySetting | views.SafetySettingDict] | None
    service_tier: str | None
    continuation_token: str | None
    webhook_config: views.WebhookConfig | views.WebhookConfigDict | None
