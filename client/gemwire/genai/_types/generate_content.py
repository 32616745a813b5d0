"""Generated content: configs of the calls and their responses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from google.protobuf.message import Message

from gemwire._log import log
from gemwire.genai._json.mcp_tools import McpSession, McpTool
from gemwire.genai._types.config import Config
from gemwire.genai._types.content import Content, ContentUnion
from gemwire.genai._types.http_options import CallConfig, HttpResponse
from gemwire.genai._types.response_headers import HeadersField, ResponseOrigin
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.enums import Names
from gemwire_runtime.pydantic_models import Fields
from gemwire_runtime.upb import descriptor_of
from gemwire_runtime.view_fields import Field, LocalField
from gemwire_runtime.views import View, replace_field

if TYPE_CHECKING:
    from gemwire_proto.v1beta.views import (
        SpeechConfigDict,
        ToolDict,
    )


#: Values accepted as a schema: a type or an annotation such as ``list[Lake]``, a `Schema`, or a dict of one.
SchemaUnion: TypeAlias = object
#: Values accepted as a tool: a `Tool`, a dict of its fields, a Python function, an MCP session or
#: its description of a tool.
ToolUnion: TypeAlias = Union[views.Tool, "ToolDict", Callable[..., object], McpSession, McpTool]
ToolListUnion: TypeAlias = Sequence[ToolUnion]
#: Values accepted as a speech config: a `SpeechConfig`, a dict of its fields or the name of a prebuilt voice.
SpeechConfigUnion: TypeAlias = Union[views.SpeechConfig, "SpeechConfigDict", str]

GenerationConfigThinkingConfig: TypeAlias = views.ThinkingConfig
SchemaUnionDict: TypeAlias = SchemaUnion
ToolUnionDict: TypeAlias = ToolUnion
ToolListUnionDict: TypeAlias = ToolListUnion
SpeechConfigUnionDict: TypeAlias = SpeechConfigUnion


class ServiceTier(Names):
    """Service tiers, which set the latency and price of requests. The API has them in lower case."""

    UNSPECIFIED = "unspecified"
    FLEX = "flex"
    STANDARD = "standard"
    PRIORITY = "priority"


class _ServiceTierField(Field):
    """Reads a tier as the enum's member; one that is not known stays text."""

    def read(self, message: Any) -> ServiceTier | None:
        """Return the tier; None where there is none."""
        tier: str = message.service_tier
        return ServiceTier(tier) if tier else None

    def write(self, message: Any, value: object) -> None:
        """Set the tier, in lower case as the API has it."""
        text = getattr(value, "value", value)
        super().write(message, text.lower() if isinstance(text, str) else text)


def _declare_service_tier() -> None:
    for kind in (v1beta.GenerateContentRequest, v1beta.GenerateContentResponse.UsageMetadata):
        replace_field(kind, _ServiceTierField(descriptor_of(kind).fields_by_name["service_tier"]))


_declare_service_tier()


class CitationMetadata(views.CitationMetadata, also={"citations": "citation_sources"}):
    """Sources of the passages of a response; `citations` is another name of `citation_sources`."""

    __slots__ = ()

    citations: list[views.Citation] | None


class AutomaticFunctionCallingConfig(Config):
    """Config of automatic function calling.

    Attributes:
        disable: Whether to leave function calls to the caller. Default: False.
        maximum_remote_calls: Maximum number of calls to the model, including the first. 0 disables automatic
            function calling. Default: 10.
        ignore_call_history: Whether to leave `automatic_function_calling_history` of responses empty.
            Default: False.
    """

    disable: bool | None = None
    maximum_remote_calls: int | None = None
    ignore_call_history: bool | None = None


