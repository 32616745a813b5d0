"""Sessions in which a model plays music. The Gemini API has them over WebSocket only."""

from __future__ import annotations

from gemwire.genai._types.config import Config
from gemwire_runtime.enums import Names


class Scale(Names):
    """Keys of music; a major key and the minor key with the same notes are one."""

    SCALE_UNSPECIFIED = "SCALE_UNSPECIFIED"
    C_MAJOR_A_MINOR = "C_MAJOR_A_MINOR"
    D_FLAT_MAJOR_B_FLAT_MINOR = "D_FLAT_MAJOR_B_FLAT_MINOR"
    D_MAJOR_B_MINOR = "D_MAJOR_B_MINOR"
    E_FLAT_MAJOR_C_MINOR = "E_FLAT_MAJOR_C_MINOR"
    E_MAJOR_D_FLAT_MINOR = "E_MAJOR_D_FLAT_MINOR"
    F_MAJOR_D_MINOR = "F_MAJOR_D_MINOR"
    G_FLAT_MAJOR_E_FLAT_MINOR = "G_FLAT_MAJOR_E_FLAT_MINOR"
    G_MAJOR_E_MINOR = "G_MAJOR_E_MINOR"
    A_FLAT_MAJOR_F_MINOR = "A_FLAT_MAJOR_F_MINOR"
    A_MAJOR_G_FLAT_MINOR = "A_MAJOR_G_FLAT_MINOR"
    B_FLAT_MAJOR_G_MINOR = "B_FLAT_MAJOR_G_MINOR"
    B_MAJOR_A_FLAT_MINOR = "B_MAJOR_A_FLAT_MINOR"


class MusicGenerationMode(Names):
    """What the model aims at."""

    MUSIC_GENERATION_MODE_UNSPECIFIED = "MUSIC_GENERATION_MODE_UNSPECIFIED"
    QUALITY = "QUALITY"
    DIVERSITY = "DIVERSITY"
    VOCALIZATION = "VOCALIZATION"


class LiveMusicPlaybackControl(Names):
    """Commands to the player."""

    PLAYBACK_CONTROL_UNSPECIFIED = "PLAYBACK_CONTROL_UNSPECIFIED"
    PLAY = "PLAY"
    PAUSE = "PAUSE"
    STOP = "STOP"
    RESET_CONTEXT = "RESET_CONTEXT"


class WeightedPrompt(Config):
    """A prompt and its share of the music.

    Attributes:
        text: The prompt.
        weight: Its share, relative to those of the other prompts; not 0.
    """

    text: str | None = None
    weight: float | None = None


class LiveMusicGenerationConfig(Config):
    """How the music sounds. Unset options are the model's choice.

    Attributes:
        temperature: Variety of the music, from 0 to 3.
        top_k: Number of most likely tokens from which each is drawn.
        seed: Seed of the sampling.
        guidance: How closely the prompts are followed, from 0 to 6.
        bpm: Beats per minute, from 60 to 200.
        density: Density of the notes, from 0 to 1.
        brightness: Brightness of the sound, from 0 to 1.
        scale: Key.
        mute_bass: Whether the bass is silent.
        mute_drums: Whether the drums are silent.
        only_bass_and_drums: Whether everything else is silent.
        music_generation_mode: What the model aims at.
    """

    temperature: float | None = None
    top_k: int | None = None
    seed: int | None = None
    guidance: float | None = None
    bpm: int | None = None
    density: float | None = None
    brightness: float | None = None
    scale: Scale | None = None
    mute_bass: bool | None = None
    mute_drums: bool | None = None
    only_bass_and_drums: bool | None = None
    music_generation_mode: MusicGenerationMode | None = None


class LiveMusicClientSetup(Config):
    """The first message of a session.

    Attributes:
        model: Name of the model.
    """

    model: str | None = None


class LiveMusicClientContent(Config):
    """What the music is about.

    Attributes:
        weighted_prompts: Prompts, which take the place of those before.
    """

    weighted_prompts: list[WeightedPrompt] | None = None


class LiveMusicClientMessage(Config):
    """A message of the client; one field.

    Attributes:
        setup: The first message.
        client_content: What the music is about.
        music_generation_config: How it sounds.
        playback_control: A command to the player.
    """

    setup: LiveMusicClientSetup | None = None
    client_content: LiveMusicClientContent | None = None
    music_generation_config: LiveMusicGenerationConfig | None = None
    playback_control: LiveMusicPlaybackControl | None = None


class LiveMusicServerSetupComplete(Config):
    """The answer to the first message."""


class LiveMusicSourceMetadata(Config):
    """What a piece of audio was made from.

    Attributes:
        client_content: What the music is about.
        music_generation_config: How it sounds.
    """

    client_content: LiveMusicClientContent | None = None
    music_generation_config: LiveMusicGenerationConfig | None = None


class AudioChunk(Config):
    """A piece of audio.

    Attributes:
        data: Bytes of the audio.
        mime_type: Media type of the audio.
        source_metadata: What the audio was made from.
    """

    data: bytes | None = None
    mime_type: str | None = None
    source_metadata: LiveMusicSourceMetadata | None = None


class LiveMusicServerContent(Config):
    """Music.

    Attributes:
        audio_chunks: Pieces of audio.
    """

    audio_chunks: list[AudioChunk] | None = None


class LiveMusicFilteredPrompt(Config):
    """A prompt that was not accepted.

    Attributes:
        text: The prompt.
        filtered_reason: Why it was not accepted.
    """

    text: str | None = None
    filtered_reason: str | None = None


class LiveMusicServerMessage(Config):
    """A message of the server; one field.

    Attributes:
        setup_complete: The answer to the first message.
        server_content: Music.
        filtered_prompt: A prompt that was not accepted.
    """

    setup_complete: LiveMusicServerSetupComplete | None = None
    server_content: LiveMusicServerContent | None = None
    filtered_prompt: LiveMusicFilteredPrompt | None = None


class LiveMusicConnectParameters(Config):
    """Arguments of ``live.music.connect``.

    Attributes:
        model: Name of the model.
    """

    model: str | None = None


class LiveMusicSetConfigParameters(Config):
    """Arguments of a session's ``set_music_generation_config``.

    Attributes:
        music_generation_config: How the music sounds.
    """

    music_generation_config: LiveMusicGenerationConfig | None = None


class LiveMusicSetWeightedPromptsParameters(Config):
    """Arguments of a session's ``set_weighted_prompts``.

    Attributes:
        weighted_prompts: Prompts, which take the place of those before.
    """

    weighted_prompts: list[WeightedPrompt] | None = None
