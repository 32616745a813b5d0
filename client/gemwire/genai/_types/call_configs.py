"""The config objects of `gemwire.genai`, as the google-genai package names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from gemwire.genai._types.aliases import ServiceTier
from gemwire.genai._types.config import Config
from gemwire_proto.v1beta import views

#: What is taken for a part, for a content and for contents.
PartUnion: TypeAlias = Any
ContentUnion: TypeAlias = Any
ContentListUnion: TypeAlias = Any
#: What is taken for a schema: a type, a `Schema`, or a dict of one.
SchemaUnion: TypeAlias = Any


class HttpRetryOptions(Config):
    """When and how calls are repeated.

    Attributes:
        attempts: How often a call is tried, the first time included.
        initial_delay: Seconds before the second, at most.
        max_delay: Seconds between two, at most.
        exp_base: Growth of the delay.
        jitter: As google-genai's; the delay here is random from 0 to its bound whatever is said.
        http_status_codes: HTTP codes after which a call is repeated.
    """

    attempts: int | None = None
    initial_delay: float | None = None
    max_delay: float | None = None
    exp_base: float | None = None
    jitter: float | None = None
    http_status_codes: Sequence[int] | None = None


class HttpOptions(Config):
    """Where calls go and how long they may take.

    Attributes:
        base_url: Address of the service. One that begins with ``http://`` is a server on this machine,
            without encryption, that speaks HTTP/1.1; with ``transport="grpc"`` it speaks gRPC.
        api_version: ``v1``, ``v1beta`` or ``v1alpha``: v1beta is called, which has what the others have.
        headers: Sent with every call, as metadata.
        timeout: Milliseconds for a whole call.
        retry_options: When calls are repeated.
    """

    base_url: str | None = None
    api_version: str | None = None
    headers: Mapping[str, str] | None = None
    timeout: int | None = None
    retry_options: HttpRetryOptions | Mapping[str, Any] | None = None


class CallConfig(Config):
    """What any call may be told.

    Attributes:
        http_options: For this call alone.
    """

    http_options: HttpOptions | Mapping[str, Any] | None = None


class AutomaticFunctionCallingConfig(Config):
    """How Python functions among the tools are called.

    Attributes:
        disable: Whether they are not.
        maximum_remote_calls: Calls of the model that one call may make, the first included; 10 by default.
        ignore_call_history: Whether the response has no `automatic_function_calling_history`.
    """

    disable: bool | None = None
    maximum_remote_calls: int | None = None
    ignore_call_history: bool | None = None


class GenerateContentConfig(CallConfig):
    """How content is generated. What is not set, the model decides.

    Attributes:
        http_options: For this call alone.
        system_instruction: What the model is told beside the contents.
        temperature: How far answers may stray, from 0 on.
        top_p: Share of the probability that is sampled from.
        top_k: Tokens that are sampled from.
        candidate_count: Answers to give.
        max_output_tokens: Tokens of an answer, at most.
        stop_sequences: Texts that end an answer.
        response_logprobs: Whether the probabilities of tokens are wanted.
        logprobs: Of how many tokens for each.
        presence_penalty: Against tokens that were there.
        frequency_penalty: Against tokens that were there often.
        seed: Makes answers repeatable.
        response_mime_type: ``application/json`` or ``text/x.enum`` for structured answers.
        response_schema: Of what structure: a type, a `Schema` or a dict of one.
        response_json_schema: The same as JSON Schema.
        safety_settings: What is blocked.
        tools: Functions and tools that the model may use.
        tool_config: How it may use them.
        cached_content: Name of a cache that the contents continue.
        response_modalities: ``TEXT``, ``IMAGE`` or ``AUDIO``.
        media_resolution: How closely pictures are looked at.
        speech_config: How answers are spoken.
        automatic_function_calling: How Python functions among the tools are called.
        thinking_config: Whether and how long the model thinks.
        image_config: How pictures are made.
        enable_enhanced_civic_answers: Whether answers on civic matters are enhanced.
        labels: Of the call, for its bill. Goes over HTTP, as do the next four.
        service_tier: How soon the answer is wanted, and at what price.
        store: Whether the service may keep the call.
        continuation_token: Goes on with an answer.
        audio_transcription_config: How speech is written down.
        routing_config: Of Vertex AI.
        model_selection_config: Of Vertex AI.
        audio_timestamp: Of Vertex AI.
    """

    system_instruction: ContentUnion | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: Sequence[str] | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    response_mime_type: str | None = None
    response_schema: SchemaUnion | None = None
    response_json_schema: Any | None = None
    safety_settings: Sequence[views.SafetySetting | Mapping[str, Any]] | None = None
    tools: Sequence[views.Tool | Callable[..., Any] | Mapping[str, Any]] | None = None
    tool_config: views.ToolConfig | Mapping[str, Any] | None = None
    cached_content: str | None = None
    response_modalities: Sequence[str] | None = None
    media_resolution: views.GenerationConfigMediaResolution | str | None = None
    speech_config: views.SpeechConfig | Mapping[str, Any] | str | None = None
    automatic_function_calling: AutomaticFunctionCallingConfig | Mapping[str, Any] | None = None
    thinking_config: views.ThinkingConfig | Mapping[str, Any] | None = None
    image_config: views.ImageConfig | Mapping[str, Any] | None = None
    enable_enhanced_civic_answers: bool | None = None
    labels: Mapping[str, str] | None = None
    service_tier: ServiceTier | str | None = None
    store: bool | None = None
    continuation_token: str | None = None
    audio_transcription_config: Mapping[str, Any] | None = None
    routing_config: Any | None = None
    model_selection_config: Any | None = None
    audio_timestamp: bool | None = None


class CountTokensConfig(CallConfig):
    """How tokens are counted.

    Attributes:
        http_options: For this call alone.
        system_instruction: Counted too.
        tools: Counted too.
        generation_config: Counted too.
    """

    system_instruction: ContentUnion | None = None
    tools: Sequence[views.Tool | Callable[..., Any] | Mapping[str, Any]] | None = None
    generation_config: views.GenerationConfig | Mapping[str, Any] | None = None


class EmbedContentConfig(CallConfig):
    """How content is embedded.

    Attributes:
        http_options: For this call alone.
        task_type: What the vectors are for, such as ``RETRIEVAL_QUERY``.
        title: Of the document, for ``RETRIEVAL_DOCUMENT``.
        output_dimensionality: Numbers of a vector.
        mime_type: Of Vertex AI.
        auto_truncate: Of Vertex AI.
    """

    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    mime_type: str | None = None
    auto_truncate: bool | None = None