class GenerateContentConfig(CallConfig):
    """Config of content generation. Unset options use the defaults of the model.

    Attributes:
        system_instruction: Instructions that steer the model; text only.
        temperature: Sampling temperature, from 0 to 2; 0 is the most deterministic.
        top_p: Nucleus sampling: each token is drawn from the most likely tokens whose probabilities add up to
            this value, from 0 to 1.
        top_k: Number of most likely tokens from which each token is drawn. Some models do not support it.
        candidate_count: Number of candidates to generate; all of them are charged. Default: 1.
        max_output_tokens: Maximum number of tokens of a candidate, including thoughts.
        stop_sequences: Up to 5 texts that end the response; they are not part of it.
        response_logprobs: Whether to return the log probabilities of the tokens. Default: False.
        logprobs: Number of most likely tokens to report per step; requires ``response_logprobs``.
        presence_penalty: Penalty for tokens that already occur in the response; negative values favor them.
        frequency_penalty: Penalty for tokens that grows with the number of their occurrences; negative values
            favor repetition.
        seed: Seed of the sampling. Equal requests with equal seeds tend to get equal responses.
        response_mime_type: ``text/plain`` (the default), ``application/json`` for JSON, or ``text/x.enum``
            for one value of an enum.
        response_schema: Schema of the response: a type, a `Schema` or a dict of one. Sets
            ``response_mime_type`` to ``application/json`` if that is unset.
        response_json_schema: Schema of the response as JSON Schema; excludes ``response_schema`` and requires
            ``response_mime_type="application/json"``.
        safety_settings: Thresholds above which content is blocked, by category of harm.
        tools: Tools and Python functions that the model may call.
        tool_config: Whether and which tools the model must call.
        cached_content: Name of the cached content that precedes the contents.
        response_modalities: Kinds of output: ``TEXT``, ``IMAGE``, ``AUDIO``. Default: text only.
        media_resolution: Resolution at which the model sees images and videos.
        speech_config: Voice and language of spoken output. A string is the name of a prebuilt voice.
        automatic_function_calling: Config of automatic calls to the Python functions in ``tools``.
        thinking_config: Thinking budget and whether thoughts are returned; thinking models only.
        image_config: Options of generated images; models with image output only.
        enable_enhanced_civic_answers: Whether to give enhanced answers to civic questions; some models only.
            Default: False.
        labels: Labels of the request, for billing. Sent over HTTP.
        service_tier: Trade-off between latency and price. Sent over HTTP.
        store: Whether the service may store the request and the response. Sent over HTTP.
        continuation_token: Token of an earlier response that is to be continued. Sent over HTTP.
        automatic_continuation: Whether a response that ends at the limit of one request is continued by
            further ones, each with its own timeout, retries and price. Default: True.
        audio_transcription_config: Transcription of audio. Sent over HTTP.
        routing_config: Who chooses the model, the service or the caller. Vertex AI only; as the next four.
        model_selection_config: What the choice of a model prefers. Sent over HTTP.
        audio_timestamp: Whether audio is understood with times.
        model_armor_config: Templates by which prompts and responses are screened.
        generation_output_config: Where media of the response are written. Sent over HTTP.
        should_return_http_response: Must not be True: the response of gRPC is a message, not JSON.
    """

    system_instruction: ContentUnion | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    response_mime_type: str | None = None
    response_schema: SchemaUnion | None = None
    response_json_schema: dict[str, object] | None = None
    safety_settings: list[views.SafetySetting] | None = None
    tools: ToolListUnion | None = None
    tool_config: views.ToolConfig | None = None
    cached_content: str | views.CachedContent | None = None
    response_modalities: list[views.Modality | str] | None = None
    media_resolution: views.MediaResolution | str | None = None
    speech_config: SpeechConfigUnion | None = None
    automatic_function_calling: AutomaticFunctionCallingConfig | None = None
    thinking_config: views.ThinkingConfig | None = None
    image_config: views.ImageConfig | None = None
    enable_enhanced_civic_answers: bool | None = None
    labels: dict[str, str] | None = None
    service_tier: ServiceTier | str | None = None
    store: bool | None = None
    continuation_token: bytes | None = None
    automatic_continuation: bool | None = None
    audio_transcription_config: views.AudioTranscriptionConfig | None = None
    routing_config: views.GenerationConfigRoutingConfig | None = None
    model_selection_config: views.ModelSelectionConfig | None = None
    audio_timestamp: bool | None = None
    model_armor_config: views.ModelArmorConfig | None = None
    generation_output_config: views.GenerationOutputConfig | None = None
    should_return_http_response: bool | None = None


class CountTokensConfig(CallConfig):
    """Config of token counting.

    Attributes:
        system_instruction: Instructions to count in addition to the contents.
        tools: Tools to count in addition to the contents.
        generation_config: Generation options to count in addition to the contents.
    """

    system_instruction: ContentUnion | None = None
    tools: ToolListUnion | None = None
    generation_config: views.GenerationConfig | None = None


class _ParsedField(LocalField):
    """Reads the answer by its schema, unless a program set it."""

    def __get__(self, view: View | None, owner: type[View]) -> object:
        if not isinstance(view, GenerateContentResponse):
            return self
        shown = super().__get__(view, owner)
        return view.parse() if shown is None else shown


class _OriginHeadersField(HeadersField):
    """Reads the headers from the origin of the response, unless a program set them."""

    def __get__(self, view: View | None, owner: type[View]) -> object:
        shown = super().__get__(view, owner)
        if shown is None and isinstance(view, GenerateContentResponse):
            origin = view.get_origin()
            return origin and origin.http_response
        return shown


