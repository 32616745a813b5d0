"""From a model's name, contents and a config to the request that is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gemwire.genai._convert.resource_names import model_name
from gemwire.genai._convert.response_schema import to_schema
from gemwire.genai._types.call_configs import CountTokensConfig, EmbedContentConfig, GenerateContentConfig
from gemwire.genai._types.content import to_content, to_contents
from gemwire.genai._types.functions import to_tools
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.views import View

#: Fields of the config that are fields of GenerationConfig, under the same names.
_GENERATION = frozenset(views.GenerationConfig._fields) & frozenset(GenerateContentConfig._fields)
#: Fields of the config that are fields of the request, the last three in JSON alone.
_REQUEST = frozenset({"tool_config", "safety_settings", "labels", "store", "continuation_token"})
#: Those that need more than taking over.
_BY_HAND = frozenset({"response_schema", "response_json_schema", "speech_config"})
_VERTEX = ("routing_config", "model_selection_config", "audio_timestamp")


def generate_content(model: Any, contents: Any, config: GenerateContentConfig) -> Any:
    """The GenerateContentRequest. Nothing that is given is changed.

    Args:
        model: Its name.
        contents: See `to_contents`.
        config: How.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    request = v1beta.GenerateContentRequest(model=model_name(model), contents=to_contents(contents))
    _configure(request, config)
    return request


def head(model: Any, config: GenerateContentConfig) -> Any:
    """The GenerateContentRequest without its contents; see `generate_content`."""
    request = v1beta.GenerateContentRequest(model=model_name(model))
    _configure(request, config)
    return request


def _configure(request: Any, config: GenerateContentConfig) -> None:
    for name, value in config.given():
        if name in _GENERATION and name not in _BY_HAND:
            _write(request.generation_config, views.GenerationConfig, name, value)
        else:
            _apply(request, name, value)


def count_tokens(model: Any, contents: Any, config: CountTokensConfig) -> Any:
    """The CountTokensRequest.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    name = model_name(model)
    given = dict(config.given())
    given.pop("http_options", None)
    if not given:
        return v1beta.CountTokensRequest(model=name, contents=to_contents(contents))
    generation = given.pop("generation_config", None)
    inner = generate_content(model, contents, GenerateContentConfig(**given))
    if generation is not None:
        inner.generation_config.CopyFrom(views.GenerationConfig.model_validate(generation)._pb)
    return v1beta.CountTokensRequest(model=name, generate_content_request=inner)


def embed_content(model: Any, contents: Any, config: EmbedContentConfig) -> Any:
    """The BatchEmbedContentsRequest: one vector for each item of a list.

    Raises:
        ValueError: A value is none that can be sent.
        TypeError: A value is of a wrong type.
    """
    name = model_name(model)
    items = contents if isinstance(contents, list) else [contents]
    if contents is None or not items:
        raise ValueError("contents are required: a text, or a list of what each gets a vector")
    fields: dict[str, Any] = {"model": name}
    for key, value in config.given():
        if key in {"mime_type", "auto_truncate"}:
            raise ValueError(f"config.{key} is of Vertex AI; the Gemini API does not have it")
        if key == "task_type":
            fields[key] = str(getattr(value, "value", value)).upper()
        elif key != "http_options":
            fields[key] = value
    requests = [{**fields, "content": to_content(item, f"contents[{at}]")} for at, item in enumerate(items)]
    return v1beta.BatchEmbedContentsRequest(model=name, requests=requests)


def system_instruction(value: Any) -> Any:
    """The content of a system instruction.

    Raises:
        ValueError: It says nothing that can be sent.
        TypeError: It is of a wrong type.
    """
    content = v1beta.Content()
    content.CopyFrom(to_content(value, "config.system_instruction"))
    return content


def _apply(request: Any, name: str, value: Any) -> None:
    """One field of the config that is not one of GenerationConfig."""
    if name == "system_instruction":
        request.system_instruction.CopyFrom(system_instruction(value))
    elif name == "tools":
        request.tools.extend(to_tools(value))
    elif name == "service_tier":
        _write(request, views.GenerateContentRequest, name, _service_tier(value))
    elif name in _REQUEST:
        _write(request, views.GenerateContentRequest, name, value)
    elif name == "cached_content":
        request.cached_content = getattr(value, "name", None) or value
    elif name == "response_schema":
        _schema(request.generation_config, value)
    elif name == "response_json_schema":
        _write(request.generation_config, views.GenerationConfig, "response_json_schema", value)
    elif name == "speech_config":
        _write(request.generation_config, views.GenerationConfig, name, speech_config(value))
    elif name in _VERTEX:
        raise ValueError(f"config.{name} is of Vertex AI; the Gemini API does not have it")


def _schema(config: Any, value: Any) -> None:
    field, made = to_schema(value)
    _write(config, views.GenerationConfig, field, made)
    if not config.response_mime_type:
        config.response_mime_type = "application/json"


def _service_tier(value: Any) -> Any:
    text = getattr(value, "value", value)
    return text.lower() if isinstance(text, str) else text


def speech_config(value: Any) -> Any:
    """What is taken for a SpeechConfig: a text is the name of a voice."""
    if isinstance(value, str):
        return {"voice_config": {"prebuilt_voice_config": {"voice_name": value}}}
    return value


def _write(message: Any, kind: type[View], name: str, value: Any) -> None:
    """Write a field as views do; the error names the config's."""
    if isinstance(value, Mapping) and not value:
        return
    try:
        kind._fields[name].write(message, value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"config.{error}") from None
