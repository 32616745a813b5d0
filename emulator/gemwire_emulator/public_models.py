"""The public models that the emulator has from the start: names, titles, and what they do."""

from __future__ import annotations

from dataclasses import dataclass

from gemwire_proto import v1beta


@dataclass(frozen=True)
class ModelKind:
    """The abilities of models of one kind.

    Attributes:
        methods: The supported_generation_methods.
        thinks: Whether they can think before they answer.
        modalities: What they answer with unless a request says otherwise; empty for text.
        embeds_media: Whether they embed media as well as text.
    """

    methods: tuple[str, ...]
    thinks: bool = False
    modalities: frozenset[int] = frozenset()
    embeds_media: bool = False


_TEXT = (
    "generateContent",
    "countTokens",
    "createCachedContent",
    "batchGenerateContent",
    "bidiGenerateContent",
)
_TUNABLE = ("generateContent", "countTokens", "createTunedModel")
THINKING = ModelKind(_TEXT, thinks=True)
TEXT = ModelKind(_TEXT)
TUNABLE_TEXT = ModelKind((*_TEXT, "createTunedModel"))
TUNABLE = ModelKind(_TUNABLE)
_MEDIA = ("generateContent", "countTokens", "batchGenerateContent")
_MODALITIES = v1beta.GenerationConfig.Modality
#: Text in other tasks than conversations; speech, if a request asks for it.
MEDIA = ModelKind(_MEDIA)
IMAGES = ModelKind(_MEDIA, modalities=frozenset({_MODALITIES.TEXT, _MODALITIES.IMAGE}))
LIVE = ModelKind(("bidiGenerateContent", "countTokens"))
_EMBEDDING = ("embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent")
EMBEDDING = ModelKind(_EMBEDDING)
MULTIMODAL_EMBEDDING = ModelKind(_EMBEDDING, embeds_media=True)
PICTURES = ModelKind(("predict",))
VIDEOS = ModelKind(("predictLongRunning",))
ANSWERS = ModelKind(("generateAnswer",))

