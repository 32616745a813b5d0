"""Live sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gemwire.genai._types.config import Config
from gemwire.genai._types.content import ContentUnion
from gemwire.genai._types.generate_content import SpeechConfigUnion, ToolListUnion
from gemwire.genai._types.http_options import CallConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views

if TYPE_CHECKING:
    pass

Transcription = views.BidiGenerateContentTranscription


class LiveConnectConfig(CallConfig):
    """Config of a live session. Unset options use the defaults of the model.

    Attributes:
        generation_config: Generation options; the options below override them.
        response_modalities: Kinds of output: ``TEXT`` or ``AUDIO``.
        temperature: Sampling temperature, from 0 to 2; 0 is the most deterministic.
        top_p: Nucleus sampling: each token is drawn from the most likely tokens whose probabilities add up to
            this value, from 0 to 1.
        top_k: Number of most likely tokens from which each token is drawn. Some models do not support it.
        max_output_tokens: Maximum number of tokens of a response, including thoughts.
        media_resolution: Resolution at which the model sees images and videos.
        seed: Seed of the sampling.
        speech_config: Voice and language of spoken output. A string is the name of a prebuilt voice.
        thinking_config: Thinking budget and whether thoughts are returned; thinking models only.
        system_instruction: Instructions that steer the model during the session; text only.
        tools: Tools and Python functions that the model may call.
        session_resumption: Enables session resumption: a dropped connection is continued. ``{}`` will do.
        input_audio_transcription: Enables transcripts of the user's speech. ``{}`` will do.
        output_audio_transcription: Enables transcripts of the model's speech. ``{}`` will do.
        realtime_input_config: How streamed input is split into turns.
        context_window_compression: Enables shortening of the context. Without it the session ends when the
            context window is full.
        enable_affective_dialog: Whether the model answers to the feelings that it hears. JSON only.
        proactivity: When the model speaks without being asked, or keeps silent. JSON only.
        explicit_vad_signal: Whether changes in the user's speech are reported. JSON only.
        history_config: The history of the session. JSON only.
        avatar_config: The face that speaks. JSON only.
        safety_settings: Thresholds above which content is blocked. JSON only.
        translation_config: Translation of speech. JSON only.
        labels: Vertex AI only.
    """

    generation_config: views.GenerationConfig | None = None
    response_modalities: list[views.Modality | str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    max_output_tokens: int | None = None
    media_resolution: views.MediaResolution | str | None = None
    seed: int | None = None
    speech_config: SpeechConfigUnion | None = None
    thinking_config: views.ThinkingConfig | None = None
    system_instruction: ContentUnion | None = None
    tools: ToolListUnion | None = None
    session_resumption: views.SessionResumptionConfig | None = None
    input_audio_transcription: views.AudioTranscriptionConfig | None = None
    output_audio_transcription: views.AudioTranscriptionConfig | None = None
    realtime_input_config: views.RealtimeInputConfig | None = None
    context_window_compression: views.ContextWindowCompressionConfig | None = None
    enable_affective_dialog: bool | None = None
    proactivity: views.ProactivityConfig | None = None
    explicit_vad_signal: bool | None = None
    history_config: views.HistoryConfig | None = None
    avatar_config: views.AvatarConfig | None = None
    safety_settings: list[views.SafetySetting] | None = None
    translation_config: views.TranslationConfig | None = None
    labels: dict[str, str] | None = None


class LiveConnectParameters(Config):
    """Arguments of ``live.connect``.

    Attributes:
        model: Name of the model.
        config: Config of the session.
    """

    model: str | None = None
    config: LiveConnectConfig | None = None


class LiveSendRealtimeInputParameters(Config):
    """Arguments of a session's ``send_realtime_input``; one of them.

    Attributes:
        media: Audio, an image or a video.
        audio: Audio.
        audio_stream_end: Whether the audio ends.
        video: An image or a video.
        text: Text.
        activity_start: The user begins to speak.
        activity_end: The user stops.
    """

    media: views.Blob | None = None
    audio: views.Blob | None = None
    audio_stream_end: bool | None = None
    video: views.Blob | None = None
    text: str | None = None
    activity_start: views.ActivityStart | None = None
    activity_end: views.ActivityEnd | None = None


class LiveServerMessage(views.LiveServerMessage):
    """A message of the server in a live session."""

    __slots__ = ()

    @property
    def text(self) -> str | None:
        """The text in this message without thoughts; None if it has none."""
        texts = [p.text for p in self._get_parts() if p.WhichOneof("data") == "text" and not p.thought]
        return "".join(texts) if texts else None

    @property
    def data(self) -> bytes | None:
        """The inline data in this message, such as audio; None if it has none."""
        return b"".join(p.inline_data.data for p in self._get_parts() if p.HasField("inline_data")) or None

    def _get_parts(self) -> Sequence[v1beta.Part]:
        return self._pb.server_content.model_turn.parts if self._pb.HasField("server_content") else ()
