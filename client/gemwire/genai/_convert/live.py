"""Live sessions: messages of the client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemwire.genai._convert.contents import to_contents, to_system_instruction
from gemwire.genai._convert.fields import write_config_field
from gemwire.genai._convert.requests import to_speech_config
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._convert.tools import to_tools
from gemwire.genai._types import media_types
from gemwire.genai._types.content import ContentListUnion, is_list
from gemwire.genai._types.live import LiveConnectConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import BidiGenerateContentClientMessage as ClientMessage
from gemwire_proto.v1beta import views
from gemwire_runtime.field_errors import locate
from gemwire_runtime.pydantic_models import unwrap
from gemwire_runtime.view_fields import message_of
from gemwire_runtime.views import View, fields_of

_CONVERTED = frozenset({"http_options", "generation_config", "system_instruction", "tools", "speech_config"})
_GENERATION_FIELDS = fields_of(views.GenerationConfig)
_SETUP_FIELDS = fields_of(views.LiveClientSetup)
_SETUP = _SETUP_FIELDS.keys() - _CONVERTED
#: What a client sends: its view, and the fields by which a dict is told to be one.
_INPUTS: dict[str, tuple[type[View], frozenset[str]]] = {
    "client_content": (views.LiveClientContent, frozenset({"turns", "content", "turn_complete"})),
    "realtime_input": (views.LiveClientRealtimeInput, frozenset({"media_chunks"})),
    "tool_response": (views.LiveClientToolResponse, frozenset({"function_responses"})),
}


def to_setup(model: object, config: LiveConnectConfig) -> ClientMessage:
    """Build the first message of a session."""
    message = ClientMessage()
    message.setup.model = to_model_name(model)
    write_setup(message.setup, config)
    return message


def write_setup(setup: v1beta.BidiGenerateContentSetup, config: LiveConnectConfig) -> None:
    """Set the fields of a session's setup that its config has."""
    if config.generation_config is not None:
        generation = views.GenerationConfig.model_validate(config.generation_config)
        setup.generation_config.CopyFrom(message_of(generation))
    for name, value in config.given():
        if name in _SETUP:
            write_config_field(_SETUP_FIELDS[name], setup, value)
            if isinstance(value, View):
                # An empty message enables an option with its defaults.
                getattr(setup, name).SetInParent()
        elif name not in _CONVERTED:
            write_config_field(_GENERATION_FIELDS[name], setup.generation_config, value)
    if config.speech_config is not None:
        speech = to_speech_config(config.speech_config)
        write_config_field(_GENERATION_FIELDS["speech_config"], setup.generation_config, speech)
    if config.system_instruction is not None:
        setup.system_instruction.CopyFrom(to_system_instruction(config.system_instruction))
    if config.tools is not None:
        setup.tools.extend(to_tools(config.tools))


def to_client_content(turns: ContentListUnion | None, turn_complete: bool) -> ClientMessage:
    """Build a message with turns of the conversation."""
    contents = [] if turns is None else to_contents(turns, "turns")
    return ClientMessage(client_content={"turns": contents, "turn_complete": turn_complete})


def to_realtime_input(arguments: Mapping[str, object]) -> ClientMessage:
    """Build a message with a chunk of streamed input.

    Args:
        arguments: The arguments of ``send_realtime_input``; all but one are None.
    """
    arguments = {name: value for name, value in arguments.items() if value is not None}
    if len(arguments) != 1:
        raise ValueError(
            f"send_realtime_input takes exactly one argument, got {', '.join(arguments) or 'none'}"
        )
    [(name, value)] = arguments.items()
    if name == "media":
        value = blob = _to_blob(value, name)
        kind = blob.mime_type.partition("/")[0]
        if kind not in {"audio", "image", "video"}:
            raise ValueError(f"media: expected audio, an image or video, got {blob.mime_type!r}")
        name = "audio" if kind == "audio" else "video"
    elif name in {"audio", "video"}:
        value = _to_blob(value, name)
    elif name in {"activity_start", "activity_end"}:
        value = {}
    fields: dict[str, Any] = {name: value}
    return ClientMessage(realtime_input=v1beta.BidiGenerateContentRealtimeInput(**fields))


def to_tool_response(
    function_responses: object,
) -> ClientMessage:
    """Build a message with the results of function calls."""
    items = function_responses if is_list(function_responses) else [function_responses]
    responses = [message_of(views.FunctionResponse.model_validate(item)) for item in items]
    for index, response in enumerate(responses):
        if not response.id:
            raise ValueError(f"function_responses[{index}].id is required: the id of the function call")
    return ClientMessage(tool_response={"function_responses": responses})


def to_message(value: object, end_of_turn: bool) -> ClientMessage:
    """Build the message of ``send``, which takes everything."""
    names = {base.__name__ for base in type(value).__mro__}
    value = unwrap(value)
    if not value and not isinstance(value, View):
        return ClientMessage(client_content={"turn_complete": True})
    for field, (kind, marks) in _INPUTS.items():
        if isinstance(value, Mapping) and (value.keys() & marks or kind.__name__ in names):
            value = kind(**{"turns" if name == "content" else name: item for name, item in value.items()})
        if isinstance(value, kind):
            made = ClientMessage()
            getattr(made, field).CopyFrom(message_of(value))
            return made
    items = [unwrap(item) for item in value] if is_list(value) else [value]
    if any(isinstance(message_of(item), v1beta.Blob) or _has(item, "data") for item in items):
        return ClientMessage(realtime_input={"media_chunks": [_to_blob(item, "input") for item in items]})
    if any(isinstance(message_of(item), v1beta.FunctionResponse) or _has(item, "response") for item in items):
        return to_tool_response(items)
    return to_client_content(value, end_of_turn)  # type: ignore[arg-type]


def _has(value: object, key: str) -> bool:
    return isinstance(value, Mapping) and key in value


def _to_blob(value: object, argument: str) -> v1beta.Blob:
    if media_types.is_pil_image(value):
        data, mime_type = media_types.encode_image(value)
        return v1beta.Blob(data=data, mime_type=mime_type)
    blob: v1beta.Blob
    try:
        blob = message_of(views.Blob.model_validate(value))
    except (TypeError, ValueError) as error:
        raise locate(argument, error) from None
    if not blob.mime_type:
        raise ValueError(f"{argument}.mime_type is required, such as 'audio/pcm;rate=16000'")
    return blob
