"""Live sessions: what is set up, what is sent, and what comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gemwire.genai._convert import media_types
from gemwire.genai._convert.requests import speech_config, system_instruction
from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._types.call_configs import ContentUnion, HttpOptions
from gemwire.genai._types.config import Config
from gemwire.genai._types.content import to_contents
from gemwire.genai._types.functions import to_tools
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views


class LiveConnectConfig(Config):
    """How a live session is set up.

    Attributes:
        http_options: For this session alone.
        generation_config: Settings of all answers; the ones below count for more.
        response_modalities: ``TEXT`` or ``AUDIO``.
        temperature: How far answers may stray, from 0 on.
        top_p: Share of the probability that is sampled from.
        top_k: Tokens that are sampled from.
        max_output_tokens: Tokens of an answer, at most.
        media_resolution: How closely pictures are looked at.
        seed: Makes answers repeatable.
        speech_config: How answers are spoken.
        thinking_config: Whether and how long the model thinks.
        system_instruction: What the model is told for the whole session; text.
        tools: Functions and tools that the model may use.
        session_resumption: How the session is resumed; see `SessionResumptionConfig`.
        input_audio_transcription: Whether what is said to the model is written down too.
        output_audio_transcription: Whether what the model says is written down too.
        realtime_input_config: How streamed input is split into turns.
        context_window_compression: How a long session is shortened.
    """

    http_options: HttpOptions | Mapping[str, Any] | None = None
    generation_config: views.GenerationConfig | Mapping[str, Any] | None = None
    response_modalities: Sequence[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    max_output_tokens: int | None = None
    media_resolution: views.GenerationConfigMediaResolution | str | None = None
    seed: int | None = None
    speech_config: views.SpeechConfig | Mapping[str, Any] | str | None = None
    thinking_config: views.ThinkingConfig | Mapping[str, Any] | None = None
    system_instruction: ContentUnion | None = None
    tools: Sequence[views.Tool | Callable[..., Any] | Mapping[str, Any]] | None = None
    session_resumption: views.SessionResumptionConfig | Mapping[str, Any] | None = None
    input_audio_transcription: views.AudioTranscriptionConfig | Mapping[str, Any] | None = None
    output_audio_transcription: views.AudioTranscriptionConfig | Mapping[str, Any] | None = None
    realtime_input_config: views.RealtimeInputConfig | Mapping[str, Any] | None = None
    context_window_compression: views.ContextWindowCompressionConfig | Mapping[str, Any] | None = None


class LiveServerMessage(views.BidiGenerateContentServerMessage):
    """Something that the model, or the service, says in a live session."""

    __slots__ = ()

    @property
    def text(self) -> str | None:
        """The text of this piece, without thoughts; None where there is none."""
        texts = [p.text for p in self._parts() if p.WhichOneof("data") == "text" and not p.thought]
        return "".join(texts) if texts else None

    @property
    def data(self) -> bytes | None:
        """The bytes of this piece, such as sound; None where there are none."""
        return b"".join(p.inline_data.data for p in self._parts() if p.HasField("inline_data")) or None

    def _parts(self) -> Sequence[Any]:
        return self._pb.server_content.model_turn.parts if self._pb.HasField("server_content") else ()


_OWN = frozenset({"http_options", "generation_config", "system_instruction", "tools", "speech_config"})
_SETUP = frozenset(views.BidiGenerateContentSetup._fields)


def setup(model: str, config: LiveConnectConfig) -> Any:
    """The first message of a session.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    made: Any = v1beta.BidiGenerateContentSetup(model=model_name(model))
    if config.generation_config is not None:
        made.generation_config.CopyFrom(views.GenerationConfig.model_validate(config.generation_config)._pb)
    for name, value in config.given():
        try:
            if name in _SETUP - _OWN:
                views.BidiGenerateContentSetup._fields[name].write(made, value)
                # An empty message is a choice as well: transcription with its defaults.
                getattr(made, name).SetInParent()
            elif name not in _OWN:
                views.GenerationConfig._fields[name].write(made.generation_config, value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"config.{error}") from None
    if config.speech_config is not None:
        views.GenerationConfig._fields["speech_config"].write(
            made.generation_config, speech_config(config.speech_config)
        )
    if config.system_instruction is not None:
        made.system_instruction.CopyFrom(system_instruction(config.system_instruction))
    if config.tools is not None:
        made.tools.extend(to_tools(config.tools))
    return made


def client_content(turns: Any, turn_complete: bool) -> Any:
    """Turns of a conversation.

    Raises:
        ValueError: They say nothing that can be sent.
        TypeError: They are of a wrong type.
    """
    contents = [] if turns is None else to_contents(turns, "turns")
    return v1beta.BidiGenerateContentClientContent(turns=contents, turn_complete=turn_complete)


def realtime_input(given: Mapping[str, Any]) -> Any:
    """A piece of what is streamed.

    Args:
        given: Names and values of the arguments that were given.

    Raises:
        ValueError: There is not just one, or it is none that can be sent.
        TypeError: It is of a wrong type.
    """
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise ValueError(
            f"send_realtime_input takes one argument at a time, got {', '.join(given) or 'none'}"
        )
    [(name, value)] = given.items()
    if name == "media":
        blob = _blob(value, name)
        kind = blob.mime_type.partition("/")[0]
        if kind not in {"audio", "image", "video"}:
            raise ValueError(f"media: {blob.mime_type!r} is neither sound nor a picture")
        name, value = ("audio" if kind == "audio" else "video"), blob
    elif name in {"audio", "video"}:
        value = _blob(value, name)
    elif name in {"activity_start", "activity_end"}:
        value = {}
    fields: dict[str, Any] = {name: value}
    return v1beta.BidiGenerateContentRealtimeInput(**fields)


def tool_response(function_responses: Any) -> Any:
    """Results of functions.

    Raises:
        ValueError: One has no id, which tells what call it answers.
        TypeError: One is of a wrong type.
    """
    single = isinstance(function_responses, (views.FunctionResponse, Mapping))
    listed = [function_responses] if single else function_responses
    views_of = [views.FunctionResponse.model_validate(one) for one in listed]
    for at, response in enumerate(views_of):
        if not response.id:
            raise ValueError(f"function_responses[{at}].id: is required; it is that of the call")
    return v1beta.BidiGenerateContentToolResponse(function_responses=[one._pb for one in views_of])


def _blob(value: Any, argument: str) -> Any:
    if media_types.is_picture(value):
        data, mime_type = media_types.encoded(value)
        return v1beta.Blob(data=data, mime_type=mime_type)
    try:
        blob = views.Blob.model_validate(value)._pb
    except (TypeError, ValueError) as error:
        raise type(error)(f"{argument}: {error}") from None
    if not blob.mime_type:
        raise ValueError(f"{argument}.mime_type: is required, such as 'audio/pcm;rate=16000'")
    return blob
