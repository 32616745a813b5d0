"""Fields that the API has in JSON alone, as attributes of the views like all others.

Its public protos lack them. A request that sets one goes over HTTP; see `gemwire.genai._aio.connections`.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from gemwire.genai._json.jsonable import to_jsonable
from gemwire.genai._types.config import Config
from gemwire_proto.v1beta import views
from gemwire_runtime import json_only_fields
from gemwire_runtime.views import View


class ThinkingLevel(str, enum.Enum):
    """How much the model thinks."""

    THINKING_LEVEL_UNSPECIFIED = "THINKING_LEVEL_UNSPECIFIED"
    MINIMAL = "MINIMAL"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    XHIGH = "XHIGH"


class ServiceTier(str, enum.Enum):
    """How soon answers are wanted, and at what price."""

    UNSPECIFIED = "unspecified"
    FLEX = "flex"
    STANDARD = "standard"
    PRIORITY = "priority"


class ThinkingConfig(views.ThinkingConfig):
    """Whether and how much the model thinks."""

    __slots__ = ()

    if TYPE_CHECKING:
        thinking_level: ThinkingLevel | str | None

        def __init__(
            self,
            *,
            include_thoughts: bool | None = None,
            thinking_budget: int | None = None,
            thinking_level: ThinkingLevel | str | None = None,
        ) -> None: ...


class ImageConfig(views.ImageConfig):
    """How pictures are made."""

    __slots__ = ()

    if TYPE_CHECKING:
        image_size: str | None

        def __init__(self, *, aspect_ratio: str | None = None, image_size: str | None = None) -> None: ...


class PartMediaResolutionLevel(str, enum.Enum):
    """How closely a picture is looked at."""

    MEDIA_RESOLUTION_UNSPECIFIED = "MEDIA_RESOLUTION_UNSPECIFIED"
    MEDIA_RESOLUTION_LOW = "MEDIA_RESOLUTION_LOW"
    MEDIA_RESOLUTION_MEDIUM = "MEDIA_RESOLUTION_MEDIUM"
    MEDIA_RESOLUTION_HIGH = "MEDIA_RESOLUTION_HIGH"
    MEDIA_RESOLUTION_ULTRA_HIGH = "MEDIA_RESOLUTION_ULTRA_HIGH"


class PartMediaResolution(Config):
    """How closely one part is looked at.

    Attributes:
        level: By name.
        num_tokens: By the tokens that it may take.
    """

    level: PartMediaResolutionLevel | str | None = None
    num_tokens: int | None = None


class JsonField:
    """An attribute of views, in the place of `gemwire_runtime.views.Field`."""

    def __init__(self, message: str, name: str, form: Any = None) -> None:
        """``form``: the enum or the config that its values are; None for JSON as it is."""
        self.name = name
        self.json_name = _camel(name)
        self._shown: Any = form
        json_only_fields.declare(message, name, self.json_name)

    def __get__(self, view: View | None, owner: type[View]) -> Any:
        return self if view is None else self.read(view._pb)

    def __set__(self, view: View, value: Any) -> None:
        self.write(view._pb, value)

    def read(self, message: Any) -> Any:
        """The value; None where there is none."""
        value = json_only_fields.read(message).get(self.json_name)
        if value is None or self._shown is None:
            return value
        try:
            return self._shown(**value) if isinstance(value, dict) else self._shown(value)
        except (TypeError, ValueError):
            return value  # The service is ahead of this table as well.

    def write(self, message: Any, value: Any) -> None:
        """Set the value.

        Raises:
            ValueError: It is none that there is.
            TypeError: It is of a wrong type.
        """
        try:
            json_only_fields.write(message, self.json_name, self._json(value))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from None

    def _json(self, value: Any) -> Any:
        form = self._shown
        if isinstance(form, enum.EnumMeta) and isinstance(value, str):
            members: Any = form.__members__.values()
            known = {str(member.value).upper(): member.value for member in members}
            # A name that is not known may be newer than this table: the service decides.
            value = known.get(str(getattr(value, "value", value)).upper(), value)
        elif isinstance(form, type) and issubclass(form, Config) and value is not None:
            made = form.of(value, form.__name__)
            value = {_camel(name): item for name, item in made.given()}
        return to_jsonable(value)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


_FIELDS: dict[type[View], dict[str, Any]] = {
    views.GenerateContentRequest: {
        "labels": None,
        "service_tier": ServiceTier,
        "continuation_token": None,
        "store": None,
    },
    views.GenerationConfig: {"audio_transcription_config": None},
    views.ThinkingConfig: {"thinking_level": ThinkingLevel},
    views.ImageConfig: {"image_size": None},
    views.VoiceConfig: {"replicated_voice_config": None, "voice": None},
    views.GoogleMaps: {"auth_config": None, "grounding_types": None},
    views.ToolComputerUse: {"disabled_safety_policies": None, "enable_prompt_injection_detection": None},
    views.Part: {
        "media_resolution": PartMediaResolution,
        "tool_call": None,
        "tool_response": None,
        "audio_transcription": None,
        "media_processing": None,
        "audio_metadata": None,
        "document_metadata": None,
        "speech_metadata": None,
        "spreadsheet_metadata": None,
    },
    views.ExecutableCode: {"id": None},
    views.CodeExecutionResult: {"id": None},
    views.Tool: {"mcp_servers": None},
    views.ToolConfig: {"include_server_side_tool_invocations": None},
    views.ToolGoogleSearch: {"search_types": None},
    views.FileSearch: {"file_search_store_names": None, "top_k": None, "metadata_filter": None},
    # What only comes back.
    views.Candidate: {"continuation_token": None},
    views.GenerateContentResponse: {"model_status": None},
    views.GenerateContentResponseUsageMetadata: {"service_tier": ServiceTier, "traffic_type": None},
    views.GroundingChunk: {"image": None},
    views.GroundingSupport: {"rendered_parts": None},
    views.GroundingMetadata: {"image_search_queries": None},
}


def _declare() -> None:
    for kind, names in _FIELDS.items():
        for name, form in names.items():
            if name in kind._fields:
                continue  # The protos have caught up.
            field: Any = JsonField(kind._kind.DESCRIPTOR.full_name, name, form)
            kind._fields[name] = field
            kind._aliases[field.json_name] = name
            setattr(kind, name, field)


_declare()
