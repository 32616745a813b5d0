"""Requests of ``client.models``: content generation, token counting and embeddings."""

from __future__ import annotations

from gemwire.genai._convert.contents import to_content, to_contents, to_system_instruction
from gemwire.genai._convert.fields import write_config_field
from gemwire.genai._convert.resource_names import to_model_name
from gemwire.genai._convert.response_schema import to_response_json_schema, to_response_schema
from gemwire.genai._convert.tools import to_tools
from gemwire.genai._types.config import field_names as config_field_names
from gemwire.genai._types.content import ContentListUnion
from gemwire.genai._types.embed_content import EmbedContentConfig
from gemwire.genai._types.family import GEMINI, Family
from gemwire.genai._types.generate_content import CountTokensConfig, GenerateContentConfig
from gemwire_proto import v1beta
from gemwire_proto.v1beta import views
from gemwire_runtime.view_fields import message_of

#: Fields of the config that GenerationConfig has under the same names, except those that are converted.
_GENERATION = (GEMINI.generation_fields.keys() & config_field_names(GenerateContentConfig)) - {
    "response_schema",
    "response_json_schema",
    "speech_config",
}
#: Models that make one vector of each item of a list, although they are Gemini's.
_ONE_EACH = ("gemini-embedding-001", "gemini-embedding-exp")
#: Fields of the config that the request has under the same names.
_REQUEST = frozenset(
    {
        *("tool_config", "safety_settings", "labels", "service_tier", "store", "continuation_token"),
        *("model_armor_config", "generation_output_config"),
    }
)


def to_generate_content_request(
    model: str, contents: ContentListUnion | None, config: GenerateContentConfig, family: Family = GEMINI
) -> v1beta.GenerateContentRequest:
    """Build the request of ``generate_content``.

    Args:
        model: Full name of the model.
        contents: See `to_contents`.
        config: Config of the call.
        family: The family of the message.
    """
    messages = to_contents(contents, "contents", family)
    request = family.request(model=model, contents=messages)
    _write_config(request, config, family)
    return request


def to_request_head(
    model: str, config: GenerateContentConfig, family: Family = GEMINI
) -> v1beta.GenerateContentRequest:
    """Build the request of ``generate_content`` without contents; see `to_generate_content_request`."""
    request = family.request(model=model)
    _write_config(request, config, family)
    return request


def to_count_tokens_request(
    model: object, contents: ContentListUnion | None, config: CountTokensConfig
) -> v1beta.CountTokensRequest:
    """Build the request of ``count_tokens``."""
    name = to_model_name(model)
    options = {"system_instruction": config.system_instruction, "tools": config.tools}
    if config.generation_config is None and not any(option is not None for option in options.values()):
        return v1beta.CountTokensRequest(model=name, contents=to_contents(contents))
    request = to_generate_content_request(name, contents, GenerateContentConfig().model_copy(update=options))
    if config.generation_config is not None:
        generation = views.GenerationConfig.model_validate(config.generation_config)
        request.generation_config.CopyFrom(message_of(generation))
    return v1beta.CountTokensRequest(model=name, generate_content_request=request)


def group_embedded(model: str, contents: ContentListUnion | None) -> ContentListUnion | None:
    """Group texts and parts into contents for models that make one vector of several, as requests do.

    Models with ``gemini`` in their names do, except the first, which embed texts alone.
    """
    name = model.rpartition("/")[2]
    if "gemini" not in name or name.startswith(_ONE_EACH) or not isinstance(contents, list) or not contents:
        return contents
    return list(to_contents(contents))


def to_embed_content_request(
    model: object, contents: ContentListUnion | None, config: EmbedContentConfig
) -> v1beta.BatchEmbedContentsRequest:
    """Build the request of ``embed_content``: one vector for each item of a list."""
    name = to_model_name(model)
    items = contents if isinstance(contents, list) else [contents]
    if contents is None or not items:
        raise ValueError("contents are required: a string, or a list with one item for each vector")
    fields: dict[str, object] = {"model": name}
    for key, value in config.given():
        if key == "task_type":
            fields[key] = str(getattr(value, "value", value)).upper()
        elif key != "http_options":
            fields[key] = value
    requests = []
    for index, item in enumerate(items):
        content = to_content(item, f"contents[{index}]")
        requests.append({**fields, "content": content})
    return v1beta.BatchEmbedContentsRequest(model=name, requests=requests)


def to_speech_config(value: object) -> object:
    """Return a speech config or a dict of one; a string is the name of a prebuilt voice."""
    if isinstance(value, str):
        return {"voice_config": {"prebuilt_voice_config": {"voice_name": value}}}
    return value


def _write_config(
    request: v1beta.GenerateContentRequest, config: GenerateContentConfig, family: Family
) -> None:
    generation = request.generation_config
    for name, value in config.given():
        if name in _GENERATION:
            write_config_field(family.generation_fields[name], generation, value)
        elif name in _REQUEST:
            write_config_field(family.request_fields[name], request, value)
        elif name == "system_instruction":
            request.system_instruction.CopyFrom(to_system_instruction(value, family))
        elif name == "tools":
            write_config_field(family.request_fields[name], request, to_tools(value))
        elif name == "cached_content":
            request.cached_content = getattr(value, "name", None) or value
        elif name == "response_schema":
            field, schema = to_response_schema(value)
            write_config_field(family.generation_fields[field], generation, schema)
            if not generation.response_mime_type:
                generation.response_mime_type = "application/json"
        elif name == "response_json_schema":
            write_config_field(family.generation_fields[name], generation, to_response_json_schema(value))
        elif name == "should_return_http_response" and value:
            raise ValueError(f"config.{name}: the response over gRPC is a message, not JSON; leave it out")
        elif name == "speech_config":
            write_config_field(family.generation_fields[name], generation, to_speech_config(value))