class GenerateContentResponse(
    views.GenerateContentResponse,
    local={
        "sdk_http_response": _OriginHeadersField(),
        "automatic_function_calling_history": list[views.Content],
        "parsed": _ParsedField("parsed", object),
    },
):
    """A response, or a chunk of a streamed one.

    Attributes:
        sdk_http_response: Headers of the response, where they are known.
        automatic_function_calling_history: Contents of the automatic function calls that led to the response,
            beginning with those of the request; empty if no function was called.
        parsed: The text converted to the type given as `response_schema`; None if it does not match the
            schema. An instance of the type, or for a `Schema` or a dict the JSON value.
    """

    __slots__ = ("_origin",)

    _origin: ResponseOrigin | None
    sdk_http_response: HttpResponse | None
    automatic_function_calling_history: list[Content]
    parsed: Any

    @classmethod
    def of(cls, message: Message, origin: ResponseOrigin | None = None) -> GenerateContentResponse:
        """Build the view of a message, which is not copied.

        Args:
            message: The response.
            origin: What it has in common with others: the schema of `parsed`, and the headers.
        """
        response = object.__new__(cls)
        response._pb = message
        response._kept = None
        response._origin = origin
        return response

    def get_origin(self) -> ResponseOrigin | None:
        """Return what was given as origin; None for a response that a program built."""
        return getattr(self, "_origin", None)

    def find_local(self) -> Fields | None:
        # Copies have the headers, and so have pickled responses.
        kept = super().find_local()
        headers = self.sdk_http_response
        return kept if headers is None else {**(kept or {}), "sdk_http_response": headers}

    @property
    def parts(self) -> list[views.Part] | None:
        """The parts of the first candidate."""
        if self._get_content("parts") is None or not self.candidates:
            return None
        content = self.candidates[0].content
        return None if content is None else content.parts

    @property
    def text(self) -> str | None:
        """The text of the first candidate without thoughts; None if it has no text."""
        content = self._get_content("text")
        if content is None:
            return None
        parts = content.parts
        if len(parts) == 1:
            part = parts[0]
            if part.WhichOneof("data") == "text" and not part.thought:
                return str(part.text)
        texts: list[str] = []
        others: set[str] = set()
        for part in parts:
            kind = part.WhichOneof("data")
            if kind == "text":
                if not part.thought:
                    texts.append(part.text)
            elif kind is not None:
                others.add(kind)
        if others:
            _warn_once(
                f"there are non-text parts in the response, and .text is without: {', '.join(sorted(others))}"
            )
        return "".join(texts) if texts else None

    @property
    def function_calls(self) -> list[views.FunctionCall] | None:
        """The function calls in the first candidate; None if there are none."""
        content = self._get_content("function_calls")
        if content is None or not any(part.HasField("function_call") for part in content.parts):
            return None
        return [part.function_call for part in self.parts or () if part.function_call is not None]

    @property
    def executable_code(self) -> str | None:
        """The first code in the first candidate that the model wrote to be executed."""
        content = self._get_content("executable_code")
        parts = [p for p in content.parts if p.HasField("executable_code")] if content else []
        return (parts[0].executable_code.code or None) if parts else None

    @property
    def code_execution_result(self) -> str | None:
        """The output of the first code in the first candidate that was executed."""
        content = self._get_content("code_execution_result")
        parts = [p for p in content.parts if p.HasField("code_execution_result")] if content else []
        return (parts[0].code_execution_result.output or None) if parts else None

    def parse(self) -> object:
        """Convert the text to the type given as `response_schema`; see `parsed`."""
        origin = self.get_origin()
        schema = origin and origin.schema
        text = None if schema is None else self.text
        if text is None:
            return None
        # Imported late: few programs ask for JSON.
        from gemwire.genai._json.json_values import parse_answer

        try:
            return parse_answer(text, schema)
        except ValueError:
            return None

    def _get_content(self, read: str) -> v1beta.Content | None:
        candidates = self._pb.candidates
        if not candidates:
            return None
        if len(candidates) > 1:
            # google-genai's words, which differ for text.
            many = (
                f"{len(candidates)} candidates" if read == "text" else "multiple candidates in the response"
            )
            _warn_once(f"there are {many}; .{read} reads the first one")
        content: v1beta.Content = candidates[0].content
        return content


_warned: set[str] = set()


def _warn_once(text: str) -> None:
    if text not in _warned:
        _warned.add(text)
        log(logging.WARNING, text)