#: By name, newest first: those of today, those that have been shut down and that programs still name, and
#: aliases of the latest.
PUBLIC_MODELS: dict[str, tuple[str, ModelKind]] = {
    "gemini-4-carbon": ("Gemini 4 Carbon", THINKING),
    "gemini-4-argon": ("Gemini 4 Argon", THINKING),
    "gemini-4-hydrogen": ("Gemini 4 Hydrogen", THINKING),
    "gemini-3.8-flash": ("Gemini 3.8 Flash", THINKING),
    "gemini-3.7-flash": ("Gemini 3.7 Flash", THINKING),
    "gemini-3.6-flash": ("Gemini 3.6 Flash", THINKING),
    "gemini-3.5-flash": ("Gemini 3.5 Flash", THINKING),
    "gemini-3.5-flash-lite": ("Gemini 3.5 Flash-Lite", THINKING),
    "gemini-3.1-pro-preview": ("Gemini 3.1 Pro Preview", THINKING),
    "gemini-3.1-pro-preview-customtools": ("Gemini 3.1 Pro Preview Custom Tools", THINKING),
    "gemini-3.1-flash-lite": ("Gemini 3.1 Flash-Lite", THINKING),
    "gemini-3.1-flash-lite-preview": ("Gemini 3.1 Flash-Lite Preview", THINKING),
    "gemini-3-pro-preview": ("Gemini 3 Pro Preview", THINKING),
    "gemini-3-flash-preview": ("Gemini 3 Flash Preview", THINKING),
    "gemini-2.5-pro": ("Gemini 2.5 Pro", THINKING),
    "gemini-2.5-flash": ("Gemini 2.5 Flash", THINKING),
    "gemini-2.5-flash-lite": ("Gemini 2.5 Flash-Lite", THINKING),
    "gemini-2.5-pro-preview-06-05": ("Gemini 2.5 Pro Preview 06-05", THINKING),
    "gemini-2.5-pro-preview-05-06": ("Gemini 2.5 Pro Preview 05-06", THINKING),
    "gemini-2.5-pro-exp-03-25": ("Gemini 2.5 Pro Experimental 03-25", THINKING),
    "gemini-2.5-flash-preview-09-2025": ("Gemini 2.5 Flash Preview 09-2025", THINKING),
    "gemini-2.5-flash-preview-05-20": ("Gemini 2.5 Flash Preview 05-20", THINKING),
    "gemini-2.5-flash-preview-04-17": ("Gemini 2.5 Flash Preview 04-17", THINKING),
    "gemini-2.5-flash-lite-preview-09-2025": ("Gemini 2.5 Flash-Lite Preview 09-2025", THINKING),
    "gemini-2.5-flash-lite-preview-06-17": ("Gemini 2.5 Flash-Lite Preview 06-17", THINKING),
    "gemini-pro-latest": ("Gemini Pro Latest", THINKING),
    "gemini-flash-latest": ("Gemini Flash Latest", THINKING),
    "gemini-flash-lite-latest": ("Gemini Flash-Lite Latest", THINKING),
    "gemini-2.0-flash": ("Gemini 2.0 Flash", TEXT),
    "gemini-2.0-flash-001": ("Gemini 2.0 Flash 001", TEXT),
    "gemini-2.0-flash-exp": ("Gemini 2.0 Flash Experimental", TEXT),
    "gemini-2.0-flash-lite": ("Gemini 2.0 Flash-Lite", TEXT),
    "gemini-2.0-flash-lite-001": ("Gemini 2.0 Flash-Lite 001", TEXT),
    "gemini-2.0-flash-thinking-exp": ("Gemini 2.0 Flash Thinking Experimental", THINKING),
    "gemini-2.0-pro-exp": ("Gemini 2.0 Pro Experimental", TEXT),
    "gemini-1.5-pro": ("Gemini 1.5 Pro", TEXT),
    "gemini-1.5-pro-latest": ("Gemini 1.5 Pro Latest", TEXT),
    "gemini-1.5-pro-002": ("Gemini 1.5 Pro 002", TEXT),
    "gemini-1.5-pro-001": ("Gemini 1.5 Pro 001", TEXT),
    "gemini-1.5-flash": ("Gemini 1.5 Flash", TEXT),
    "gemini-1.5-flash-latest": ("Gemini 1.5 Flash Latest", TEXT),
    "gemini-1.5-flash-002": ("Gemini 1.5 Flash 002", TEXT),
    "gemini-1.5-flash-001": ("Gemini 1.5 Flash 001", TUNABLE_TEXT),
    "gemini-1.5-flash-001-tuning": ("Gemini 1.5 Flash 001 Tuning", TUNABLE),
    "gemini-1.5-flash-8b": ("Gemini 1.5 Flash-8B", TUNABLE_TEXT),
    "gemini-1.5-flash-8b-001": ("Gemini 1.5 Flash-8B 001", TUNABLE_TEXT),
    "gemini-1.5-flash-8b-latest": ("Gemini 1.5 Flash-8B Latest", TUNABLE_TEXT),
    "gemini-1.0-pro": ("Gemini 1.0 Pro (legacy)", TEXT),
    "gemini-1.0-pro-latest": ("Gemini 1.0 Pro Latest (legacy)", TEXT),
    "gemini-1.0-pro-001": ("Gemini 1.0 Pro 001 (legacy)", TUNABLE),
    "gemini-1.0-pro-vision-latest": ("Gemini 1.0 Pro Vision (legacy)", TEXT),
    "gemini-pro": ("Gemini 1.0 Pro (legacy)", TEXT),
    "gemini-pro-vision": ("Gemini 1.0 Pro Vision (legacy)", TEXT),
    "gemini-exp-1206": ("Gemini Experimental 1206", TEXT),
    "learnlm-2.0-flash-experimental": ("LearnLM 2.0 Flash Experimental", TEXT),
    "gemma-4-31b-it": ("Gemma 4 31B", TEXT),
    "gemma-4-26b-a4b-it": ("Gemma 4 26B A4B", TEXT),
    "gemma-3-27b-it": ("Gemma 3 27B", TEXT),
    "gemma-3-12b-it": ("Gemma 3 12B", TEXT),
    "gemma-3-4b-it": ("Gemma 3 4B", TEXT),
    "gemma-3-1b-it": ("Gemma 3 1B", TEXT),
    "gemma-3n-e4b-it": ("Gemma 3n E4B", TEXT),
    "gemma-3n-e2b-it": ("Gemma 3n E2B", TEXT),
    "gemini-robotics-er-2-preview": ("Gemini Robotics-ER 2 Preview", THINKING),
    "gemini-robotics-er-1.6-preview": ("Gemini Robotics-ER 1.6 Preview", THINKING),
    "gemini-robotics-er-1.5-preview": ("Gemini Robotics-ER 1.5 Preview", THINKING),
    "gemini-2.5-computer-use-preview-10-2025": ("Gemini 2.5 Computer Use Preview 10-2025", MEDIA),
    "gemini-nano-banana-2.1": ("Gemini Nano Banana 2.1", IMAGES),
    "gemini-3.1-flash-image": ("Gemini 3.1 Flash Image", IMAGES),
    "gemini-3.1-flash-image-preview": ("Gemini 3.1 Flash Image Preview", IMAGES),
    "gemini-3.1-flash-lite-image": ("Gemini 3.1 Flash-Lite Image", IMAGES),
    "gemini-3-pro-image": ("Gemini 3 Pro Image", IMAGES),
    "gemini-3-pro-image-preview": ("Gemini 3 Pro Image Preview", IMAGES),
    "nano-banana-pro-preview": ("Nano Banana Pro Preview", IMAGES),
    "gemini-2.5-flash-image": ("Gemini 2.5 Flash Image", IMAGES),
    "gemini-2.5-flash-image-preview": ("Gemini 2.5 Flash Image Preview", IMAGES),
    "gemini-2.0-flash-preview-image-generation": ("Gemini 2.0 Flash Image Generation", IMAGES),
    "gemini-omni-1.2-flash": ("Gemini Omni 1.2 Flash", MEDIA),
    "gemini-omni-1.1-flash": ("Gemini Omni 1.1 Flash", MEDIA),
    "gemini-omni-flash-preview": ("Gemini Omni Flash Preview", MEDIA),
    "gemini-3.8-flash-tts": ("Gemini 3.8 Flash TTS", MEDIA),
    "gemini-3.8-flash-lite-tts": ("Gemini 3.8 Flash-Lite TTS", MEDIA),
    "gemini-3.1-flash-tts-preview": ("Gemini 3.1 Flash TTS Preview", MEDIA),
    "gemini-2.5-pro-preview-tts": ("Gemini 2.5 Pro Preview TTS", MEDIA),
    "gemini-2.5-flash-preview-tts": ("Gemini 2.5 Flash Preview TTS", MEDIA),
    "gemini-3.5-transcribe": ("Gemini 3.5 Transcribe", MEDIA),
    "lyria-3.5": ("Lyria 3.5", MEDIA),
    "lyria-3-pro-preview": ("Lyria 3 Pro Preview", MEDIA),
    "lyria-3-clip-preview": ("Lyria 3 Clip Preview", MEDIA),
    "gemini-3.1-flash-live-preview": ("Gemini 3.1 Flash Live Preview", LIVE),
    "gemini-2.5-flash-native-audio-latest": ("Gemini 2.5 Flash Native Audio Latest", LIVE),
    "gemini-2.5-flash-native-audio-preview-12-2025": ("Gemini 2.5 Flash Native Audio 12-2025", LIVE),
    "gemini-2.5-flash-native-audio-preview-09-2025": ("Gemini 2.5 Flash Native Audio 09-2025", LIVE),
    "gemini-live-2.5-flash": ("Gemini 2.5 Flash Live", LIVE),
    "gemini-live-2.5-flash-native-audio": ("Gemini 2.5 Flash Live Native Audio", LIVE),
    "gemini-live-2.5-flash-preview": ("Gemini 2.5 Flash Live Preview", LIVE),
    "gemini-2.0-flash-live-001": ("Gemini 2.0 Flash 001 Live", LIVE),
    "gemini-2.0-flash-live-preview-04-09": ("Gemini 2.0 Flash Live Preview 04-09", LIVE),
    "gemini-embedding-2": ("Gemini Embedding 2", MULTIMODAL_EMBEDDING),
    "gemini-embedding-2-preview": ("Gemini Embedding 2 Preview", MULTIMODAL_EMBEDDING),
    "gemini-embedding-001": ("Gemini Embedding 001", EMBEDDING),
    "gemini-embedding-exp": ("Gemini Embedding Experimental", EMBEDDING),
    "gemini-embedding-exp-03-07": ("Gemini Embedding Experimental 03-07", EMBEDDING),
    "text-embedding-004": ("Text Embedding 004", EMBEDDING),
    "embedding-001": ("Embedding 001", EMBEDDING),
    "aqa": ("Attributed Question Answering", ANSWERS),
    "text-bison-001": (
        "PaLM 2 (legacy)",
        ModelKind(("generateText", "countTextTokens", "createTunedTextModel")),
    ),
    "chat-bison-001": ("PaLM 2 Chat (legacy)", ModelKind(("generateMessage", "countMessageTokens"))),
    "embedding-gecko-001": ("Embedding Gecko (legacy)", ModelKind(("embedText", "countTextTokens"))),
    "imagen-4.0-generate-001": ("Imagen 4", PICTURES),
    "imagen-4.0-ultra-generate-001": ("Imagen 4 Ultra", PICTURES),
    "imagen-4.0-fast-generate-001": ("Imagen 4 Fast", PICTURES),
    "imagen-3.0-generate-002": ("Imagen 3.0", PICTURES),
    "imagen-3.0-generate-001": ("Imagen 3.0 001", PICTURES),
    "veo-3.1-generate-preview": ("Veo 3.1 Preview", VIDEOS),
    "veo-3.1-fast-generate-preview": ("Veo 3.1 Fast Preview", VIDEOS),
    "veo-3.1-lite-generate-preview": ("Veo 3.1 Lite Preview", VIDEOS),
    "veo-3.0-generate-001": ("Veo 3", VIDEOS),
    "veo-3.0-fast-generate-001": ("Veo 3 Fast", VIDEOS),
    "veo-2.0-generate-001": ("Veo 2", VIDEOS),
}
#: Models of Vertex AI alone.
VERTEX_MODELS: dict[str, tuple[str, ModelKind]] = {
    "gemini-2.5-flash-001": ("Gemini 2.5 Flash 001", THINKING),
    "text-embedding-005": ("Text Embedding 005", EMBEDDING),
    "text-multilingual-embedding-002": ("Text Multilingual Embedding 002", EMBEDDING),
    "imagen-3.0-capability-001": ("Imagen 3 for editing", PICTURES),
    "imagen-4.0-ingredients-preview": ("Imagen 4 for ingredients", PICTURES),
    "imagen-4.0-upscale-preview": ("Imagen 4 for scaling up", PICTURES),
    "veo-3.1-lite-generate-001": ("Veo 3.1 Lite", VIDEOS),
    "veo-2.0-generate-exp": ("Veo 2 Experimental", VIDEOS),
}
